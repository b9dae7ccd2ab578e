"""Attribution: differences that most likely follow from another one are merged into it."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import TYPE_CHECKING

from conformance.causes.normalized_answers import STATUS, TRAILING_BYTES, VERDICT, AnswerStatus
from conformance.causes.step_difference import FAIL_OR_ERROR
from conformance.core.model import Area, TransportFailure
from conformance.fuzz.features import ANYWHERE, REQUEST, Category
from conformance.profile.facts import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from conformance.causes.cause_analysis import CauseAnalysis
    from conformance.causes.normalized_answers import FacetValue
    from conformance.causes.step_difference import StepDifference
    from conformance.fuzz.features import Feature

NO_SERVER_ERROR_FACT = f"rules.{Rule.NO_SERVER_ERROR}"
GENERAL_AREAS = frozenset({Area.ERRORS, Area.ROBUSTNESS, Area.SDK, Area.SAME, Area.VALUES, Area.COMBINED})
"""Areas of checks that demand sound answers to any request, or send the same as others."""

_ANY_PLACES = {ANYWHERE, REQUEST}


def attribute_consequences(groups: Sequence[list[StepDifference]], causes: CauseAnalysis) -> list[list[StepDifference]]:
    """Merges every group without a cause of its own into the group that explains it, if exactly one does.

    First side effects of a rate limit or of trailing bytes, and requests that have the trait of another group among
    others; then failures of batches, if single events fail alike; then failures of checks that demand only sound
    answers; then differences that fail no check.
    """
    deciding_groups = [group for group in groups if any(difference.decides_verdict for difference in group)]
    for find in (_find_side_effect_owner, lambda group, owners: _find_narrower_owner(group, owners, causes)):
        deciding_groups = _absorb_among_themselves(deciding_groups, find)
    specific_groups = [group for group in deciding_groups if not _is_general(group)]
    batch_groups = [group for group in specific_groups if _is_only_of_areas(group, {Area.BATCH})]
    event_groups = [group for group in specific_groups if group not in batch_groups]
    specific_groups = _absorb(
        batch_groups, event_groups, lambda group, owners: _find_owner(group, _with_opening_check(owners))
    )
    owners = _absorb(
        [group for group in deciding_groups if _is_general(group)],
        specific_groups,
        lambda group, owners: _find_general_owner(
            group, [item for item in owners if not _is_foreign(group, item, causes)]
        ),
    )
    groups_without_verdict = [group for group in groups if not any(unit.decides_verdict for unit in group)]
    return _absorb(
        groups_without_verdict,
        owners,
        lambda group, owners: (
            _find_owner_by_trials(group, owners) or _find_owner(group, owners) or _find_first_alike(group, owners)
        ),
    )


def _absorb(
    groups: Iterable[list[StepDifference]],
    owners: Sequence[list[StepDifference]],
    find_owner: Callable[[Sequence[StepDifference], Sequence[list[StepDifference]]], list[StepDifference] | None],
) -> list[list[StepDifference]]:
    """The owners, extended by the groups that belong to them, followed by the groups without an owner."""
    unowned: list[list[StepDifference]] = []
    for group in groups:
        owner = find_owner(group, owners)
        if owner is None:
            unowned.append(group)
        else:
            owner.extend(group)
    return [*owners, *unowned]


def _is_general(group: Sequence[StepDifference]) -> bool:
    """Whether all failed checks demand only sound answers."""
    return not any(is_specific(difference) for difference in group if difference.decides_verdict)


def is_specific(difference: StepDifference) -> bool:
    """Whether the check is about one kind of request, and demands more than a sound answer to it."""
    check = difference.trial.check
    return check.area not in GENERAL_AREAS and check.fact != NO_SERVER_ERROR_FACT


def _is_only_of_areas(group: Sequence[StepDifference], areas: Collection[Area]) -> bool:
    """Whether all failed checks are of these areas."""
    return all(difference.trial.check.area in areas for difference in group if difference.decides_verdict)


def _find_owner(group: Sequence[StepDifference], groups: Sequence[list[StepDifference]]) -> list[StepDifference] | None:
    """The one group whose failed checks show the same changes; None if there is none, or several."""
    kinds = {difference.change.kind for difference in group}
    matching = [item for item in groups if kinds <= {unit.change.kind for unit in item if unit.decides_verdict}]
    if len(matching) > 1:
        matching = _with_opening_check(matching)
    return matching[0] if len(matching) == 1 else None


def _find_general_owner(
    group: Sequence[StepDifference], groups: Sequence[list[StepDifference]]
) -> list[StepDifference] | None:
    """The one group whose failed checks show the same changes, or the same refusal of several things at once."""
    owner = _find_owner(group, groups)
    if owner is not None or not _is_only_of_areas(group, {Area.COMBINED}):
        return owner
    answers = {failing_side_value(unit) for unit in group if unit.decides_verdict and unit.change.statuses}
    matching = [
        item
        for item in groups
        if answers and answers <= {failing_side_value(unit) for unit in item if unit.decides_verdict}
    ]
    return matching[0] if len(matching) == 1 else None


def _is_foreign(group: Sequence[StepDifference], other: Sequence[StepDifference], causes: CauseAnalysis) -> bool:
    """Whether requests of one group are special in a way that those of the other have nothing of."""
    deciding = [[unit for unit in item if unit.decides_verdict] for item in (group, other)]
    ordinary = {unit.trial.asked_operation for units in deciding for unit in units if causes.is_ordinary(unit)}
    if ordinary:
        return not all(any(unit.trial.asked_operation in ordinary for unit in units) for units in deciding)
    if _is_accepted_as_written(deciding[0]) and not any(map(_is_written_as_bytes, deciding[1])):
        return True
    special = [[causes.special_traits(unit) for unit in units] for units in deciding]
    if (
        not any(special[0])
        and all(map(_is_to_be_accepted, deciding[0]))
        and not any(map(_is_to_be_accepted, deciding[1]))
    ):
        return True
    return any(itertools.chain(*special)) and not any(
        _may_share_trait(one, two) for one, two in itertools.product(*special)
    )


def _is_to_be_accepted(difference: StepDifference) -> bool:
    """Whether an accepted answer is the right one."""
    return bool(difference.change.statuses) and difference.change.statuses[0].is_success


def _is_accepted_as_written(deciding: Sequence[StepDifference]) -> bool:
    """Whether these requests are wrong in bytes that no client writes, and are accepted all the same."""
    return all(
        _is_written_as_bytes(unit) and unit.change.statuses and unit.change.statuses[-1].is_success for unit in deciding
    )


def _is_written_as_bytes(difference: StepDifference) -> bool:
    return difference.request is not None and difference.request.raw_writer is not None


def _may_share_trait(one: frozenset[Feature], other: frozenset[Feature]) -> bool:
    """Whether two requests are special in the same way or place, or may be.

    What is written byte by byte shows no traits, and what is large is not read for those of its events.
    """
    if any(trait.category is Category.LARGE_BODY for trait in one | other):
        return True
    if one and other:
        return bool(one & other) or bool(
            {trait.place for trait in one} & {trait.place for trait in other} - _ANY_PLACES
        )
    return any(trait.place == REQUEST for trait in one | other)


def _find_first_alike(
    group: Sequence[StepDifference], groups: Sequence[list[StepDifference]]
) -> list[StepDifference] | None:
    """The first group whose failed checks show the same changes: what breaks no promise is no difference of its own."""
    kinds = {difference.change.kind for difference in group}
    return next((item for item in groups if kinds <= {unit.change.kind for unit in item if unit.decides_verdict}), None)


def _with_opening_check(groups: Iterable[list[StepDifference]]) -> list[list[StepDifference]]:
    """The groups in which the check of the smallest request of a call fails."""
    return [
        item
        for item in groups
        if any(difference.decides_verdict and difference.trial.check.ignores_preflight for difference in item)
    ]


def _find_owner_by_trials(
    group: Sequence[StepDifference], groups: Sequence[list[StepDifference]]
) -> list[StepDifference] | None:
    """The first group in which all these checks fail, or that differs at the same or an earlier step of each."""
    trials = {difference.trial.name for difference in group}
    for item in groups:
        if trials <= {unit.trial.name for unit in item if unit.decides_verdict}:
            return item
        first_steps: dict[str, int] = {}
        for unit in item:
            first_steps[unit.trial.name] = min(unit.step, first_steps.get(unit.trial.name, unit.step))
        if all(first_steps.get(unit.trial.name, unit.step + 1) <= unit.step for unit in group):
            return item
    return None


def _absorb_among_themselves(
    groups: Sequence[list[StepDifference]],
    find_owner: Callable[[Sequence[StepDifference], Sequence[list[StepDifference]]], list[StepDifference] | None],
) -> list[list[StepDifference]]:
    """The groups, those merged into others that belong to them."""
    remaining = [*groups]
    for group in groups:
        others = [item for item in remaining if item is not group]
        owner = find_owner(group, others)
        if owner is not None:
            owner.extend(group)
            remaining = others
    return remaining


def _find_side_effect_owner(
    group: Sequence[StepDifference], others: Sequence[list[StepDifference]]
) -> list[StepDifference] | None:
    """The group of rate-limit answers or trailing bytes that makes other checks fail."""
    is_not_http = all(
        any(status.failure is TransportFailure.NOT_HTTP for status in unit.change.statuses) for unit in group
    )
    failing_codes = {answer.code for answer in map(failing_side_value, group) if isinstance(answer, AnswerStatus)}
    for item in others:
        if is_not_http and any(unit.decides_verdict and unit.change.facet == TRAILING_BYTES for unit in item):
            return item
        if _is_only_of_areas(item, {Area.RATE_LIMIT}) and _rate_limit_statuses(item) & failing_codes:
            return item
    return None


def _rate_limit_statuses(group: Iterable[StepDifference]) -> set[int]:
    """The statuses of the failing side in checks of bursts, whose failure no single answer shows."""
    return {
        result.received_status
        for difference in group
        if difference.decides_verdict and difference.change.facet == VERDICT
        for result in difference.results
        if result.outcome in FAIL_OR_ERROR and result.received_status
    }


def failing_side_value(difference: StepDifference) -> FacetValue:
    """What the side answers that fails the check."""
    return difference.change.first if difference.results[0].outcome in FAIL_OR_ERROR else difference.change.second


def _find_narrower_owner(
    group: Sequence[StepDifference], others: Sequence[list[StepDifference]], causes: CauseAnalysis
) -> list[StepDifference] | None:
    """The one group with the same change in requests that are special in fewer places, all of them shared.

    None if several checks show that the group has a cause of its own.
    """
    deciding = [difference for difference in group if difference.decides_verdict]
    if any(unit.change.facet != STATUS or causes.is_ordinary(unit) for unit in deciding) or _has_shared_trait(
        deciding, causes
    ):
        return None
    kinds, pointers = {unit.change.kind for unit in deciding}, causes.special_pointers(deciding)
    owners = []
    for item in others:
        other_deciding = [unit for unit in item if unit.decides_verdict]
        other_pointers = causes.special_pointers(other_deciding)
        if other_pointers and other_pointers < pointers and kinds == {unit.change.kind for unit in other_deciding}:
            owners.append(item)
    return owners[0] if len(owners) == 1 else None


def _has_shared_trait(deciding: Iterable[StepDifference], causes: CauseAnalysis) -> bool:
    """Whether several checks share a trait that may be the cause."""
    check_ids_by_trait: dict[Feature, set[str]] = defaultdict(set)
    for difference in deciding:
        for trait in causes.candidate_traits(difference):
            check_ids_by_trait[trait].add(difference.trial.check.id)
    return any(len(names) > 1 for names in check_ids_by_trait.values())
