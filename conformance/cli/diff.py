"""`conformance diff`: two servers are sent the same, and what they answer is compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.console import Console

from conformance.cases import CHECKS
from conformance.cli import output, plan_summary
from conformance.cli.execution import ALL_PROFILES, INTERRUPTED_CODE, create_console
from conformance.cli.options_to_settings import resolve_settings
from conformance.contract import Contract
from conformance.core import event_loop
from conformance.core.errors import UsageError
from conformance.core.model import Area
from conformance.profile import load
from conformance.run.plan import build_plan
from conformance.settings.table import resolve_second_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from conformance.fuzz.case import Case
    from conformance.run.plan import Plan

REPORT_KINDS = ("json", "html", "markdown")
DEFAULT_REQUESTS, DEFAULT_FUZZ_S = 2_000, 20.0
"""How many generated requests are sent unless the user says otherwise, and for how long at most."""


def diff(options: Mapping[str, Any]) -> int:
    """Compares two servers and returns the exit code: 0 for the same, 1 for different, 3 if nobody knows."""
    destinations = output.requested_destinations(options, REPORT_KINDS)
    first, second = prepare_plans(options)
    progress_console = Console(stderr=True, highlight=False, quiet=options["quiet"])
    if options["dry_run"]:
        create_console().print("to each of the two servers:")
        return plan_summary.print_dry_run(first, create_console(), f"{first.target.url} and {second.target.url}")
    from conformance import diff as comparison
    from conformance.report import diff_summary

    progress_console.print("to each of the two servers, and a little more where they differ", soft_wrap=True)
    plan_summary.print_summary(first, progress_console)
    comparison_limits = comparison.DiffOptions(
        cases=_fuzz_cases(first, progress_console), max_time_s=first.fuzz_max_s, strict=bool(options["strict"])
    )
    try:
        outcome = event_loop.run(comparison.compare(first, second, comparison_limits))
    except KeyboardInterrupt:
        progress_console.print("interrupted: nothing can be said of a part")
        return INTERRUPTED_CODE
    document = outcome.as_json(comparison.build_redactor(first, second).redact_text)
    for name, destination in destinations.items():
        output.write(name, destination, _render_report(name, document))
    if output.STDOUT not in destinations.values():
        diff_summary.print_diff(document, create_console(), quiet=options["quiet"])
    return outcome.exit_code


def prepare_plans(options: Mapping[str, Any]) -> tuple[Plan, Plan]:
    """The plan for either server: the same requests, with the keys and headers of each.

    What may be sent to one only is sent to neither. Raises UsageError for what does not fit.
    """
    settings = resolve_settings({**options, "url": None})
    if not settings["profile"] or settings["profile"] == ALL_PROFILES:
        raise UsageError("a profile is needed, and one alone: pass --profile NAME, one of `conformance profiles`")
    second_settings = resolve_second_server(options, settings)
    contract = Contract(load(settings["profile"]), settings["include"])
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
    """A plan with what both have in common."""
    trials = [replace(trial, allowed_tiers=common["tiers"]) for trial in plan.trials]
    return replace(plan, trials=trials, **common)


def _fuzz_cases(plan: Plan, progress_console: Console) -> Iterable[Case]:
    """The generated requests; nobody who wants none pays for their generators."""
    if not plan.fuzz_requests:
        return ()
    from conformance.cli.corpus import load_corpus

    return load_corpus(plan, plan.fuzz_requests, progress_console).cases(plan.fuzz_requests)


def _render_report(name: str, document: Mapping[str, Any]) -> str:
    """The report of a comparison; what nobody asks for is not imported."""
    match name:
        case "html":
            from conformance.report.html import render_html_diff

            return render_html_diff(document)
        case "markdown":
            from conformance.report.markdown import render_markdown_diff

            return render_markdown_diff(document)
    from conformance.report.document import dump_json

    return dump_json(document)


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"diff": diff}
