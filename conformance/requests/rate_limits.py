"""Rate limits: which answers ask clients to wait, how long, and which request weighs as much as a refused one."""

from __future__ import annotations

import contextlib
import email.utils
import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from conformance.core.errors import NotApplicable
from conformance.core.model import OperationKind
from conformance.core.statuses import TOO_MANY_REQUESTS, UNAVAILABLE
from conformance.requests.raw_writers import start_line, write_standard

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.core.model import Exchange, Response
    from conformance.requests.draft import Draft

FIRST_429 = "limited"
"""The key of the first 429 of a run in `shared_exchanges`."""
_DEFAULT_WAIT_S, _MIN_WAIT_S = 1.0, 0.05
"""How many seconds to wait after a 429 without a time, and the least for any 429."""
_PADDING_BYTES = 64
"""What a filler field adds to each event at least, in bytes, with some to spare."""


class Answered(Protocol):
    """An exchange, or what stands for one: a status, 0 if there is no answer, and the answer."""

    @property
    def status(self) -> int:
        """The status of the answer."""

    @property
    def response(self) -> Response | None:
        """The answer."""


def asks_to_wait(answered: Answered) -> bool:
    """Whether an answer says that there are too many requests: a 429, or a 503 with Retry-After."""
    return answered.status == TOO_MANY_REQUESTS or (answered.status == UNAVAILABLE and names_a_time(answered))


def first_refusal(exchanges: Iterable[Exchange]) -> Exchange | None:
    """The first answer that asks to wait."""
    return next((exchange for exchange in exchanges if asks_to_wait(exchange)), None)


def names_a_time(answered: Answered) -> bool:
    """Whether an answer has a Retry-After."""
    response = answered.response
    return response is not None and response.header("retry-after") is not None


def retry_after_s(answered: Answered) -> float:
    """How many seconds an answer asks to wait; one second if it does not say."""
    response = answered.response
    text = ((response.header("retry-after") if response else None) or "").strip()
    with contextlib.suppress(ValueError):
        if not math.isnan(float(text)):
            return max(float(text), _MIN_WAIT_S)
    try:
        retry_at = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return _DEFAULT_WAIT_S
    return max(retry_at.timestamp() - time.time(), _MIN_WAIT_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What rate limiters count of a request."""

    events: int
    bytes: int

    def is_as_heavy_as(self, other: Weight) -> bool:
        """Whether a limiter that never has room for the other one has none for this."""
        return self.events >= other.events and self.bytes >= other.bytes


def weight_of(draft: Draft) -> Weight:
    """What rate limiters count of a draft."""
    return Weight(events=draft.build_request().event_count, bytes=_weight_bytes(draft))


def equal_control(draft: Draft, acceptable: Draft) -> Draft | None:
    """An acceptable request that weighs as much as `draft` to any rate limiter; None if there is none.

    It has the path and the credentials of `draft`, as many events, and at least as many bytes. `acceptable` is an
    acceptable request to the operation of `draft`.
    """
    operation, request = draft.operation, draft.build_request()
    if request.path != operation.path or request.method != operation.method:
        return None
    if any(name.lower() == "content-encoding" for name, _ in request.headers):
        return None  # how many bytes a limiter counts is unknown
    control = replace(acceptable, credentials=draft.credentials, is_control=False)
    if request.event_count > 1:
        if operation.kind is not OperationKind.BATCH:
            return None
        control = control.with_events(*acceptable.events[:1] * request.event_count)
    try:
        missing = _weight_bytes(draft) - _weight_bytes(control)
        if missing > 0:
            is_in_query = operation.kind is OperationKind.PIXEL
            size = _weight_bytes(control) if is_in_query else len(control.build_request().body)
            control = control.with_body_size(size + max(missing, _PADDING_BYTES * request.event_count))
        control.require_within_limits()
    except NotApplicable:
        return None
    return control


def _weight_bytes(draft: Draft) -> int:
    """How many bytes a draft has on the connection, head included."""
    request = draft.build_request()
    write = request.raw_writer or write_standard
    return sum(map(len, write(start_line(request, ""), [("Host", "target"), *request.headers], request.body)))
