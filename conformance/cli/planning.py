"""The plan: what a run will send, told before it, or instead of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from conformance.estimate import by_tier, estimate, total
from conformance.text import safe

if TYPE_CHECKING:
    from rich.console import Console

    from conformance.run import Plan

UNJUDGED_CODE = 3
"""What a dry run ends with: 0 would mean that something was judged."""


def tell(plan: Plan, console: Console) -> None:
    """Prints the plan in one line."""
    console.print(f"plan: {_words(plan)}", soft_wrap=True, markup=False)


def show(plan: Plan, console: Console, where: str) -> int:
    """Prints the plan by area, sends nothing, and returns the exit code: nothing was judged."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("area", "tiers"):
        table.add_column(name)
    for name in ("checks", "requests", "bytes", "events"):
        table.add_column(name, justify="right")
    for share in estimate(plan.contract.profile.name, plan.trials, plan.fuzz):
        numbers = (share.checks, share.requests, share.bytes, share.events)
        table.add_row(share.area, ", ".join(share.tiers), *(f"{number:,}" for number in numbers))
    console.print(table)
    limits = [
        f"{most:,} {word}"
        for word in ("requests", "bytes", "events")
        if (most := getattr(plan.budget, word)) is not None
    ]
    console.print(
        f"\n{safe(where)}: {_words(plan)}; budget: {', '.join(limits) or 'none'}; events are marked with the "
        f"run {plan.run_id}. This was a dry run: nothing was sent, and nothing was judged.",
        soft_wrap=True,
        markup=False,
    )
    return UNJUDGED_CODE


def _words(plan: Plan) -> str:
    """How many checks of which tiers, and what they send at most."""
    tiers = by_tier(plan.trials)
    checks = f"{sum(tiers.values()):,} checks ({', '.join(f'{n:,} {tier}' for tier, n in tiers.items())}), "
    sums = total(estimate(plan.contract.profile.name, plan.trials, plan.fuzz), plan.budget)
    sent = f"{sums['requests']:,} requests, {sums['bytes']:,} bytes and {sums['events']:,} events"
    return f"{checks if tiers else ''}at most about {sent}"
