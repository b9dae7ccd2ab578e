"""`conformance run --profile all`: judges a target by every profile that comes with the suite."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from conformance.cases import CHECKS
from conformance.causes.evidence import Evidence
from conformance.cli import output
from conformance.cli.execution import (
    INTERRUPTED_CODE,
    as_far_as_it_came,
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
    from conformance.run.plan import Plan


def judge_by_all_profiles(options: Mapping[str, Any], settings: Mapping[str, Any]) -> int:
    """Judges a target by each profile and returns the exit code.

    0 only if the promises of all profiles are kept, 1 if one is broken, else 3 if the target could not be
    judged by some profile, and 130 if the run was interrupted.
    """
    if options["ndjson"]:
        raise UsageError("--ndjson works with a single profile, not with --profile all")
    if settings["known_deviations"] or settings["repeat"] > 1:
        raise UsageError("--known-deviations and --repeat work with a single profile, not with --profile all")
    outputs = output.Outputs.requested(options)
    output.require_combinable(outputs.destinations)
    names = profile_names()
    with outputs.cleared_if_inconclusive():
        contracts = {name: _contract(name, settings) for name in names}
    _require_known_groups(names, settings)
    reports: list[Report] = []
    so_far = _SoFar()
    for name, contract in contracts.items():
        profile_settings = {**settings, "profile": name, "include": _groups_of_profile(name, settings["include"])}
        with ExitStack() as stack:
            with outputs.cleared_if_inconclusive():
                url = settings["url"]
                if url is None:
                    url = stack.enter_context(start_embedded_server(profile_settings))
                plan = build_plan(profile_settings, url, contract, CHECKS)
            if not reports:
                outputs.clear()
            report = _judge(plan, so_far, outputs, is_quiet=options["quiet"])
            reports.append(report if "json" in outputs.destinations else without_transcripts(report))
        if reports[-1].run_info.is_interrupted:
            break
    content = _Content(reports)
    outputs.publish(lambda: content)
    if all(item.run_info.unjudged_reason for item in reports):
        raise InconclusiveError(reports[0].run_info.unjudged_reason)
    outputs.raise_problems()
    if content.is_interrupted:
        return INTERRUPTED_CODE
    verdicts = {item.verdict for item in reports}
    return max((EXIT_CODES[item] for item in verdicts), key=(0, EXIT_CODES[UNJUDGED], EXIT_CODES[DEVIATES]).index)


@dataclass(slots=True)
class _Content:
    """What a run by all profiles has to say. If a signal comes, the last one of its reports says so."""

    reports: list[Report]

    def text(self, name: str) -> str:
        """The report of a kind."""
        return output.render_report(name, self._documents())

    def show(self) -> None:
        """Prints the verdicts."""
        if not all(item.run_info.unjudged_reason for item in self.reports):
            print_matrix(self._documents(), create_console())

    @property
    def is_interrupted(self) -> bool:
        """Whether a signal came before all was written."""
        return as_far_as_it_came(self.reports[-1]).run_info.is_interrupted

    def _documents(self) -> list[Any]:
        return [item.as_json() for item in (*self.reports[:-1], as_far_as_it_came(self.reports[-1]))]


def _require_known_groups(names: Collection[str], settings: Mapping[str, Any]) -> None:
    """Raises UsageError for a group to be included or excluded that no profile has."""
    for option in ("include", "exclude"):
        for word in settings[option]:
            if not any(_groups_of_profile(name, [word]) for name in names):
                raise UsageError(f"--{option} {word}: no profile has such a group")


def _contract(name: str, settings: Mapping[str, Any]) -> Contract:
    """The contract of a profile, with those of the groups that it has."""
    include, exclude = (_groups_of_profile(name, settings[option]) for option in ("include", "exclude"))
    return Contract(load(name), include, exclude)


def without_transcripts(report: Report) -> Report:
    """The report without requests and answers, which only JSON shows of several: they take much memory."""
    verdicts = tuple(replace(item, exchanges=(), left_out_exchanges=0, curl="") for item in report.verdicts)
    return replace(report, verdicts=verdicts)


def _groups_of_profile(name: str, groups: Collection[str]) -> tuple[str, ...]:
    """The groups of routes that a profile has, of those given, to be included or excluded."""
    profile_groups = {group for route in load(name).routes for group in (route.group, route.exclusion)}
    return tuple(group for group in groups if group in profile_groups)


@dataclass(slots=True)
class _SoFar:
    """What the profiles so far have used up: what was sent, the time since `start_s`, and `idle_s` without progress.

    The budget is that of the whole command, as is a time that the user named.
    """

    sent: list[int] = field(default_factory=lambda: Budget().spent)
    start_s: float = field(default_factory=time.monotonic)
    idle_s: float = 0.0


def _judge(plan: Plan, so_far: _SoFar, outputs: output.Outputs, *, is_quiet: bool) -> Report:
    """The report of one plan; where the target could not be judged, it says why in `unjudged_reason`."""
    start_s = time.monotonic()
    limits = plan.time_limits.of_next_run(start_s - so_far.start_s, so_far.idle_s)
    budget = replace(plan.budget, spent=so_far.sent)
    plan = replace(plan, budget=budget, time_limits=limits, runs_in_report=len(profile_names()))
    try:
        evidence = Evidence()
        result = execute_with_progress(plan, outputs.open_stream("ndjson"), evidence, is_quiet=is_quiet)
        so_far.idle_s = result.idle_s
        return build_report(plan, with_causes(result, plan, evidence))
    except InconclusiveError as error:
        so_far.idle_s += time.monotonic() - start_s
        return build_report(plan, RunResult(), str(error))
