"""A run: settings -> preflight -> engine -> verdicts. The one way in for the command and the plugin."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from conformance import __version__
from conformance.checks.check import Check, Tier
from conformance.checks.selection import select_trials
from conformance.checks.trial import Trial, make_trials
from conformance.core.errors import InconclusiveError, NoResponse, Stopped, UsageError
from conformance.core.model import DEFAULT_RUN_ID, Area, Level, Verdict
from conformance.profile.facts import SizeLimit as SizeLimit
from conformance.report.document import Report, RunInfo
from conformance.report.limits import MeasuredLimit, measure_limits
from conformance.requests import Keys
from conformance.run import engine, preflight
from conformance.run.circuit_breaker import CircuitBreaker
from conformance.run.permissions import GENTLE_ONLY, permitted_tiers
from conformance.run.repetition import merge_runs
from conformance.run.sender import Sender
from conformance.run.verdicts import build_verdict
from conformance.wire import Budget, Redactor, Wire, parse_target
from conformance.wire.budget import BUDGET_UNITS
from conformance.wire.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from conformance.contract import Contract
    from conformance.requests import PreflightResult
    from conformance.run.engine import CheckResult
    from conformance.run.known_deviations import DeviationList
    from conformance.wire import TargetAddress

_SECRET_HEADER_NAME = re.compile("auth|cookie|key|token|secret|pass|sign", re.IGNORECASE)
DEFAULT_JOBS = 8
"""How many requests are in flight unless the user says otherwise."""
DEFAULT_FUZZ_REQUESTS, DEFAULT_FUZZ_S = 8_000, 5.0
"""How many generated requests a run sends to this machine, and for how many seconds at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to judge, and how hard to press the target.

    `jobs` is the number of requests in flight, `rate` the most requests a second (None: as fast as it
    goes), `deadline_s` the seconds that one exchange may take; `fuzz` the number of generated requests,
    `fuzz_s` the seconds that they may take. `budget` is what is sent at most in all, `run_id` what the
    events are marked with.
    """

    target: TargetAddress
    contract: Contract
    keys: Keys
    trials: Sequence[Trial]
    gate: Level = Level.MUST
    jobs: int = 8
    rate: float | None = None
    deadline_s: float = 10.0
    fuzz_requests: int = 0
    fuzz_seed: int = 1
    fuzz_max_s: float | None = None
    tiers: frozenset[Tier] = frozenset(Tier)
    budget: Budget = field(default_factory=Budget)
    run_id: str = DEFAULT_RUN_ID

    def with_trials(self, trials: Sequence[Trial]) -> Plan:
        """The same with some trials."""
        return replace(self, trials=trials)

    def build_wire(self, wire_type: type[Wire] = Wire) -> Wire:
        """A wire to the target, as hard on it as the plan says."""
        return wire_type(
            target=self.target,
            redactor=Redactor(self.placeholders_by_secret()),
            connections=self.jobs,
            deadline_s=self.deadline_s,
            throttle=Throttle(self.rate),
            budget=self.budget,
        )

    def placeholders_by_secret(self) -> dict[str, str]:
        """Every secret of the run with its stand-in; a further header is one if its name says so."""
        headers = {
            value: f"$HEADER_{index}"
            for index, (name, value) in enumerate(self.target.headers, 1)
            if _SECRET_HEADER_NAME.search(name)
        }
        return {**headers, **self.keys.placeholders_by_secret()}


@dataclass(slots=True, kw_only=True)
class RunResult:
    """What a run came to; `stopped` says why, if it ended before its end."""

    verdicts: list[Verdict] = field(default_factory=list)
    requests: int = 0
    duration_s: float = 0.0
    waited_s: float = 0.0
    stop_reason: str = ""


def merge_results(results: Sequence[RunResult]) -> RunResult:
    """Several runs of one plan as one: of each check the worst, and how often it came to what."""
    if len(results) == 1:
        return results[0]
    return RunResult(
        verdicts=merge_runs([item.verdicts for item in results]),
        requests=sum(item.requests for item in results),
        duration_s=sum(item.duration_s for item in results),
        waited_s=sum(item.waited_s for item in results),
        stop_reason=next((item.stop_reason for item in results if item.stop_reason), ""),
    )


def apply_known_deviations(
    report: Report, deviations: DeviationList, check_ids: Collection[str], *, is_full_run: bool
) -> Report:
    """A report that knows a list of known deviations, and what of that is stale today.

    `ids` are those of all checks; `is_whole` says that none was left out by the user.
    """
    today = datetime.now(UTC).date()
    stale = deviations.stale_entries(report.verdicts, check_ids, today, is_full_run=is_full_run)
    return replace(report, verdicts=tuple(deviations.mark_known(report.verdicts)), stale_entries=stale)


def build_plan(settings: Mapping[str, Any], url: str, contract: Contract, checks: Sequence[Check]) -> Plan:
    """A plan from resolved settings. Raises UsageError for what does not fit, or may not be tested so."""
    if not settings["write_key"]:
        raise UsageError("a write key is needed: set CONFORMANCE_WRITE_KEY, or pass --write-key KEY")
    if not f"{settings['write_key']}{settings['bearer'] or ''}".isprintable():
        raise UsageError(
            "the write key or the access token contains a line break or another control character"
        )
    keys = Keys(write_key=settings["write_key"], bearer=settings["bearer"])
    target = parse_target(
        url,
        headers=tuple(settings["header"]),
        ca_bundle=settings["ca_bundle"],
        insecure=settings["insecure"],
    )
    tiers = permitted_tiers(target, contract.profile, settings)
    return Plan(
        target=target,
        contract=contract,
        keys=keys,
        trials=select_trials(
            make_trials(contract, keys, checks, tiers), settings["select"], settings["deselect"]
        ),
        gate=settings["gate"],
        jobs=_choose_jobs(tiers, settings["jobs"]),
        rate=settings["rate"],
        deadline_s=settings["deadline"],
        fuzz_requests=_choose_fuzz_requests(target, tiers, settings["fuzz"]),
        fuzz_seed=settings["fuzz_seed"],
        fuzz_max_s=settings["max_time"] or (DEFAULT_FUZZ_S if settings["fuzz"] is None else None),
        tiers=tiers,
        budget=Budget(**{word: settings[f"max_{word}"] for word in BUDGET_UNITS}),
        run_id=settings["run_id"],
    )


def _choose_jobs(tiers: frozenset[Tier], requested: int | None) -> int:
    """How many requests are in flight: in the gentle tier one."""
    if tiers != GENTLE_ONLY:
        return requested or DEFAULT_JOBS
    if requested not in {None, 1}:
        raise UsageError(f"--jobs {requested}: the gentle tier sends one request at a time")
    return 1


def _choose_fuzz_requests(target: TargetAddress, tiers: frozenset[Tier], requested: int | None) -> int:
    """How many generated requests are sent: beyond this machine only what was asked for, and allowed."""
    if requested and Tier.BURST not in tiers:
        raise UsageError(
            "generated requests are of the tier burst: allow it with --allow burst, or --tier burst"
        )
    if requested is None:
        return DEFAULT_FUZZ_REQUESTS if target.is_loopback and Tier.BURST in tiers else 0
    return requested


async def execute(
    plan: Plan,
    on_verdict: Callable[[Trial, Verdict], None],
    *,
    on_ready: Callable[[], None] = lambda: None,
    result: RunResult | None = None,
    wire_type: type[Wire] = Wire,
) -> RunResult:
    """Judges every trial of a plan and tells each verdict as it falls; `ready` is told when the first may.

    `result` is filled as the run goes, for who may have to stop it. A target that dies on the way stops it,
    too. Raises CannotJudge if nothing that is valid is accepted.
    """
    result = result or RunResult()
    start_s = time.monotonic()
    wire = plan.build_wire(wire_type)
    sender = Sender(wire=wire)

    def on_result(trial: Trial, check_result: CheckResult) -> None:
        verdict = build_verdict(trial, check_result)
        result.verdicts.append(verdict)
        on_verdict(trial, verdict)

    try:
        async with wire:
            preflight_result = await _run_preflight(plan, sender)
            sender.breaker = CircuitBreaker()
            on_ready()
            checked_trials = [replace(trial, preflight=preflight_result) for trial in plan.trials]
            fuzz_trials = [
                trial for trial in checked_trials if plan.fuzz_requests and trial.check.area is Area.FUZZ
            ]
            other_trials = [
                trial
                for trial in checked_trials
                if not plan.fuzz_requests or trial.check.area is not Area.FUZZ
            ]
            await engine.run_all(other_trials, sender, plan.jobs, on_result)
            result.requests += await _run_fuzzing(plan, fuzz_trials, sender, on_result) if fuzz_trials else 0
    except Stopped as end:
        result.stop_reason = str(end)
    finally:
        result.requests += wire.sent_count
        result.waited_s = sender.waited_s
        result.duration_s = time.monotonic() - start_s
    return result


async def _run_fuzzing(
    plan: Plan, trials: Sequence[Trial], sender: Sender, on_result: Callable[[Trial, CheckResult], None]
) -> int:
    """Fuzzes, and returns the number of requests; nobody who does not fuzz pays for its generators."""
    from conformance.fuzz import check_results

    effort = check_results.FuzzOptions(
        count=plan.fuzz_requests, seed=plan.fuzz_seed, max_time_s=plan.fuzz_max_s
    )
    return await check_results.fuzz_trials(trials, effort, sender, on_result)


async def _run_preflight(plan: Plan, sender: Sender) -> PreflightResult:
    """What the preflight finds. Raises CannotJudge where there is nothing to stand on."""
    try:
        return await preflight.run_preflight(plan.contract, plan.keys, sender, plan.run_id)
    except NoResponse as failure:
        raise InconclusiveError(f"{plan.target.url} can't be judged: {failure}") from None


def build_report(plan: Plan, result: RunResult, failure: str = "") -> Report:
    """The report of a run that has ended; `failure` is why it could not judge."""
    profile = plan.contract.profile
    started = datetime.now(UTC) - timedelta(seconds=result.duration_s)
    header = RunInfo(
        suite_version=__version__,
        target_url=plan.target.url,
        profile_name=profile.name,
        profile_title=profile.title,
        gate=plan.gate,
        started=started.isoformat(timespec="seconds"),
        duration_s=result.duration_s,
        request_count=result.requests,
        waited_s=result.waited_s,
        planned_verdicts=len(plan.trials),
        stop_reason=result.stop_reason,
        unjudged_reason=failure,
    )
    return Report.from_verdicts(header, result.verdicts, _measured_limits(plan, result))


def _measured_limits(plan: Plan, result: RunResult) -> tuple[MeasuredLimit, ...]:
    """Every size limit that checks of the plan are about, with what was measured of it."""
    planned_limits = {
        (trial.check.fact, trial.operation)
        for trial in plan.trials
        if trial.operation and trial.facts and isinstance(trial.facts[0], SizeLimit)
    }
    return measure_limits(plan.contract, planned_limits, result.verdicts)
