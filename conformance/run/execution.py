"""Executes a plan: preflight, checks, verdicts, report. The command and the plugin both use it."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from conformance import __version__
from conformance.core.errors import InconclusiveError, NoResponse, Stopped
from conformance.core.model import WORST_FIRST, Area, Outcome, Verdict
from conformance.core.resources import profile_names
from conformance.core.timing import Timing
from conformance.profile.facts import SizeLimit
from conformance.report.document import Report, RunInfo
from conformance.report.limits import MeasuredLimit, measure_limits
from conformance.report.transcript import TranscriptBudget
from conformance.run import preflight, sink_trials
from conformance.run.evidence_store import ask_again
from conformance.run.sender import Sender
from conformance.run.startup import wait_for_target
from conformance.run.verdicts import build_verdict
from conformance.run.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from conformance.checks.trial import Trial
    from conformance.core.model import JsonObject
    from conformance.profile.profile import Profile, Reading
    from conformance.report.cause import FoundCauses
    from conformance.requests import PreflightResult
    from conformance.run.engine import CheckResult
    from conformance.run.evidence_store import EvidenceStore
    from conformance.run.known_deviations import DeviationList
    from conformance.run.plan import Plan


class FuzzRunner(Protocol):
    """Judges the trials of the area `fuzz` with generated requests."""

    async def __call__(
        self, plan: Plan, trials: Sequence[Trial], sender: Sender, on_result: Callable[[Trial, CheckResult], None]
    ) -> int:
        """Reports a result for each trial, and returns how many requests were sent."""


@dataclass(slots=True, kw_only=True)
class RunResult:
    """The result of a run; `stop_reason` says why it ended early, and is empty if it did not.

    `is_interrupted` says that the user, or a signal, ended it, `is_target_down` that a failed check's request did,
    by making the target go away. `answered_count` are the verdicts other than `error`.
    `idle_s` is how long it had made no progress at its end. `reading` is the reading of the documents that the target
    follows, None for the first.
    `evidence`, where given, keeps what the run sees; `causes` are those of failures, None if nobody looked for them.
    `delivery` is what the ledger says, None without a sink.
    """

    evidence: EvidenceStore | None = None
    causes: FoundCauses | None = None
    delivery: JsonObject | None = None
    reading: Reading | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    answered_count: int = 0
    requests: int = 0
    duration_s: float = 0.0
    waited_s: float = 0.0
    idle_s: float = 0.0
    stop_reason: str = ""
    is_interrupted: bool = False
    is_target_down: bool = False

    def start(self, preflight_result: PreflightResult) -> None:
        """Takes the result of the preflight."""
        self.reading = preflight_result.reading
        if self.evidence is not None:
            self.evidence.start(preflight_result)

    def add(self, trial: Trial, check_result: CheckResult, verdict: Verdict) -> None:
        """Adds a verdict."""
        self.answered_count += check_result.outcome is not Outcome.ERROR
        self.verdicts.append(verdict)
        if self.evidence is not None:
            self.evidence.add(trial, check_result, verdict)


def merge_results(results: Sequence[RunResult]) -> RunResult:
    """Merges the results of repeated runs of one plan, verdicts as by `merge_runs`."""
    if len(results) == 1:
        return results[0]
    return RunResult(
        delivery=results[-1].delivery,
        reading=next((item.reading for item in results if item.reading), None),
        verdicts=merge_runs([item.verdicts for item in results]),
        requests=sum(item.requests for item in results),
        duration_s=sum(item.duration_s for item in results),
        waited_s=sum(item.waited_s for item in results),
        stop_reason=next((item.stop_reason for item in results if item.stop_reason), ""),
        is_interrupted=any(item.is_interrupted for item in results),
        is_target_down=any(item.is_target_down for item in results),
    )


def merge_runs(runs: Iterable[Sequence[Verdict]]) -> list[Verdict]:
    """One verdict for each check and operation: the worst one, with counts if the outcomes differ."""
    groups: dict[str, list[Verdict]] = {}
    for verdicts in runs:
        for item in verdicts:
            groups.setdefault(item.name, []).append(item)
    return [_merge(group) for group in groups.values()]


def _merge(verdicts: Sequence[Verdict]) -> Verdict:
    worst = min(verdicts, key=lambda item: WORST_FIRST.index(item.outcome))
    counts = Counter(item.outcome for item in verdicts)
    if len(counts) == 1:
        return worst
    counts_text = ", ".join(f"{counts[outcome]} {outcome}" for outcome in WORST_FIRST if counts[outcome])
    message = f"flaky, {counts_text} in {len(verdicts)} runs" + (f"; {worst.message}" if worst.message else "")
    return replace(
        worst, message=message, outcome_counts=tuple((item, counts[item]) for item in WORST_FIRST if counts[item])
    )


def apply_known_deviations(
    report: Report, deviations: DeviationList, check_ids: Collection[str], *, is_full_run: bool
) -> Report:
    """The report with known deviations marked, and with the entries of the list that are stale today.

    `check_ids` are those of all checks; `is_full_run` says that the user has deselected none of them.
    """
    today = datetime.now(UTC).date()
    stale = deviations.stale_entries(
        report.verdicts, check_ids, today, is_full_run=is_full_run, causes=report.found_causes
    )
    return replace(
        report, verdicts=tuple(deviations.mark_known(report.verdicts, report.found_causes)), stale_entries=stale
    )


async def execute(
    plan: Plan,
    on_verdict: Callable[[Trial, Verdict], None],
    *,
    fuzz: FuzzRunner | None = None,
    on_ready: Callable[[], None] = lambda: None,
    result: RunResult | None = None,
) -> RunResult:
    """Runs every trial of a plan; calls `on_verdict` for each verdict and `on_ready` once the preflight has passed.

    `fuzz` sends the generated requests of a plan that has any. `result` is filled during the run, for a caller
    that may interrupt it. If the circuit breaker opens or the time is up, the run ends early and `stop_reason` is set.
    Raises InconclusiveError if the target accepts no valid request.
    """
    result, waits, start_s = result or RunResult(), await wait_for_target(plan), time.monotonic()
    sender, budget = Sender(wire=(wire := plan.build_wire()), sink=plan.sink), TranscriptBudget(plan.runs_in_report)
    sink, watchdog = plan.sink or nullcontext(), _build_watchdog(plan, sender, result)

    def on_result(trial: Trial, check_result: CheckResult) -> None:
        verdict = _with_timing(build_verdict(trial, check_result, budget), check_result, start_s)
        result.add(trial, check_result, verdict)
        on_verdict(trial, verdict)

    try:
        async with sink, wire, plan.open_page() as sender.page:
            async with watchdog.guard():
                preflight_result = await _run_preflight(plan, sender)
                sender.start_over()
                result.start(preflight_result)
                on_ready()
                others, fuzz_trials = _trials_after(preflight_result, plan)
                await sink_trials.run_all(others, sender, plan.jobs, on_result)
                if fuzz_trials:
                    result.requests += await _required(fuzz)(plan, fuzz_trials, sender, on_result)
            await ask_again(result.evidence, sender)
    except Stopped as reason:
        result.stop_reason, result.is_target_down = str(reason), sender.outages.is_blamed
    finally:
        result.delivery, result.requests = _delivery(plan), result.requests + wire.sent_count + waits
        result.waited_s, result.idle_s, result.duration_s = sender.waited_s, watchdog.idle_s, time.monotonic() - start_s
    return result


def _delivery(plan: Plan) -> JsonObject | None:
    """What the ledger says; None without a sink."""
    return plan.sink.document() if plan.sink else None


def _required(fuzz: FuzzRunner | None) -> FuzzRunner:
    """What sends generated requests. Raises ValueError if there is nothing."""
    if fuzz is None:
        raise ValueError("the plan has generated requests, and no runner to send them")
    return fuzz


def _with_timing(verdict: Verdict, check_result: CheckResult, start_s: float) -> Verdict:
    """The verdict with the time of its check, from the start of the run; without, if it was judged with others."""
    if check_result.span_s is None:
        return verdict
    began_s, ended_s = check_result.span_s
    return replace(verdict, timing=Timing(started_s=began_s - start_s, duration_s=ended_s - began_s))


def _build_watchdog(plan: Plan, sender: Sender, result: RunResult) -> Watchdog:
    """A watchdog for whom every verdict other than `error` is progress."""
    sender.progress_counts.append(lambda: result.answered_count)
    return Watchdog(
        limits=plan.time_limits,
        signs=sender.progress_counts,
        done_share=lambda: len(result.verdicts) / max(1, len(plan.trials)),
        waits=sender.waits,
    )


def _trials_after(preflight_result: PreflightResult, plan: Plan) -> tuple[list[Trial], list[Trial]]:
    """The trials of a plan, those with generated requests apart."""
    trials = [trial.after_preflight(preflight_result) for trial in plan.trials]
    if not plan.fuzz_requests:
        return trials, []
    others = [trial for trial in trials if trial.check.area is not Area.FUZZ]
    return others, [trial for trial in trials if trial.check.area is Area.FUZZ]


async def _run_preflight(plan: Plan, sender: Sender) -> PreflightResult:
    """Runs the preflight. Raises InconclusiveError if the target can't be tested."""
    try:
        return await preflight.run_preflight(
            plan.contract, plan.keys, sender, plan.run_id, plan.sink.nonce if plan.sink else ""
        )
    except NoResponse as failure:
        raise InconclusiveError(f"{plan.target.url} can't be judged: {failure}") from None


