"""Runs every check on both sides and compares the answers, several times where they differ."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from conformance.causes.normalized_answers import (
    TRAILING_BYTES,
    VERDICT,
    WORDING,
    AnswerChange,
    Facet,
    NormalizedAnswer,
    change_order,
    compare_answers,
    find_volatile,
)
from conformance.causes.step_difference import (
    FAIL_OR_ERROR,
    CheckComparisonResult,
    ResultPair,
    StepDifference,
    UnstableCheck,
    is_failed_by_one,
)
from conformance.core.model import Outcome, TransportFailure
from conformance.diff.kept_answers import KeptAnswers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from conformance.checks.trial import Trial
    from conformance.core.model import Exchange, Request
    from conformance.diff.sides import Side
    from conformance.run.engine import CheckResult

DEFAULT_ROUNDS, MIN_ROUNDS, MAX_ROUNDS = 2, 5, 9
"""Rounds of checks that differ; the least and the most rounds if the results vary."""
_REPEATED_PER_KIND = 2
"""How many of the checks that differ alike on several paths are repeated."""
_NO_STEP = -1
_MAX_SUMMARIZED = 6
_UNSTABLE_LIMIT, _MAX_SEQUENTIAL = 3, 400
"""If so many groups are unstable, all are treated so; more checks than this are not run one at a time."""


class CheckComparison:
    """Runs checks on both sides and keeps their results, round by round."""

    def __init__(self, first: Side, second: Side, *, strict: bool = False) -> None:
        self._sides = (first, second)
        self._strict = strict
        self._trials = {trial.name: trial for trial in first.plan.trials}
        self.rate_headers = frozenset(name.lower() for name in first.plan.contract.profile.rate_headers)
        self._is_one_key = first.plan.keys == second.plan.keys
        self._rounds: dict[str, list[ResultPair]] = defaultdict(list)
        self._kept = KeptAnswers(self.rate_headers)
        self.normalize = self._kept.normalize
        self._first_answers: tuple[dict[Request, NormalizedAnswer], dict[Request, NormalizedAnswer]] = ({}, {})
        self.volatile: frozenset[Facet] = frozenset()
        self._unstable_names: set[str] = set()

    async def run(self, on_result: Callable[[], None]) -> CheckComparisonResult:
        """Runs all checks once, and a few of each group that differs again, in the other order.

        If one of those gives another result, its whole group is run one check at a time, over new connections, until
        the result is stable: then only these rounds count.
        """
        await self._run_round([*self._trials], 1, on_result)
        groups = self._group_differing()
        await self._run_round([name for group in groups for name in group[:_REPEATED_PER_KIND]], 2, on_result)
        unstable_groups = [
            group for group in groups if any(self._is_unstable(name) for name in group[:_REPEATED_PER_KIND])
        ]
        if len(unstable_groups) >= _UNSTABLE_LIMIT:
            unstable_groups = groups
        self._unstable_names = {name for group in unstable_groups for name in group}
        names, round_number = sorted(self._unstable_names), DEFAULT_ROUNDS + 1
        while names and round_number <= MAX_ROUNDS:
            await self._run_round(names, round_number, on_result)
            confirmed_names = [name for name in names if self._confirmed_differences(name)]
            if round_number >= MIN_ROUNDS and confirmed_names == names:
                break
            names, round_number = confirmed_names, round_number + 1
        return self._build_result()

    def _group_differing(self) -> list[list[str]]:
        """The names of checks that differ, grouped by check and by how they differ."""
        groups: dict[tuple[object, ...], list[str]] = defaultdict(list)
        for name in self._rounds:
            if keys := self._differences_in_round(name, 0):
                groups[self._trials[name].check.id, keys].append(name)
        return [*groups.values()]

    async def _run_round(self, names: Sequence[str], round_number: int, on_result: Callable[[], None]) -> None:
        """Runs some checks on both sides; in even rounds the second side is first."""
        if not names:
            return
        order = (0, 1) if round_number % 2 else (1, 0)

        def take(result: CheckResult) -> CheckResult:
            on_result()
            return self._kept.keep(result)

        results: dict[int, dict[str, CheckResult]] = {}
        for turns, number in zip((2, 1), order, strict=True):
            is_sequential = round_number > DEFAULT_ROUNDS and len(names) <= _MAX_SEQUENTIAL
            results[number] = await self._sides[number].run_checks(
                names, round_number, take, is_sequential=is_sequential, turns=turns
            )
        for name in names:
            if name in results[0] and name in results[1]:
                pair = results[0][name], results[1][name]
                self._note_volatile(name, pair)
                earlier = self._rounds[name]
                earlier += earlier[-1:] * (round_number - 1 - len(earlier))
                earlier.append(pair)

    def _note_volatile(self, name: str, pair: ResultPair) -> None:
        """Adds the facets that vary between two answers of one side to the same request."""
        volatile: set[Facet] = set()
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

    def _common_steps(self, pair: ResultPair) -> Iterator[tuple[int, Exchange, Exchange]]:
        """The steps in which both sides got the same request."""
        for step, (one, other) in enumerate(zip(pair[0].exchanges, pair[1].exchanges, strict=False)):
            first, second = one.request, other.request
            is_same = (first.method, first.path) == (second.method, second.path)
            if not is_same or (self._is_one_key and len(first.body) != len(second.body)):
                return
            yield step, one, other

    def _answer_changes(self, pair: ResultPair) -> Iterator[tuple[int, AnswerChange]]:
        """The changes of each step. That a connection ends counts only if the check fails on one side."""
        is_decisive = is_failed_by_one(pair)
        for step, one, other in self._common_steps(pair):
            for change in compare_answers(self.normalize(one), self.normalize(other), self.volatile):
                if is_decisive or not _is_connection_end(pair, step, change):
                    yield step, change

    def _differences_in_round(self, name: str, round_index: int) -> frozenset[tuple[int, AnswerChange]]:
        """The differences of a check in one round, with that of its outcomes."""
        pair = self._rounds[name][round_index]
        differences = {item for item in self._answer_changes(pair) if self._strict or item[1].facet != WORDING}
        if pair[0].outcome is not pair[1].outcome:
            differences.add((_NO_STEP, AnswerChange(VERDICT, pair[0].outcome.value, pair[1].outcome.value)))
        return frozenset(differences)

    def _confirmed_differences(self, name: str) -> frozenset[tuple[int, AnswerChange]]:
        """The differences of a check in every round, or in every later round if it was unstable."""
        rounds = [self._differences_in_round(name, number) for number in range(len(self._rounds[name]))]
        deciding = rounds[DEFAULT_ROUNDS:] if name in self._unstable_names else rounds
        return frozenset.intersection(*deciding) if deciding else frozenset()

    def _is_unstable(self, name: str) -> bool:
        """Whether the rounds of a check gave different results."""
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
        """Drops failures that no answer shows, if many checks are unstable and other failures remain."""
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
        """The differences of one check; the one that fails it is marked."""
        by_step: dict[int, list[AnswerChange]] = defaultdict(list)
        for step, change in confirmed:
            if change.facet != VERDICT:
                by_step[step].append(change)
        verdict = next((change for _, change in confirmed if change.facet == VERDICT), None)
        deciding_step = self._deciding_step(pair, by_step) if verdict and is_failed_by_one(pair) else None
        if verdict and is_failed_by_one(pair) and deciding_step is None:
            deciding_step = max(_failing_step(pair), 0)
            wording_changes = [
                item for step, item in self._answer_changes(pair) if step == deciding_step and item.facet == WORDING
            ]
            by_step[deciding_step] = wording_changes[:1] or [verdict]
        for step, step_changes in sorted(by_step.items()):
            for number, change in enumerate(sorted(step_changes, key=change_order)):
                exchanges = _exchange_at(pair[0], step), _exchange_at(pair[1], step)
                yield StepDifference(
                    trial=trial, step=step, change=change, exchanges=exchanges, results=pair,
                    decides_verdict=step == deciding_step and number == 0,
                )  # fmt: skip

    def _deciding_step(self, pair: ResultPair, by_step: Mapping[int, object]) -> int | None:
        """The step that a verdict is about, or the first that differs; None if no step differs."""
        failing_step = _failing_step(pair)
        return failing_step if failing_step in by_step else min(by_step, default=None)

    def _describe_unstable(self, trial: Trial, rounds: Sequence[ResultPair]) -> UnstableCheck:
        summaries = [[self._summarize(pair[side]) for pair in rounds] for side in (0, 1)]
        return UnstableCheck(
            id=trial.check.id, operation=str(trial.asked_operation or ""),
            first=tuple(summaries[0]), second=tuple(summaries[1]),
        )  # fmt: skip

    def _summarize(self, result: CheckResult) -> str:
        """The outcome and the first statuses of a check."""
        return " ".join(
            [result.outcome.value, *(str(self.normalize(item).status) for item in result.exchanges[:_MAX_SUMMARIZED])]
        )


def _failing_step(pair: ResultPair) -> int:
    """The step that shows the failure; -1 if no answer does."""
    result = pair[0] if pair[0].outcome in FAIL_OR_ERROR else pair[1]
    return _NO_STEP if result.exchange_index is None else result.exchange_index


def _is_connection_end(pair: ResultPair, step: int, change: AnswerChange) -> bool:
    """Whether answers to raw bytes differ only in when the connection ends."""
    before, item = _exchange_at(pair[0], step - 1), _exchange_at(pair[0], step)
    if item is None or item.request.raw_writer is None:
        return False
    is_later = before is not None and before.request.raw_writer is not None
    is_closed = any(status.failure is TransportFailure.CLOSED for status in change.statuses)
    return change.facet == TRAILING_BYTES or (is_later and is_closed)


def _exchange_at(result: CheckResult, step: int) -> Exchange | None:
    return result.exchanges[step] if 0 <= step < len(result.exchanges) else None
