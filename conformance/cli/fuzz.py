"""`conformance fuzz` and `conformance replay`: sends generated requests, or the request of a finding again."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from conformance.cli import output, plan_summary
from conformance.cli.consoles import progress_console
from conformance.cli.corpus import load_corpus
from conformance.cli.execution import (
    INTERRUPTED_CODE,
    INTERRUPTED_REASON,
    create_console,
    dry_run,
    start_embedded_server,
)
from conformance.cli.options_to_settings import require_profile, resolve_settings
from conformance.cli.progress import Heartbeat
from conformance.contract import Contract
from conformance.core import event_loop, interruption
from conformance.core.errors import InconclusiveError, NoResponse, Stopped, UsageError
from conformance.core.text import join_first
from conformance.fuzz.campaign import Campaign, CampaignResult
from conformance.fuzz.corpus import load_or_generate
from conformance.fuzz.finding import Finding, load_finding, save_finding
from conformance.fuzz.replay import replay_finding
from conformance.profile import load
from conformance.report import fuzz_findings as report
from conformance.requests import Keys
from conformance.run import preflight
from conformance.run.permissions import GENTLE_ONLY
from conformance.run.plan import build_plan
from conformance.run.sender import Sender
from conformance.run.startup import wait_for_target
from conformance.run.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from conformance.fuzz.case import Case
    from conformance.run.plan import Plan

DEFAULT_REQUESTS, LOOPBACK_JOBS = 10_000, 16
"""The default number of requests, and how many are in flight at once to a target on this machine."""
REPORTS = {"json": ("fuzz_findings", "render_findings_json"), "junit": ("junit", "render_findings_junit")}
"""The kinds of report of `fuzz` and `replay`, with their renderers."""
_MAX_LISTED_CALLS = 4


def fuzz(options: Mapping[str, Any]) -> int:
    """Sends generated requests to a target and returns the exit code."""
    settings = _resolve_with_profile(options)
    contract = Contract(load(settings["profile"]), settings["include"], settings["exclude"])
    count = DEFAULT_REQUESTS if settings["fuzz"] is None else settings["fuzz"]
    if not count:
        raise UsageError("--fuzz 0: nothing would be sent")
    if options["dry_run"]:
        return dry_run({**settings, "fuzz": count}, settings["url"], contract, ())
    outputs = output.Outputs.requested(options, REPORTS, (settings["profile"],))
    progress, results = progress_console(is_quiet=options["quiet"]), list[CampaignResult]()
    with ExitStack() as stack:
        with outputs.cleared_if_inconclusive():
            url = settings["url"]
            if url is None:
                url = stack.enter_context(start_embedded_server(settings))
            plan = build_plan({**settings, "fuzz": count}, url, contract, ())
        outputs.clear()
        if plan.target.is_loopback and settings["jobs"] is None:
            plan = replace(plan, jobs=LOOPBACK_JOBS)
        early_end: Exception | None = None
        try:
            with interruption.interruptible():
                request_corpus = load_corpus(plan, count, progress, refresh=options["refresh"])
            plan_summary.print_summary(plan, progress)
            progress.print(f"requests: {request_corpus.path or 'not stored'}", soft_wrap=True)
            with Heartbeat(progress, lambda: _progress(plan, results)):
                event_loop.run(_run_campaign(plan, request_corpus.cases(count), settings["max_time"], results))
        except KeyboardInterrupt:
            early_end = Stopped(INTERRUPTED_REASON)
        except Stopped as end:
            early_end = InconclusiveError(f"{plan.target.url}: {end}")
        except InconclusiveError as error:
            early_end = error
    return _publish(outputs, plan, results[0] if results else CampaignResult(), early_end)


def _progress(plan: Plan, results: list[CampaignResult]) -> str:
    """What a campaign is doing, in one line."""
    if not results:
        return f"{plan.contract.profile.name}: the first acceptable requests are sent"
    judged, findings = results[0].judged_count, len(results[0].findings)
    return f"{plan.contract.profile.name}: {judged:,}/{plan.fuzz_requests:,} generated requests, {findings:,} findings"


def _resolve_with_profile(options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings. Raises UsageError if they name no profile."""
    settings = resolve_settings(options)
    require_profile(settings)
    return settings


async def _run_campaign(
    plan: Plan, cases: Iterable[Case], max_time_s: float | None, results: list[CampaignResult]
) -> None:
    """Runs the preflight, then the campaign, whose result is in `results` even if it is interrupted."""
    waits = await wait_for_target(plan)
    watchdog = Watchdog(limits=plan.time_limits)
    async with plan.build_wire() as wire, watchdog.guard():
        try:
            preflight_result = await preflight.run_preflight(plan.contract, plan.keys, Sender(wire=wire), plan.run_id)
        except NoResponse as failure:
            raise InconclusiveError(f"{plan.target.url} can't be judged: {failure}") from None
        if preflight_result.contract:  # by another reading of the documents, and so are the requests
            plan = plan.after_preflight(preflight_result)
            cases = load_or_generate(plan.contract, plan.fuzz_seed, plan.fuzz_requests).cases(plan.fuzz_requests)
        campaign = Campaign(plan.contract, plan.keys, wire, preflight_result)
        results.append(campaign.result)
        watchdog.signs.append(lambda: campaign.result.judged_count)
        if max_time_s is None:
            watchdog.done_share = lambda: campaign.result.judged_count / plan.fuzz_requests
        try:
            await campaign.run(cases, max_time_s=max_time_s)
        finally:
            campaign.result.requests += wire.sent_count + waits


