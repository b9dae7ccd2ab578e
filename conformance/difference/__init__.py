"""Differences: two servers are sent the same, and what they answer is compared.

A check is a generator, so it can be driven twice: each side gets its own run, and what both were sent alike
is compared step by step. What differs is asked again in the other order, put together by its most likely
reason, and told once: by the promise that it is about.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.difference.causes import ACCEPTED, Reasons, clusters
from conformance.difference.comparing import Comparison, Unit
from conformance.difference.document import DIFFERENT, SAME, UNCOMPARED, Outcome
from conformance.difference.fuzzing import Mirror
from conformance.difference.groups import Difference, difference
from conformance.difference.odds import adopted
from conformance.difference.sides import Side, level
from conformance.difference.traits import Traits
from conformance.payloads import Call, Footing
from conformance.wire import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from conformance.contract import Operation
    from conformance.difference.answers import Change
    from conformance.fuzz.case import Case
    from conformance.fuzz.features import Feature
    from conformance.model import Request
    from conformance.run import Plan

__all__ = ["DIFFERENT", "SAME", "UNCOMPARED", "Effort", "Outcome", "compare", "redactor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is compared: with generated requests or without, and for how long those are sent at most.

    A `strict` comparison takes other words in an answer for a difference, too.
    """

    cases: Iterable[Case] = ()
    max_time_s: float | None = None
    strict: bool = False


def redactor(first: Plan, second: Plan) -> Redactor:
    """What takes the secrets of both sides out of a text."""
    return Redactor({**second.secrets(), **first.secrets()})


async def compare(
    first: Plan, second: Plan, effort: Effort, tell: Callable[[], None] = lambda: None
) -> Outcome:
    """Sends the same to two servers and says in what they differ.

    Raises CannotJudge, naming the side, where nothing acceptable is accepted.
    """
    outcome = Outcome(
        contract=first.contract,
        urls=(first.target.url, second.target.url),
        is_strict=effort.strict,
        has_two_keys=first.keys != second.keys,
    )
    async with first.wire() as one, second.wire() as other:
        sides = Side("A", first, one), Side("B", second, other)
        for side in sides:
            await side.open()
        await level(*sides)
        outcome.dead = {side.name: sorted(map(str, side.ground.dead)) for side in sides}
        comparison = Comparison(*sides, strict=effort.strict)
        evidence = await comparison.run(tell)
        reasons = Reasons(evidence, Traits(first.contract), comparison.form, _ordinary(sides[0]))
        found = clusters(evidence.units, reasons)
        told = [difference(cluster, reasons, first.contract) for cluster in found]
        outcome.checks, outcome.answers = evidence.compared, evidence.answers
        outcome.unstable, outcome.reworded = evidence.unstable, evidence.reworded
        outcome.stopped = evidence.stopped
        known = Known(found, told, reasons)
        outcome.differences = (
            told if outcome.stopped else await _fuzzed(sides, comparison, known, effort, outcome)
        )
    return outcome


class Known:
    """The differences that checks have shown, and which of them explains one over a generated request."""

    def __init__(self, found: Sequence[Sequence[Unit]], told: Sequence[Difference], reasons: Reasons) -> None:
        self.told = [*told]
        self._changes = [{unit.change.sort for unit in cluster} for cluster in found]
        self._reasons = reasons
        self._joints = [reasons.joint.of(cluster) for cluster in found]
        self._places = [reasons.places(unit for unit in cluster if unit.leading) for cluster in found]
        self._plain = [{unit.change.sort for unit in cluster if reasons.is_plain(unit)} for cluster in found]
        self._facts = [
            {unit.trial.check.fact for unit in cluster if unit.leading} - {ACCEPTED} for cluster in found
        ]
        self._traits: list[set[Feature]] = [
            {trait for unit in cluster for trait in reasons.of(unit)} for cluster in found
        ]

    def explains(
        self, case: Case, change: Change, special: frozenset[Feature], *, is_smallest: bool = False
    ) -> int | None:
        """The number of the difference that is most likely the same; None if none is.

        Of the smallest case it is enough that it is special where all those requests are.
        """
        places = {place for place, _ in special} if is_smallest else set()
        for number, changes in enumerate(self._changes):
            is_same = change.sort in changes and bool(
                change.sort in self._plain[number]
                or self._traits[number] & special
                or self._is_joint(number, case)
                or self._places[number] & places
            )
            if is_same or self._facts[number] & {*case.expect}:
                return number
        return None

    def _is_joint(self, number: int, case: Case) -> bool:
        """Whether an event of a case has all that is the joint reason of a difference."""
        wanted = self._joints[number]
        return wanted is not None and self._reasons.joint.has(case, wanted)


async def _fuzzed(
    sides: tuple[Side, Side], comparison: Comparison, known: Known, effort: Effort, outcome: Outcome
) -> list[Difference]:
    """All differences, with those that only generated requests show."""
    cases = tuple(effort.cases)
    if not cases:
        return known.told
    mirror = Mirror(*sides, comparison.volatile, comparison.rated)
    found = await mirror.run(cases, effort.max_time_s, known.explains)
    outcome.generated, outcome.doubtful = found.compared, found.unstable + found.unexamined
    told = [replace(item, generated=found.explained[number]) for number, item in enumerate(known.told)]
    return adopted(told, found.odds, outcome.contract)


def _ordinary(side: Side) -> dict[Operation, Request]:
    """The ordinary request of each call, as it is sent, without its secrets."""
    plan, found = side.plan, {}
    for operation in plan.contract.operations:
        footing = side.ground.footings.get(operation, Footing())
        call = Call(
            contract=plan.contract, operation=operation, keys=plan.keys, footing=footing, run_id=plan.run_id
        )
        request = call.event().request()
        whole = replace(request, headers=(*plan.target.headers, *request.headers))
        found[operation] = side.wire.redactor.request(whole)
    return found
