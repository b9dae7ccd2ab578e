"""Size limits as documented and as measured: the largest accepted and the smallest refused size of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.core.model import Level, weaker_level
from conformance.profile.facts import LimitKind
from conformance.profile.size_unit import SizeUnit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.contract import Contract, Operation
    from conformance.core.model import JsonObject, Source, Verdict

LIMITS_PREFIX = "limits."
"""The start of the names of facts about sizes."""
_LIMIT_TITLES = {LimitKind.EVENT: "one event", LimitKind.BATCH: "a batch", LimitKind.BATCH_EVENT: "an event in a batch"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredLimit:
    """A limit, in its unit, on the operations that measured the same. A size is None if none was seen."""

    fact: str
    operations: tuple[str, ...]
    at_least: int
    at_most: int
    accepted_up_to: int | None
    refused_from: int | None
    level: Level
    sources: tuple[Source, ...]
    unit: SizeUnit = SizeUnit.BYTES

    def as_json(self) -> JsonObject:
        """The JSON form."""
        return {
            "fact": self.fact,
            "title": _LIMIT_TITLES[LimitKind(self.fact.removeprefix(LIMITS_PREFIX))],
            "unit": self.unit.value,
            "operations": list(self.operations),
            "at_least": self.at_least,
            "at_most": self.at_most,
            "accepted_up_to": self.accepted_up_to,
            "refused_from": self.refused_from,
            "level": self.level.value,
            "sources": [source.as_json() for source in self.sources],
        }


def measure_limits(
    contract: Contract, tested: Iterable[tuple[str, Operation]], verdicts: Iterable[Verdict]
) -> tuple[MeasuredLimit, ...]:
    """The limits of these facts on these operations, with the sizes that any check measured."""
    accepted_sizes: dict[tuple[str, str], list[int]] = {}
    refused_sizes: dict[tuple[str, str], list[int]] = {}
    for verdict in verdicts:
        for measured_size, is_accepted in verdict.measured_sizes:
            where = (measured_size.limit_fact, verdict.operation)
            (accepted_sizes if is_accepted else refused_sizes).setdefault(where, []).append(measured_size.size)
    groups: dict[MeasuredLimit, list[str]] = {}
    for fact, operation in tested:
        documented, where = (contract.size_limit(LimitKind(fact.removeprefix(LIMITS_PREFIX))), (fact, str(operation)))
        ungrouped = MeasuredLimit(
            fact=fact, operations=(), at_least=documented.at_least, at_most=documented.at_most,
            accepted_up_to=max(accepted_sizes.get(where, ()), default=None),
            refused_from=min(refused_sizes.get(where, ()), default=None),
            level=weaker_level(documented.level, operation.level), sources=documented.sources,
            unit=documented.unit,
        )  # fmt: skip
        groups.setdefault(ungrouped, []).append(str(operation))
    grouped = [replace(alike, operations=tuple(sorted(names))) for alike, names in groups.items()]
    return tuple(sorted(grouped, key=lambda item: (item.fact, item.operations)))