def _publish(outputs: output.Outputs, plan: Plan, result: CampaignResult, early_end: Exception | None) -> int:
    """Stores, prints and writes the findings of a campaign, and returns the exit code.

    `early_end` says why the campaign did not come to its end. Raises InconclusiveError if it can't be judged.
    """
    for finding in result.findings:
        save_finding(finding)
    is_shown = bool(result.requests) or not isinstance(early_end, InconclusiveError)
    outputs.publish(lambda: _Content(plan, result, _end_text(early_end), is_shown=is_shown))
    if isinstance(early_end, InconclusiveError):
        raise early_end
    outputs.raise_problems()
    if interruption.has_come():
        return INTERRUPTED_CODE
    if any(item.level.is_at_least(plan.gate) for item in result.findings):
        return 1
    barely_judged = result.barely_judged(_calls(plan))
    if barely_judged or not result.judged_by_call:
        listed = join_first((f"{call} ({count})" for call, count in barely_judged.items()), _MAX_LISTED_CALLS)
        raise InconclusiveError(f"too few generated requests were judged to say anything: {listed or 'none'}")
    return 0


def _end_text(early_end: Exception | None) -> str:
    """Why a campaign ended early, also if it was interrupted only after its end; empty if it did not."""
    return INTERRUPTED_REASON if interruption.has_come() else str(early_end or "")


def _calls(plan: Plan) -> list[str]:
    return [str(operation) for operation in plan.contract.operations]


@dataclass(frozen=True, slots=True)
class _Content:
    """What a campaign has to say; `early_end` is empty if it came to its end."""

    plan: Plan
    result: CampaignResult
    early_end: str
    is_shown: bool

    def text(self, name: str) -> str:
        """The report of a kind."""
        header = {
            "target": {"url": self.plan.target.url},
            "profile": self.plan.contract.profile.name,
            "seed": self.plan.fuzz_seed,
            "requests": self.result.requests,
            "judged": {call: self.result.judged_by_call[call] for call in _calls(self.plan)},
            "duration_s": round(self.result.duration_s, 3),
            "per_s": round(self.result.judged_per_s),
        }
        document = report.findings_document(header, self.plan.gate, self.result.findings, self.early_end)
        return output.render(name, document, REPORTS)

    def show(self) -> None:
        """Prints the findings, and a line on the campaign."""
        if self.is_shown:
            console = create_console()
            report.print_findings(self.result.findings, console, self.plan.gate)
            console.print(f"\n{_summary(self.plan, self.result, self.early_end)}", soft_wrap=True)


def _summary(plan: Plan, result: CampaignResult, early_end: str) -> str:
    """One line on a campaign."""
    rate = round(result.judged_per_s)
    parts = [
        f"{len(result.findings)} findings in {result.requests:,} requests",
        f"{result.judged_count:,} of them generated and judged" if result.judged_count else "",
        f"{rate:,} a second" if rate else "",
        f"seed {plan.fuzz_seed}",
    ]
    prefix = f"incomplete, {early_end}: " if early_end else ""
    return f"{prefix}{plan.target.url}: {', '.join(filter(None, parts))}"


def replay(options: Mapping[str, Any]) -> int:
    """Sends the request of a finding again and returns the exit code: 1 if it still fails at the gate, 0 if not."""
    finding = load_finding(options["id"])
    settings = _resolve_with_profile({**options, "profile": options["profile"] or finding.profile})
    contract = Contract(load(settings["profile"]), settings["include"], settings["exclude"])
    keys = Keys.of_settings(settings)
    outputs = output.Outputs.requested(options, REPORTS, (settings["profile"],))
    with outputs.cleared_if_inconclusive():
        plan = build_plan(settings, options["url"] or keys.fill_in(finding.url), contract, ())
    if plan.tiers == GENTLE_ONLY:
        raise UsageError("a generated request needs more than the gentle tier")
    outputs.clear()
    found: list[Finding] = []
    early_end: Exception | None = None
    try:
        reproduced = event_loop.run(_resend(plan, finding))
        found += [reproduced] if reproduced else []
    except KeyboardInterrupt:
        early_end = Stopped(INTERRUPTED_REASON)
    except InconclusiveError as error:
        early_end = error
    for item in found:
        save_finding(item)
    outputs.publish(lambda: _Replayed(plan, finding, found, _end_text(early_end)))
    if isinstance(early_end, InconclusiveError):
        raise early_end
    outputs.raise_problems()
    if interruption.has_come():
        return INTERRUPTED_CODE
    return int(any(item.level.is_at_least(plan.gate) for item in found))


@dataclass(frozen=True, slots=True)
class _Replayed:
    """What sending a finding again has to say."""

    plan: Plan
    finding: Finding
    found: Sequence[Finding]
    early_end: str

    def text(self, name: str) -> str:
        """The report of a kind."""
        header = {
            "target": {"url": self.plan.target.url},
            "profile": self.plan.contract.profile.name,
            "replayed": self.finding.id,
            "judged": dict.fromkeys(self.finding.calls, 0 if self.early_end else 1),
        }
        document = report.findings_document(header, self.plan.gate, self.found, self.early_end)
        return output.render(name, document, REPORTS)

    def show(self) -> None:
        """Prints whether it still fails."""
        console, finding = create_console(), self.finding
        report.print_findings(self.found, console, self.plan.gate)
        if not (self.found or self.early_end):
            line = f"{finding.id} does not fail at {self.plan.target.url}: {finding.title}"
            console.print(line, soft_wrap=True, markup=False)


async def _resend(plan: Plan, finding: Finding) -> Finding | None:
    await wait_for_target(plan)
    async with plan.build_wire() as wire:
        try:
            async with Watchdog(limits=plan.time_limits).guard():
                return await replay_finding(plan.contract, plan.keys, Sender(wire=wire), finding)
        except (NoResponse, Stopped) as failure:
            raise InconclusiveError(f"{plan.target.url} can't be judged: {failure}") from None


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"fuzz": fuzz, "replay": replay}
