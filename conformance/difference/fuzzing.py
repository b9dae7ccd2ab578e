"""Generated requests, sent to both sides: what differs that no check has shown, by its smallest request."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from conformance.difference.answers import STATUS, WORDS, Change, changes, form
from conformance.difference.traits import Traits
from conformance.errors import Stopped
from conformance.fuzz.case import Case, Origin
from conformance.fuzz.features import Feature, headline
from conformance.fuzz.gun import Gun
from conformance.fuzz.rendering import LARGE_BYTES, Shot
from conformance.fuzz.shrinker import Shrinker
from conformance.fuzz.stock import Stock
from conformance.wire.budget import Exhausted
from conformance.wire.lanes import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.difference.sides import Side
    from conformance.fuzz.judge import Judgement
    from conformance.model import Exchange
    from conformance.wire.answers import Reply

_TRIES, _SLOW_TRIES = 160, 6
_REPEATS = 2
_EXAMINING_S = 20.0
_SMALL_BYTES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """A sort of generated requests that are answered differently: the smallest, and how often it was seen.

    `judgements` are what is wrong with either answer, None where the contract allows it.
    """

    case: Case
    change: Change
    feature: Feature | None
    exchanges: tuple[Exchange, Exchange]
    judgements: tuple[Judgement | None, Judgement | None]
    calls: tuple[str, ...] = ()
    count: int = 1


@dataclass(slots=True, kw_only=True)
class Yield:
    """What generated requests came to; `explained` differ as requests of checks do."""

    odds: list[Odd] = field(default_factory=list)
    compared: int = 0
    unstable: int = 0
    unexamined: int = 0
    explained: Counter[int] = field(default_factory=Counter)
    is_cut: bool = False


def _gun(side: Side) -> Gun:
    return Gun(side.plan.contract, side.plan.keys, side.wire, side.ground)


async def _salvo(gun: Gun, cases: Sequence[Case], until_s: float | None) -> dict[int, Reply]:
    """The replies to some cases, by their place; fewer where time, budget or the target ends it."""
    found: dict[int, Reply] = {}
    numbers = {id(case): number for number, case in enumerate(cases)}
    again: list[Case] = []
    feed = iter([case for case in cases if len(case.body) <= LARGE_BYTES])

    def supply() -> Shot | None:
        if gun.is_over(until_s):
            return None
        case = again.pop() if again else next(feed, None)
        return None if case is None else gun.rendering.shot(case)

    def take(shot: Shot, reply: Reply, _: int) -> None:
        if gun.is_put_off(shot.case, reply):
            again.append(shot.case)
            return
        gun.silent += reply.mishap in SILENT
        found[numbers[id(shot.case)]] = reply

    await gun.lanes.pour(supply, take)
    for number, case in enumerate(cases):
        if len(case.body) > LARGE_BYTES and not gun.is_over(until_s):
            found[number] = await gun.bench.carefully(case)
    return found


class Explains(Protocol):
    """Says which of the differences that are known already explains one over a case."""

    def __call__(
        self, case: Case, change: Change, special: frozenset[Feature], *, is_smallest: bool = False
    ) -> int | None:
        """Takes what is special about the case, and whether it is shrunk."""


class Mirror:
    """Sends generated requests to both sides, and makes of what differs the smallest of each sort."""

    def __init__(self, first: Side, second: Side, volatile: frozenset[str], rated: frozenset[str]) -> None:
        self._contract = first.plan.contract
        self._guns = (_gun(first), _gun(second))
        self._traits = Traits(self._contract)
        self._stocks = {str(item): Stock.of(self._contract, item) for item in self._contract.operations}
        self._dead = {str(item) for side in (first, second) for item in side.ground.dead}
        self._volatile, self._rated = volatile | {WORDS}, rated
        self._until_s = 0.0
        self._shown: dict[tuple[Change, Feature | None], int] = {}
        self.found = Yield()

    @property
    def sent(self) -> tuple[int, int]:
        """How many requests went to either side, over lanes."""
        return self._guns[0].lanes.sent, self._guns[1].lanes.sent

    async def run(
        self,
        cases: Iterable[Case],
        max_time_s: float | None,
        explains: Explains,
    ) -> Yield:
        """All cases to the first side, then to the second; what `explains` has no place for is examined."""
        chosen = [case for case in cases if case.call not in self._dead]
        try:
            differing = await self._poured(chosen, max_time_s)
            self._until_s = time.monotonic() + _EXAMINING_S
            for case, change in sorted(differing, key=lambda item: len(item[0].body)):
                await self._examine(case, change, explains)
        except (Exhausted, Stopped):
            self.found.is_cut = True
        finally:
            for gun in self._guns:
                gun.lanes.close()
        return self.found

    async def _poured(self, cases: Sequence[Case], max_time_s: float | None) -> list[tuple[Case, Change]]:
        """The cases that were answered differently."""
        replies = []
        for gun in self._guns:
            until_s = time.monotonic() + max_time_s / 2 if max_time_s else None
            replies.append(await _salvo(gun, cases, until_s))
        both = sorted(replies[0].keys() & replies[1].keys())
        self.found.compared = len(both)
        self.found.is_cut |= len(both) < len(cases)
        found = []
        for number in both:
            one, other = replies[0][number], replies[1][number]
            if (one.status, one.body, one.mishap) == (other.status, other.body, other.mishap):
                continue
            change = self._change(cases[number], one, other)
            if change is not None:
                found.append((cases[number], change))
        return found

    def _change(self, case: Case, one: Reply, other: Reply) -> Change | None:
        """The first way in which two replies differ."""
        kept = [gun.bench.kept(case, reply) for gun, reply in zip(self._guns, (one, other), strict=True)]
        forms = [form(exchange, self._rated) for exchange in kept]
        return next(changes(forms[0], forms[1], self._volatile), None)

    async def _examine(self, case: Case, change: Change, explains: Explains) -> None:
        """One difference: told already, no difference when asked again, or a new sort."""
        special = self._special(case)
        known = next(
            (
                number
                for number, item in enumerate(self.found.odds)
                if item.change.sort == change.sort and (item.feature is None or item.feature in special)
            ),
            None,
        )
        if known is not None:
            self.found.odds[known] = _seen(self.found.odds[known], case.call)
            return
        place = self._told(case, change, special, explains)
        if place is not None:
            self.found.explained[place] += 1
            return
        if time.monotonic() > self._until_s:
            self.found.unexamined += 1
            return
        for _ in range(_REPEATS):
            if await self._differs(case) != change:
                self.found.unstable += 1
                return
        smallest = await self._shrunk(case, change)
        special = self._special(smallest)
        place = explains(self._guns[0].bench.labelled(smallest), change, special, is_smallest=True)
        if place is not None:
            self.found.explained[place] += 1
            self._shown[change.sort, headline(special)] = place
        else:
            await self._keep(smallest, change, headline(special))

    def _told(
        self, case: Case, change: Change, special: frozenset[Feature], explains: Explains
    ) -> int | None:
        """The number of the difference that explains a case, or a smaller one that is special likewise."""
        place = explains(self._guns[0].bench.labelled(case), change, special)
        shown = (at for (sort, feature), at in self._shown.items()
                 if sort == change.sort and feature in special)  # fmt: skip
        return next(shown, None) if place is None else place

    async def _keep(self, case: Case, change: Change, feature: Feature | None) -> None:
        exchanges, judgements = [], []
        for gun in self._guns:
            reply, judgement = await gun.bench.ask(case)
            exchanges.append(gun.bench.kept(case, reply))
            judgements.append(judgement)
        forms = [form(exchange, self._rated) for exchange in exchanges]
        change = next(changes(forms[0], forms[1], self._volatile), change)
        self.found.odds.append(
            Odd(case=case, change=change, feature=feature, exchanges=(exchanges[0], exchanges[1]),
                judgements=(judgements[0], judgements[1]), calls=(case.call,))
        )  # fmt: skip

    async def _shrunk(self, case: Case, change: Change) -> Case:
        """The smallest case that both sides answer differently in the same way."""
        if len(case.body) > _SMALL_BYTES:
            return case
        is_slow = change.facet == STATUS and "no answer" in change.first + change.second

        async def same(item: Case) -> bool:
            if time.monotonic() > self._until_s:
                return False
            found = await self._differs(item)
            return found is not None and found.sort == change.sort

        shrinker = Shrinker(same, _SLOW_TRIES if is_slow else _TRIES)
        found = await shrinker.shrink(case, self._stocks[case.call].body())
        return found if await same(found) else case

    async def _differs(self, case: Case) -> Change | None:
        """How both sides differ over a case, the second asked first."""
        replies = [(await gun.bench.ask(case))[0] for gun in reversed(self._guns)]
        return self._change(case, replies[1], replies[0])

    def _special(self, case: Case) -> frozenset[Feature]:
        """What a case has that the ordinary one of its call has not."""
        operation = self._stocks[case.call].operation
        ordinary = self._traits.of_case(operation, self._control(case.call))
        return frozenset(self._traits.of_case(operation, case)) - frozenset(ordinary)

    def _control(self, call: str) -> Case:
        body = self._stocks[call].body()
        return Case(call=call, origin=Origin.SHRINKER, about="control", body=body)


def _seen(odd: Odd, call: str) -> Odd:
    """A sort that was seen once more."""
    calls = odd.calls if call in odd.calls else tuple(sorted({*odd.calls, call}))
    return replace(odd, calls=calls, count=odd.count + 1)
