"""Aftermath: failures that one request before them, one method, one way to send a body or one limit explains."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from conformance.causes.normalized_answers import STATUS
from conformance.checks import expect
from conformance.core.model import Area, TransportFailure
from conformance.fuzz.features import Category
from conformance.profile.facts import LimitKind

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from conformance.causes.cause_analysis import CauseAnalysis
    from conformance.causes.normalized_answers import AnswerStatus
    from conformance.causes.step_difference import StepDifference
    from conformance.core.model import Request

_MIN_LOST = 3
"""So many groups must have lost one status to be of one cause."""
_EVENT_LIMIT_FACTS = frozenset({f"limits.{LimitKind.EVENT}", f"limits.{LimitKind.BATCH_EVENT}"})
_MESSAGE_CATEGORIES = (Category.METHOD, Category.PATH)


def merge_aftermath(groups: Iterable[list[StepDifference]], causes: CauseAnalysis) -> list[list[StepDifference]]:
    """The groups, those merged that one request explains.

    If the body of a refused request stays on its connection, whatever comes next is refused in the same way.
    """
    for key_of in (
        _leftover_key,
        lambda unit: _method_key(unit, causes),
        _spelling_key,
        _event_limit_key,
        _not_http_key,
    ):
        groups = _merge_by(groups, key_of)
    return _merge_lost_statuses([*groups], causes)


def _merge_lost_statuses(groups: Sequence[list[StepDifference]], causes: CauseAnalysis) -> list[list[StepDifference]]:
    """The groups, those merged that have the same answer in place of a status that the target is never seen to send.

    A server that answers 500 wherever 400 is right has no fault in each of its checks.
    """
    by_answer: dict[AnswerStatus, list[int]] = defaultdict(list)
    for number, group in enumerate(groups):
        changes = {unit.change for unit in group if unit.decides_verdict}
        answers = {change.statuses[-1] for change in changes if change.statuses}
        if len(answers) == 1 and all(change.statuses and _is_lost(change.statuses[0], causes) for change in changes):
            by_answer[answers.pop()].append(number)
    merged = [list(group) for group in groups]
    for first, *others in (numbers for numbers in by_answer.values() if len(numbers) >= _MIN_LOST):
        for number in others:
            merged[first] += merged[number]
            merged[number] = []
    return [group for group in merged if group]


def _is_lost(status: AnswerStatus, causes: CauseAnalysis) -> bool:
    """Whether a refusal is never seen where it is right."""
    return not status.is_success and status.code not in causes.right_statuses


def _merge_by(
    groups: Iterable[list[StepDifference]], key_of: Callable[[StepDifference], Hashable | None]
) -> list[list[StepDifference]]:
    """The groups, those merged of which all failures have the same key."""
    merged: dict[Hashable, list[StepDifference]] = defaultdict(list)
    for number, group in enumerate(groups):
        keys = {key_of(unit) for unit in group if unit.decides_verdict}
        (key,) = keys if len(keys) == 1 else (None,)
        merged[("lone", number) if key is None else key].extend(group)
    return [*merged.values()]


def _spelling_key(difference: StepDifference) -> Hashable | None:
    """How a body of a certain size is spelled or sent, if the check is about that: of events and batches alike."""
    check = difference.trial.check
    word = check.id.rpartition(".")[2]
    return ("spelling", word, difference.change.kind) if check.area is Area.SIZE and "-" in word else None


def _event_limit_key(difference: StepDifference) -> Hashable | None:
    """The change, if an event over the limit of one event is accepted, alone or in a batch; None otherwise."""
    request, change = difference.request, difference.change
    if request is None or request.measured_size is None or not change.statuses or not change.statuses[-1].is_success:
        return None
    is_of_event = request.measured_size.limit_fact in _EVENT_LIMIT_FACTS
    return ("event limit", change.kind) if is_of_event and difference.trial.check.id.endswith(".over") else None


def _not_http_key(difference: StepDifference) -> Hashable | None:
    """The same for every answer that is no HTTP: what an answer leaves on a connection spoils the next one there."""
    failures = {status.failure for status in difference.change.statuses[-1:]}
    return "not HTTP" if failures == {TransportFailure.NOT_HTTP} else None


def _leftover_key(difference: StepDifference) -> Hashable | None:
    """What is wrong with the method or path of the request before, and the refusal that follows; None if nothing is."""
    exchanges = difference.results[1].exchanges
    statuses, operation = difference.change.statuses, difference.trial.asked_operation
    if not statuses or not 0 < difference.step < len(exchanges) or operation is None:
        return None
    status = statuses[-1]
    before = exchanges[difference.step - 1].request
    wrong = _wrong_parts(before, operation.method, operation.path)
    if not wrong or not before.body or status.is_server_failure or status.is_success:
        return None
    return "leftover", operation, wrong, status


def _wrong_parts(request: Request, method: str, path: str) -> Sequence[Category]:
    """Whether the method or the path of a request is not that of its operation."""
    return tuple(
        category
        for category, is_wrong in zip(
            _MESSAGE_CATEGORIES, (request.method != method, request.path != path), strict=True
        )
        if is_wrong
    )


def _method_key(difference: StepDifference, causes: CauseAnalysis) -> Hashable | None:
    """The change, if the method is wrong and no wrong method is refused as it should be; None otherwise."""
    request, operation = difference.request, difference.trial.asked_operation
    if difference.change.facet != STATUS or request is None or operation is None:
        return None
    if request.method == operation.method or request.path != operation.path:
        return None
    for item in causes.exchanges_alike(operation):
        is_like_it = item.request.method != operation.method and item.request.path == operation.path
        if is_like_it and not expect.is_accepted(item) and not expect.is_server_error(item):
            return None
    return "method", difference.change.kind
