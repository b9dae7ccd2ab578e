"""`conformance run --profile all`: one target by every profile that comes with the suite, side by side."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.cases import CHECKS
from conformance.cli import writing
from conformance.cli.running import INTERRUPTED, INTERRUPTED_CODE, console, reference, watched
from conformance.contract import Contract
from conformance.errors import CannotJudge, UsageError
from conformance.profile import load
from conformance.report.document import DEVIATES, EXIT_CODES, UNJUDGED
from conformance.report.terminal import show_matrix
from conformance.resources import profile_names
from conformance.run import Result, prepare, report
from conformance.wire import Budget

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from conformance.report.document import Report


def survey(options: Mapping[str, Any], settings: Mapping[str, Any]) -> int:
    """Judges a target by each profile and returns the exit code.

    The codes mean what they mean of one profile, for all of them: 0 only if every promise of every profile
    was kept, 1 if one was broken, else 3 if by one of them nothing could be said.
    """
    if options["ndjson"]:
        raise UsageError("--ndjson is of one profile, and --profile all judges by several")
    if settings["known_deviations"] or settings["repeat"] > 1:
        raise UsageError(
            "--known-deviations and --repeat are of one profile, and --profile all judges by several"
        )
    wanted = writing.places(options)
    writing.for_several(wanted)
    names = profile_names()
    contracts = {name: Contract(load(name), _known(name, settings["include"])) for name in names}
    unknown = [group for group in settings["include"] if not any(_known(name, [group]) for name in names)]
    if unknown:
        raise UsageError(f"--include {unknown[0]}: no profile has such a group")
    found: list[Report] = []
    spent = Budget().spent
    for name, contract in contracts.items():
        own = {**settings, "profile": name, "include": _known(name, settings["include"])}
        found.append(_judged(own, contract, options, spent))
        if found[-1].header.stopped == INTERRUPTED:
            break
    if all(item.header.failure for item in found):
        raise CannotJudge(found[0].header.failure)
    documents: list[Any] = [item.as_json() for item in found]
    writing.write_reports(documents, wanted)
    if writing.STDOUT not in wanted.values():
        show_matrix(documents, console())
    if found[-1].header.stopped == INTERRUPTED:
        return INTERRUPTED_CODE
    verdicts = {item.verdict for item in found}
    return max(
        (EXIT_CODES[item] for item in verdicts), key=(0, EXIT_CODES[UNJUDGED], EXIT_CODES[DEVIATES]).index
    )


def _known(name: str, groups: Collection[str]) -> tuple[str, ...]:
    """Those groups of optional routes that a profile has."""
    known = {route.include for route in load(name).routes}
    return tuple(group for group in groups if group in known)


def _judged(
    settings: dict[str, Any], contract: Contract, options: Mapping[str, Any], spent: list[int]
) -> Report:
    """The report by one profile, also where it is that nothing could be judged.

    `spent` is what all profiles have sent so far: a budget is that of the whole command.
    """
    with ExitStack() as stack:
        url = options["url"] or stack.enter_context(reference(settings))
        plan = prepare(settings, url, contract, CHECKS)
        plan = replace(plan, budget=replace(plan.budget, spent=spent))
        try:
            stream = stack.enter_context(writing.Stream("", None))
            return report(plan, watched(plan, stream, quiet=options["quiet"]))
        except CannotJudge as failure:
            return report(plan, Result(), str(failure))
