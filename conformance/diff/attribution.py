"""Homes: differences that most likely follow from another one are told with that."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from conformance.core.model import Area
from conformance.diff.check_comparison import FAIL_OR_ERROR, VERDICT
from conformance.diff.normalized_answers import NOT_HTTP, STATUS, TRAILING_BYTES
from conformance.profile.facts import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from conformance.diff.check_comparison import StepDifference
    from conformance.diff.grouping import CauseAnalysis
    from conformance.fuzz.features import Feature

NO_SERVER_ERROR_FACT = f"rules.{Rule.NO_SERVER_ERROR}"
GENERAL_AREAS = frozenset({Area.ERRORS, Area.ROBUSTNESS, Area.SDK})
"""Areas of checks that ask for sound answers, whatever was sent, or send what others do."""


def attribute_consequences(groups: Sequence[list[StepDifference]], causes: CauseAnalysis) -> list[list[StepDifference]]:
    """What explains nothing by itself goes to the one complaint that explains it, if it is but one.

    First what a limit or garbage on a connection does to other checks, and requests that have the reason of
    another among much else; then complaints about batches, where events alone are answered so; then those of
    checks that ask for nothing but sound answers; then differences that no check complains of.
    """
    deciding_groups = [group for group in groups if any(difference.decides_verdict for difference in group)]
    for find in (_find_side_effect_owner, lambda cluster, homes: _find_narrower_owner(cluster, homes, causes)):
        deciding_groups = _absorb_among_themselves(deciding_groups, find)
    specific_groups = [cluster for cluster in deciding_groups if not _is_general(cluster)]
    batch_groups = [cluster for cluster in specific_groups if _is_only_of_areas(cluster, {Area.BATCH})]
    event_groups = [cluster for cluster in specific_groups if cluster not in batch_groups]
    specific_groups = _absorb(
        batch_groups, event_groups, lambda cluster, homes: _find_owner(cluster, _with_opening_check(homes))
    )
    owners = _absorb([cluster for cluster in deciding_groups if _is_general(cluster)], specific_groups, _find_owner)
    groups_without_verdict = [cluster for cluster in groups if not any(unit.decides_verdict for unit in cluster)]
    return _absorb(
        groups_without_verdict,
        owners,
        lambda cluster, homes: _find_owner_by_trials(cluster, homes) or _find_owner(cluster, homes),
    )


def _absorb(
    groups: Iterable[list[StepDifference]],
    owners: Sequence[list[StepDifference]],
    find_owner: Callable[[Sequence[StepDifference], Sequence[list[StepDifference]]], list[StepDifference] | None],
) -> list[list[StepDifference]]:
    """Clusters with others in them that have a home there, and after them those that have none."""
    unowned: list[list[StepDifference]] = []
    for group in groups:
        owner = find_owner(group, owners)
        if owner is None:
            unowned.append(group)
        else:
            owner.extend(group)
    return [*owners, *unowned]


def _is_general(group: Sequence[StepDifference]) -> bool:
    """Whether all complaints are of checks that are about sound answers to anything."""
    checks = [difference.trial.check for difference in group if difference.decides_verdict]
    return all(check.area in GENERAL_AREAS or check.fact == NO_SERVER_ERROR_FACT for check in checks)


def _is_only_of_areas(group: Sequence[StepDifference], areas: Collection[Area]) -> bool:
    """Whether all complaints are of checks of some areas."""
    return all(difference.trial.check.area in areas for difference in group if difference.decides_verdict)


def _find_owner(group: Sequence[StepDifference], groups: Sequence[list[StepDifference]]) -> list[StepDifference] | None:
    """The one cluster that complains of the same changes; None if there is none, or there are several."""
    kinds = {difference.change.kind for difference in group}
    matching = [item for item in groups if kinds <= {unit.change.kind for unit in item if unit.decides_verdict}]
    if len(matching) > 1:
        matching = _with_opening_check(matching)
    return matching[0] if len(matching) == 1 else None


def _with_opening_check(groups: Iterable[list[StepDifference]]) -> list[list[StepDifference]]:
    """Those that complain of the smallest request of a call, which explains most."""
    return [
        item
        for item in groups
        if any(difference.decides_verdict and difference.trial.check.ignores_preflight for difference in item)
    ]


def _find_owner_by_trials(
    group: Sequence[StepDifference], groups: Sequence[list[StepDifference]]
) -> list[StepDifference] | None:
    """The one cluster with complaints of all the same checks, or about the same answers or earlier ones."""
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
    """Complaints, those that have a home among the others put there."""
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
    """What makes others fail: a limit that is answered so, or bytes that nobody asked for."""
    statuses = {word for difference in group for word in (difference.change.first, difference.change.second)}
    is_not_http = statuses & {NOT_HTTP} and all(
        unit.change.facet == STATUS and NOT_HTTP in {unit.change.first, unit.change.second} for unit in group
    )
    for item in others:
        if is_not_http and any(unit.decides_verdict and unit.change.facet == TRAILING_BYTES for unit in item):
            return item
        if _is_only_of_areas(item, {Area.RATE_LIMIT}) and _rate_limit_statuses(item) & {
            *map(_failing_side_answer, group)
        }:
            return item
    return None


def _rate_limit_statuses(group: Iterable[StepDifference]) -> set[str]:
    """With which statuses the side answers that fails complaints of bursts, which no single answer shows."""
    return {
        str(result.received_status)
        for difference in group
        if difference.decides_verdict and difference.change.facet == VERDICT
        for result in difference.results
        if result.outcome in FAIL_OR_ERROR and result.received_status
    }


def _failing_side_answer(difference: StepDifference) -> str:
    """What the side answers that a check complains of."""
    return difference.change.first if difference.results[0].outcome in FAIL_OR_ERROR else difference.change.second


def _find_narrower_owner(
    group: Sequence[StepDifference], others: Sequence[list[StepDifference]], causes: CauseAnalysis
) -> list[StepDifference] | None:
    """The one complaint of the same change about less: about places that all these requests have as well.

    None if several checks show that it has a reason of its own.
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
    """Whether several checks have a trait that may be the reason."""
    check_ids_by_trait: dict[Feature, set[str]] = defaultdict(set)
    for difference in deciding:
        for trait in causes.candidate_traits(difference):
            check_ids_by_trait[trait].add(difference.trial.check.id)
    return any(len(names) > 1 for names in check_ids_by_trait.values())
