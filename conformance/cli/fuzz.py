"""`conformance fuzz` and `conformance replay`: sends generated requests, or the request of a finding again."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.console import Console

from conformance.cli import output, plan_summary
from conformance.cli.corpus import load_corpus
from conformance.cli.execution import INTERRUPTED_CODE, create_console, dry_run, start_embedded_server
from conformance.cli.options_to_settings import require_profile, resolve_settings
from conformance.cli.progress import Heartbeat
from conformance.contract import Contract
from conformance.core import event_loop
from conformance.core.errors import InconclusiveError, NoResponse, Stopped, UsageError
from conformance.core.text import join_first
from conformance.fuzz.campaign import Campaign, CampaignResult
from conformance.fuzz.finding import Finding, load_finding, save_finding
from conformance.fuzz.replay import replay_finding
from conformance.profile import load
from conformance.report import fuzz_findings as report
from conformance.requests import Keys
from conformance.run import preflight
from conformance.run.permissions import GENTLE_ONLY
from conformance.run.plan import build_plan
from conformance.run.sender import Sender
from conformance.run.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from conformance.fuzz.case import Case
    from conformance.run.plan import Plan

DEFAULT_REQUESTS, LOOPBACK_JOBS = 10_000, 16
"""The default number of requests, and how many are in flight at once to a target on this machine."""
_MAX_LISTED_CALLS = 4


def fuzz(options: Mapping[str, Any]) -> int:
    """Sends generated requests to a target and returns the exit code."""
    settings = _resolve_with_profile(options)
    contract = Contract(load(settings["profile"]), settings["include"])
    count = DEFAULT_REQUESTS if settings["fuzz"] is None else settings["fuzz"]
    if not count:
        raise UsageError("--fuzz 0: nothing would be sent")
    if options["dry_run"]:
        return dry_run({**settings, "fuzz": count}, options["url"], contract, ())
    with ExitStack() as stack:
        url = options["url"] or stack.enter_context(start_embedded_server(settings))
        plan = build_plan({**settings, "fuzz": count}, url, contract, ())
        if plan.target.is_loopback and settings["jobs"] is None:
            plan = replace(plan, jobs=LOOPBACK_JOBS)
        progress_console = Console(stderr=True, highlight=False, quiet=options["quiet"])
        request_corpus = load_corpus(plan, count, progress_console, refresh=options["refresh"])
        plan_summary.print_summary(plan, progress_console)
        progress_console.print(f"requests: {request_corpus.path or 'not stored'}", soft_wrap=True)
        results: list[CampaignResult] = []
        try:
            with Heartbeat(progress_console, lambda: _progress(plan, results)):
                event_loop.run(_run_campaign(plan, request_corpus.cases(count), settings["max_time"], results))
        except KeyboardInterrupt:
            _publish(options, plan, results[0] if results else CampaignResult(), "interrupted")
            return INTERRUPTED_CODE
        except Stopped as end:
            if results:
                _publish(options, plan, results[0], str(end))
            raise InconclusiveError(f"{plan.target.url}: {end}") from None
    return _publish(options, plan, results[0])


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
    watchdog = Watchdog(limits=plan.time_limits)
    async with plan.build_wire() as wire, watchdog.guard():
        try:
            preflight_result = await preflight.run_preflight(plan.contract, plan.keys, Sender(wire=wire), plan.run_id)
        except NoResponse as failure:
            raise InconclusiveError(f"{plan.target.url} can't be judged: {failure}") from None
        campaign = Campaign(plan.contract, plan.keys, wire, preflight_result)
        results.append(campaign.result)
        watchdog.signs.append(lambda: campaign.result.judged_count)
        if max_time_s is None:
            watchdog.done_share = lambda: campaign.result.judged_count / plan.fuzz_requests
        try:
            await campaign.run(cases, max_time_s=max_time_s)
        finally:
            campaign.result.requests += wire.sent_count


def _publish(options: Mapping[str, Any], plan: Plan, result: CampaignResult, early_end: str = "") -> int:
    """Stores, prints and writes the findings of a campaign, and returns the exit code.

    `early_end` says why the campaign did not come to its end.
    """
    for finding in result.findings:
        save_finding(finding)
    calls = [str(operation) for operation in plan.contract.operations]
    header = {
        "target": {"url": plan.target.url},
        "profile": plan.contract.profile.name,
        "seed": plan.fuzz_seed,
        "requests": result.requests,
        "judged": {call: result.judged_by_call[call] for call in calls},
        "duration_s": round(result.duration_s, 3),
        "per_s": round(result.judged_per_s),
    }
    json_destination = options["json"]
    if json_destination:
        output.write(
            "json", json_destination, report.findings_json_text(header, result.findings, is_complete=not early_end)
        )
    if json_destination != output.STDOUT:
        console = create_console()
        report.print_findings(result.findings, console, plan.gate)
        console.print(f"\n{_summary(plan, result, early_end)}", soft_wrap=True)
    if any(item.level.is_at_least(plan.gate) for item in result.findings):
        return 1
    barely_judged = {} if early_end else result.barely_judged(calls)
    if barely_judged or not (result.judged_by_call or early_end):
        listed = join_first((f"{call} ({count})" for call, count in barely_judged.items()), _MAX_LISTED_CALLS)
        raise InconclusiveError(f"too few generated requests were judged to say anything: {listed or 'none'}")
    return 0


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
    contract = Contract(load(settings["profile"]), settings["include"])
    keys = Keys(write_key=settings["write_key"] or "", bearer=settings["bearer"])
    plan = build_plan(settings, options["url"] or keys.fill_in(finding.url), contract, ())
    if plan.tiers == GENTLE_ONLY:
        raise UsageError("a generated request needs more than the gentle tier")
    reproduced = event_loop.run(_resend(plan, finding))
    console = create_console()
    if reproduced is None:
        console.print(f"{finding.id} does not fail at {plan.target.url}: {finding.title}", soft_wrap=True, markup=False)
        return 0
    save_finding(reproduced)
    report.print_findings([reproduced], console, plan.gate)
    return int(reproduced.level.is_at_least(plan.gate))


async def _resend(plan: Plan, finding: Finding) -> Finding | None:
    async with plan.build_wire() as wire:
        try:
            async with Watchdog(limits=plan.time_limits).guard():
                return await replay_finding(plan.contract, plan.keys, Sender(wire=wire), finding)
        except (NoResponse, Stopped) as failure:
            raise InconclusiveError(f"{plan.target.url} can't be judged: {failure}") from None


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"fuzz": fuzz, "replay": replay}
