"""`conformance probe`: finds out how a server answers, and writes that as a profile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from conformance.cases import CHECKS
from conformance.checks.check import Tier
from conformance.cli import output
from conformance.cli.execution import INTERRUPTED_CODE, INTERRUPTED_REASON, create_console
from conformance.cli.options_to_settings import resolve_settings
from conformance.contract import Contract
from conformance.core import event_loop
from conformance.core.errors import UsageError
from conformance.core.resources import profile_names
from conformance.core.text import escape_controls, to_json_text
from conformance.fuzz import fuzz_plan
from conformance.probe import ProbeOptions, ProbeResult, probe_server, summarize
from conformance.profile import load, parse
from conformance.profile.yaml_writer import to_yaml
from conformance.redaction import redact, redact_document
from conformance.report.plain_tables import print_table
from conformance.run.permissions import GENTLE_ONLY
from conformance.run.plan import build_plan
from conformance.wire.budget import BUDGET_UNITS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console

    from conformance.probe.profile_distance import ProfileDistance
    from conformance.run.plan import Plan

DEFAULT_MAX_REQUESTS, DEFAULT_MAX_BYTES = 400, 64 * 1024 * 1024
"""The default budget of the questions; the checks that follow have none, as in a run."""
_MAX_SHOWN_NEAREST, _MAX_SHOWN_OTHER = 12, 3
"""How many differences are printed for the nearest profile, and for each other one."""


def probe(options: Mapping[str, Any]) -> int:
    """Probes a server and returns the exit code."""
    hints = options["profile"] or []
    settings = resolve_settings({**options, "profile": None})
    total = [settings[f"max_{unit}"] for unit in BUDGET_UNITS]
    settings["max_requests"] = settings["max_requests"] or DEFAULT_MAX_REQUESTS
    settings["max_bytes"] = settings["max_bytes"] or DEFAULT_MAX_BYTES
    if options["url"] is None:
        raise UsageError("a URL is needed: that of the server to probe")
    name = _profile_name(options["name"], options["url"])
    destinations = output.requested_destinations({**options, "profile": None}, ("json", "out"))
    profiles = [load(each) for each in dict.fromkeys((*hints, *profile_names()))]
    plan = build_plan(settings, options["url"], Contract(profiles[0]), ())
    if plan.tiers == GENTLE_ONLY:
        raise UsageError("a probe sends faulty requests and large bodies, which the gentle tier does not permit")
    outcome = ProbeResult()
    code = 0
    try:
        probe_options = ProbeOptions(burst=_is_burst_allowed(settings), total=total, fuzz=fuzz_plan)
        event_loop.run(probe_server(plan, profiles, CHECKS, outcome, probe_options))
    except KeyboardInterrupt:
        outcome.stop_reason, code = INTERRUPTED_REASON, INTERRUPTED_CODE
    if code and not outcome.has_profile:
        return code
    _write(plan, outcome, destinations, name, options["date"])
    if output.STDOUT not in destinations.values():
        print_outcome(plan.target.url, outcome, create_console(), destinations.get("out"), quiet=options["quiet"])
    return code


def _is_burst_allowed(settings: Mapping[str, Any]) -> bool:
    """Whether the user allows a burst. It is off by default, for it takes half of the default budget."""
    return Tier.BURST in {*settings["allow"], *settings["tier"]}


def _profile_name(requested: str | None, url: str) -> str:
    """The name of the profile: the requested one, or else the host's. Raises UsageError for a wrong name."""
    if requested is not None and re.fullmatch("[a-z0-9][a-z0-9-]*", requested) is None:
        raise UsageError(f"--name {requested}: expected a short name in lower case: letters, digits and hyphens")
    host = re.sub("[^a-z0-9]+", "-", url.partition("://")[2].partition("/")[0].lower()).strip("-")
    return requested or host or "probed"


