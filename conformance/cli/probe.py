"""`conformance probe`: finds out how a server answers, and writes that as a profile."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from conformance.cases import CHECKS
from conformance.checks.check import Tier
from conformance.cli import output
from conformance.cli.consoles import progress_console
from conformance.cli.execution import INTERRUPTED_CODE, INTERRUPTED_REASON, create_console
from conformance.cli.options_to_settings import resolve_settings
from conformance.cli.progress import Heartbeat
from conformance.contract import Contract
from conformance.core import event_loop, interruption
from conformance.core.errors import InconclusiveError, UsageError
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
    url = settings["url"]
    if url is None:
        raise UsageError("a URL is needed: that of the server to probe")
    name = _profile_name(options["name"], url)
    outputs = output.Outputs.requested(options, ("json", "out"), hints)
    with outputs.cleared_if_inconclusive():
        profiles = [load(each) for each in dict.fromkeys((*hints, *profile_names()))]
        plan = build_plan(settings, url, Contract(profiles[0]), ())
    if plan.tiers == GENTLE_ONLY:
        raise UsageError("a probe sends faulty requests and large bodies, which the gentle tier does not permit")
    outputs.clear()
    outcome = ProbeResult()
    content = _Content(plan, outcome, outputs.destinations.get("out"), name, options["date"], is_quiet=options["quiet"])
    try:
        probe_options = ProbeOptions(burst=_is_burst_allowed(settings), total=total, fuzz=fuzz_plan)
        with Heartbeat(
            progress_console(is_quiet=options["quiet"]), lambda: f"probing {plan.target.url}: {outcome.phase}"
        ):
            event_loop.run(probe_server(plan, profiles, CHECKS, outcome, probe_options))
    except KeyboardInterrupt:
        outcome.stop_reason = INTERRUPTED_REASON
    except InconclusiveError as error:
        outcome.stop_reason = str(error)
        outputs.publish(lambda: content, but=("out",))
        raise
    outputs.publish(lambda: content, but=() if outcome.has_profile else ("out",))
    if interruption.has_come():
        if "out" in outputs.destinations and not outcome.has_profile:
            outputs.note_problem("out", outputs.destinations["out"], "too little was learned for a profile")
    else:
        content.profile_text()
    outputs.raise_problems()
    return INTERRUPTED_CODE if interruption.has_come() else 0


def _is_burst_allowed(settings: Mapping[str, Any]) -> bool:
    """Whether the user allows a burst. It is off by default, for it takes half of the default budget."""
    return Tier.BURST in {*settings["allow"], *settings["tier"]}


def _profile_name(requested: str | None, url: str) -> str:
    """The name of the profile: the requested one, or else the host's. Raises UsageError for a wrong name."""
    if requested is not None and re.fullmatch("[a-z0-9][a-z0-9-]*", requested) is None:
        raise UsageError(f"--name {requested}: expected a short name in lower case: letters, digits and hyphens")
    host = re.sub("[^a-z0-9]+", "-", url.partition("://")[2].partition("/")[0].lower()).strip("-")
    return requested or host or "probed"


@dataclass(frozen=True, slots=True)
class _Content:
    """What a probe has to say."""

    plan: Plan
    outcome: ProbeResult
    profile_place: str | None
    name: str
    date: str | None
    is_quiet: bool

    def text(self, name: str) -> str:
        """The profile, or the report."""
        if interruption.has_come():
            self.outcome.stop_reason = INTERRUPTED_REASON
        if name == "out":
            return self.profile_text()
        return to_json_text(redact_document(_report_json(self.plan, self.outcome)), indent=2) + "\n"

    def profile_text(self) -> str:
        """The profile, once the suite's own parser has accepted it. Raises InconclusiveError if there is none."""
        url = redact(self.plan.target.url)
        text = to_yaml(self.outcome.profile_data(self.name, url, self.date), _comments(self.outcome))
        parse(text, self.profile_place or self.name)
        return text

    def show(self) -> None:
        """Prints what was found."""
        place = self.profile_place if self.outcome.has_profile else None
        print_outcome(self.plan.target.url, self.outcome, create_console(), place, quiet=self.is_quiet)


def _comments(outcome: ProbeResult) -> list[str]:
    """The comments at the top of the profile: remarks, and what the probe left out."""
    remarks = outcome.draft_profile.remarks if outcome.draft_profile else []
    notes = [f"NOTE {text}" for text in outcome.verification.notes()]
    stopped = [f"NOTE the probe did not come to its end: {outcome.stop_reason}"] if outcome.stop_reason else []
    lines = ("Written by conformance probe.", *stopped, *notes, *remarks, *outcome.skipped_phases)
    return [escape_controls(text) for text in lines]


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
