"""Comparing: every check on both sides, again and again until what differs has shown to be no chance."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from conformance.difference.answers import CLOSED, STRAY, WORDS, Change, Form, changes, form, varying
from conformance.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from conformance.catalogue import Trial
    from conformance.difference.sides import Side
    from conformance.engine import Finding
    from conformance.model import Exchange, Request

VERDICT = "verdict"
"""The facet of a difference that shows in what a check comes to and in no single answer."""
ROUNDS, LEAST_ROUNDS, MOST_ROUNDS = 2, 5, 9
"""How often checks are asked that differ; at least, and at most, where it was not the same each time."""
_SAMPLE = 2
"""Of checks that differ in the same way on several paths, so many are asked again."""
_CHAOS, _MOST_ALONE = 3, 400
"""From so many sorts in doubt on, all are; more checks than so many are not asked one at a time."""
BROKEN = frozenset({Outcome.FAIL, Outcome.ERROR})
Key: TypeAlias = "tuple[str, int, Change]"
Pair: TypeAlias = "tuple[Finding, Finding]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One difference: a check at work, the step of it, and how the answers differ there.

    A `leading` one is what a check complains of on one side alone. `exchanges` and `findings` are those of
    both sides.
    """

    trial: Trial
    step: int
    change: Change
    exchanges: tuple[Exchange | None, Exchange | None]
    findings: Pair
    leading: bool = False

    @property
    def key(self) -> Key:
        """What stays the same when it shows again."""
        return self.trial.name, self.step, self.change

    @property
    def request(self) -> Request | None:
        """What both were sent."""
        exchange = self.exchanges[0] or self.exchanges[1]
        return exchange.request if exchange else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unstable:
    """A check whose answers did not come to the same each time: what it came to, in turn, on both sides."""

    id: str
    operation: str
    first: tuple[str, ...]
    second: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Evidence:
    """What the checks have shown.

    `compared` are checks with an answer on both sides, `alike` pairs of answers that are the same, for who
    asks what a difference has nothing to do with. `reworded` counts those that differ in wording alone.
    """

    units: list[Unit] = field(default_factory=list)
    alike: list[tuple[Trial, Exchange]] = field(default_factory=list)
    unstable: list[Unstable] = field(default_factory=list)
    compared: int = 0
    answers: int = 0
    reworded: int = 0
    stopped: str = ""


