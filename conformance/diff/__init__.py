"""Comparing two servers.

Runs every check against both, compares the answers step by step, repeats what differs in the other order, and groups
differences that have one likely cause. Each is named by the promise that it breaks.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.causes.cause_analysis import CauseAnalysis
from conformance.causes.grouping import group_differences
from conformance.causes.known_differences import KnownDifferences
from conformance.causes.ordinary_requests import ordinary_requests
from conformance.causes.request_traits import RequestTraits
from conformance.diff.check_comparison import CheckComparison
from conformance.diff.difference import build_difference
from conformance.diff.document import DIFFERENT, SAME, UNCOMPARED, DiffReport
from conformance.diff.fuzz_comparison import FuzzComparison
from conformance.diff.fuzz_only import merge_fuzz_only
from conformance.diff.sides import Side, equalize_baselines, equalize_readings, place_trials
from conformance.fuzz.corpus import load_or_generate
from conformance.run.startup import wait_for_target
from conformance.wire import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.fuzz.case import Case
    from conformance.run.plan import Plan

__all__ = ["DIFFERENT", "SAME", "UNCOMPARED", "DiffOptions", "DiffReport", "build_redactor", "compare", "empty_report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffOptions:
    """Options of a comparison.

    `cases` are generated requests, sent for at most `max_time_s`. If `strict`, other wording is a difference, too.
    """

    cases: Iterable[Case] = ()
    max_time_s: float | None = None
    strict: bool = False


def build_redactor(first: Plan, second: Plan) -> Redactor:
    """A redactor for the secrets of both sides."""
    return Redactor({**second.placeholders_by_secret(), **first.placeholders_by_secret()})


def empty_report(first: Plan, second: Plan, *, strict: bool = False) -> DiffReport:
    """The report of a comparison that has not begun."""
    return DiffReport(
        contract=first.contract,
        urls=(first.target.url, second.target.url),
        is_strict=strict,
        has_two_keys=first.keys != second.keys,
    )


async def compare(
    first: Plan,
    second: Plan,
    options: DiffOptions,
    on_result: Callable[[], None] = lambda: None,
    *,
    report: DiffReport | None = None,
) -> DiffReport:
    """Sends the same requests to two servers and compares the answers.

    `report` is filled on the way, for a caller that may interrupt it: with what is confirmed. Raises
    InconclusiveError, naming the side, if a server accepts nothing.
    """
    report = report or empty_report(first, second, strict=options.strict)
    await asyncio.gather(wait_for_target(first), wait_for_target(second))
    async with first.build_wire() as one, second.build_wire() as other:
        sides = Side("A", first, one), Side("B", second, other)
        for side in sides:
            await side.run_preflight()
        await equalize_readings(*sides)
        await equalize_baselines(*sides)
        place_trials(*sides)
        options, first = _as_read(options, first, sides[0].plan), sides[0].plan
        report.contract = first.contract
        report.dead = {side.name: sorted(map(str, side.preflight.dead)) for side in sides}
        comparison = CheckComparison(*sides, strict=options.strict)
        check_result = await comparison.run(on_result)
        ordinary = ordinary_requests(first, sides[0].preflight, one.redactor)
        causes = CauseAnalysis(check_result, RequestTraits(first.contract), comparison.normalize, ordinary)
        groups = group_differences(check_result.differences, causes)
        report.differences = [build_difference(group, causes, first.contract) for group in groups]
        report.check_count, report.answer_count = check_result.check_count, check_result.answer_count
        report.unstable, report.reworded_count = check_result.unstable, check_result.reworded_count
        report.stopped = check_result.stopped
        if not report.stopped:
            await _compare_generated(sides, comparison, KnownDifferences(groups, causes), options, report)
    return report


def _as_read(options: DiffOptions, planned: Plan, first: Plan) -> DiffOptions:
    """The options with generated requests by the reading of the documents that the servers follow."""
    cases = tuple(options.cases)
    if not cases or first.contract is planned.contract:
        return options
    return replace(options, cases=load_or_generate(first.contract, first.fuzz_seed, len(cases)).cases(len(cases)))


async def _compare_generated(
    sides: tuple[Side, Side],
    comparison: CheckComparison,
    known: KnownDifferences,
    options: DiffOptions,
    report: DiffReport,
) -> None:
    """Adds to the report what generated requests show, of the known differences and of others, as far as it came."""
    cases = tuple(options.cases)
    if not cases:
        return
    fuzz_comparison = FuzzComparison(*sides, comparison.volatile, comparison.rate_headers)
    try:
        await fuzz_comparison.run(cases, options.max_time_s, known.find_explanation)
    finally:
        fuzz_result = fuzz_comparison.result
        report.generated_count = fuzz_result.compared_count
        report.unstable_generated_count = fuzz_result.unstable_count + fuzz_result.unexamined_count
        differences = [
            replace(item, generated_count=fuzz_result.explained_counts[number])
            for number, item in enumerate(report.differences)
        ]
        report.differences = merge_fuzz_only(differences, fuzz_result.differences, report.contract)
