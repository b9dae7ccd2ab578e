"""Learning what a check expects of each answer, by dry runs with one status after the other."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, TypeAlias

from conformance.core.model import Outcome
from conformance.export.dry_run import DryRunResult, dry_run, promised_body, status_sequence
from conformance.export.exported_checks import Expectation
from conformance.export.limitations import NotExportable, OmissionReason
from conformance.export.statuses import status_ranges
from conformance.requests import ConcurrentRequests, Conversation, Draft
from conformance.requests.steps import AwaitArrivals, FromPage, ReadLedger
from conformance.run.engine import MAX_EXCHANGES

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from conformance.checks.trial import Trial
    from conformance.core.model import Level, Request
    from conformance.export.exported_checks import BodyPromise
    from conformance.requests import Step

GetReferenceStatus: TypeAlias = Callable[["Request"], int]
"""Returns the status with which a correct server answers a request."""

_BODY_ATTRIBUTES = frozenset({"headers", "header", "media_type", "body", "text", "truncated"})
"""Attributes of a response that a check of the body may read."""

_COMPARED_FIELDS = [
    item.name for item in fields(Draft) if item.name not in {"edit_bytes", "encode_pixel", "raw_writer"}
]
"""The fields of a draft that can be compared: all but its functions."""


class StatusKind(enum.Enum):
    """What a check does after an answer: it goes on, passes, ends without a failure, or fails."""

    CONTINUES = enum.auto()
    PASSES = enum.auto()
    ENDS = enum.auto()
    FAILS = enum.auto()


@dataclass(slots=True, kw_only=True)
class LearnedStep:
    """A draft of a check, and what the check does after each status so far.

    `untried` are the statuses still to be tried, `reference_status` is that of a correct answer. `accessed` are the
    attributes of the response that the check read, by status.
    """

    draft: Draft
    request: Request
    reference_status: int
    untried: list[int]
    kinds: dict[int, StatusKind] = field(default_factory=dict)
    accessed: dict[int, frozenset[str]] = field(default_factory=dict)
    expected: str = ""
    promise: str = ""

    @property
    def good_kind(self) -> StatusKind:
        """What the check does after a good answer: it goes on, if it ever does."""
        return StatusKind.CONTINUES if StatusKind.CONTINUES in self.kinds.values() else StatusKind.PASSES

    def statuses_of(self, kind: StatusKind) -> list[int]:
        """The statuses after which the check does this."""
        return [status for status, status_kind in self.kinds.items() if status_kind is kind]

    @property
    def continuing_status(self) -> int:
        """A status with which the check goes on, preferably the correct one, which is also the fallback."""
        continuing = self.statuses_of(StatusKind.CONTINUES)
        return (
            self.reference_status
            if self.reference_status in continuing
            else min(continuing, default=self.reference_status)
        )

    def copy_from(self, other: LearnedStep) -> None:
        """Copies what was learned of another draft."""
        self.untried, self.kinds, self.accessed = [], {**other.kinds}, {**other.accessed}
        self.expected, self.promise = other.expected, other.promise

    def make_expectation(self, title: str, body: BodyPromise | None) -> Expectation:
        """What is expected of the answer. Raises NotExportable if status and body can't express that."""
        good_kind = self.good_kind
        accessed_sets = {self.accessed[status] for status in self.statuses_of(good_kind)}
        if len(accessed_sets) > 1 or (
            good_kind is not StatusKind.PASSES and any(map(self.accessed.get, self.statuses_of(StatusKind.PASSES)))
        ):
            raise NotExportable(OmissionReason.JUDGES_BY_STATUS)
        accessed = next(iter(accessed_sets), frozenset())
        if accessed and (body is None or not accessed <= _BODY_ATTRIBUTES):
            reason = OmissionReason.JUDGES_HTTP_VERSION if "http_version" in accessed else OmissionReason.JUDGES_MORE
            raise NotExportable(reason)
        return Expectation(
            statuses=status_ranges(self.kinds, good_kind),
            ending_statuses=status_ranges(self.kinds, StatusKind.ENDS, *({StatusKind.PASSES} - {good_kind})),
            body=body if accessed else None,
            expected=self.expected or "any answer",
            promise=self.promise or title,
        )


