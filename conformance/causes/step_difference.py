"""Differences of a check at one step, and all that comparing the checks has shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from conformance.core.model import Outcome

if TYPE_CHECKING:
    from conformance.causes.normalized_answers import AnswerChange
    from conformance.checks.trial import Trial
    from conformance.core.model import Exchange, Request
    from conformance.run.engine import CheckResult

FAIL_OR_ERROR = frozenset({Outcome.FAIL, Outcome.ERROR})
"""The outcomes that blame a side. An untestable check follows from the failure of another."""
DifferenceKey: TypeAlias = "tuple[str, int, AnswerChange]"
ResultPair: TypeAlias = "tuple[CheckResult, CheckResult]"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDifference:
    """One difference at one step of a check, with the exchanges and results of both sides.

    `decides_verdict` is true for the step that makes the check fail on exactly one side.
    """

    trial: Trial
    step: int
    change: AnswerChange
    exchanges: tuple[Exchange | None, Exchange | None]
    results: ResultPair
    decides_verdict: bool = False

    @property
    def key(self) -> DifferenceKey:
        """The key by which it is recognized in another round."""
        return self.trial.name, self.step, self.change

    @property
    def request(self) -> Request | None:
        """The request that both sides got."""
        exchange = self.exchanges[0] or self.exchanges[1]
        return exchange.request if exchange else None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnstableCheck:
    """A check whose rounds gave different results, which `first` and `second` describe for each side."""

    id: str
    operation: str
    first: tuple[str, ...]
    second: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class CheckComparisonResult:
    """The result of comparing the checks.

    `check_count` counts checks with an answer on both sides, `reworded_count` answers that differ only in wording.
    `matching` are answers that are the same on both sides, used to rule out causes. `stopped` is the reason if the
    comparison ended early.
    """

    differences: list[StepDifference] = field(default_factory=list)
    matching: list[tuple[Trial, Exchange]] = field(default_factory=list)
    unstable: list[UnstableCheck] = field(default_factory=list)
    check_count: int = 0
    answer_count: int = 0
    reworded_count: int = 0
    stopped: str = ""


def is_failed_by_one(pair: ResultPair) -> bool:
    """Whether a check fails on exactly one side."""
    return (pair[0].outcome in FAIL_OR_ERROR) != (pair[1].outcome in FAIL_OR_ERROR)
