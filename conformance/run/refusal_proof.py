"""The proof that a refusal that asks to wait is about the content of a request, and not about the rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.checks import expect
from conformance.requests.rate_limits import first_refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from conformance.core.model import Exchange, Request

_PROOF = "ccrccrrccc"
"""Controls that must be accepted, and repeats that must be refused, one right after the other.

No rate limit has room for one, two and three equal requests by turns, and for none in between.
"""


async def is_refused_for_content(
    refusal: Exchange,
    controls: Sequence[Request | None],
    repeat: Callable[[], Awaitable[Sequence[Exchange]]],
    exchange: Callable[[Request], Awaitable[Exchange]],
) -> bool:
    """Whether only these requests are refused: acceptable ones of the same weight are accepted in between.

    `repeat` sends the refused requests again, `exchange` one of their `controls`; None is one that is not known.
    """
    for step in _PROOF:
        if step == "r":
            repeated = first_refusal(await repeat())
            if repeated is None or repeated.status != refusal.status:
                return False
            continue
        for control in controls:
            if control is None or not expect.is_accepted(await exchange(control)):
                return False
    return True
