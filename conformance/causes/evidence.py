"""Evidence: what a run has seen, kept until its causes are looked for, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from conformance.checks.check import Tier
from conformance.core.model import PROBLEM_OUTCOMES, WORST_FIRST, Outcome
from conformance.requests import PreflightResult

if TYPE_CHECKING:
    from collections.abc import Hashable

    from conformance.checks.trial import Trial
    from conformance.core.model import Exchange, Verdict
    from conformance.fuzz.finding import Finding
    from conformance.run.engine import CheckResult

ProblemKey: TypeAlias = "tuple[Hashable, ...]"
MAX_BODY_BYTES = 20_000
"""Larger bodies are not read for what they contain."""
_MAX_KEPT_BYTES = 40_000_000
"""Of all exchanges; what comes later is not kept, and causes are told apart by verdicts alone."""
_MAX_RESPONSE_BYTES = 8_000
_EXCHANGE_BYTES, _HEADER_BYTES = 1_500, 120
"""About how much memory the objects of an exchange, and of a header, take."""
_FAILED = frozenset({Outcome.FAIL, Outcome.ERROR, Outcome.UNTESTABLE})
_LIGHT = frozenset({Tier.GENTLE, Tier.STANDARD})
MAX_ASKED_PER_KEY = 2
"""How many of the problems that are alike are asked again, of the target and of the reference server."""
_LARGE_BODY = b" " * (MAX_BODY_BYTES + 1)
"""Stands for every body that is too large to be read for its traits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A verdict that is a problem, with its trial and the result."""

    trial: Trial
    result: CheckResult
    verdict: Verdict


def key_of(problem: Problem) -> ProblemKey:
    """What the problems of one check have in common that are the same on several operations."""
    verdict = problem.verdict
    return verdict.id, verdict.outcome, verdict.received_status, verdict.level


@dataclass(slots=True, kw_only=True)
class Evidence:
    """The problems of a run, and the answers of checks that passed, which rule out causes.

    `findings` are those of generated requests, `preflight` is what the target accepts at all. `again` says of trials
    that were asked once more, by their names, whether they were no problem the second time.
    """

    problems_by_name: dict[str, Problem] = field(default_factory=dict)
    passed: list[tuple[Trial, Exchange]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    preflight: PreflightResult = field(default_factory=PreflightResult)
    again: dict[str, bool] = field(default_factory=dict)
    kept_bytes: int = 0

    def start(self, preflight_result: PreflightResult) -> None:
        """Keeps the result of the preflight."""
        self.preflight = preflight_result

    def add(self, trial: Trial, result: CheckResult, verdict: Verdict) -> None:
        """Keeps a result."""
        if verdict.outcome in PROBLEM_OUTCOMES:
            kept = self._has_room(result.exchanges)
            compact = compact_result(result) if kept else replace(result, exchanges=(), exchange=None)
            problem = Problem(trial=trial, result=compact, verdict=verdict)
            known = self.problems_by_name.setdefault(trial.name, problem)
            if WORST_FIRST.index(verdict.outcome) < WORST_FIRST.index(known.verdict.outcome):
                self.problems_by_name[trial.name] = problem
        elif verdict.outcome is Outcome.PASS and self._has_room(result.exchanges):
            self.passed += [(trial, _compact(exchange)) for exchange in result.exchanges]

    def trials_to_ask_again(self) -> list[Trial]:
        """A few of the trials that failed, of each kind of failure, without those that put load on the target."""
        asked: dict[ProblemKey, list[Trial]] = {}
        for item in self.problems:
            check, verdict = item.trial.check, item.verdict
            if verdict.outcome in _FAILED and not verdict.path_state and check.tier in _LIGHT and not check.exclusive:
                asked.setdefault(key_of(item), []).append(item.trial)
        return [trial for trials in asked.values() for trial in trials[:MAX_ASKED_PER_KEY]]

    def add_again(self, trial: Trial, result: CheckResult) -> None:
        """Keeps whether a trial is a problem when it is asked once more."""
        self.again[trial.name] = result.outcome not in PROBLEM_OUTCOMES

    @property
    def problems(self) -> list[Problem]:
        """The problems of all runs of a plan, the worst of each trial, in the order of their names."""
        return [self.problems_by_name[name] for name in sorted(self.problems_by_name)]

    def _has_room(self, exchanges: tuple[Exchange, ...]) -> bool:
        """Whether these fit; if so, they are counted."""
        size = sum(map(_size, exchanges))
        if self.kept_bytes + size > _MAX_KEPT_BYTES:
            return False
        self.kept_bytes += size
        return True


def compact_result(result: CheckResult) -> CheckResult:
    """A result whose exchanges have no large bodies."""
    index = result.exchange_index
    exchanges = tuple(map(_compact, result.exchanges))
    if result.exchange is None:
        return replace(result, exchanges=exchanges)
    own = _compact(result.exchange) if index is None else exchanges[index]
    return replace(result, exchanges=exchanges, exchange=own)


def _compact(exchange: Exchange) -> Exchange:
    """An exchange without large bodies."""
    request, response = exchange.request, exchange.response
    if len(request.body) > MAX_BODY_BYTES:
        exchange = replace(exchange, request=replace(request, body=_LARGE_BODY))
    if response is not None and len(response.body) > _MAX_RESPONSE_BYTES:
        exchange = replace(exchange, response=replace(response, body=response.body[:_MAX_RESPONSE_BYTES]))
    return exchange


def _size(exchange: Exchange) -> int:
    """About how many bytes an exchange takes once it is compact."""
    request, response = exchange.request, exchange.response
    size = _EXCHANGE_BYTES + _HEADER_BYTES * len(request.headers)
    size += len(request.body) if len(request.body) <= MAX_BODY_BYTES else 0
    size += sum(len(value) for _, value in request.query) + len(exchange.bytes_after_response)
    if response is not None:
        size += min(len(response.body), _MAX_RESPONSE_BYTES)
        size += sum(_HEADER_BYTES + len(name) + len(value) for name, value in response.headers)
    return size
