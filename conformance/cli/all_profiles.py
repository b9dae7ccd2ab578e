"""`conformance run --profile all`: judges a target by every profile that comes with the suite."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.cases import CHECKS
from conformance.causes.evidence import Evidence
from conformance.cli import output
from conformance.cli.execution import (
    INTERRUPTED_CODE,
    create_console,
    execute_with_progress,
    start_embedded_server,
    with_causes,
)
from conformance.contract import Contract
from conformance.core.errors import InconclusiveError, UsageError
from conformance.core.resources import profile_names
from conformance.profile import load
from conformance.report.document import DEVIATES, EXIT_CODES, UNJUDGED
from conformance.report.terminal import print_matrix
from conformance.run.execution import RunResult, build_report
from conformance.run.plan import build_plan
from conformance.wire import Budget

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from conformance.report.document import Report


def judge_by_all_profiles(options: Mapping[str, Any], settings: Mapping[str, Any]) -> int:
    """Judges a target by each profile and returns the exit code.

    0 only if the promises of all profiles are kept, 1 if one is broken, else 3 if the target could not be
    judged by some profile, and 130 if the run was interrupted.
    """
    if options["ndjson"]:
        raise UsageError("--ndjson works with a single profile, not with --profile all")
    if settings["known_deviations"] or settings["repeat"] > 1:
        raise UsageError("--known-deviations and --repeat work with a single profile, not with --profile all")
    destinations = output.requested_destinations(options)
    output.require_combinable(destinations)
    names = profile_names()
    contracts = {name: Contract(load(name), _groups_of_profile(name, settings["include"])) for name in names}
    unknown = [group for group in settings["include"] if not any(_groups_of_profile(name, [group]) for name in names)]
    if unknown:
        raise UsageError(f"--include {unknown[0]}: no profile has such a group")
    reports: list[Report] = []
    spent, start_s = Budget().spent, time.monotonic()
    for name, contract in contracts.items():
        profile_settings = {**settings, "profile": name, "include": _groups_of_profile(name, settings["include"])}
        reports.append(_judge_by_profile(profile_settings, contract, options, spent, time.monotonic() - start_s))
        if reports[-1].run_info.is_interrupted:
            break
    if all(item.run_info.unjudged_reason for item in reports):
        raise InconclusiveError(reports[0].run_info.unjudged_reason)
    documents: list[Any] = [item.as_json() for item in reports]
    output.write_reports(documents, destinations)
    if output.STDOUT not in destinations.values():
        print_matrix(documents, create_console())
    if reports[-1].run_info.is_interrupted:
        return INTERRUPTED_CODE
    verdicts = {item.verdict for item in reports}
    return max((EXIT_CODES[item] for item in verdicts), key=(0, EXIT_CODES[UNJUDGED], EXIT_CODES[DEVIATES]).index)


def _groups_of_profile(name: str, groups: Collection[str]) -> tuple[str, ...]:
    """The groups of optional routes that a profile has, of those given."""
    profile_groups = {route.group for route in load(name).routes}
    return tuple(group for group in groups if group in profile_groups)


def _judge_by_profile(
    settings: dict[str, Any], contract: Contract, options: Mapping[str, Any], spent: list[int], elapsed_s: float
) -> Report:
    """The report by one profile; where the target could not be judged, it says why in `unjudged_reason`.

    `spent` counts what was sent for all profiles so far: the budget is that of the whole command, as is a time that
    the user named, of which `elapsed_s` seconds are used up.
    """
    with ExitStack() as stack:
        url = options["url"] or stack.enter_context(start_embedded_server(settings))
        plan = build_plan(settings, url, contract, CHECKS)
        limits = plan.time_limits.of_next_run(elapsed_s)
        budget = replace(plan.budget, spent=spent)
        plan = replace(plan, budget=budget, time_limits=limits, runs_in_report=len(profile_names()))
        try:
            stream = stack.enter_context(output.LineStream("", None))
            evidence = Evidence()
            result = execute_with_progress(plan, stream, evidence, is_quiet=options["quiet"])
            return build_report(plan, with_causes(result, plan, evidence))
        except InconclusiveError as error:
            return build_report(plan, RunResult(), str(error))
