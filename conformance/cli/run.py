"""`conformance run`: judges a target and writes reports."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from conformance import __version__
from conformance.cases import BROWSER_CHECKS, CHECKS, SINK_CHECKS
from conformance.causes.evidence import Evidence
from conformance.cli import output, plan_summary
from conformance.cli.all_profiles import judge_by_all_profiles
from conformance.cli.consoles import progress_console
from conformance.cli.execution import (
    ALL_PROFILES,
    INTERRUPTED_CODE,
    as_far_as_it_came,
    create_console,
    dry_run,
    execute_with_progress,
    start_embedded_server,
    with_causes,
    with_sink,
)
from conformance.cli.option_makers import REPORT_OPTIONS
from conformance.cli.options_to_settings import require_profile, resolve_settings
from conformance.contract import Contract
from conformance.core.errors import InconclusiveError, UsageError
from conformance.profile import load
from conformance.report import event_stream
from conformance.report.terminal import print_report
from conformance.run.execution import RunResult, apply_known_deviations, build_report, merge_results
from conformance.run.known_deviations import DeviationList, read, render_template
from conformance.run.plan import build_plan
from conformance.wire.browser import find_chromium

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conformance.checks.check import Check
    from conformance.cli.line_stream import LineStream
    from conformance.report.document import Report
    from conformance.run.plan import Plan

DEVIATIONS_OPTION, STREAM_OPTION = "write_known_deviations", "ndjson"


def run(options: Mapping[str, Any]) -> int:
    """Judges a target and returns the exit code."""
    settings = resolve_settings(options)
    require_profile(settings)
    if settings["profile"] == ALL_PROFILES:
        _refuse_with_all_profiles({**options, "sink": settings["sink"]}, "dry_run", "browser", "sink")
        return judge_by_all_profiles(options, settings)
    chromium, checks = find_chromium() if options["browser"] else "", _checks_of(options, settings)
    outputs = output.Outputs.requested(
        options,
        (*REPORT_OPTIONS, STREAM_OPTION, DEVIATIONS_OPTION),
        inputs=(settings["profile"], settings["known_deviations"]),
    )
    with outputs.cleared_if_inconclusive():
        known_deviations = read(settings["known_deviations"]) if settings["known_deviations"] else DeviationList()
        contract = Contract(load(settings["profile"]), settings["include"], settings["exclude"])
    if options["dry_run"]:
        return dry_run(settings, settings["url"], contract, checks)
    with ExitStack() as stack:
        with outputs.cleared_if_inconclusive():
            url = settings["url"]
            if url is None:
                url = stack.enter_context(start_embedded_server(settings))
            plan = with_sink(build_plan(settings, url, contract, checks).with_browser(chromium), settings)
        outputs.clear()
        stream = stack.enter_context(outputs.open_stream(STREAM_OPTION))
        plan_summary.print_summary(plan, progress_console(is_quiet=options["quiet"]))
        stream.write_line(
            event_stream.start_line(__version__, plan.target.url, contract.profile, plan.gate, len(plan.trials))
        )
        publication = _Publication(outputs, known_deviations, is_quiet=options["quiet"])
        try:
            run_report = publication.publish(_judge(plan, settings, known_deviations, stream, quiet=options["quiet"]))
        except InconclusiveError as error:
            publication.publish(build_report(plan, RunResult(), str(error)), is_shown=False)
            stream.write_line(event_stream.failure_line(str(error)))
            raise
        code = INTERRUPTED_CODE if run_report.run_info.is_interrupted else run_report.exit_code
        stream.write_line(event_stream.end_line(run_report, InconclusiveError.exit_code if outputs.problems else code))
    outputs.raise_problems()
    return code


def _checks_of(options: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[Check, ...]:
    """The checks of a run: the catalogue, and what a browser and a sink allow beside it."""
    return (
        *CHECKS,
        *(BROWSER_CHECKS if options["browser"] else ()),
        *(SINK_CHECKS if settings["sink"] else ()),
    )


def _refuse_with_all_profiles(options: Mapping[str, Any], *names: str) -> None:
    """Raises UsageError for options that need a single profile."""
    for name in names:
        if options[name]:
            raise UsageError(f"--{name.replace('_', '-')} works with a single profile, not with --profile all")


def _judge(
    plan: Plan, settings: Mapping[str, Any], known_deviations: DeviationList, stream: LineStream, *, quiet: bool
) -> Report:
    """Executes a plan `repeat` times and returns the merged report. Writes the verdicts of `--ndjson`."""
    results, evidence = [], Evidence()
    start_s = time.monotonic()
    for _ in range(settings["repeat"]):
        limits = plan.time_limits.of_next_run(time.monotonic() - start_s)
        next_plan = replace(plan, time_limits=limits, runs_in_report=settings["repeat"])
        results.append(execute_with_progress(next_plan, stream, evidence, is_quiet=quiet))
        if results[-1].stop_reason:
            break
    is_whole = not (settings["select"] or settings["deselect"] or results[-1].stop_reason)
    result = with_causes(merge_results(results), plan, evidence)
    check_ids = {item.id for item in (*CHECKS, *BROWSER_CHECKS, *SINK_CHECKS)}
    return apply_known_deviations(build_report(plan, result), known_deviations, check_ids, is_full_run=is_whole)


@dataclass(frozen=True, slots=True)
class _Publication:
    """Publishes the report of a run."""

    outputs: output.Outputs
    known_deviations: DeviationList
    is_quiet: bool

    def publish(self, run_report: Report, *, is_shown: bool = True) -> Report:
        """Writes all reports but the stream, prints the verdict, and returns what was published.

        The list of known deviations that the run has read is replaced only after a complete run: it has reasons of
        people for what an incomplete one has not judged.
        """
        published = [run_report]

        def make() -> _Content:
            published[0] = as_far_as_it_came(run_report)
            return _Content(published[0], self.known_deviations, is_quiet=self.is_quiet, is_shown=is_shown)

        is_judged = run_report.is_complete and bool(run_report.verdicts)
        kept = () if is_judged or not self.outputs.is_input(DEVIATIONS_OPTION) else (DEVIATIONS_OPTION,)
        self.outputs.publish(make, but=(STREAM_OPTION, *kept))
        return as_far_as_it_came(published[0])


@dataclass(frozen=True, slots=True)
class _Content:
    """What a run has to say."""

    report: Report
    known_deviations: DeviationList
    is_quiet: bool
    is_shown: bool

    def text(self, name: str) -> str:
        """The report of a kind, or the list of deviations."""
        if name == DEVIATIONS_OPTION:
            return render_template(
                self.report.verdicts, self.report.run_info.gate, self.known_deviations, self.report.found_causes
            )
        return output.render_report(name, [self.report.as_json()])

    def show(self) -> None:
        """Prints the verdict."""
        if self.is_shown:
            print_report(self.report, create_console(), quiet=self.is_quiet)


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"run": run}
