"""HTTP statuses that several packages compare with."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

MULTI_STATUS: Final[int] = HTTPStatus.MULTI_STATUS.value
"""A partial success: some events of a batch were accepted, and some were not."""
MULTIPLE_CHOICES: Final[int] = HTTPStatus.MULTIPLE_CHOICES.value
"""The lowest 3xx status, and so above all successes."""
TOO_MANY_REQUESTS: Final[int] = HTTPStatus.TOO_MANY_REQUESTS.value
UNAUTHORIZED: Final[int] = HTTPStatus.UNAUTHORIZED.value
CLIENT_ERROR: Final[int] = HTTPStatus.BAD_REQUEST.value
"""The lowest 4xx status."""
SERVER_ERROR: Final[int] = HTTPStatus.INTERNAL_SERVER_ERROR.value
"""The lowest 5xx status."""
ABSENT_STATUSES: Final[frozenset[int]] = frozenset({404, 405, 410, 501})
"""The statuses that say that nothing is at a path, or nothing with this method."""
UNAVAILABLE: Final[int] = HTTPStatus.SERVICE_UNAVAILABLE.value
GATEWAY_ERRORS: Final[frozenset[int]] = frozenset(
    {HTTPStatus.BAD_GATEWAY.value, HTTPStatus.SERVICE_UNAVAILABLE.value, HTTPStatus.GATEWAY_TIMEOUT.value}
)
"""What a gateway answers where the server behind it does not (RFC 9110, sections 15.6.3 to 15.6.5)."""
