"""`conformance run`: settings in, reports out."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any

from rich.console import Console

from conformance import __version__
from conformance.cases import CHECKS
from conformance.cli import output, plan_summary
from conformance.cli.options import REPORT_OPTIONS
from conformance.cli.options_to_settings import require_profile, resolve_settings
from conformance.cli.progress import ProgressDisplay
from conformance.contract import Contract
from conformance.core import event_loop
from conformance.core.errors import InconclusiveError, UsageError
from conformance.profile import load
from conformance.report import event_stream
from conformance.report.terminal import print_report
from conformance.requests import Keys
from conformance.run.execution import (
    RunResult,
    apply_known_deviations,
    build_plan,
    build_report,
    execute,
    merge_results,
)
from conformance.run.known_deviations import DeviationList, read, render_template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from conformance.checks.check import Check
    from conformance.cli.output import LineStream
    from conformance.core.model import Verdict
    from conformance.report.document import Report
    from conformance.run.execution import Plan

ALL_PROFILES = "all"
"""In place of a profile: each of those that come with the suite."""
DEVIATIONS_OPTION = "write_known_deviations"
_CI_LOG_WIDTH = 120
_PLACEHOLDER_URL = "http://127.0.0.1"
STOPPED_INTERRUPTED, INTERRUPTED_CODE = "interrupted", 130
_EMBEDDED_KEYS = Keys(write_key="conformance-embedded-key", bearer="conformance-embedded-token")


def run(options: Mapping[str, Any]) -> int:
    """Judges a target and returns the exit code."""
    settings = resolve_settings(options)
    require_profile(settings)
    if settings["profile"] == ALL_PROFILES and options["dry_run"]:
        raise UsageError("--dry-run is of one profile, and --profile all judges by several")
    if settings["profile"] == ALL_PROFILES:
        from conformance.cli.all_profiles import judge_by_all_profiles

        return judge_by_all_profiles(options, settings)
    destinations = output.requested_destinations(options, (*REPORT_OPTIONS, "ndjson", DEVIATIONS_OPTION))
    known_deviations = read(settings["known_deviations"]) if settings["known_deviations"] else DeviationList()
    contract = Contract(load(settings["profile"]), settings["include"])
    if options["dry_run"]:
        return dry_run(settings, options["url"], contract, CHECKS)
    with ExitStack() as stack:
        url = options["url"]
        if url is None:
            url = stack.enter_context(start_embedded_server(settings))
        plan = build_plan(settings, url, contract, CHECKS)
        stream = stack.enter_context(output.LineStream("ndjson", destinations.pop("ndjson", None)))
        run_report = _judge(plan, settings, known_deviations, stream, quiet=options["quiet"])
    if destination := destinations.pop(DEVIATIONS_OPTION, None):
        output.write(
            DEVIATIONS_OPTION,
            destination,
            render_template(run_report.verdicts, run_report.run_info.gate, known_deviations),
        )
    output.write_reports([run_report.as_json()], destinations)
    if output.STDOUT not in {*destinations.values(), options["ndjson"]}:
        print_report(run_report, create_console(), quiet=options["quiet"])
    return (
        INTERRUPTED_CODE if run_report.run_info.stop_reason == STOPPED_INTERRUPTED else run_report.exit_code
    )


def dry_run(settings: Mapping[str, Any], url: str | None, contract: Contract, checks: Sequence[Check]) -> int:
    """Shows the plan, sends nothing, and returns the exit code. It needs no key, and no server."""
    settings_with_key = {**settings, "write_key": settings["write_key"] or _EMBEDDED_KEYS.write_key}
    plan = build_plan(settings_with_key, url or _PLACEHOLDER_URL, contract, checks)
    return plan_summary.print_dry_run(
        plan, create_console(), plan.target.url if url else "the embedded reference server"
    )


def start_embedded_server(settings: dict[str, Any]) -> AbstractContextManager[str]:
    """The embedded reference server, which takes whatever key was given."""
    from conformance.refserver.embedded import run_embedded_server

    settings["write_key"] = settings["write_key"] or _EMBEDDED_KEYS.write_key
    settings["bearer"] = settings["bearer"] or _EMBEDDED_KEYS.bearer
    keys = Keys(write_key=settings["write_key"], bearer=settings["bearer"])
    return run_embedded_server(settings["profile"], keys, settings["include"])


def create_console() -> Console:
    """Standard output: as wide as the terminal, or as a CI's log."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_CI_LOG_WIDTH)


def execute_with_progress(plan: Plan, stream: LineStream, *, is_quiet: bool) -> RunResult:
    """Executes a plan and shows how far it is, unless nobody wants to see. Raises CannotJudge.

    What is interrupted is a result as far as it came, and says so.
    """
    result = RunResult()
    with ProgressDisplay(Console(stderr=True, highlight=False, quiet=is_quiet), len(plan.trials)) as progress:

        def on_verdict(_: object, verdict: Verdict) -> None:
            stream.write_line(event_stream.verdict_line(verdict))
            progress.on_verdict(verdict)

        try:
            event_loop.run(execute(plan, on_verdict, result=result))
        except KeyboardInterrupt:
            result.stop_reason = STOPPED_INTERRUPTED
    return result


def _judge(
    plan: Plan,
    settings: Mapping[str, Any],
    known_deviations: DeviationList,
    stream: LineStream,
    *,
    quiet: bool,
) -> Report:
    """Executes a plan, as often as it is wanted, between the first and the last line of a stream."""
    profile = plan.contract.profile
    plan_summary.print_summary(plan, Console(stderr=True, highlight=False, quiet=quiet))
    stream.write_line(
        event_stream.start_line(__version__, plan.target.url, profile, plan.gate, len(plan.trials))
    )
    try:
        results = []
        for _ in range(settings["repeat"]):
            results.append(execute_with_progress(plan, stream, is_quiet=quiet))
            if results[-1].stop_reason:
                break
    except InconclusiveError as failure:
        stream.write_line(event_stream.failure_line(str(failure)))
        raise
    is_whole = not (settings["select"] or settings["deselect"] or results[-1].stop_reason)
    run_report = apply_known_deviations(
        build_report(plan, merge_results(results)),
        known_deviations,
        {item.id for item in CHECKS},
        is_full_run=is_whole,
    )
    stream.write_line(event_stream.end_line(run_report))
    return run_report


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"run": run}
