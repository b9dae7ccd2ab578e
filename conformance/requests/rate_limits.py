"""Rate limits: what a 429 asks of a client."""

from __future__ import annotations

import contextlib
import email.utils
import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.core.model import Exchange

FIRST_429 = "limited"
"""The key under which the first 429 of a run is kept."""
_DEFAULT_WAIT_S, _MIN_WAIT_S = 1.0, 0.05
"""How long a 429 is waited out that names no time, and at least; in seconds."""


def retry_after_s(exchange: Exchange) -> float:
    """The seconds that a 429 asks to wait; one where it does not say."""
    response = exchange.response
    text = ((response.header("retry-after") if response else None) or "").strip()
    with contextlib.suppress(ValueError):
        if not math.isnan(float(text)):
            return max(float(text), _MIN_WAIT_S)
    try:
        retry_at = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return _DEFAULT_WAIT_S
    return max(retry_at.timestamp() - time.time(), _MIN_WAIT_S)
