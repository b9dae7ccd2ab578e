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

from tests.targets.application import Application
from tests.targets.body_decoding import refuse_constant
from tests.targets.dialects import SEGMENT
from tests.targets.messages import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.targets.messages import Request

KEY = "probed-key-77aa"
ALL_EVENT_PATHS = {
    "/v1/identify": "identify", "/v1/track": "track", "/v1/page": "page", "/v1/screen": "screen",
    "/v1/group": "group", "/v1/alias": "alias",
}  # fmt: skip
ABBREVIATED_PATHS = {"/v1/i": "identify", "/v1/t": "track", "/v1/p": "page"}
TWO_EVENT_PATHS = {"/v1/track": "track", "/v1/identify": "identify"}
REQUIRED_FIELDS = {"track": "event", "group": "groupId", "alias": "previousId"}
Unit = Literal["bytes", "characters", "utf16-units", "decoded-bytes", "decoded-characters", "decoded-utf16-units"]


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """Everything about a server that a test may choose."""

    events: Mapping[str, str] = field(default_factory=lambda: TWO_EVENT_PATHS)
    batches: tuple[str, ...] = ("/v1/batch",)
    pixels: Mapping[str, str] = field(default_factory=dict)
    credential_places: tuple[str, ...] = ("basic",)
    header: str = "x-write-key"
    id_fields: tuple[str, ...] = ("userId", "anonymousId")
    id_holder_path: tuple[str, ...] = ()
    required: Mapping[str, str] = field(default_factory=lambda: REQUIRED_FIELDS)
    success_status: int = 200
    success_body: bytes = b'{"success":true}'
    unauthorized_status: int = 401
    invalid_status: int = 400
    too_large_status: int | None = 413
    event_limit: int | None = None
    item_limit: int | None = None
    batch_limit: int | None = None
    unit: Unit = "bytes"
    counts_escapes: bool = False
    all_ids_required: bool = False
    max_requests_per_s: int | None = None
    max_events: int | None = None
    too_many_events_status: int = 400
    ignores_chunked_size: bool = False
    nothing_refused: bool = False
    errors: Literal["text", "code", "problem", "empty"] = "text"
    refused_fields: tuple[str, ...] = ()
    accepts_nan: bool = False
    crashes_on_null_ids: bool = False
    throttled_at: tuple[int, ...] = ()


