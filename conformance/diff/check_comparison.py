"""Comparing: every check on both sides, again and again until what differs has shown to be no chance."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from conformance.core.model import Outcome
from conformance.diff.normalized_answers import (
    CONNECTION_CLOSED,
    TRAILING_BYTES,
    WORDING,
    AnswerChange,
    NormalizedAnswer,
    compare_answers,
    find_volatile,
    normalize,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from conformance.checks.trial import Trial
    from conformance.core.model import Exchange, Request
    from conformance.diff.sides import Side
    from conformance.run.engine import CheckResult

VERDICT = "verdict"
"""The facet of a difference that shows in what a check comes to and in no single answer."""
DEFAULT_ROUNDS, MIN_ROUNDS, MAX_ROUNDS = 2, 5, 9
"""How often checks are asked that differ; at least, and at most, where it was not the same each time."""
_REPEATED_PER_KIND = 2
"""Of checks that differ in the same way on several paths, so many are asked again."""
_UNSTABLE_LIMIT, _MAX_SEQUENTIAL = 3, 400
"""From so many sorts in doubt on, all are; more checks than so many are not asked one at a time."""
FAIL_OR_ERROR = frozenset({Outcome.FAIL, Outcome.ERROR})
DifferenceKey: TypeAlias = "tuple[str, int, AnswerChange]"
ResultPair: TypeAlias = "tuple[CheckResult, CheckResult]"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDifference:
    """One difference: a check at work, the step of it, and how the answers differ there.

    A `leading` one is what a check complains of on one side alone. `exchanges` and `findings` are those of
    both sides.
    """

    trial: Trial
    step: int
    change: AnswerChange
    exchanges: tuple[Exchange | None, Exchange | None]
    results: ResultPair
    decides_verdict: bool = False

    @property
    def key(self) -> DifferenceKey:
        """What stays the same when it shows again."""
        return self.trial.name, self.step, self.change

    @property
    def request(self) -> Request | None:
        """What both were sent."""
        exchange = self.exchanges[0] or self.exchanges[1]
        return exchange.request if exchange else None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnstableCheck:
    """A check whose answers did not come to the same each time: what it came to, in turn, on both sides."""

    id: str
    operation: str
    first: tuple[str, ...]
    second: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class CheckComparisonResult:
    """What the checks have shown.

    `compared` are checks with an answer on both sides, `alike` pairs of answers that are the same, for who
    asks what a difference has nothing to do with. `reworded` counts those that differ in wording alone.
    """

    differences: list[StepDifference] = field(default_factory=list)
    matching: list[tuple[Trial, Exchange]] = field(default_factory=list)
    unstable: list[UnstableCheck] = field(default_factory=list)
    check_count: int = 0
    answer_count: int = 0
    reworded_count: int = 0
    stopped: str = ""


class CheckComparison:
    """Runs checks on both sides and keeps what came, round by round."""

    def __init__(self, first: Side, second: Side, *, strict: bool = False) -> None:
        self._sides = (first, second)
        self._strict = strict
        self._trials = {trial.name: trial for trial in first.plan.trials}
        self.rate_headers = frozenset(name.lower() for name in first.plan.contract.profile.rate_headers)
        self._is_one_key = first.plan.keys == second.plan.keys
        self._rounds: dict[str, list[ResultPair]] = defaultdict(list)
        self._normalized: dict[int, tuple[Exchange, NormalizedAnswer]] = {}
        self._first_answers: tuple[dict[Request, NormalizedAnswer], dict[Request, NormalizedAnswer]] = ({}, {})
        self.volatile: frozenset[str] = frozenset()
        self._unstable_names: set[str] = set()

    async def run(self, on_result: Callable[[], None]) -> CheckComparisonResult:
        """All checks once; of those that differ a few of each sort again, in the other order.

        Where one of them does not differ in the same way, its sort is asked again one check at a time, over
        new connections, until that comes to the same: then this decides.
        """
        await self._run_round([*self._trials], 1, on_result)
        groups = self._group_differing()
        await self._run_round([name for sort in groups for name in sort[:_REPEATED_PER_KIND]], 2, on_result)
        unstable_groups = [
            sort for sort in groups if any(self._is_unstable(name) for name in sort[:_REPEATED_PER_KIND])
        ]
        if len(unstable_groups) >= _UNSTABLE_LIMIT:
            unstable_groups = groups
        self._unstable_names = {name for sort in unstable_groups for name in sort}
        names, round_number = sorted(self._unstable_names), DEFAULT_ROUNDS + 1
        while names and round_number <= MAX_ROUNDS:
            await self._run_round(names, round_number, on_result)
            confirmed_names = [name for name in names if self._confirmed_differences(name)]
            if round_number >= MIN_ROUNDS and confirmed_names == names:
                break
            names, round_number = confirmed_names, round_number + 1
        return self._build_result()

    def _group_differing(self) -> list[list[str]]:
        """The checks that differ, those that do so in the same way on several paths together."""
        groups: dict[tuple[object, ...], list[str]] = defaultdict(list)
        for name in self._rounds:
            if keys := self._differences_in_round(name, 0):
                groups[self._trials[name].check.id, keys].append(name)
        return [*groups.values()]

    async def _run_round(self, names: Sequence[str], round_number: int, on_result: Callable[[], None]) -> None:
        """One round of some checks; every other one begins with the second side."""
        if not names:
            return
        order = (0, 1) if round_number % 2 else (1, 0)
        results: dict[int, dict[str, CheckResult]] = {}
        for number in order:
            is_sequential = round_number > DEFAULT_ROUNDS and len(names) <= _MAX_SEQUENTIAL
            results[number] = await self._sides[number].run_checks(
                names, round_number, on_result, is_sequential=is_sequential
            )
        for name in names:
            if name in results[0] and name in results[1]:
                pair = results[0][name], results[1][name]
                self._note_volatile(name, pair)
                earlier = self._rounds[name]
                earlier += earlier[-1:] * (round_number - 1 - len(earlier))
                earlier.append(pair)

    def _note_volatile(self, name: str, pair: ResultPair) -> None:
        """Takes note of what varies between two answers of one side to the same request."""
        volatile: set[str] = set()
        earlier = self._rounds[name][-1] if self._rounds[name] else None
        for number in (0, 1):
            for exchange in pair[number].exchanges:
                normalized = self.normalize(exchange)
                volatile |= find_volatile(
                    self._first_answers[number].setdefault(exchange.request, normalized), normalized
                )
            if earlier is not None:
                for one, other in zip(earlier[number].exchanges, pair[number].exchanges, strict=False):
                    volatile |= find_volatile(self.normalize(one), self.normalize(other))
        self.volatile |= volatile

    def normalize(self, exchange: Exchange) -> NormalizedAnswer:
        """The normal form of an answer, made once."""
        cached = self._normalized.get(id(exchange))
        if cached is None:
            cached = self._normalized[id(exchange)] = exchange, normalize(exchange, self.rate_headers)
        return cached[1]

    def _common_steps(self, pair: ResultPair) -> Iterator[tuple[int, Exchange, Exchange]]:
        """What both sides were sent alike, step by step."""
        for step, (one, other) in enumerate(zip(pair[0].exchanges, pair[1].exchanges, strict=False)):
            first, second = one.request, other.request
            is_same = (first.method, first.path) == (second.method, second.path)
            if not is_same or (self._is_one_key and len(first.body) != len(second.body)):
                return
            yield step, one, other

    def _answer_changes(self, pair: ResultPair) -> Iterator[tuple[int, AnswerChange]]:
        """How answers differ, step by step; that a connection ends counts if a check complains."""
        is_decisive = is_failed_by_one(pair)
        for step, one, other in self._common_steps(pair):
            for change in compare_answers(self.normalize(one), self.normalize(other), self.volatile):
                if is_decisive or not _is_connection_end(pair, step, change):
                    yield step, change

    def _differences_in_round(self, name: str, round_index: int) -> frozenset[tuple[int, AnswerChange]]:
        """Every difference of a check in one round; that of the verdicts among them."""
        pair = self._rounds[name][round_index]
        differences = {item for item in self._answer_changes(pair) if self._strict or item[1].facet != WORDING}
        if pair[0].outcome is not pair[1].outcome:
            differences.add((-1, AnswerChange(VERDICT, pair[0].outcome.value, pair[1].outcome.value)))
        return frozenset(differences)

    def _confirmed_differences(self, name: str) -> frozenset[tuple[int, AnswerChange]]:
        """The differences of a check that every round has shown; where it was in doubt, every later round."""
        rounds = [self._differences_in_round(name, number) for number in range(len(self._rounds[name]))]
        deciding = rounds[DEFAULT_ROUNDS:] if name in self._unstable_names else rounds
        return frozenset.intersection(*deciding) if deciding else frozenset()

    def _is_unstable(self, name: str) -> bool:
        """Whether a check did not differ each time in the same way."""
        rounds = {self._differences_in_round(name, number) for number in range(len(self._rounds[name]))}
        return len(rounds) > 1

    def _build_result(self) -> CheckComparisonResult:
        result = CheckComparisonResult(stopped=next((side.stopped for side in self._sides if side.stopped), ""))
        for name, rounds in self._rounds.items():
            pair, trial = rounds[-1], self._trials[name]
            confirmed = self._confirmed_differences(name)
            result.check_count += all(item.exchanges and item.outcome is not Outcome.ERROR for item in pair)
            result.differences += self._step_differences(trial, pair, confirmed)
            if self._is_unstable(name) and not confirmed:
                result.unstable.append(self._describe_unstable(trial, rounds))
            for step, one, other in self._common_steps(pair):
                result.answer_count += 1
                facets = [
                    item.facet for item in compare_answers(self.normalize(one), self.normalize(other), self.volatile)
                ]
                result.reworded_count += facets == [WORDING]
                if not any(at == step for at, _ in confirmed):
                    result.matching.append((trial, one))
        return self._without_vague_verdicts(result)

    def _without_vague_verdicts(self, result: CheckComparisonResult) -> CheckComparisonResult:
        """Without complaints that no answer shows, where much is unstable and others are left."""
        verdict_only_names = {
            difference.trial.name for difference in result.differences if difference.change.facet == VERDICT
        }
        has_others = any(unit.decides_verdict and unit.change.facet != VERDICT for unit in result.differences)
        if len(result.unstable) >= _UNSTABLE_LIMIT and has_others:
            result.differences = [unit for unit in result.differences if unit.trial.name not in verdict_only_names]
            result.unstable += [
                self._describe_unstable(self._trials[name], self._rounds[name]) for name in sorted(verdict_only_names)
            ]
        return result

    def _step_differences(
        self, trial: Trial, pair: ResultPair, confirmed: Collection[tuple[int, AnswerChange]]
    ) -> Iterator[StepDifference]:
        """The differences of one check, the one that it complains of marked."""
        by_step: dict[int, list[AnswerChange]] = defaultdict(list)
        for step, change in confirmed:
            if change.facet != VERDICT:
                by_step[step].append(change)
        verdict = next((change for _, change in confirmed if change.facet == VERDICT), None)
        deciding_step = self._deciding_step(pair, by_step) if verdict and is_failed_by_one(pair) else None
        if verdict and is_failed_by_one(pair) and deciding_step is None:
            deciding_step = max(_complaint_step(pair), 0)
            wording_changes = [
                item for step, item in self._answer_changes(pair) if step == deciding_step and item.facet == WORDING
            ]
            by_step[deciding_step] = wording_changes[:1] or [verdict]
        for step, step_changes in sorted(by_step.items()):
            for number, change in enumerate(sorted(step_changes, key=_change_order)):
                exchanges = _exchange_at(pair[0], step), _exchange_at(pair[1], step)
                yield StepDifference(
                    trial=trial, step=step, change=change, exchanges=exchanges, results=pair,
                    decides_verdict=step == deciding_step and number == 0,
                )  # fmt: skip

    def _deciding_step(self, pair: ResultPair, by_step: Mapping[int, object]) -> int | None:
        """The step that a verdict is about, or the first that differs; None if no step does."""
        complaint_step = _complaint_step(pair)
        return complaint_step if complaint_step in by_step else min(by_step, default=None)

    def _describe_unstable(self, trial: Trial, rounds: Sequence[ResultPair]) -> UnstableCheck:
        summaries = [[self._summarize(pair[side]) for pair in rounds] for side in (0, 1)]
        return UnstableCheck(
            id=trial.check.id, operation=str(trial.operation or ""),
            first=tuple(summaries[0]), second=tuple(summaries[1]),
        )  # fmt: skip

    def _summarize(self, result: CheckResult) -> str:
        """What a check came to, in a few words."""
        return " ".join([result.outcome.value, *(self.normalize(item).status for item in result.exchanges[:6])])


def is_failed_by_one(pair: ResultPair) -> bool:
    """Whether a check complains of one side, and not of the other."""
    return (pair[0].outcome in FAIL_OR_ERROR) != (pair[1].outcome in FAIL_OR_ERROR)


def _complaint_step(pair: ResultPair) -> int:
    """The step that the complaint is about; -1 if no answer is."""
    result = pair[0] if pair[0].outcome in FAIL_OR_ERROR else pair[1]
    return -1 if result.exchange_index is None else result.exchange_index


def _is_connection_end(pair: ResultPair, step: int, change: AnswerChange) -> bool:
    """Whether answers differ in nothing but when a connection ends that was written by hand."""
    before, item = _exchange_at(pair[0], step - 1), _exchange_at(pair[0], step)
    if item is None or item.request.raw_writer is None:
        return False
    is_later = before is not None and before.request.raw_writer is not None
    return change.facet == TRAILING_BYTES or (is_later and CONNECTION_CLOSED in {change.first, change.second})


def _exchange_at(result: CheckResult, step: int) -> Exchange | None:
    return result.exchanges[step] if 0 <= step < len(result.exchanges) else None


def _change_order(change: AnswerChange) -> tuple[bool, bool, str]:
    """Statuses first, wording last."""
    return change.facet != "status", change.facet == WORDING, change.facet
