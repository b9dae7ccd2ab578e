"""`conformance fuzz` and `conformance replay`: generated requests, and one of them again."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.console import Console

from conformance import preflight
from conformance.cli import writing
from conformance.cli.running import console, reference
from conformance.cli.settling import settled
from conformance.contract import Contract
from conformance.engine import Sender
from conformance.errors import CannotJudge, NoAnswer, UsageError
from conformance.fuzz.campaign import Campaign, Result
from conformance.fuzz.corpus import corpus, is_stored
from conformance.fuzz.finding import Finding, store, stored
from conformance.fuzz.replaying import again
from conformance.profile import load
from conformance.report import fuzzing as report
from conformance.run import prepare
from conformance.wire import loop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    with ExitStack() as stack:
        url = options["url"] or stack.enter_context(reference(settings))
        plan = prepare({**settings, "fuzz": count}, url, contract, ())
        if plan.target.is_loopback and settings["jobs"] is None:
            plan = replace(plan, jobs=JOBS)
        quiet = Console(stderr=True, highlight=False, quiet=options["quiet"])
        if options["refresh"] or not is_stored(contract, plan.fuzz_seed, count):
            quiet.print("generating requests, which takes a few seconds; the next run finds them stored")
        cases = corpus(contract, plan.fuzz_seed, count, refresh=options["refresh"])
        quiet.print(f"requests: {cases.place or 'not stored'}", soft_wrap=True)
        result = loop.run(_campaign(plan, cases.cases(count), settings["max_time"]))
    for finding in result.findings:
        store(finding)
    return _tell(options, plan, result)


def _settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, with a profile."""
    settings = settled(options)
    if not settings["profile"]:
        raise UsageError(
            "a profile is needed: pass --profile NAME, one of those that `conformance profiles` lists"
        )
    return settings


async def _campaign(plan: Plan, cases: Any, max_time_s: float | None) -> Result:  # noqa: ANN401 - an iterator
    """Flies the preflight, then fuzzes."""
    async with plan.wire() as wire:
        try:
            ground = await preflight.fly(plan.contract, plan.keys, Sender(wire=wire))
        except NoAnswer as failure:
            raise CannotJudge(f"{plan.target.url} can't be judged: {failure}") from None
        result = await Campaign(plan.contract, plan.keys, wire, ground).run(cases, max_time_s=max_time_s)
        result.requests += wire.sent
        return result


def _tell(options: Mapping[str, Any], plan: Plan, result: Result) -> int:
    """Prints and writes what a campaign came to, and returns the exit code."""
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
        writing.write("json", place, report.text(header, result.findings))
    if place != writing.STDOUT:
        out = console()
        report.show(result.findings, out, plan.gate)
        out.print(
            f"\n{plan.target.url}: {len(result.findings)} findings in {result.requests:,} requests, "
            f"{header['per_s']:,} a second, seed {plan.fuzz_seed}",
            soft_wrap=True,
        )
    if not result.judged:
        raise CannotJudge("no generated request was sent")
    return int(any(item.level.reaches(plan.gate) for item in result.findings))


def replay(options: Mapping[str, Any]) -> int:
    """Sends the request of a finding again; 1 if it fails as before, 0 if it does not."""
    finding = stored(options["id"])
    settings = _settings({**options, "profile": options["profile"] or finding.profile})
    contract = Contract(load(settings["profile"]), settings["include"])
    plan = prepare(settings, options["url"] or finding.url, contract, ())
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
        return await again(plan.contract, plan.keys, wire, finding)


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"fuzz": fuzz, "replay": replay}