def _write(plan: Plan, outcome: ProbeResult, destinations: Mapping[str, str], name: str, date: str | None) -> None:
    """Writes the profile, after the suite's own parser has accepted it, and the report."""
    text = to_yaml(outcome.profile_data(name, redact(plan.target.url), date), _comments(outcome))
    parse(text, destinations.get("out", name))
    if "out" in destinations:
        output.write("out", destinations["out"], text)
    if "json" in destinations:
        document = redact_document(_report_json(plan, outcome))
        output.write("json", destinations["json"], to_json_text(document, indent=2) + "\n")


def _comments(outcome: ProbeResult) -> list[str]:
    """The comments at the top of the profile: remarks, and what the probe left out."""
    remarks = outcome.draft_profile.remarks if outcome.draft_profile else []
    notes = [f"NOTE {text}" for text in outcome.verification.notes()]
    return [
        escape_controls(text) for text in ("Written by conformance probe.", *notes, *remarks, *outcome.skipped_phases)
    ]


def _report_json(plan: Plan, outcome: ProbeResult) -> dict[str, Any]:
    """The JSON report."""
    draft = outcome.draft_profile
    rows = draft.rows if draft else []
    return {
        "format": 1,
        "target": {"url": plan.target.url},
        "requests": outcome.requests_sent,
        "bytes": outcome.bytes_sent,
        "stopped": outcome.stop_reason,
        "found": [{"topic": item.topic, "value": item.value, "evidence": item.evidence} for item in rows],
        "remarks": [*(draft.remarks if draft else [])],
        "left_out": [*outcome.skipped_phases],
        "notes": outcome.verification.notes(),
        "verification": outcome.verification.as_json(),
        "distances": [item.as_json() for item in outcome.distances],
        "complete": not (outcome.skipped_phases or outcome.stop_reason or outcome.verification.not_tried),
    }


def print_outcome(url: str, outcome: ProbeResult, out: Console, profile: str | None, *, quiet: bool) -> None:
    """Prints the facts with their evidence, the distance from each known profile, and the next command."""
    if outcome.draft_profile is None:
        return
    if not quiet:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("fact", "found", "evidence"):
            table.add_column(heading, overflow="fold")
        for item in summarize(outcome.draft_profile.rows):
            table.add_row(*(Text(escape_controls(text)) for text in (item.topic, item.value, item.evidence)))
        print_table(table, out)
    remarks = outcome.draft_profile.remarks
    for text in (*remarks, *outcome.skipped_phases, outcome.stop_reason, *outcome.verification.notes()):
        if text:
            out.print(Text.assemble(("NOTE ", "bold yellow"), escape_controls(text)), soft_wrap=True)
    for distance in outcome.distances:
        _print_distance(distance, out, is_nearest=distance is outcome.distances[0])
    totals_line = f"\n{escape_controls(url)}: {outcome.requests_sent:,} requests, {outcome.bytes_sent:,} bytes"
    out.print(Text(totals_line, style="bold"), soft_wrap=True)
    if profile is not None:
        command = f"conformance run {escape_controls(url)} --profile {escape_controls(profile)}"
        hint = f"{command} shows when any of that changes"
        out.print(Text(hint), soft_wrap=True)


def _print_distance(item: ProfileDistance, out: Console, *, is_nearest: bool) -> None:
    """Prints how a server differs from a profile; for the nearest profile in more detail."""
    max_shown = _MAX_SHOWN_NEAREST if is_nearest else _MAX_SHOWN_OTHER
    name = f"{item.profile} (nearest)" if is_nearest else item.profile
    heading = f"{name}: {len(item.differences)} differ, {len(item.same)} same, {len(item.not_observed)} unknown"
    out.print(Text(f"\n{escape_controls(heading)}", style="bold"), soft_wrap=True)
    for text in item.differences[:max_shown]:
        out.print(Text(f"  {escape_controls(text)}"), soft_wrap=True)
    if len(item.differences) > max_shown:
        out.print(Text(f"  and {len(item.differences) - max_shown} more"))


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"probe": probe}
