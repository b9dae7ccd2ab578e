"""HTTP statuses that several packages compare with."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

MULTI_STATUS: Final[int] = HTTPStatus.MULTI_STATUS.value
"""A partial success: some events of a batch were accepted, and some were not."""
TOO_MANY_REQUESTS: Final[int] = HTTPStatus.TOO_MANY_REQUESTS.value
SERVER_ERROR: Final[int] = HTTPStatus.INTERNAL_SERVER_ERROR.value
"""The lowest 5xx status."""
