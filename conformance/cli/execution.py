"""Shared by the subcommands that send requests: execution with progress, the console, the embedded server."""

from __future__ import annotations

import functools
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any, cast

from conformance.cli import plan_summary
from conformance.cli.consoles import ReportConsole, progress_console
from conformance.cli.progress import ProgressDisplay
from conformance.cli.whole_lines import WholeLines
from conformance.core import event_loop, interruption
from conformance.fuzz import fuzz_plan
from conformance.report import event_stream
from conformance.report.cause import FoundCauses
from conformance.requests import Keys
from conformance.run.execution import RunResult, execute
from conformance.run.plan import build_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from conformance.causes.evidence import Evidence
    from conformance.checks.check import Check
    from conformance.cli.line_stream import LineStream
    from conformance.contract import Contract
    from conformance.core.model import Verdict
    from conformance.report.document import Report
    from conformance.run.plan import Plan

ALL_PROFILES = "all"
"""The value of --profile that stands for every profile that comes with the suite."""
_LOG_WIDTH = 1_000
"""The width of what is no terminal, so that tables are not folded."""
_PLACEHOLDER_URL = "http://127.0.0.1"
INTERRUPTED_REASON, INTERRUPTED_CODE = "interrupted", 130
_INTERRUPTED_CAUSES_S = 4.0
"""How long the causes of an interrupted run may take."""
_EMBEDDED_KEYS = {
    "write_key": "conformance-embedded-key",
    "bearer": "conformance-embedded-token",
    "expired_bearer": "conformance-embedded-expired-token",
    "source_id": "conformance-embedded-source",
    "disabled_write_key": "conformance-embedded-disabled-key",
}
"""What the embedded server accepts unless the user gives keys."""


def dry_run(settings: Mapping[str, Any], url: str | None, contract: Contract, checks: Sequence[Check]) -> int:
    """Prints the plan without sending anything and returns the exit code. Needs no key and no server."""
    plan = plan_without_keys(settings, url, contract, checks)
    return plan_summary.print_dry_run(
        plan, create_console(), plan.target.url if url is not None else "the embedded reference server"
    )


def plan_without_keys(
    settings: Mapping[str, Any], url: str | None, contract: Contract, checks: Sequence[Check]
) -> Plan:
    """The plan of a run that is not made, on the embedded server if there is no URL; it needs no key.

    Raises UsageError as `build_plan` does.
    """
    names = ("write_key", "source_id") if url is None else ("write_key",)
    missing = {name: _EMBEDDED_KEYS[name] for name in names if settings[name] is None}
    return build_plan({**settings, **missing}, _PLACEHOLDER_URL if url is None else url, contract, checks)


@contextmanager
def start_embedded_server(settings: dict[str, Any]) -> Iterator[str]:
    """The URL of the embedded reference server, which accepts the keys in `settings`, or sets them.

    If a signal comes before it has started, there is no server, and nothing will be sent.
    """
    from conformance.refserver.embedded import run_embedded_server

    settings.update({name: settings[name] or key for name, key in _EMBEDDED_KEYS.items()})
    keys = Keys.of_settings(settings)
    with ExitStack() as stack:
        url = _PLACEHOLDER_URL
        with suppress(KeyboardInterrupt), interruption.interruptible():
            url = stack.enter_context(run_embedded_server(settings["profile"], keys, settings["include"]))
        yield url


def with_sink(plan: Plan, settings: Mapping[str, Any]) -> Plan:
    """The plan with the sink of the settings, if there is one. Raises UsageError for a wrong file."""
    if not settings["sink"]:
        return plan
    from conformance.delivery import watch_sink

    return watch_sink(plan, settings["sink"])


def create_console() -> ReportConsole:
    """A console on standard output: as wide as the terminal, or with lines as long as they are."""
    console = ReportConsole(highlight=False)
    if console.is_terminal:
        return console
    return ReportConsole(highlight=False, width=_LOG_WIDTH, file=cast("IO[str]", WholeLines(sys.stdout)))


def execute_with_progress(plan: Plan, stream: LineStream, evidence: Evidence, *, is_quiet: bool) -> RunResult:
    """Executes a plan and shows its progress, unless `is_quiet`. Raises InconclusiveError.

    An interrupted run returns the verdicts so far, with a `stop_reason`. What it sees is added to `evidence`.
    """
    from conformance.cli.corpus import load_corpus_of_run

    result, console = RunResult(evidence=evidence), progress_console(is_quiet=is_quiet)
    try:
        with interruption.interruptible():
            corpus = load_corpus_of_run(plan, console)
    except KeyboardInterrupt:
        result.stop_reason, result.is_interrupted = INTERRUPTED_REASON, True
        return result
    fuzz = functools.partial(fuzz_plan, findings=evidence.findings, corpus=corpus)
    with ProgressDisplay(console, plan.trials, plan.contract.profile.name) as progress:

        def on_verdict(_: object, verdict: Verdict) -> None:
            stream.write_line(lambda: event_stream.verdict_line(verdict))
            progress.on_verdict(verdict)

        try:
            event_loop.run(execute(plan, on_verdict, fuzz=fuzz, result=result))
        except KeyboardInterrupt:
            result.stop_reason, result.is_interrupted = INTERRUPTED_REASON, True
    return result


def with_causes(result: RunResult, plan: Plan, evidence: Evidence) -> RunResult:
    """The result of a run with the causes of its failures, unless the user does not want to wait any longer.

    After a signal it takes `_INTERRUPTED_CAUSES_S` at most, and another signal ends it.
    """
    if not evidence.problems:
        return result if result.is_interrupted else replace(result, causes=FoundCauses())
    from conformance.causes.finder import find_causes

    try:
        if result.is_interrupted:
            return replace(result, causes=_find_in_time(lambda: event_loop.run(find_causes(plan, evidence))))
        return replace(result, causes=event_loop.run(find_causes(plan, evidence)))
    except KeyboardInterrupt:
        return replace(result, causes=None)


def _find_in_time(find: Callable[[], FoundCauses]) -> FoundCauses | None:
    """What a function finds in a thread of its own, which no signal cancels; None if it takes too long or fails."""
    found: list[FoundCauses] = []
    thread = threading.Thread(target=lambda: found.append(find()), name="causes", daemon=True)
    thread.start()
    thread.join(_INTERRUPTED_CAUSES_S)
    return found[0] if found else None


def as_far_as_it_came(report: Report) -> Report:
    """The report, marked as that of an interrupted run if a signal has come, even after the last verdict."""
    if not interruption.has_come() or report.run_info.is_interrupted:
        return report
    return replace(report, run_info=replace(report.run_info, stop_reason=INTERRUPTED_REASON, is_interrupted=True))
