"""Verification: judges the server by the profile as it would be written, with the checks of a run."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.checks.check import ACCEPTED
from conformance.checks.trial import make_trials
from conformance.contract import Contract
from conformance.core.model import DEVIATING_OUTCOMES, JUDGED_OUTCOMES, PROBLEM_OUTCOMES, Area, Level, Outcome
from conformance.core.text import join_first
from conformance.probe.corrections import Problem, correct
from conformance.probe.summary import Section
from conformance.profile import parse
from conformance.profile.yaml_writer import to_yaml
from conformance.run.execution import execute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from conformance.checks.check import Check
    from conformance.checks.trial import Trial
    from conformance.core.model import JsonObject, Verdict
    from conformance.probe.draft_profile import DraftProfile
    from conformance.run.execution import FuzzRunner
    from conformance.run.plan import Plan

_MAX_ROUNDS = 4
"""How often the profile is corrected, and what failed is tried again."""
_FUZZ_TIMES = 6
"""How much more time than in a run generated requests have: a run on a faster day sends more of them."""
_MAX_OPERATIONS = 3
_AREA_ORDER = (Area.ACCEPT, Area.PAYLOAD, Area.BATCH, Area.CONTENT_TYPE, Area.PIXEL, Area.WEBHOOK, Area.ERRORS)
"""The areas that come first, in case that the budget ends."""


@dataclass(slots=True, kw_only=True)
class Verification:
    """The outcome of the checks: how many judged, which would fail a run, and which were not tried.

    `stop_reason` says why they ended early, and is empty if they did not.
    """

    judged_count: int = 0
    requests_sent: int = 0
    bytes_sent: int = 0
    problems: list[Problem] = field(default_factory=list)
    not_tried: list[str] = field(default_factory=list)
    stop_reason: str = ""

    def notes(self) -> list[str]:
        """A sentence for each check that would fail a run, with its id in front, and one for those not tried."""
        by_check: dict[str, list[Problem]] = {}
        for problem in self.problems:
            by_check.setdefault(problem.trial.check.id, []).append(problem)
        notes = [_note(check, problems) for check, problems in by_check.items()]
        if self.stop_reason:
            notes.append(f"the checks ended early: {self.stop_reason}")
        if self.not_tried:
            notes.append(f"not tried, so a run may fail on them: {', '.join(self.not_tried)}")
        return notes

    def as_json(self) -> JsonObject:
        """The JSON form."""
        return {
            "requests": self.requests_sent,
            "bytes": self.bytes_sent,
            "judged": self.judged_count,
            "failed": [
                {
                    "id": problem.verdict.id,
                    "operation": problem.verdict.operation,
                    "level": problem.verdict.level.value,
                    "outcome": problem.verdict.outcome.value,
                    "message": problem.verdict.message,
                    "received": problem.verdict.received,
                }
                for problem in self.problems
            ],
            "not_tried": [*self.not_tried],
        }


def _note(check: str, problems: Sequence[Problem]) -> str:
    """What a run says of a check, on which operations."""
    first = min(problems, key=lambda item: item.verdict.level.rank).verdict
    operations = join_first((item.verdict.operation for item in problems if item.verdict.operation), _MAX_OPERATIONS)
    where = f" on {operations}" if operations else ""
    ends = "has no verdict" if first.outcome is Outcome.ERROR else f"fails ({first.level})"
    received = f" {first.received}" if first.received and first.received not in first.message else ""
    return f"{check}: a run {ends}{where}: {first.message}{received}"


@dataclass(slots=True, kw_only=True)
class ProfileVerifier:
    """Runs the checks as `conformance run` does, corrects the profile, and keeps what still fails.

    `plan` is that of the run; its contract and trials are those of the draft profile. `verification` is filled on
    the way.
    """

    plan: Plan
    draft_profile: DraftProfile
    checks: Iterable[Check]
    make_profile_data: Callable[[], dict[str, object]]
    fuzz: FuzzRunner | None = None
    verification: Verification = field(default_factory=Verification)
    _verdicts: dict[str, tuple[Trial, Verdict]] = field(default_factory=dict)

    async def verify(self) -> None:
        """Runs all checks, and those again whose facts were corrected. Raises InconclusiveError if none can run."""
        try:
            await self._run(self._trials())
            for _ in range(_MAX_ROUNDS):
                corrected = [problem for problem in self._problems() if correct(self.draft_profile, problem)]
                if not corrected or self.plan.budget.exhausted or self.verification.stop_reason:
                    break
                await self._run(_tried_again(self._trials(), corrected))
        finally:
            self._fill()

    def _trials(self) -> list[Trial]:
        """The trials of the profile as it is now, the likeliest to fail first."""
        profile = parse(to_yaml(self.make_profile_data()), "the profile that was just made")
        contract = Contract(profile)
        first_by_kind = {operation.kind: operation for operation in reversed(contract.operations)}
        trials = make_trials(contract, self.plan.keys, [*self.checks], self.plan.tiers)
        return sorted(
            trials, key=lambda trial: (trial.operation not in first_by_kind.values(), _area_rank(trial.check.area))
        )

    async def _run(self, trials: Sequence[Trial]) -> None:
        """Runs trials; those that the budget left no request for get no verdict."""
        if not trials:
            return
        plan = replace(self.plan, contract=trials[0].contract, trials=trials)

        def on_verdict(trial: Trial, verdict: Verdict) -> None:
            is_unsent = verdict.outcome is Outcome.ERROR and plan.budget.exhausted is not None
            if not is_unsent:
                self._verdicts[trial.name] = (trial, verdict)

        start_s = time.monotonic()
        run = await execute(plan, on_verdict, fuzz=self.fuzz)
        self.verification.stop_reason = run.stop_reason
        self.plan = replace(self.plan, time_limits=self.plan.time_limits.after(time.monotonic() - start_s))

    def _problems(self) -> list[Problem]:
        """What would fail a run whose gate is SHOULD."""
        return [
            Problem(trial=trial, verdict=verdict)
            for trial, verdict in self._verdicts.values()
            if verdict.outcome in PROBLEM_OUTCOMES and verdict.level is not Level.MAY
        ]

    def _fill(self) -> None:
        """Fills the verification from the verdicts, and adds its row to the summary."""
        runnable = [trial for trial in self._trials() if trial.is_runnable]
        verification = self.verification
        verification.problems = self._problems()
        verification.not_tried = list(
            dict.fromkeys(trial.check.id for trial in runnable if trial.name not in self._verdicts)
        )
        judged = [verdict for _, verdict in self._verdicts.values() if verdict.outcome in JUDGED_OUTCOMES]
        verification.judged_count = len(judged)
        spent = self.plan.budget.usage
        verification.requests_sent, verification.bytes_sent = spent.requests, spent.bytes
        failed = sum(item.verdict.outcome in DEVIATING_OUTCOMES for item in verification.problems)
        self.draft_profile.add_row(
            Section.VERIFICATION, "verified", f"{failed} fail",
            f"{len(judged)} verdicts of a run by this profile, in {spent.requests:,} requests",
        )  # fmt: skip


def verification_plan(plan: Plan, spent: tuple[int, int, int], total: Sequence[int | None]) -> Plan:
    """The plan of the verification: what the probe has spent of `total` (requests, bytes, events) is gone."""
    left = [None if limit is None else max(0, limit - used) for limit, used in zip(total, spent, strict=True)]
    budget = type(plan.budget)(requests=left[0], bytes=left[1], events=left[2])
    return replace(plan, budget=budget, fuzz_max_s=None if plan.fuzz_max_s is None else _FUZZ_TIMES * plan.fuzz_max_s)


def _tried_again(trials: Iterable[Trial], corrected: Iterable[Problem]) -> list[Trial]:
    """The trials of corrected checks on all paths, and all trials of paths whose credentials changed.

    Where a pointer was left out, all requests are others, and all trials are tried again.
    """
    corrected_list = list(corrected)
    if any(problem.fact is not None and problem.fact.name == ACCEPTED for problem in corrected_list):
        return list(trials)
    checks = {problem.trial.check.id for problem in corrected_list}
    paths = {
        problem.path
        for problem in corrected_list
        if problem.fact is not None and problem.fact.name.startswith("credentials.")
    }
    return [
        trial
        for trial in trials
        if trial.check.id in checks or (trial.operation is not None and trial.operation.path in paths)
    ]


def _area_rank(area: Area) -> int:
    return _AREA_ORDER.index(area) if area in _AREA_ORDER else len(_AREA_ORDER)