def build_report(plan: Plan, result: RunResult, failure: str = "") -> Report:
    """The report of a run that has ended; `failure` says why nothing could be judged."""
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
        is_interrupted=result.is_interrupted,
        is_target_down=result.is_target_down,
        unjudged_reason=failure,
        is_unverified=plan.target.is_unverified,
        location=plan.location or own_profile_path(profile),
        reading=result.reading.sentence if result.reading else "",
    )
    return replace(
        Report.from_verdicts(header, result.verdicts, _measured_limits(plan, result)),
        found_causes=result.causes,
        delivery=result.delivery,
    )


def own_profile_path(profile: Profile) -> str:
    """The path of a user's profile from the working directory, which CI has at the root of a repository.

    Empty for a profile that comes with the suite, and for a file elsewhere.
    """
    file, here = Path(profile.file).resolve(), Path.cwd().resolve()
    is_own = profile.name not in profile_names() and file.is_relative_to(here)
    return file.relative_to(here).as_posix() if is_own else ""


def _measured_limits(plan: Plan, result: RunResult) -> tuple[MeasuredLimit, ...]:
    """The size limits that the plan's checks are about, with what was measured of them."""
    planned_limits = {
        (trial.check.fact, trial.operation)
        for trial in plan.trials
        if trial.operation and trial.facts and isinstance(trial.facts[0], SizeLimit)
    }
    return measure_limits(plan.contract, planned_limits, result.verdicts)
