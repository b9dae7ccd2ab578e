"""Waits for a target that is starting, as long as the user allows."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from conformance.core.model import Request
from conformance.wire.budget import BudgetExhausted

if TYPE_CHECKING:
    from conformance.run.plan import Plan
    from conformance.wire import Wire

_PAUSE_S = 0.2
_NOT_READY = frozenset({502, 503, 504})
"""How a proxy answers whose server is not there yet (RFC 9110, sections 15.6.3 to 15.6.5)."""


async def wait_for_target(plan: Plan) -> int:
    """Asks a target until it answers, for at most the time of the plan; returns how many requests that took.

    It returns in any case: the preflight says what is wrong with a target that does not answer.
    """
    if plan.wait_s is None:
        return 0
    async with plan.build_wire() as wire:
        with contextlib.suppress(TimeoutError, BudgetExhausted):
            async with asyncio.timeout(plan.wait_s):
                await _ask_until_up(wire)
        return wire.sent_count


async def _ask_until_up(wire: Wire) -> None:
    """Asks for as long as nobody answers, or a proxy does."""
    exchange = await wire.exchange(Request(method="GET", path="/"))
    while exchange.response is None or exchange.response.status in _NOT_READY:
        await asyncio.sleep(_PAUSE_S)
        exchange = await wire.exchange(Request(method="GET", path="/"))