class Comparison:
    """Runs checks on both sides and keeps what came, round by round."""

    def __init__(self, first: Side, second: Side, *, strict: bool = False) -> None:
        self._sides = (first, second)
        self._strict = strict
        self._trials = {trial.name: trial for trial in first.plan.trials}
        self.rated = frozenset(name.lower() for name in first.plan.contract.profile.rate_headers)
        self._is_one_key = first.plan.keys == second.plan.keys
        self._rounds: dict[str, list[Pair]] = defaultdict(list)
        self._forms: dict[int, tuple[Exchange, Form]] = {}
        self._seen: tuple[dict[Request, Form], dict[Request, Form]] = ({}, {})
        self.volatile: frozenset[str] = frozenset()
        self._doubted: set[str] = set()

    async def run(self, tell: Callable[[], None]) -> Evidence:
        """All checks once; of those that differ a few of each sort again, in the other order.

        Where one of them does not differ in the same way, its sort is asked again one check at a time, over
        new connections, until that comes to the same: then this decides.
        """
        await self._round([*self._trials], 1, tell)
        sorts = self._sorts()
        await self._round([name for sort in sorts for name in sort[:_SAMPLE]], 2, tell)
        doubted = [sort for sort in sorts if any(self._is_shaky(name) for name in sort[:_SAMPLE])]
        if len(doubted) >= _CHAOS:
            doubted = sorts
        self._doubted = {name for sort in doubted for name in sort}
        names, turn = sorted(self._doubted), ROUNDS + 1
        while names and turn <= MOST_ROUNDS:
            await self._round(names, turn, tell)
            left = [name for name in names if self._confirmed(name)]
            if turn >= LEAST_ROUNDS and left == names:
                break
            names, turn = left, turn + 1
        return self._evidence()

    def _sorts(self) -> list[list[str]]:
        """The checks that differ, those that do so in the same way on several paths together."""
        found: dict[tuple[object, ...], list[str]] = defaultdict(list)
        for name in self._rounds:
            if keys := self._keys(name, 0):
                found[self._trials[name].check.id, keys].append(name)
        return [*found.values()]

    async def _round(self, names: Sequence[str], turn: int, tell: Callable[[], None]) -> None:
        """One round of some checks; every other one begins with the second side."""
        if not names:
            return
        order = (0, 1) if turn % 2 else (1, 0)
        found: dict[int, dict[str, Finding]] = {}
        for number in order:
            is_alone = turn > ROUNDS and len(names) <= _MOST_ALONE
            found[number] = await self._sides[number].findings(names, turn, tell, is_alone=is_alone)
        for name in names:
            if name in found[0] and name in found[1]:
                pair = found[0][name], found[1][name]
                self._learn(name, pair)
                earlier = self._rounds[name]
                earlier += earlier[-1:] * (turn - 1 - len(earlier))
                earlier.append(pair)

    def _learn(self, name: str, pair: Pair) -> None:
        """Takes note of what varies between two answers of one side to the same request."""
        found: set[str] = set()
        earlier = self._rounds[name][-1] if self._rounds[name] else None
        for number in (0, 1):
            for exchange in pair[number].exchanges:
                seen = self.form(exchange)
                found |= varying(self._seen[number].setdefault(exchange.request, seen), seen)
            if earlier is not None:
                for one, other in zip(earlier[number].exchanges, pair[number].exchanges, strict=False):
                    found |= varying(self.form(one), self.form(other))
        self.volatile |= found

    def form(self, exchange: Exchange) -> Form:
        """The normal form of an answer, made once."""
        known = self._forms.get(id(exchange))
        if known is None:
            known = self._forms[id(exchange)] = exchange, form(exchange, self.rated)
        return known[1]

    def _steps(self, pair: Pair) -> Iterator[tuple[int, Exchange, Exchange]]:
        """What both sides were sent alike, step by step."""
        for step, (one, other) in enumerate(zip(pair[0].exchanges, pair[1].exchanges, strict=False)):
            first, second = one.request, other.request
            is_same = (first.method, first.path) == (second.method, second.path)
            if not is_same or (self._is_one_key and len(first.body) != len(second.body)):
                return
            yield step, one, other

    def _changes(self, pair: Pair) -> Iterator[tuple[int, Change]]:
        """How answers differ, step by step; that a connection ends counts if a check complains."""
        complains = one_breaks(pair)
        for step, one, other in self._steps(pair):
            for change in changes(self.form(one), self.form(other), self.volatile):
                if complains or not _is_transport(pair, step, change):
                    yield step, change

    def _keys(self, name: str, number: int) -> frozenset[tuple[int, Change]]:
        """Every difference of a check in one round; that of the verdicts among them."""
        pair = self._rounds[name][number]
        found = {item for item in self._changes(pair) if self._strict or item[1].facet != WORDS}
        if pair[0].outcome is not pair[1].outcome:
            found.add((-1, Change(VERDICT, pair[0].outcome.value, pair[1].outcome.value)))
        return frozenset(found)

    def _confirmed(self, name: str) -> frozenset[tuple[int, Change]]:
        """The differences of a check that every round has shown; where it was in doubt, every later round."""
        rounds = [self._keys(name, number) for number in range(len(self._rounds[name]))]
        deciding = rounds[ROUNDS:] if name in self._doubted else rounds
        return frozenset.intersection(*deciding) if deciding else frozenset()

    def _is_shaky(self, name: str) -> bool:
        """Whether a check did not differ each time in the same way."""
        rounds = {self._keys(name, number) for number in range(len(self._rounds[name]))}
        return len(rounds) > 1

    def _evidence(self) -> Evidence:
        found = Evidence(stopped=next((side.stopped for side in self._sides if side.stopped), ""))
        for name, rounds in self._rounds.items():
            pair, trial = rounds[-1], self._trials[name]
            confirmed = self._confirmed(name)
            found.compared += all(item.exchanges and item.outcome is not Outcome.ERROR for item in pair)
            found.units += self._units(trial, pair, confirmed)
            if self._is_shaky(name) and not confirmed:
                found.unstable.append(self._told(trial, rounds))
            for step, one, other in self._steps(pair):
                found.answers += 1
                facets = [item.facet for item in changes(self.form(one), self.form(other), self.volatile)]
                found.reworded += facets == [WORDS]
                if not any(at == step for at, _ in confirmed):
                    found.alike.append((trial, one))
        return self._calmed(found)

    def _calmed(self, found: Evidence) -> Evidence:
        """Without complaints that no answer shows, where much is unstable and others are left."""
        vague = {unit.trial.name for unit in found.units if unit.change.facet == VERDICT}
        has_others = any(unit.leading and unit.change.facet != VERDICT for unit in found.units)
        if len(found.unstable) >= _CHAOS and has_others:
            found.units = [unit for unit in found.units if unit.trial.name not in vague]
            found.unstable += [self._told(self._trials[name], self._rounds[name]) for name in sorted(vague)]
        return found

    def _units(self, trial: Trial, pair: Pair, confirmed: Collection[tuple[int, Change]]) -> Iterator[Unit]:
        """The differences of one check, the one that it complains of marked."""
        by_step: dict[int, list[Change]] = defaultdict(list)
        for step, change in confirmed:
            if change.facet != VERDICT:
                by_step[step].append(change)
        verdict = next((change for _, change in confirmed if change.facet == VERDICT), None)
        lead = self._lead(pair, by_step) if verdict and one_breaks(pair) else None
        if verdict and one_breaks(pair) and lead is None:
            lead = max(_about(pair), 0)
            words = [item for step, item in self._changes(pair) if step == lead and item.facet == WORDS]
            by_step[lead] = words[:1] or [verdict]
        for step, listed in sorted(by_step.items()):
            for number, change in enumerate(sorted(listed, key=_weight)):
                exchanges = _at(pair[0], step), _at(pair[1], step)
                yield Unit(
                    trial=trial, step=step, change=change, exchanges=exchanges, findings=pair,
                    leading=step == lead and number == 0,
                )  # fmt: skip

    def _lead(self, pair: Pair, by_step: Mapping[int, object]) -> int | None:
        """The step that a verdict is about, or the first that differs; None if no step does."""
        about = _about(pair)
        return about if about in by_step else min(by_step, default=None)

    def _told(self, trial: Trial, rounds: Sequence[Pair]) -> Unstable:
        shown = [[self._outline(pair[side]) for pair in rounds] for side in (0, 1)]
        return Unstable(
            id=trial.check.id, operation=str(trial.operation or ""),
            first=tuple(shown[0]), second=tuple(shown[1]),
        )  # fmt: skip

    def _outline(self, finding: Finding) -> str:
        """What a check came to, in a few words."""
        return " ".join([finding.outcome.value, *(self.form(item).status for item in finding.exchanges[:6])])


def one_breaks(pair: Pair) -> bool:
    """Whether a check complains of one side, and not of the other."""
    return (pair[0].outcome in BROKEN) != (pair[1].outcome in BROKEN)


def _about(pair: Pair) -> int:
    """The step that the complaint is about; -1 if no answer is."""
    finding = pair[0] if pair[0].outcome in BROKEN else pair[1]
    steps = [step for step, item in enumerate(finding.exchanges) if item.outline == finding.received]
    return steps[-1] if steps else -1


def _is_transport(pair: Pair, step: int, change: Change) -> bool:
    """Whether answers differ in nothing but when a connection ends that was written by hand."""
    before, item = _at(pair[0], step - 1), _at(pair[0], step)
    if item is None or item.request.spelling is None:
        return False
    is_later = before is not None and before.request.spelling is not None
    return change.facet == STRAY or (is_later and CLOSED in {change.first, change.second})


def _at(finding: Finding, step: int) -> Exchange | None:
    return finding.exchanges[step] if 0 <= step < len(finding.exchanges) else None


def _weight(change: Change) -> tuple[bool, bool, str]:
    """Statuses first, wording last."""
    return change.facet != "status", change.facet == WORDS, change.facet
