"""`conformance run`: judges a target and writes reports."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.console import Console

from conformance import __version__
from conformance.cases import CHECKS
from conformance.causes.evidence import Evidence
from conformance.cli import output, plan_summary
from conformance.cli.all_profiles import judge_by_all_profiles
from conformance.cli.execution import (
    ALL_PROFILES,
    INTERRUPTED_CODE,
    create_console,
    dry_run,
    execute_with_progress,
    start_embedded_server,
    with_causes,
)
from conformance.cli.options import REPORT_OPTIONS
from conformance.cli.options_to_settings import require_profile, resolve_settings
from conformance.contract import Contract
from conformance.core.errors import InconclusiveError, UsageError
from conformance.profile import load
from conformance.report import event_stream
from conformance.report.terminal import print_report
from conformance.run.execution import apply_known_deviations, build_report, merge_results
from conformance.run.known_deviations import DeviationList, read, render_template
from conformance.run.plan import build_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conformance.cli.output import LineStream
    from conformance.report.document import Report
    from conformance.run.plan import Plan

DEVIATIONS_OPTION = "write_known_deviations"


def run(options: Mapping[str, Any]) -> int:
    """Judges a target and returns the exit code."""
    settings = resolve_settings(options)
    require_profile(settings)
    if settings["profile"] == ALL_PROFILES and options["dry_run"]:
        raise UsageError("--dry-run works with a single profile, not with --profile all")
    if settings["profile"] == ALL_PROFILES:
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
    return INTERRUPTED_CODE if run_report.run_info.is_interrupted else run_report.exit_code


def _judge(
    plan: Plan, settings: Mapping[str, Any], known_deviations: DeviationList, stream: LineStream, *, quiet: bool
) -> Report:
    """Executes a plan `repeat` times and returns the merged report. Writes the lines of `--ndjson`."""
    profile = plan.contract.profile
    plan_summary.print_summary(plan, Console(stderr=True, highlight=False, quiet=quiet))
    stream.write_line(event_stream.start_line(__version__, plan.target.url, profile, plan.gate, len(plan.trials)))
    try:
        results, evidence = [], Evidence()
        start_s = time.monotonic()
        for _ in range(settings["repeat"]):
            limits = plan.time_limits.of_next_run(time.monotonic() - start_s)
            next_plan = replace(plan, time_limits=limits, runs_in_report=settings["repeat"])
            results.append(execute_with_progress(next_plan, stream, evidence, is_quiet=quiet))
            if results[-1].stop_reason:
                break
    except InconclusiveError as error:
        stream.write_line(event_stream.failure_line(str(error)))
        raise
    is_whole = not (settings["select"] or settings["deselect"] or results[-1].stop_reason)
    result = with_causes(merge_results(results), plan, evidence)
    check_ids = {item.id for item in CHECKS}
    run_report = apply_known_deviations(build_report(plan, result), known_deviations, check_ids, is_full_run=is_whole)
    stream.write_line(event_stream.end_line(run_report))
    return run_report


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"run": run}
