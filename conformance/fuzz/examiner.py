"""The examiner: makes findings of suspicions. Each is sent again, shrunk, and put to the defect it shows."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance import pointers
from conformance.fuzz.aftermath import CONNECTION, TARGET, Aftermath
from conformance.fuzz.case import Case, Origin, compact
from conformance.fuzz.events import times
from conformance.fuzz.features import (
    ANYWHERE,
    FREE,
    NO_JSON,
    REQUEST,
    SORTS,
    Feature,
    Features,
    headline,
    odd,
    reason,
)
from conformance.fuzz.finding import Certainty, Finding
from conformance.fuzz.judge import Fault, Judgement
from conformance.fuzz.series import oversized
from conformance.fuzz.shrinker import Shrinker
from conformance.fuzz.stock import Stock
from conformance.model import Kind, Mishap
from conformance.profile.facts import Ceiling

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from conformance.contract import Contract
    from conformance.fuzz.bench import Bench
    from conformance.fuzz.suspicion import Suspicion

_TRIES, _SLOW_TRIES = 240, 6
"""How many requests the shrinking of one failure may take, and that of one that is waited for."""
_REPEATS = 2
_SEVERAL = "several requests"
_LARGE = {
    f"limits.{Ceiling.EVENT}": "an event over its limit",
    f"limits.{Ceiling.BATCH}": "a batch over its limit",
    f"limits.{Ceiling.BATCH_EVENT}": "an event over its limit in a batch",
}
"""What a finding is about that falls under a limit and nothing else."""
_LARGE_BYTES, _HUGE_BYTES = 12_000, 100_000
"""Larger bodies are about their size; huge ones are left as they are."""
_GRACE_S = 5.0
"""How long the examination of one failure may go on after the time is up, in seconds."""
FEATURED = frozenset({Fault.SERVER_ERROR, Fault.UNANSWERED, Fault.REFUSED, Fault.BROKEN})
"""Faults of which there may be several, told apart by what the requests have."""


@dataclass(slots=True)
class Defect:
    """A finding in the making, and what it is about a request that shows it."""

    finding: Finding
    feature: Feature | None

    def spoils_with(self, things: Collection[str]) -> bool:
        """Whether it shows in requests that come after one with such things, on any connection."""
        is_spoiling = self.finding.fault is Fault.BROKEN and self.finding.kind == TARGET
        return is_spoiling and (self.feature is None or self.feature[1] in things)

    def explains(self, suspicion: Suspicion, features: frozenset[Feature]) -> bool:
        """Whether another failure is most likely the same defect."""
        judgement = suspicion.judgement
        if judgement.fault is not self.finding.fault:
            return False
        if judgement.fault in FEATURED:
            return self.feature is None or self.feature in features
        if judgement.fault in {Fault.TAKEN, Fault.STATUS}:
            return {*self.finding.kind.split("|")} <= {*judgement.kind.split("|")}
        return judgement.kind == self.finding.kind


class Examiner:
    """Turns suspicions into findings, within a time."""

    def __init__(self, contract: Contract, bench: Bench, *, until_s: float) -> None:
        self._bench = bench
        self._until_s = until_s
        self._features = Features(contract)
        self._stocks = {str(item): Stock.of(contract, item) for item in contract.operations}
        self._times = times(contract)
        self._defects: list[Defect] = []
        self._aftermath = Aftermath(bench, self._control, self._is_over)
        self._doubtful: dict[tuple[Certainty, Fault, str], Finding] = {}

    async def findings(self, suspicions: Iterable[Suspicion]) -> list[Finding]:
        """The findings that some suspicions come to."""
        for suspicion in sorted(suspicions, key=self._simplicity):
            features = self._features.of(suspicion.case)
            known = next((item for item in self._defects if item.explains(suspicion, features)), None)
            if known is not None:
                known.finding = _seen(known.finding, suspicion.case.call)
            elif time.monotonic() < self._until_s or not self._defects:
                await self._examine(suspicion)
            elif not self._is_spoiled(suspicion):
                self._put_off(suspicion, Certainty.UNEXAMINED)
        return [*_merged(self._defects, self._times), *self._doubtful.values()]

    def unexamined(self, suspicions: Iterable[Suspicion]) -> list[Finding]:
        """The findings that some suspicions come to where nothing can be sent any more."""
        for suspicion in sorted(suspicions, key=self._simplicity):
            self._put_off(suspicion, Certainty.UNEXAMINED)
        return [*self._doubtful.values()]

    def _simplicity(self, suspicion: Suspicion) -> tuple[int, bool, int]:
        """Few facts, single events and short bodies first: they tell most."""
        case = suspicion.case
        is_single = self._stocks[case.call].operation.kind is Kind.EVENT
        return len(suspicion.judgement.kind.split("|")), not is_single, len(case.body)

    async def _examine(self, suspicion: Suspicion) -> None:
        """Sends a case again, and makes a finding of it."""
        fault = suspicion.judgement.fault
        if not await self._repeats(suspicion, suspicion.case):
            await self._trace(suspicion)
            return
        smallest = await self._shrunk(suspicion)
        if not await self._repeats(suspicion, smallest):
            smallest = suspicion.case
        case = self._bench.labelled(smallest)
        feature = self._feature(case)
        if NO_JSON in self._features.of(case) and feature != NO_JSON:
            broken = case.bodied(b"{")
            if not case.coding and await self._is_same(suspicion, broken):
                case, feature = self._bench.labelled(broken), NO_JSON
        elsewhere = await self._elsewhere(suspicion, case, feature) if fault in FEATURED and feature else None
        if elsewhere is not None and feature is not None:
            case, feature = self._bench.labelled(elsewhere), (ANYWHERE, feature[1])
        reply, judgement = await self._bench.ask(case, listens=fault is Fault.MISFRAMED)
        finding = _finding(judgement or suspicion.judgement, case, feature)
        self._defects.append(Defect(replace(finding, exchange=self._bench.kept(case, reply)), feature))

    async def _shrunk(self, suspicion: Suspicion) -> Case:
        """The smallest case that fails as well; where it is about size, an ordinary one of that size."""
        case = suspicion.case
        stock = self._stocks[case.call]
        is_slow = suspicion.judgement.kind == Mishap.TIMEOUT or len(case.body) > _LARGE_BYTES
        if len(case.body) > _LARGE_BYTES:
            for body in oversized(stock):
                if await self._is_same(suspicion, case.bodied(body)):
                    return case.bodied(body)
            if len(case.body) > _HUGE_BYTES:
                return case
        shrinker = Shrinker(lambda item: self._is_same(suspicion, item), _SLOW_TRIES if is_slow else _TRIES)
        return await shrinker.shrink(case, stock.body())

    async def _repeats(self, suspicion: Suspicion, case: Case) -> bool:
        """Whether a failure comes again whenever a case is sent: once may be chance."""
        for _ in range(_REPEATS):
            if not await self._is_same(suspicion, case):
                return False
        return True

    async def _is_same(self, suspicion: Suspicion, case: Case) -> bool:
        """Whether a case comes to the same as the suspicious one."""
        if self._is_over():
            return False
        await self._bench.settle(self._control(case))
        judgement = suspicion.judgement
        return await self._bench.fails(judgement.fault, judgement.kind, case)

    async def _trace(self, suspicion: Suspicion) -> None:
        """A failure that does not come alone: perhaps it comes after something else."""
        if self._is_spoiled(suspicion):
            return
        found = await self._aftermath.trace(suspicion)
        if found is None:
            self._put_off(suspicion)
            return
        if found.scope == TARGET:
            await self._bench.ask(found.cause)
        together = (found.cause, found.case) if found.scope == CONNECTION else (found.case,)
        reply, judgement = await self._bench.ask(*together)
        feature = self._feature(found.cause)
        finding = _finding(judgement or suspicion.judgement, self._bench.labelled(found.case), feature)
        finding = replace(finding, fault=Fault.BROKEN, kind=found.scope, before=(found.cause,))
        self._defects.append(Defect(replace(finding, exchange=self._bench.kept(found.case, reply)), feature))

    def _is_spoiled(self, suspicion: Suspicion) -> bool:
        """Whether a known defect explains a failure by what went before; if so, it is counted there."""
        things = {thing for case in suspicion.earlier for _, thing in self._features.of(case)}
        for item in self._defects:
            if item.spoils_with(things):
                item.finding = _seen(item.finding, suspicion.case.call)
                return True
        return False

    def _is_over(self) -> bool:
        """Whether even the examination that is under way has to end."""
        return time.monotonic() > self._until_s + _GRACE_S

    def _control(self, case: Case) -> Case:
        """The acceptable request of a case's operation."""
        return Case(
            call=case.call, origin=Origin.SHRINKER, about="control", body=self._stocks[case.call].body()
        )

    def _put_off(self, suspicion: Suspicion, certainty: Certainty = Certainty.FLAKY) -> None:
        """A failure that did not come again, or was not asked for again: reported as it was seen."""
        judgement, case = suspicion.judgement, suspicion.case
        key = (certainty, judgement.fault, judgement.kind)
        known = self._doubtful.get(key)
        if known is None:
            finding = _finding(judgement, case, self._feature(case))
            self._doubtful[key] = replace(finding, certainty=certainty, reason=case.about or "a request")
        else:
            self._doubtful[key] = replace(_seen(known, case.call), reason=_SEVERAL)

    def _feature(self, case: Case) -> Feature | None:
        """What a case has that no acceptable one has, in one feature."""
        return headline(self._features.of(case) - self._features.of(self._control(case)))

    async def _elsewhere(self, suspicion: Suspicion, case: Case, feature: Feature) -> Case | None:
        """A case that fails as well with the same thing in another place; None if not all such cases do."""
        place, category = feature
        if case.coding or place == REQUEST or (ANYWHERE, category) not in self._features.of(case):
            return None
        stock = self._stocks[case.call]
        where = (stock.contract.event(stock.operation.type).open, stock.contract.profile.pointers.context)
        thing = odd(case.body, category)
        places = (*(item for item in where if item), "", "/conformance_object")
        found: list[Case] = []
        for pointer in dict.fromkeys(f"{item}/conformance_field" for item in places):
            other = case.bodied(compact(stock.wrap(pointers.put(stock.smallest, pointer, thing))))
            if feature in self._features.of(other):
                continue
            if not await self._is_same(suspicion, other):
                return None
            found.append(other)
        return found[0] if len(found) > 1 else None


