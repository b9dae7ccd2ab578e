"""`conformance fuzz` and `conformance replay`: generated requests, and one of them again."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.console import Console

from conformance import loop, preflight
from conformance.cli import planning, writing
from conformance.cli.generating import generated
from conformance.cli.running import INTERRUPTED_CODE, console, dry_run, reference
from conformance.cli.settling import need_profile, settled
from conformance.contract import Contract
from conformance.engine import Sender
from conformance.errors import CannotJudge, NoAnswer, UsageError
from conformance.fuzz.campaign import Campaign, Result
from conformance.fuzz.finding import Finding, store, stored
from conformance.fuzz.replaying import again
from conformance.permission import GENTLE
from conformance.profile import load
from conformance.report import fuzzing as report
from conformance.run import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from conformance.fuzz.case import Case
    from conformance.run import Plan

COUNT, JOBS = 10_000, 16
"""How many requests are sent unless the user says otherwise, and how many at a time to this machine."""


def fuzz(options: Mapping[str, Any]) -> int:
    """Sends generated requests to a target and returns the exit code."""
    settings = _settings(options)
    contract = Contract(load(settings["profile"]), settings["include"])
    count = COUNT if settings["fuzz"] is None else settings["fuzz"]
    if not count:
        raise UsageError("--fuzz 0: nothing would be sent")
    if options["dry_run"]:
        return dry_run({**settings, "fuzz": count}, options["url"], contract, ())
    with ExitStack() as stack:
        url = options["url"] or stack.enter_context(reference(settings))
        plan = prepare({**settings, "fuzz": count}, url, contract, ())
        if plan.target.is_loopback and settings["jobs"] is None:
            plan = replace(plan, jobs=JOBS)
        quiet = Console(stderr=True, highlight=False, quiet=options["quiet"])
        cases = generated(plan, count, quiet, refresh=options["refresh"])
        planning.tell(plan, quiet)
        quiet.print(f"requests: {cases.place or 'not stored'}", soft_wrap=True)
        kept: list[Result] = []
        try:
            loop.run(_campaign(plan, cases.cases(count), settings["max_time"], kept))
        except KeyboardInterrupt:
            return _tell(options, plan, kept[0] if kept else Result(), is_complete=False)
    return _tell(options, plan, kept[0], is_complete=True)


def _settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, with a profile."""
    settings = settled(options)
    need_profile(settings)
    return settings


async def _campaign(plan: Plan, cases: Iterable[Case], max_time_s: float | None, kept: list[Result]) -> None:
    """Flies the preflight, then fuzzes; the result is kept as far as it gets."""
    async with plan.wire() as wire:
        try:
            ground = await preflight.fly(plan.contract, plan.keys, Sender(wire=wire), plan.run_id)
        except NoAnswer as failure:
            raise CannotJudge(f"{plan.target.url} can't be judged: {failure}") from None
        campaign = Campaign(plan.contract, plan.keys, wire, ground)
        kept.append(campaign.result)
        try:
            await campaign.run(cases, max_time_s=max_time_s)
        finally:
            campaign.result.requests += wire.sent


def _tell(options: Mapping[str, Any], plan: Plan, result: Result, *, is_complete: bool) -> int:
    """Stores, prints and writes what a campaign came to, and returns the exit code."""
    for finding in result.findings:
        store(finding)
    header = {
        "target": {"url": plan.target.url},
        "profile": plan.contract.profile.name,
        "seed": plan.fuzz_seed,
        "requests": result.requests,
        "duration_s": round(result.duration_s, 3),
        "per_s": round(sum(result.judged.values()) / max(result.duration_s, 1e-9)),
    }
    place = options["json"]
    if place:
        writing.write("json", place, report.text(header, result.findings, is_complete=is_complete))
    if place != writing.STDOUT:
        out, told = console(), "" if is_complete else "interrupted, and incomplete: "
        report.show(result.findings, out, plan.gate)
        out.print(
            f"\n{told}{plan.target.url}: {len(result.findings)} findings in {result.requests:,} requests, "
            f"{header['per_s']:,} a second, seed {plan.fuzz_seed}",
            soft_wrap=True,
        )
    if not is_complete:
        return INTERRUPTED_CODE
    if not result.judged:
        raise CannotJudge("no generated request was sent")
    return int(any(item.level.reaches(plan.gate) for item in result.findings))


def replay(options: Mapping[str, Any]) -> int:
    """Sends the request of a finding again; 1 if it fails as before, 0 if it does not."""
    finding = stored(options["id"])
    settings = _settings({**options, "profile": options["profile"] or finding.profile})
    contract = Contract(load(settings["profile"]), settings["include"])
    plan = prepare(settings, options["url"] or finding.url, contract, ())
    if plan.tiers == GENTLE:
        raise UsageError("a generated request is beyond the gentle tier")
    found = loop.run(_again(plan, finding))
    out = console()
    if found is None:
        out.print(
            f"{finding.id} does not fail at {plan.target.url}: {finding.title}", soft_wrap=True, markup=False
        )
        return 0
    report.show([found], out, plan.gate)
    return 1


async def _again(plan: Plan, finding: Finding) -> Finding | None:
    async with plan.wire() as wire:
        try:
            return await again(plan.contract, plan.keys, wire, finding)
        except NoAnswer as failure:
            raise CannotJudge(f"{plan.target.url} can't be judged: {failure}") from None


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"fuzz": fuzz, "replay": replay}
