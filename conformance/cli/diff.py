"""`conformance diff`: sends two servers the same requests and compares their answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from conformance.cases import CHECKS
from conformance.cli import output, plan_summary
from conformance.cli.consoles import progress_console
from conformance.cli.execution import ALL_PROFILES, INTERRUPTED_CODE, INTERRUPTED_REASON, create_console
from conformance.cli.options_to_settings import resolve_settings
from conformance.cli.progress import Heartbeat
from conformance.contract import Contract
from conformance.core import event_loop, interruption
from conformance.core.errors import InconclusiveError, UsageError
from conformance.core.model import Area
from conformance.profile import load
from conformance.run.plan import build_plan
from conformance.settings.table import resolve_second_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rich.console import Console

    from conformance.diff import DiffReport
    from conformance.fuzz.case import Case
    from conformance.run.plan import Plan

_RENDERERS = {
    "json": ("document", "dump_json"),
    "html": ("html", "render_html_diff"),
    "markdown": ("markdown", "render_markdown_diff"),
}
DEFAULT_REQUESTS, DEFAULT_FUZZ_S = 2_000, 20.0
"""The default number of generated requests, and how many seconds they may take."""


def diff(options: Mapping[str, Any]) -> int:
    """Compares two servers and returns the exit code: 0 if they answer alike, 1 if not, 3 if it can't be said."""
    outputs = output.Outputs.requested(options, _RENDERERS, (options["profile"],))
    with outputs.cleared_if_inconclusive():
        first, second = prepare_plans(options)
    progress = progress_console(is_quiet=options["quiet"])
    if options["dry_run"]:
        create_console().print("to each of the two servers:")
        return plan_summary.print_dry_run(first, create_console(), f"{first.target.url} and {second.target.url}")
    from conformance import diff as comparison

    outputs.clear()
    progress.print("to each of the two servers, and a few more requests where they differ", soft_wrap=True)
    plan_summary.print_summary(first, progress)
    outcome = comparison.empty_report(first, second, strict=bool(options["strict"]))
    content = _Content(outcome, comparison.build_redactor(first, second).redact_text, is_quiet=options["quiet"])
    try:
        with interruption.interruptible():
            cases = _fuzz_cases(first, progress)
        comparison_options = comparison.DiffOptions(
            cases=cases, max_time_s=first.fuzz_max_s, strict=bool(options["strict"])
        )
        tally = _Tally(first, outcome)
        with Heartbeat(progress, tally.describe):
            event_loop.run(comparison.compare(first, second, comparison_options, tally.add, report=outcome))
    except KeyboardInterrupt:
        outcome.stopped = INTERRUPTED_REASON
    except InconclusiveError as error:
        outcome.stopped = str(error)
        outputs.publish(lambda: replace(content, is_shown=False))
        raise
    outputs.publish(lambda: content)
    outputs.raise_problems()
    return INTERRUPTED_CODE if interruption.has_come() else outcome.exit_code


@dataclass(slots=True)
class _Tally:
    """Counts the results of checks on both servers, for progress."""

    plan: Plan
    outcome: DiffReport
    results: int = 0

    def add(self) -> None:
        """Counts a result."""
        self.results += 1

    def describe(self) -> str:
        """What the comparison is doing, in one line."""
        name, total = self.plan.contract.profile.name, len(self.plan.trials)
        if self.outcome.check_count:
            return f"{name}: generated requests are compared"
        if self.results > 2 * total:
            return f"{name}: checks that differ are asked again"
        return f"{name}: {self.results // 2:,}/{total:,} checks on both servers"


@dataclass(frozen=True, slots=True)
class _Content:
    """What a comparison has to say."""

    outcome: DiffReport
    redact: Callable[[str], str]
    is_quiet: bool
    is_shown: bool = True

    def text(self, name: str) -> str:
        """The report of a kind."""
        return output.render(name, self._document(), _RENDERERS)

    def show(self) -> None:
        """Prints the differences."""
        from conformance.report import diff_summary

        if self.is_shown:
            diff_summary.print_diff(self._document(), create_console(), quiet=self.is_quiet)

    def _document(self) -> dict[str, Any]:
        if interruption.has_come():
            self.outcome.stopped = self.outcome.stopped or INTERRUPTED_REASON
        return self.outcome.as_json(self.redact)


def prepare_plans(options: Mapping[str, Any]) -> tuple[Plan, Plan]:
    """The plans for the two servers: the same requests, with the keys and headers of each.

    A tier that is permitted for one server only is sent to neither. Raises UsageError for wrong settings.
    """
    settings = resolve_settings({**options, "url": None})
    if not settings["profile"] or settings["profile"] == ALL_PROFILES:
        raise UsageError("a single profile is needed: pass --profile NAME, one of `conformance profiles`")
    second_settings = resolve_second_server(options, settings)
    contract = Contract(load(settings["profile"]), settings["include"], settings["exclude"])
    checks = [item for item in CHECKS if item.area is not Area.FUZZ]
    first_plan = build_plan(settings, options["url"], contract, checks)
    second_plan = build_plan(second_settings, options["url_b"], contract, checks)
    tiers = first_plan.tiers & second_plan.tiers
    count = min(first_plan.fuzz_requests, second_plan.fuzz_requests)
    if settings["fuzz"] is None:
        count = min(count, DEFAULT_REQUESTS)
    common = {
        "tiers": tiers, "jobs": min(first_plan.jobs, second_plan.jobs),
        "fuzz_requests": count, "fuzz_max_s": settings["max_time"] or DEFAULT_FUZZ_S,
    }  # fmt: skip
    return _with_common(first_plan, common), _with_common(second_plan, common)


def _with_common(plan: Plan, common: Mapping[str, Any]) -> Plan:
    """A plan with the settings that both plans share."""
    trials = [replace(trial, allowed_tiers=common["tiers"]) for trial in plan.trials]
    return replace(plan, trials=trials, **common)


def _fuzz_cases(plan: Plan, console: Console) -> Iterable[Case]:
    """The generated requests. Imports the generators only if any are wanted."""
    if not plan.fuzz_requests:
        return ()
    from conformance.cli.corpus import load_corpus

    return load_corpus(plan, plan.fuzz_requests, console).cases(plan.fuzz_requests)


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"diff": diff}
