"""Homes: differences that most likely follow from another one are told with that."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from conformance.difference.answers import GARBAGE, STATUS, STRAY
from conformance.difference.comparing import BROKEN, VERDICT
from conformance.model import Area
from conformance.profile.facts import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from conformance.difference.causes import Reasons
    from conformance.difference.comparing import Unit
    from conformance.fuzz.features import Feature

SOUND = f"rules.{Rule.NO_SERVER_ERROR}"
GENERAL = frozenset({Area.ERRORS, Area.ROBUSTNESS, Area.SDK})
"""Areas of checks that ask for sound answers, whatever was sent, or send what others do."""


def adopted(found: Sequence[list[Unit]], reasons: Reasons) -> list[list[Unit]]:
    """What explains nothing by itself goes to the one complaint that explains it, if it is but one.

    First what a limit or garbage on a connection does to other checks, and requests that have the reason of
    another among much else; then complaints about batches, where events alone are answered so; then those of
    checks that ask for nothing but sound answers; then differences that no check complains of.
    """
    led = [cluster for cluster in found if any(unit.leading for unit in cluster)]
    for find in (_spilled, lambda cluster, homes: _narrower(cluster, homes, reasons)):
        led = _moved(led, find)
    special = [cluster for cluster in led if not _is_general(cluster)]
    several = [cluster for cluster in special if _is_of(cluster, {Area.BATCH})]
    single = [cluster for cluster in special if cluster not in several]
    special = _taken_in(several, single, lambda cluster, homes: _home(cluster, _opening(homes)))
    kept = _taken_in([cluster for cluster in led if _is_general(cluster)], special, _home)
    silent = [cluster for cluster in found if not any(unit.leading for unit in cluster)]
    return _taken_in(silent, kept, lambda cluster, homes: _own(cluster, homes) or _home(cluster, homes))


def _taken_in(
    guests: Iterable[list[Unit]],
    homes: Sequence[list[Unit]],
    find: Callable[[Sequence[Unit], Sequence[list[Unit]]], list[Unit] | None],
) -> list[list[Unit]]:
    """Clusters with others in them that have a home there, and after them those that have none."""
    rest: list[list[Unit]] = []
    for cluster in guests:
        home = find(cluster, homes)
        if home is None:
            rest.append(cluster)
        else:
            home.extend(cluster)
    return [*homes, *rest]


def _is_general(cluster: Sequence[Unit]) -> bool:
    """Whether all complaints are of checks that are about sound answers to anything."""
    checks = [unit.trial.check for unit in cluster if unit.leading]
    return all(check.area in GENERAL or check.fact == SOUND for check in checks)


def _is_of(cluster: Sequence[Unit], areas: Collection[Area]) -> bool:
    """Whether all complaints are of checks of some areas."""
    return all(unit.trial.check.area in areas for unit in cluster if unit.leading)


def _home(cluster: Sequence[Unit], led: Sequence[list[Unit]]) -> list[Unit] | None:
    """The one cluster that complains of the same changes; None if there is none, or there are several."""
    wanted = {unit.change.sort for unit in cluster}
    alike = [item for item in led if wanted <= {unit.change.sort for unit in item if unit.leading}]
    if len(alike) > 1:
        alike = _opening(alike)
    return alike[0] if len(alike) == 1 else None


def _opening(led: Iterable[list[Unit]]) -> list[list[Unit]]:
    """Those that complain of the smallest request of a call, which explains most."""
    return [item for item in led if any(unit.leading and unit.trial.check.opens for unit in item)]


def _own(cluster: Sequence[Unit], led: Sequence[list[Unit]]) -> list[Unit] | None:
    """The one cluster with complaints of all the same checks, or about the same answers or earlier ones."""
    trials = {unit.trial.name for unit in cluster}
    for item in led:
        if trials <= {unit.trial.name for unit in item if unit.leading}:
            return item
        first: dict[str, int] = {}
        for unit in item:
            first[unit.trial.name] = min(unit.step, first.get(unit.trial.name, unit.step))
        if all(first.get(unit.trial.name, unit.step + 1) <= unit.step for unit in cluster):
            return item
    return None


def _moved(
    led: Sequence[list[Unit]], find: Callable[[Sequence[Unit], Sequence[list[Unit]]], list[Unit] | None]
) -> list[list[Unit]]:
    """Complaints, those that have a home among the others put there."""
    kept = [*led]
    for cluster in led:
        others = [item for item in kept if item is not cluster]
        home = find(cluster, others)
        if home is not None:
            home.extend(cluster)
            kept = others
    return kept


def _spilled(cluster: Sequence[Unit], others: Sequence[list[Unit]]) -> list[Unit] | None:
    """What makes others fail: a limit that is answered so, or bytes that nobody asked for."""
    words = {word for unit in cluster for word in (unit.change.first, unit.change.second)}
    is_garbled = words & {GARBAGE} and all(
        unit.change.facet == STATUS and GARBAGE in {unit.change.first, unit.change.second} for unit in cluster
    )
    for item in others:
        if is_garbled and any(unit.leading and unit.change.facet == STRAY for unit in item):
            return item
        if _is_of(item, {Area.RATE_LIMIT}) and _limited(item) & {*map(_broken, cluster)}:
            return item
    return None


def _limited(cluster: Iterable[Unit]) -> set[str]:
    """With which statuses the side answers that fails complaints of bursts, which no single answer shows."""
    return {
        finding.received.partition(" ")[0]
        for unit in cluster
        if unit.leading and unit.change.facet == VERDICT
        for finding in unit.findings
        if finding.outcome in BROKEN and finding.received
    }


def _broken(unit: Unit) -> str:
    """What the side answers that a check complains of."""
    return unit.change.first if unit.findings[0].outcome in BROKEN else unit.change.second


def _narrower(cluster: Sequence[Unit], others: Sequence[list[Unit]], reasons: Reasons) -> list[Unit] | None:
    """The one complaint of the same change about less: about places that all these requests have as well.

    None if several checks show that it has a reason of its own.
    """
    leads = [unit for unit in cluster if unit.leading]
    if any(unit.change.facet != STATUS or reasons.is_plain(unit) for unit in leads) or _has_own(
        leads, reasons
    ):
        return None
    sorts, places = {unit.change.sort for unit in leads}, reasons.places(leads)
    found = []
    for item in others:
        theirs = [unit for unit in item if unit.leading]
        wanted = reasons.places(theirs)
        if wanted and wanted < places and sorts == {unit.change.sort for unit in theirs}:
            found.append(item)
    return found[0] if len(found) == 1 else None


def _has_own(leads: Iterable[Unit], reasons: Reasons) -> bool:
    """Whether several checks have a trait that may be the reason."""
    found: dict[Feature, set[str]] = defaultdict(set)
    for unit in leads:
        for trait in reasons.of(unit):
            found[trait].add(unit.trial.check.id)
    return any(len(names) > 1 for names in found.values())
