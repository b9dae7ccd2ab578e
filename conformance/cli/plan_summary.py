"""Prints what a run will send: one line before it, or a table in place of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from conformance.core.text import escape_controls
from conformance.report.plain_tables import print_table
from conformance.run.estimate import checks_by_tier, estimate_areas, total

if TYPE_CHECKING:
    from rich.console import Console

    from conformance.run.plan import Plan

DRY_RUN_CODE = 3
"""The exit code of a dry run: 0 would mean that something was judged."""


def print_summary(plan: Plan, console: Console) -> None:
    """Prints the plan in one line, and before it, whether the target is waited for."""
    if plan.wait_s is not None:
        waits = f"waiting up to {plan.wait_s:g} s for {plan.target.url} to answer"
        console.print(escape_controls(waits), soft_wrap=True, markup=False)
    console.print(
        f"plan for {escape_controls(plan.contract.profile.name)}: {_describe(plan)}", soft_wrap=True, markup=False
    )


def print_dry_run(plan: Plan, console: Console, target_text: str) -> int:
    """Prints the plan by area, sends nothing, and returns the exit code: nothing was judged."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("area", "tiers"):
        table.add_column(name)
    for name in ("checks", "requests", "bytes", "events"):
        table.add_column(name, justify="right")
    for estimate in estimate_areas(plan.contract.profile.name, plan.trials, plan.fuzz_requests):
        numbers = (estimate.checks, estimate.requests, estimate.bytes, estimate.events)
        table.add_row(estimate.area, ", ".join(estimate.tiers), *(f"{number:,}" for number in numbers))
    print_table(table, console)
    limits = [
        f"{limit:,} {unit}"
        for unit in ("requests", "bytes", "events")
        if (limit := getattr(plan.budget, unit)) is not None
    ]
    console.print(
        f"\n{escape_controls(target_text)}: {_describe(plan)}; budget: {', '.join(limits) or 'none'}; "
        f"events are marked with the "
        f"run {plan.run_id}. This was a dry run: nothing was sent, and nothing was judged.",
        soft_wrap=True,
        markup=False,
    )
    return DRY_RUN_CODE


def _describe(plan: Plan) -> str:
    """The number of checks, as the verdict counts them, of those in each tier, and the most that they send."""
    tiers = checks_by_tier(plan.trials)
    others = len(plan.trials) - sum(tiers.values())
    counts = [f"{count:,} {tier}" for tier, count in tiers.items()] + ([f"{others:,} not applicable"] if others else [])
    checks = f"{len(plan.trials):,} checks ({', '.join(counts)}), "
    totals = total(estimate_areas(plan.contract.profile.name, plan.trials, plan.fuzz_requests), plan.budget)
    volume_text = f"{totals['requests']:,} requests, {totals['bytes']:,} bytes and {totals['events']:,} events"
    return f"{checks if tiers else ''}at most about {volume_text}, in at most {plan.time_limits.duration_s:g} s"
