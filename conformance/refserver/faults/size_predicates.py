"""Sizes of a request's body and events, in several units, compared with the documented limits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conformance.profile.facts import LimitKind
from conformance.refserver.faults.response_overrides import IS_BATCH

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.core.model import JsonObject
    from conformance.refserver.faults.response_overrides import RequestPredicate
    from conformance.refserver.server_change import RequestView


def body_limit_bytes(view: RequestView) -> int:
    """The limit of the body in bytes; 0 where the operation has none."""
    operation = view.decision.operation
    body_limit = view.server.body_limit(operation) if operation else None
    return body_limit.at_most if body_limit else 0


def batch_event_limit_bytes(view: RequestView) -> int:
    """The limit of each event of a batch in bytes; 0 for anything but a batch."""
    return view.contract.size_limit(LimitKind.BATCH_EVENT).at_most if IS_BATCH(view) else 0


def compact_bytes(event: JsonObject) -> int:
    """The size of an event in bytes of compact UTF-8."""
    return len(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"))


def compact_characters(event: JsonObject) -> int:
    """The length of an event in characters."""
    return len(json.dumps(event, ensure_ascii=False, separators=(",", ":")))


def ascii_characters(event: JsonObject) -> int:
    """The length of an event if everything beyond ASCII is escaped."""
    return len(json.dumps(event, separators=(",", ":")))


def is_chunked(view: RequestView) -> bool:
    """Whether the body comes in chunks."""
    return "transfer-encoding" in view.request.headers


def is_over_limit(when: RequestPredicate) -> RequestPredicate:
    """Holds for a body above its limit in a request for which the other predicate holds."""
    return lambda view: when(view) and len(view.request.body) > body_limit_bytes(view) > 0


def has_oversized_event_only(view: RequestView) -> bool:
    """Whether a batch is within its limit, but one of its events is not."""
    return (
        IS_BATCH(view)
        and view.refusal_fact == f"limits.{LimitKind.BATCH_EVENT}"
        and len(view.request.body) <= body_limit_bytes(view)
    )


def is_within_limit_in_characters(view: RequestView) -> bool:
    """Whether the body would be within its limit if characters counted instead of bytes."""
    return len(view.body_text) <= body_limit_bytes(view)


def is_within_limit_unescaped(view: RequestView) -> bool:
    """Whether the body has escapes and would be within its limit without them."""
    return "\\u" in view.body_text and len(json.dumps(view.document, ensure_ascii=False)) <= body_limit_bytes(view)


def is_over_limit_escaped(view: RequestView) -> bool:
    """Whether the body would be above its limit if everything beyond ASCII were escaped."""
    text = view.body_text
    return len(text) + 5 * sum(char > "\x7f" for char in text) > body_limit_bytes(view)


def is_larger_than_part(part: float) -> RequestPredicate:
    """Holds for a body that is larger than a part of its limit."""
    return lambda view: len(view.request.body) > part * body_limit_bytes(view) > 0


def largest_event(view: RequestView, measure: Callable[[JsonObject], int] = compact_bytes) -> int:
    """The size of the largest event; 0 if there is none."""
    return max(map(measure, view.events), default=0)


def has_event_larger_than_part(part: float, measure: Callable[[JsonObject], int] = compact_bytes) -> RequestPredicate:
    """Holds for a batch with an event that is larger than a part of its limit."""
    return lambda view: IS_BATCH(view) and largest_event(view, measure) > part * batch_event_limit_bytes(view)