class Learner:
    """Determines which statuses one check accepts after each request. Failures below the gate do not count.

    `get_reference_status` is called once for each draft.
    """

    def __init__(
        self, trial: Trial, gate: Level, statuses: Collection[int], get_reference_status: GetReferenceStatus
    ) -> None:
        self._trial = trial
        self._gate = gate
        self._statuses = statuses
        self._get_reference_status = get_reference_status
        self.learned_steps: list[LearnedStep] = []

    def learn(self, known_steps: Sequence[LearnedStep] = ()) -> None:
        """Fills `learned_steps`. Raises NotExportable, and NotApplicable if the contract does not ask for the check.

        `known_steps` are those of another operation with the same promises; they are reused if they hold.
        """
        if known_steps and self._reuse(known_steps):
            return
        self.learned_steps = []
        dry_run(self._trial, self._add_first_step)
        while (index := next((n for n, item in enumerate(self.learned_steps) if item.untried), None)) is not None:
            self._try_next_status(index)
        if not self._is_independent_of_earlier_statuses():
            raise NotExportable(OmissionReason.EXPECTATION_DEPENDS)

    def _reuse(self, known_steps: Sequence[LearnedStep]) -> bool:
        """Reuses learned steps; returns whether they hold."""

        def choose_status(number: int, step: Step) -> int | None:
            self._add_step(step)
            if (
                number >= len(known_steps)
                or self.learned_steps[number].reference_status not in known_steps[number].kinds
            ):
                return None
            self.learned_steps[number].copy_from(known_steps[number])
            return self.learned_steps[number].continuing_status

        dry_run(self._trial, choose_status)
        return (
            len(self.learned_steps) == len(known_steps)
            and not any(item.untried for item in self.learned_steps)
            and self._is_independent_of_earlier_statuses()
        )

    def _add_first_step(self, _: int, step: Step) -> None:
        """Adds the first step, and ends the dry run there."""
        self._add_step(step)

    def _try_next_status(self, index: int) -> None:
        """Tries a status at one step, and, as long as the check goes on, others at the next ones."""

        def choose_status(number: int, step: Step) -> int | None:
            if number == len(self.learned_steps):
                self._add_step(step)
            learned_step = self.learned_steps[number]
            if not _is_same_request(learned_step.draft, step):
                raise NotExportable(OmissionReason.NEXT_REQUEST_DEPENDS)
            if number < index:
                return learned_step.continuing_status
            return learned_step.untried[0] if learned_step.untried else None

        run = dry_run(self._trial, choose_status)
        if len(run.steps) <= index:
            raise NotExportable(OmissionReason.NEXT_REQUEST_DEPENDS)
        for number, step in enumerate(run.steps):
            if number >= index:
                result = run.result if number == len(run.steps) - 1 else None
                self._record(self.learned_steps[number], step.status, step.accessed, result)

    def _record(
        self, learned_step: LearnedStep, status: int, accessed: frozenset[str], result: DryRunResult | None
    ) -> None:
        learned_step.untried.remove(status)
        learned_step.kinds[status] = kind = self.kind_of(result)
        learned_step.accessed[status] = accessed
        if kind is StatusKind.FAILS and result is not None and not learned_step.promise:
            learned_step.expected, learned_step.promise = result.expected, result.promise

    def kind_of(self, result: DryRunResult | None) -> StatusKind:
        """What a check does after an answer, given the result of the dry run; None if it goes on."""
        if result is None:
            return StatusKind.CONTINUES
        if result.outcome is Outcome.PASS:
            return StatusKind.PASSES
        return StatusKind.FAILS if result.level and result.level.is_at_least(self._gate) else StatusKind.ENDS

    def _add_step(self, step: Step) -> None:
        """Adds a step; the status of a correct answer is tried first. Raises NotExportable."""
        if len(self.learned_steps) >= MAX_EXCHANGES:
            raise RuntimeError(f"{self._trial.name} makes more than {MAX_EXCHANGES} exchanges")
        draft = _require_plain_draft(step)
        request = draft.build_request()
        reference_status = self._get_reference_status(request)
        untried = sorted({*self._statuses, reference_status}, key=lambda status: (status != reference_status, status))
        self.learned_steps.append(
            LearnedStep(draft=draft, request=request, reference_status=reference_status, untried=untried)
        )

    def _is_independent_of_earlier_statuses(self) -> bool:
        """Whether a status has the same effect after other good answers than the usual ones."""
        for index, learned_step in enumerate(self.learned_steps):
            earlier_statuses = [max(item.statuses_of(StatusKind.CONTINUES)) for item in self.learned_steps[:index]]
            for kind in set(learned_step.kinds.values()):
                run = dry_run(self._trial, status_sequence([*earlier_statuses, max(learned_step.statuses_of(kind))]))
                if len(run.steps) != index + 1 or self.kind_of(run.result) is not kind:
                    return False
        return True

    def expectations(self) -> list[Expectation]:
        """What is expected of each answer. Raises NotExportable."""
        title, body = self._trial.check.title, promised_body(self._trial)
        return [item.make_expectation(title, body) for item in self.learned_steps]


def _require_plain_draft(step: Step) -> Draft:
    """The step, if it is a draft that any HTTP client can send. Raises NotExportable otherwise."""
    match step:
        case ConcurrentRequests():
            raise NotExportable(OmissionReason.CONCURRENT)
        case Conversation() | FromPage() | AwaitArrivals() | ReadLedger():
            raise NotExportable(OmissionReason.RAW_BYTES)
    if step.raw_writer is not None:
        raise NotExportable(OmissionReason.RAW_BYTES)
    if step.is_chunked:
        raise NotExportable(OmissionReason.CHUNKED)
    if step.pause_s:
        raise NotExportable(OmissionReason.PAUSES)
    return step


def _is_same_request(first: Draft, second: Step) -> bool:
    """Whether two drafts are equal in all fields that can be compared."""
    if not isinstance(second, Draft):
        return False
    return all(getattr(first, name) == getattr(second, name) for name in _COMPARED_FIELDS)
