"""Size limits, as documented and as measured: for each, the largest accepted and the smallest refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.model import Level, weaker
from conformance.profile.facts import Ceiling
from conformance.profile.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.contract import Contract, Operation
    from conformance.model import JsonObject, Source, Verdict

LIMITS = "limits."
"""How the names of the facts about sizes begin."""
_TITLES = {Ceiling.EVENT: "one event", Ceiling.BATCH: "a batch", Ceiling.BATCH_EVENT: "an event in a batch"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit in its unit on operations that measured the same; None where nothing was seen."""

    fact: str
    operations: tuple[str, ...]
    at_least: int
    at_most: int
    accepted_up_to: int | None
    refused_from: int | None
    level: Level
    sources: tuple[Source, ...]
    unit: Unit = Unit.BYTES

    def as_json(self) -> JsonObject:
        """It as JSON data."""
        return {
            "fact": self.fact,
            "title": _TITLES[Ceiling(self.fact.removeprefix(LIMITS))],
            "unit": self.unit.value,
            "operations": list(self.operations),
            "at_least": self.at_least,
            "at_most": self.at_most,
            "accepted_up_to": self.accepted_up_to,
            "refused_from": self.refused_from,
            "level": self.level.value,
            "sources": [source.as_json() for source in self.sources],
        }


def limits(
    contract: Contract, asked: Iterable[tuple[str, Operation]], verdicts: Iterable[Verdict]
) -> tuple[Limit, ...]:
    """The limits by these facts on these operations, with what any check measured of them."""
    taken: dict[tuple[str, str], list[int]] = {}
    refused: dict[tuple[str, str], list[int]] = {}
    for verdict in verdicts:
        for weight, is_accepted in verdict.weighed:
            where = (weight.fact, verdict.operation)
            (taken if is_accepted else refused).setdefault(where, []).append(weight.size)
    groups: dict[Limit, list[str]] = {}
    for fact, operation in asked:
        stated, where = contract.limit(Ceiling(fact.removeprefix(LIMITS))), (fact, str(operation))
        alike = Limit(
            fact=fact, operations=(), at_least=stated.at_least, at_most=stated.at_most,
            accepted_up_to=max(taken.get(where, ()), default=None),
            refused_from=min(refused.get(where, ()), default=None),
            level=weaker(stated.level, operation.level), sources=stated.sources,
            unit=stated.unit,
        )  # fmt: skip
        groups.setdefault(alike, []).append(str(operation))
    found = [replace(alike, operations=tuple(sorted(names))) for alike, names in groups.items()]
    return tuple(sorted(found, key=lambda item: (item.fact, item.operations)))