def _seen(finding: Finding, call: str) -> Finding:
    """A finding that was seen once more."""
    calls = finding.calls if call in finding.calls else tuple(sorted({*finding.calls, call}))
    return replace(finding, calls=calls, count=finding.count + 1)


def _finding(judgement: Judgement, case: Case, feature: Feature | None) -> Finding:
    return Finding(
        fault=judgement.fault,
        kind=judgement.kind,
        reason=_LARGE.get(judgement.kind, reason(feature)),
        message=judgement.message,
        expected=judgement.expected,
        received=judgement.received,
        level=judgement.level,
        certainty=Certainty.CONFIRMED,
        case=case,
        calls=(case.call,),
    )


def _merged(defects: Iterable[Defect], times: Collection[str]) -> list[Finding]:
    """One finding for all that is wrong with values in one place, and with the times of an event."""
    found: dict[tuple[object, ...], list[Defect]] = {}
    for item in defects:
        place = item.feature[0] if item.feature else ""
        is_alone = item.finding.fault not in FEATURED or place in {"", ANYWHERE, REQUEST, FREE}
        key = (item.feature, item.finding.kind) if is_alone else ("times" if place in times else place,)
        found.setdefault((item.finding.fault, *key), []).append(item)
    return [_united(group) for group in found.values()]


def _united(group: list[Defect]) -> Finding:
    """Several defects as one finding, that of the first, which is the smallest."""
    first = group[0].finding
    if len(group) == 1:
        return first
    features = [item.feature for item in group if item.feature]
    return replace(
        first,
        reason=_either(features),
        calls=tuple(sorted({call for item in group for call in item.finding.calls})),
        count=sum(item.finding.count for item in group),
    )


def _either(features: list[Feature]) -> str:
    """Several features in words, the narrow words left out where a broad one says it all."""
    words = list(dict.fromkeys(category for _, category in features))
    broad = [word for word in words if word in SORTS] or words
    places = " or ".join(dict.fromkeys(place for place, _ in features))
    return reason((places, broad[0] if len(broad) == 1 else f"{', '.join(broad[:-1])} or {broad[-1]}"))
