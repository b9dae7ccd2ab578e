"""Faults in the limits of size: too tight, too wide, of the wrong measure, or with a hole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conformance.core.model import OperationKind
from conformance.profile.facts import LimitKind
from conformance.refserver.faults.fault import Fault, requires_kinds
from conformance.refserver.faults.response_overrides import (
    IS_BATCH,
    IS_EVENT,
    accept_refused,
    change_refusal_status,
    crash_on,
    error_reply,
    refuse_accepted,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.core.model import JsonObject
    from conformance.refserver.fault_change import RequestView, ResponseOverride
    from conformance.refserver.faults.response_overrides import RequestPredicate
    from conformance.refserver.replies import ServerReply

_HAS_BATCHES = requires_kinds(OperationKind.BATCH)


def _body_limit_bytes(sight: RequestView) -> int:
    """The limit of the whole body, in bytes; none on other paths than those of events and batches."""
    operation = sight.decision.operation
    body_limit = sight.server.body_limit(operation) if operation else None
    return body_limit.at_most if body_limit else 0


def _is_over_limit(when: RequestPredicate) -> RequestPredicate:
    """Holds for a body that is too large, of the kind that is meant."""
    return lambda sight: when(sight) and len(sight.request.body) > _body_limit_bytes(sight) > 0


def _has_oversized_event_only(sight: RequestView) -> bool:
    """Whether a batch is within its limit, and an event in it is not."""
    return (
        IS_BATCH(sight)
        and sight.refusal_fact == "limits.batch-event"
        and len(sight.request.body) <= _body_limit_bytes(sight)
    )


def _is_chunked(sight: RequestView) -> bool:
    return "transfer-encoding" in sight.request.headers


def _is_within_limit_in_characters(sight: RequestView) -> bool:
    return len(sight.body_text) <= _body_limit_bytes(sight)


def _is_within_limit_unescaped(sight: RequestView) -> bool:
    return "\\u" in sight.body_text and len(json.dumps(sight.document, ensure_ascii=False)) <= _body_limit_bytes(sight)


def _is_larger_than_part(part: float) -> RequestPredicate:
    """Holds for a body that is larger than a part of its limit."""
    return lambda sight: len(sight.request.body) > part * _body_limit_bytes(sight) > 0


def _is_over_limit_escaped(sight: RequestView) -> bool:
    """Whether a body would be too large if all beyond ASCII were escaped."""
    text = sight.body_text
    return IS_EVENT(sight) and len(text) + 5 * sum(char > "\x7f" for char in text) > _body_limit_bytes(sight)


def _event_sizes(measure: Callable[[JsonObject], int]) -> Callable[[RequestView], list[int]]:
    return lambda sight: [measure(event) for event in sight.events]


def _compact_bytes(event: JsonObject) -> int:
    return len(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"))


def _compact_characters(event: JsonObject) -> int:
    return len(json.dumps(event, ensure_ascii=False, separators=(",", ":")))


def _ascii_characters(event: JsonObject) -> int:
    return len(json.dumps(event, separators=(",", ":")))


def _batch_event_limit(sight: RequestView) -> int:
    return sight.contract.size_limit(LimitKind.BATCH_EVENT).at_most if IS_BATCH(sight) else 0


def _has_event_larger_than_part(part: float, measure: Callable[[JsonObject], int] = _compact_bytes) -> RequestPredicate:
    """Holds for a batch with an event that is larger than a part of its limit."""
    return lambda sight: (
        IS_BATCH(sight) and max(_event_sizes(measure)(sight), default=0) > part * _batch_event_limit(sight)
    )


def _refuse_as_too_large(when: RequestPredicate, limit_kind: LimitKind) -> ResponseOverride:
    """Refuses as too large what is not."""

    def override(sight: RequestView) -> ServerReply | None:
        if not sight.is_accepted or not when(sight):
            return None
        return error_reply(sight, sight.contract.size_limit(limit_kind).expect[0])

    return override


FAULTS = (
    Fault(
        "event-limit-absent",
        "Has no limit for an event.",
        "real gateways enforce only that of batches",
        "size.event.over size.event.over-wide size.event.over-escaped size.event.over-chunked",
        accept_refused("limits.event", when=_is_over_limit(IS_EVENT)),
    ),
    Fault(
        "event-limit-absent-on-one-path",
        "Has no limit for an event on one path of several.",
        "limits are configured by route",
        "size.event.over",
        accept_refused("limits.event", when=lambda sight: sight.is_secondary_operation),
        _HAS_BATCHES,
        extra_operations=("identify",),
    ),
    Fault(
        "batch-limit-absent",
        "Has no limit for a batch.",
        "memory is cheap, until it is not",
        "size.batch.over size.batch.over-wide size.batch.over-escaped size.batch.over-chunked",
        accept_refused("limits.batch", when=IS_BATCH),
        _HAS_BATCHES,
    ),
    Fault(
        "batch-event-limit-absent",
        "Has no limit for an event in a batch.",
        "a batch is a way around the limit of one event",
        "size.batch-event.over size.batch-event.over-wide",
        accept_refused("limits.batch-event", when=_has_oversized_event_only),
        _HAS_BATCHES,
    ),
    Fault(
        "first-event-weighed",
        "Weighs only the first event of a batch.",
        "a loop that ends too early",
        "size.batch-event.over",
        accept_refused(
            "limits.batch-event",
            when=lambda sight: (
                _has_oversized_event_only(sight) and _compact_bytes(sight.events[0]) <= _batch_event_limit(sight)
            ),
        ),
        _HAS_BATCHES,
    ),
    Fault(
        "characters-counted",
        "Counts characters, not bytes.",
        "a string's length is at hand",
        "size.event.over-wide",
        accept_refused("limits.event", when=lambda sight: IS_EVENT(sight) and _is_within_limit_in_characters(sight)),
    ),
    Fault(
        "characters-counted-in-batches",
        "Counts a batch's characters, not its bytes.",
        "the same, elsewhere",
        "size.batch.over-wide",
        accept_refused("limits.batch", when=lambda sight: IS_BATCH(sight) and _is_within_limit_in_characters(sight)),
        _HAS_BATCHES,
    ),
    Fault(
        "event-characters-counted",
        "Counts the characters of an event in a batch, not its bytes.",
        "the same, elsewhere",
        "size.batch-event.over-wide",
        accept_refused(
            "limits.batch-event",
            when=lambda sight: (
                _has_oversized_event_only(sight)
                and max(_event_sizes(_compact_characters)(sight)) <= _batch_event_limit(sight)
            ),
        ),
        _HAS_BATCHES,
    ),
    Fault(
        "weighed-after-reading",
        "Weighs what it has read and written again, without the escapes.",
        "the limit holds for an object in memory, not for the body",
        "size.event.over-escaped",
        accept_refused("limits.event", when=lambda sight: IS_EVENT(sight) and _is_within_limit_unescaped(sight)),
    ),
    Fault(
        "batch-weighed-after-reading",
        "Weighs a batch without the escapes in it.",
        "the same, for batches",
        "size.batch.over-escaped",
        accept_refused("limits.batch", when=lambda sight: IS_BATCH(sight) and _is_within_limit_unescaped(sight)),
        _HAS_BATCHES,
    ),
    Fault(
        "escapes-counted",
        "Weighs text beyond ASCII as if it were escaped.",
        "a serializer's default",
        "size.event.within-wide",
        _refuse_as_too_large(_is_over_limit_escaped, LimitKind.EVENT),
    ),
    Fault(
        "chunks-unweighed",
        "Believes the Content-Length, and weighs nothing where there is none.",
        "a check of a header, not of a body",
        "size.event.over-chunked size.batch.over-chunked",
        accept_refused("limits.event", "limits.batch", when=_is_over_limit(_is_chunked)),
    ),
    Fault(
        "chunks-refused",
        "Refuses bodies in chunks.",
        "proxies of the older kind",
        "size.chunked.accepted",
        refuse_accepted(_is_chunked),
    ),
    Fault(
        "chunks-crash",
        "Fails on bodies in chunks.",
        "a length is read that is not there",
        "size.chunked.accepted robustness.length.with-chunks",
        crash_on(when=_is_chunked),
    ),
    Fault(
        "event-limit-tight",
        "Refuses events of 96 % of their limit.",
        "headers count too, somebody thought",
        "size.event.within size.event.within-wide size.event.within-chunked",
        _refuse_as_too_large(lambda sight: IS_EVENT(sight) and _is_larger_than_part(0.94)(sight), LimitKind.EVENT),
    ),
    Fault(
        "event-limit-half",
        "Refuses events of half their limit.",
        "a proxy's default in front of the server",
        "size.event.within size.event.half",
        _refuse_as_too_large(lambda sight: IS_EVENT(sight) and _is_larger_than_part(0.4)(sight), LimitKind.EVENT),
    ),
    Fault(
        "chunks-weighed-twice",
        "Counts the frames of chunks, too, and more than once.",
        "a length is added in two places",
        "size.event.within-chunked size.batch.within-chunked",
        refuse_accepted(lambda sight: _is_chunked(sight) and _is_larger_than_part(0.5)(sight), 413),
    ),
    Fault(
        "batch-limit-tight",
        "Refuses batches of 96 % of their limit.",
        "headers count too, somebody thought",
        "size.batch.within size.batch.within-wide size.batch.within-chunked",
        _refuse_as_too_large(lambda sight: IS_BATCH(sight) and _is_larger_than_part(0.94)(sight), LimitKind.BATCH),
        _HAS_BATCHES,
    ),
    Fault(
        "batch-limit-is-event-limit",
        "Holds batches to the limit of one event.",
        "one limit for all routes",
        "size.batch.within size.batch.half",
        _refuse_as_too_large(
            lambda sight: (
                IS_BATCH(sight) and len(sight.events) < 50 and len(sight.request.body) > _batch_event_limit(sight)
            ),
            LimitKind.BATCH,
        ),
        _HAS_BATCHES,
    ),
    Fault(
        "batch-event-limit-tight",
        "Refuses events of a batch that are within their limit.",
        "each is weighed with what surrounds it",
        "size.batch-event.within size.batch-event.within-wide",
        _refuse_as_too_large(_has_event_larger_than_part(0.9), LimitKind.BATCH_EVENT),
        _HAS_BATCHES,
    ),
    Fault(
        "batch-events-escaped",
        "Weighs events of a batch as if all beyond ASCII were escaped.",
        "a serializer's default",
        "size.batch-event.within-wide",
        _refuse_as_too_large(_has_event_larger_than_part(1, _ascii_characters), LimitKind.BATCH_EVENT),
        _HAS_BATCHES,
    ),
    Fault(
        "event-limit-decimal",
        "Reads KB as 1000 bytes.",
        "no document says which; people want to know",
        "size.event.band",
        _refuse_as_too_large(
            lambda sight: (
                IS_EVENT(sight) and len(sight.request.body) > sight.contract.size_limit(LimitKind.EVENT).at_least
            ),
            LimitKind.EVENT,
        ),
    ),
    Fault(
        "batch-limit-decimal",
        "Reads the KB of batches as 1000 bytes.",
        "people want to know",
        "size.batch.band",
        _refuse_as_too_large(
            lambda sight: (
                IS_BATCH(sight) and len(sight.request.body) > sight.contract.size_limit(LimitKind.BATCH).at_least
            ),
            LimitKind.BATCH,
        ),
        _HAS_BATCHES,
    ),
    Fault(
        "oversized-422",
        "Answers what is too large with 422.",
        "SDKs know the documented status",
        "size.event.over size.event.over-wide",
        change_refusal_status(422, "limits.event", when=IS_EVENT),
    ),
    Fault(
        "oversized-crash",
        "Fails on what is too large.",
        "a proxy gives up, and SDKs send it again",
        "size.event.over errors.status.size",
        crash_on("limits.event", when=_is_over_limit(IS_EVENT)),
    ),
    Fault(
        "oversized-batch-crash",
        "Fails on a batch that is too large.",
        "memory runs out",
        "size.batch.over errors.status.size",
        crash_on("limits.batch", when=_is_over_limit(IS_BATCH)),
        _HAS_BATCHES,
    ),
)
