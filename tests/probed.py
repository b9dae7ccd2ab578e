"""A server that is none of the vendors': limits, paths, keys and answers are what a test says.

It knows nothing of the suite, and shares nothing but HTTP with the servers in tests/targets.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tests.targets.dialects import SEGMENT
from tests.targets.judge import Judge
from tests.targets.packing import refuse_constant
from tests.targets.wire import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.targets.wire import Request

KEY = "probed-key-77aa"
LONG = {
    "/v1/identify": "identify", "/v1/track": "track", "/v1/page": "page", "/v1/screen": "screen",
    "/v1/group": "group", "/v1/alias": "alias",
}  # fmt: skip
SHORT = {"/v1/i": "identify", "/v1/t": "track", "/v1/p": "page"}
FEW = {"/v1/track": "track", "/v1/identify": "identify"}
NEEDED = {"track": "event", "group": "groupId", "alias": "previousId"}
Unit = Literal[
    "bytes", "characters", "utf16-units", "decoded-bytes", "decoded-characters", "decoded-utf16-units"
]


@dataclass(frozen=True, kw_only=True)
class Manners:
    """Everything about a server that a test may choose."""

    events: Mapping[str, str] = field(default_factory=lambda: FEW)
    batches: tuple[str, ...] = ("/v1/batch",)
    pixels: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ("basic",)
    header: str = "x-write-key"
    ids: tuple[str, ...] = ("userId", "anonymousId")
    where: tuple[str, ...] = ()
    required: Mapping[str, str] = field(default_factory=lambda: NEEDED)
    success: int = 200
    success_body: bytes = b'{"success":true}'
    unauthorized: int = 401
    invalid: int = 400
    large: int | None = 413
    event_limit: int | None = None
    item_limit: int | None = None
    batch_limit: int | None = None
    unit: Unit = "bytes"
    counts_escapes: bool = False
    all_ids: bool = False
    most_per_second: int | None = None
    most_events: int | None = None
    most_status: int = 400
    ignores_chunks: bool = False
    nothing_refused: bool = False
    errors: Literal["text", "code", "problem", "empty"] = "text"
    unwanted: tuple[str, ...] = ()
    nan: bool = False
    crashes_on_null_ids: bool = False
    throttled_at: tuple[int, ...] = ()


class _Refused(Exception):
    """A reason to refuse."""

    def __init__(self, status: int | None, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class Probed(Judge):
    """A server with manners."""

    def __init__(self, manners: Manners) -> None:
        super().__init__(SEGMENT)
        self.manners = manners
        self.served = 0
        self.times: list[float] = []

    def glance(self, request: Request) -> Answer | None:
        """Says nothing before it has read everything."""
        del request
        return None

    def answer(self, request: Request) -> Answer:
        """Answers one request."""
        self.served += 1
        if self._is_crowd():
            return Answer(429, {"Retry-After": "1", "Content-Type": "text/plain"}, b"slow down")
        if self.served in self.manners.throttled_at:
            return Answer(429, {"Retry-After": "0", "Content-Type": "text/plain"}, b"slow down")
        try:
            if not self.manners.nothing_refused:
                self._examine(request)
        except _Refused as refused:
            if refused.status is None:
                return Answer(0, dropped=True)
            return self._refusal(refused.status, refused.code)
        body = self.manners.success_body if self.manners.success != 204 else b""
        headers = {"Content-Type": "application/json"} if body else {}
        return Answer(self.manners.success, headers, body)

    def _is_crowd(self) -> bool:
        """Whether too many requests have come within the last second."""
        if self.manners.most_per_second is None:
            return False
        now = time.monotonic()
        self.times = [each for each in self.times if now - each < 1]
        self.times.append(now)
        return len(self.times) > self.manners.most_per_second

    def _refusal(self, status: int, code: str) -> Answer:
        style = self.manners.errors
        if style == "empty":
            return Answer(status)
        if style == "text":
            return Answer(status, {"Content-Type": "text/plain"}, code.encode())
        value = {"error": {"code": code, "status": status}} if style == "code" else {"title": code}
        kind = "application/json" if style == "code" else "application/problem+json"
        return Answer(status, {"Content-Type": kind}, json.dumps(value).encode())

    def _examine(self, request: Request) -> None:
        manners = self.manners
        if request.path in manners.pixels:
            self._pixel(request)
            return
        if request.path not in {*manners.events, *manners.batches}:
            raise _Refused(404, "no such path")
        if request.method != "POST":
            raise _Refused(405, "method")
        is_batch = request.path in manners.batches
        if request.headers.get("content-encoding", "identity") != "identity":
            raise _Refused(415, "coding")
        limit = manners.batch_limit if is_batch else manners.event_limit
        if not (manners.ignores_chunks and request.chunked):
            self._weigh(request.body, limit)
        value = self._value(request.body)
        self._authorize(request, value)
        if not is_batch:
            self._event(manners.events[request.path], value)
            return
        self._batch(value)

    def _pixel(self, request: Request) -> None:
        if request.method != "GET":
            raise _Refused(405, "method")
        try:
            text = request.query.get("data", "")
            value = self._value(base64.b64decode(text, validate=True))
        except binascii.Error:
            raise _Refused(self.manners.invalid, "base64") from None
        if value.get("writeKey") != KEY:
            raise _Refused(self.manners.unauthorized, "key")
        self._event(self.manners.pixels[request.path], value)

    def _weigh(self, body: bytes, limit: int | None) -> None:
        if limit is None:
            return
        counted = body
        if self.manners.unit.startswith("decoded"):
            counted = _compact(self._value(body))
        if self.manners.counts_escapes:
            counted = json.dumps(self._value(body)).encode()
        text = counted.decode(errors="replace")
        sizes = {
            "bytes": len(counted),
            "characters": len(text),
            "units": len(text.encode("utf-16-le", "surrogatepass")) // 2,
        }
        if sizes[self.manners.unit.rpartition("-")[2]] > limit:
            raise _Refused(self.manners.large, "too large")

    def _value(self, body: bytes) -> dict[str, Any]:
        try:
            text = body.decode()
            value: Any = json.loads(text, parse_constant=None if self.manners.nan else refuse_constant)
        except (ValueError, RecursionError):
            raise _Refused(self.manners.invalid, "not json") from None
        if not isinstance(value, dict):
            raise _Refused(self.manners.invalid, "not an object")
        return value

    def _authorize(self, request: Request, value: dict[str, Any]) -> None:
        found: list[object] = []
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if "basic" in self.manners.keys and scheme.lower() == "basic":
            try:
                user, _, _ = base64.b64decode(token, validate=True).decode().partition(":")
            except ValueError:
                user = ""
            found.append(user)
        if "bearer" in self.manners.keys and scheme.lower() == "bearer":
            found.append(token)
        if "header" in self.manners.keys and self.manners.header in request.headers:
            found.append(request.headers[self.manners.header])
        if "body" in self.manners.keys:
            found.append(value.get("writeKey"))
        if "query" in self.manners.keys:
            found.append(request.query.get("writeKey"))
        if KEY not in found:
            raise _Refused(self.manners.unauthorized, "key")

    def _event(self, name: str, event: dict[str, Any]) -> None:
        manners = self.manners
        holder: Any = event
        for step in manners.where:
            holder = holder.get(step) if isinstance(holder, dict) else None
        ids = [holder.get(key) for key in manners.ids] if isinstance(holder, dict) else []
        if manners.crashes_on_null_ids and None in ids and set(manners.ids) <= set(holder or ()):
            raise _Refused(500, "oops")
        named = [isinstance(item, str) and bool(item) for item in ids]
        if not (all(named) and named if manners.all_ids else any(named)):
            raise _Refused(manners.invalid, "nobody")
        if name in manners.required and not manners.where and manners.required[name] not in event:
            raise _Refused(manners.invalid, f"no {manners.required[name]}")
        if any(key in event for key in manners.unwanted):
            raise _Refused(manners.invalid, "unwanted")

    def _batch(self, value: dict[str, Any]) -> None:
        manners, items = self.manners, value.get("batch")
        if not isinstance(items, list) or not items:
            raise _Refused(manners.invalid, "no batch")
        if manners.most_events is not None and len(items) > manners.most_events:
            raise _Refused(manners.most_status, "too many")
        for item in items:
            if not isinstance(item, dict) or item.get("type") not in [*LONG.values()]:
                raise _Refused(manners.invalid, "type")
            if manners.item_limit is not None and len(_compact(item)) > manners.item_limit:
                raise _Refused(manners.large, "an event is too large")
            self._event(item["type"], item)


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