class _RefusalError(Exception):
    """A reason to refuse."""

    def __init__(self, status: int | None, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class ConfigurableServer(Application):
    """A server with manners."""

    def __init__(self, config: ServerConfig) -> None:
        super().__init__(SEGMENT)
        self.manners = config
        self.request_count = 0
        self.arrival_times: list[float] = []

    def answer_to_head(self, request: Request) -> Answer | None:
        """Says nothing before it has read everything."""
        del request
        return None

    def answer(self, request: Request) -> Answer:
        """Answers one request."""
        self.request_count += 1
        if self._is_over_rate():
            return Answer(429, {"Retry-After": "1", "Content-Type": "text/plain"}, b"slow down")
        if self.request_count in self.manners.throttled_at:
            return Answer(429, {"Retry-After": "0", "Content-Type": "text/plain"}, b"slow down")
        try:
            if not self.manners.nothing_refused:
                self._check_request(request)
        except _RefusalError as refused:
            if refused.status is None:
                return Answer(0, dropped=True)
            return self._refusal(refused.status, refused.code)
        body = self.manners.success_body if self.manners.success_status != 204 else b""
        headers = {"Content-Type": "application/json"} if body else {}
        return Answer(self.manners.success_status, headers, body)

    def _is_over_rate(self) -> bool:
        """Whether too many requests have come within the last second."""
        if self.manners.max_requests_per_s is None:
            return False
        now = time.monotonic()
        self.arrival_times = [each for each in self.arrival_times if now - each < 1]
        self.arrival_times.append(now)
        return len(self.arrival_times) > self.manners.max_requests_per_s

    def _refusal(self, status: int, code: str) -> Answer:
        style = self.manners.errors
        if style == "empty":
            return Answer(status)
        if style == "text":
            return Answer(status, {"Content-Type": "text/plain"}, code.encode())
        value = {"error": {"code": code, "status": status}} if style == "code" else {"title": code}
        kind = "application/json" if style == "code" else "application/problem+json"
        return Answer(status, {"Content-Type": kind}, json.dumps(value).encode())

    def _check_request(self, request: Request) -> None:
        manners = self.manners
        if request.path in manners.pixels:
            self._check_pixel(request)
            return
        if request.path not in {*manners.events, *manners.batches}:
            raise _RefusalError(404, "no such path")
        if request.method != "POST":
            raise _RefusalError(405, "method")
        is_batch = request.path in manners.batches
        if request.headers.get("content-encoding", "identity") != "identity":
            raise _RefusalError(415, "coding")
        limit = manners.batch_limit if is_batch else manners.event_limit
        if not (manners.ignores_chunked_size and request.chunked):
            self._check_size(request.body, limit)
        value = self._parse_object(request.body)
        self._authorize(request, value)
        if not is_batch:
            self._check_event(manners.events[request.path], value)
            return
        self._check_batch(value)

    def _check_pixel(self, request: Request) -> None:
        if request.method != "GET":
            raise _RefusalError(405, "method")
        try:
            text = request.query.get("data", "")
            value = self._parse_object(base64.b64decode(text, validate=True))
        except binascii.Error:
            raise _RefusalError(self.manners.invalid_status, "base64") from None
        if value.get("writeKey") != KEY:
            raise _RefusalError(self.manners.unauthorized_status, "key")
        self._check_event(self.manners.pixels[request.path], value)

    def _check_size(self, body: bytes, limit: int | None) -> None:
        if limit is None:
            return
        counted = body
        if self.manners.unit.startswith("decoded"):
            counted = _compact(self._parse_object(body))
        if self.manners.counts_escapes:
            counted = json.dumps(self._parse_object(body)).encode()
        text = counted.decode(errors="replace")
        sizes = {
            "bytes": len(counted),
            "characters": len(text),
            "units": len(text.encode("utf-16-le", "surrogatepass")) // 2,
        }
        if sizes[self.manners.unit.rpartition("-")[2]] > limit:
            raise _RefusalError(self.manners.too_large_status, "too large")

    def _parse_object(self, body: bytes) -> dict[str, Any]:
        try:
            text = body.decode()
            value: Any = json.loads(text, parse_constant=None if self.manners.accepts_nan else refuse_constant)
        except (ValueError, RecursionError):
            raise _RefusalError(self.manners.invalid_status, "not json") from None
        if not isinstance(value, dict):
            raise _RefusalError(self.manners.invalid_status, "not an object")
        return value

    def _authorize(self, request: Request, value: dict[str, Any]) -> None:
        shown_keys: list[object] = []
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if "basic" in self.manners.credential_places and scheme.lower() == "basic":
            try:
                user, _, _ = base64.b64decode(token, validate=True).decode().partition(":")
            except ValueError:
                user = ""
            shown_keys.append(user)
        if "bearer" in self.manners.credential_places and scheme.lower() == "bearer":
            shown_keys.append(token)
        if "header" in self.manners.credential_places and self.manners.header in request.headers:
            shown_keys.append(request.headers[self.manners.header])
        if "body" in self.manners.credential_places:
            shown_keys.append(value.get("writeKey"))
        if "query" in self.manners.credential_places:
            shown_keys.append(request.query.get("writeKey"))
        if KEY not in shown_keys:
            raise _RefusalError(self.manners.unauthorized_status, "key")

    def _check_event(self, name: str, event: dict[str, Any]) -> None:
        manners = self.manners
        holder: Any = event
        for step in manners.id_holder_path:
            holder = holder.get(step) if isinstance(holder, dict) else None
        ids = [holder.get(key) for key in manners.id_fields] if isinstance(holder, dict) else []
        if manners.crashes_on_null_ids and None in ids and set(manners.id_fields) <= set(holder or ()):
            raise _RefusalError(500, "oops")
        named = [isinstance(item, str) and bool(item) for item in ids]
        if not (all(named) and named if manners.all_ids_required else any(named)):
            raise _RefusalError(manners.invalid_status, "nobody")
        if name in manners.required and not manners.id_holder_path and manners.required[name] not in event:
            raise _RefusalError(manners.invalid_status, f"no {manners.required[name]}")
        if any(key in event for key in manners.refused_fields):
            raise _RefusalError(manners.invalid_status, "unwanted")

    def _check_batch(self, value: dict[str, Any]) -> None:
        manners, items = self.manners, value.get("batch")
        if not isinstance(items, list) or not items:
            raise _RefusalError(manners.invalid_status, "no batch")
        if manners.max_events is not None and len(items) > manners.max_events:
            raise _RefusalError(manners.too_many_events_status, "too many")
        for item in items:
            if not isinstance(item, dict) or item.get("type") not in [*ALL_EVENT_PATHS.values()]:
                raise _RefusalError(manners.invalid_status, "type")
            if manners.item_limit is not None and len(_compact(item)) > manners.item_limit:
                raise _RefusalError(manners.too_large_status, "an event is too large")
            self._check_event(item["type"], item)


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
