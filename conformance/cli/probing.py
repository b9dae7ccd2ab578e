"""`conformance probe`: learns a server's contract by asking, and writes it as a profile."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from conformance import loop
from conformance.cases import CHECKS
from conformance.catalogue import Tier
from conformance.cli import writing
from conformance.cli.running import INTERRUPTED_CODE, console
from conformance.cli.settling import settled
from conformance.contract import Contract
from conformance.errors import UsageError
from conformance.permission import GENTLE
from conformance.probe import Outcome, summary, survey
from conformance.profile import load, parse
from conformance.profile.writing import written
from conformance.resources import profile_names
from conformance.run import prepare
from conformance.text import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console

    from conformance.probe.distance import Distance
    from conformance.run import Plan

REQUESTS, BYTES = 400, 64 * 1024 * 1024
"""What is sent at most unless the user says otherwise."""
_SHOWN, _SHOWN_FURTHER = 12, 3
"""How many differences are shown from the nearest profile, and from each other one."""


def probe(options: Mapping[str, Any]) -> int:
    """Asks a server and returns the exit code."""
    hints = options["profile"] or []
    settings = settled({**options, "profile": None})
    settings["max_requests"] = settings["max_requests"] or REQUESTS
    settings["max_bytes"] = settings["max_bytes"] or BYTES
    if options["url"] is None:
        raise UsageError("a URL is needed: that of the server to ask")
    name = _name(options["name"], options["url"])
    wanted = writing.places({**options, "profile": None}, ("json", "out"))
    profiles = [load(each) for each in dict.fromkeys((*hints, *profile_names()))]
    plan = prepare(settings, options["url"], Contract(profiles[0]), ())
    if plan.tiers == GENTLE:
        raise UsageError("a probe sends faulty requests and large bodies, which is beyond the gentle tier")
    outcome = Outcome()
    code = 0
    try:
        loop.run(survey(plan, profiles, CHECKS, outcome, burst=_is_asked_for(settings)))
    except KeyboardInterrupt:
        outcome.stopped, code = "interrupted", INTERRUPTED_CODE
    if code and not outcome.is_learned:
        return code
    _write(plan, outcome, wanted, name, options["date"])
    if writing.STDOUT not in wanted.values():
        show(plan.target.url, outcome, console(), wanted.get("out"), quiet=options["quiet"])
    return code


def _is_asked_for(settings: Mapping[str, Any]) -> bool:
    """Whether somebody has allowed a burst: it takes half of the usual budget, so nobody gets one unasked."""
    return Tier.BURST in {*settings["allow"], *settings["tier"]}


def _name(given: str | None, url: str) -> str:
    """The name of the profile: as it is given, or the host."""
    if given is not None and re.fullmatch("[a-z0-9][a-z0-9-]*", given) is None:
        raise UsageError(f"--name {given}: expected a short name in lower case: letters, digits and hyphens")
    host = re.sub("[^a-z0-9]+", "-", url.partition("://")[2].partition("/")[0].lower()).strip("-")
    return given or host or "probed"


def _write(plan: Plan, outcome: Outcome, wanted: Mapping[str, str], name: str, date: str | None) -> None:
    """Writes the profile, which the suite's own loader has taken, and the report."""
    text = written(outcome.profile(name, plan.target.url, date), _comments(outcome))
    parse(text, wanted.get("out", name))
    if "out" in wanted:
        writing.write("out", wanted["out"], text)
    if "json" in wanted:
        writing.write(
            "json", wanted["json"], json.dumps(_report(plan, outcome), indent=2, ensure_ascii=False) + "\n"
        )


def _comments(outcome: Outcome) -> list[str]:
    """What a profile can't say, before all that it says."""
    remarks = outcome.sketch.remarks if outcome.sketch else []
    return [safe(text) for text in ("Written by conformance probe.", *remarks, *outcome.left_out)]


def _report(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    """The findings as JSON data."""
    sketch = outcome.sketch
    entries = sketch.entries if sketch else []
    return {
        "format": 1,
        "target": {"url": plan.target.url},
        "requests": outcome.requests,
        "bytes": outcome.bytes,
        "stopped": outcome.stopped,
        "found": [{"topic": item.topic, "value": item.value, "evidence": item.evidence} for item in entries],
        "remarks": [*(sketch.remarks if sketch else [])],
        "left_out": [*outcome.left_out],
        "distances": [item.as_json() for item in outcome.distances],
        "complete": not (outcome.left_out or outcome.stopped),
    }


def show(url: str, outcome: Outcome, out: Console, profile: str | None, *, quiet: bool) -> None:
    """Prints what was found, by what it is known, how far each known profile is, and what to do next."""
    if outcome.sketch is None:
        return
    if not quiet:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("fact", "found", "evidence"):
            table.add_column(heading, overflow="fold")
        for item in summary(outcome.sketch.entries):
            table.add_row(*(Text(safe(text)) for text in (item.topic, item.value, item.evidence)))
        out.print(table)
    for text in (*outcome.sketch.remarks, *outcome.left_out, outcome.stopped):
        if text:
            out.print(Text.assemble(("NOTE  ", "bold yellow"), safe(text)), soft_wrap=True)
    for distance in outcome.distances:
        _show_distance(distance, out, is_nearest=distance is outcome.distances[0])
    spent = f"\n{safe(url)}: {outcome.requests:,} requests, {outcome.bytes:,} bytes"
    out.print(Text(spent, style="bold"), soft_wrap=True)
    if profile is not None:
        told = f"conformance run {safe(url)} --profile {safe(profile)} tells when any of that changes"
        out.print(Text(told), soft_wrap=True)


def _show_distance(item: Distance, out: Console, *, is_nearest: bool) -> None:
    """Prints in what a server differs from a profile; most of it from the nearest."""
    most = _SHOWN if is_nearest else _SHOWN_FURTHER
    name = f"{item.profile} (nearest)" if is_nearest else item.profile
    head = f"{name}: {len(item.differ)} differ, {len(item.same)} same, {len(item.unknown)} unknown"
    out.print(Text(f"\n{safe(head)}", style="bold"), soft_wrap=True)
    for text in item.differ[:most]:
        out.print(Text(f"  {safe(text)}"), soft_wrap=True)
    if len(item.differ) > most:
        out.print(Text(f"  and {len(item.differ) - most} more"))


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"probe": probe}
