"""`conformance diff`: two servers are sent the same, and what they answer is compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.console import Console

from conformance import loop
from conformance.cases import CHECKS
from conformance.cli import planning, writing
from conformance.cli.running import EVERY, INTERRUPTED_CODE, console
from conformance.cli.settling import settled
from conformance.contract import Contract
from conformance.errors import UsageError
from conformance.model import Area
from conformance.profile import load
from conformance.run import prepare
from conformance.settings import second

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from conformance.fuzz.case import Case
    from conformance.run import Plan

KINDS = ("json", "html", "markdown")
COUNT, FUZZ_S = 2_000, 20.0
"""How many generated requests are sent unless the user says otherwise, and for how long at most."""


def diff(options: Mapping[str, Any]) -> int:
    """Compares two servers and returns the exit code: 0 for the same, 1 for different, 3 if nobody knows."""
    wanted = writing.places(options, KINDS)
    first, second = plans(options)
    quiet = Console(stderr=True, highlight=False, quiet=options["quiet"])
    if options["dry_run"]:
        console().print("to each of the two servers:")
        return planning.show(first, console(), f"{first.target.url} and {second.target.url}")
    from conformance import difference
    from conformance.report import differences

    quiet.print("to each of the two servers, and a little more where they differ", soft_wrap=True)
    planning.tell(first, quiet)
    effort = difference.Effort(
        cases=_cases(first, quiet), max_time_s=first.fuzz_s, strict=bool(options["strict"])
    )
    try:
        outcome = loop.run(difference.compare(first, second, effort))
    except KeyboardInterrupt:
        quiet.print("interrupted: nothing can be said of a part")
        return INTERRUPTED_CODE
    document = outcome.as_json(difference.redactor(first, second).text)
    for name, place in wanted.items():
        writing.write(name, place, _rendered(name, document))
    if writing.STDOUT not in wanted.values():
        differences.show(document, console(), quiet=options["quiet"])
    return outcome.exit_code


def plans(options: Mapping[str, Any]) -> tuple[Plan, Plan]:
    """The plan for either server: the same requests, with the keys and headers of each.

    What may be sent to one only is sent to neither. Raises UsageError for what does not fit.
    """
    settings = settled({**options, "url": None})
    if not settings["profile"] or settings["profile"] == EVERY:
        raise UsageError(
            "a profile is needed, and one alone: pass --profile NAME, one of `conformance profiles`"
        )
    other = second(options, settings)
    contract = Contract(load(settings["profile"]), settings["include"])
    checks = [item for item in CHECKS if item.area is not Area.FUZZ]
    one = prepare(settings, options["url"], contract, checks)
    two = prepare(other, options["url_b"], contract, checks)
    tiers = one.tiers & two.tiers
    count = min(one.fuzz, two.fuzz)
    if settings["fuzz"] is None:
        count = min(count, COUNT)
    shared = {
        "tiers": tiers, "jobs": min(one.jobs, two.jobs),
        "fuzz": count, "fuzz_s": settings["max_time"] or FUZZ_S,
    }  # fmt: skip
    return _with(one, shared), _with(two, shared)


def _with(plan: Plan, shared: Mapping[str, Any]) -> Plan:
    """A plan with what both have in common."""
    trials = [replace(trial, allowed=shared["tiers"]) for trial in plan.trials]
    return replace(plan, trials=trials, **shared)


def _cases(plan: Plan, quiet: Console) -> Iterable[Case]:
    """The generated requests; nobody who wants none pays for their generators."""
    if not plan.fuzz:
        return ()
    from conformance.cli.generating import generated

    return generated(plan, plan.fuzz, quiet).cases(plan.fuzz)


def _rendered(name: str, document: Mapping[str, Any]) -> str:
    """The report of a comparison; what nobody asks for is not imported."""
    match name:
        case "html":
            from conformance.report.html import html_differences

            return html_differences(document)
        case "markdown":
            from conformance.report.markdown import markdown_differences

            return markdown_differences(document)
    from conformance.report.document import text

    return text(document)


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"diff": diff}
