"""Rate limits: how long a 429 asks clients to wait."""

from __future__ import annotations

import contextlib
import email.utils
import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.core.model import Exchange

FIRST_429 = "limited"
"""The key of the first 429 of a run in `shared_exchanges`."""
_DEFAULT_WAIT_S, _MIN_WAIT_S = 1.0, 0.05
"""How many seconds to wait after a 429 without a time, and the least for any 429."""


def retry_after_s(exchange: Exchange) -> float:
    """How many seconds a 429 asks to wait; one second if it does not say."""
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
