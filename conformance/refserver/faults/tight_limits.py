"""Faults in the limits of size: too small, read as decimal, or answered wrongly."""

from __future__ import annotations

from conformance.profile.facts import LimitKind
from conformance.refserver.faults.fault import HAS_BATCHES, Fault
from conformance.refserver.faults.response_overrides import (
    IS_BATCH,
    IS_EVENT,
    change_refusal_status,
    crash_on,
    refuse_accepted,
    refuse_as_too_large,
)
from conformance.refserver.faults.size_predicates import (
    ascii_characters,
    batch_event_limit_bytes,
    has_event_larger_than_part,
    is_chunked,
    is_larger_than_part,
    is_over_limit,
)

FAULTS = (
    Fault(
        "event-limit-tight",
        "Refuses events of 96 % of their limit.",
        "headers count too, somebody thought",
        "size.event.within",
        refuse_as_too_large(lambda view: IS_EVENT(view) and is_larger_than_part(0.94)(view), LimitKind.EVENT),
        key_words="as large as its limit refused",
    ),
    Fault(
        "event-limit-half",
        "Refuses events of half their limit.",
        "a proxy's default in front of the server",
        "size.event.within size.event.half",
        refuse_as_too_large(lambda view: IS_EVENT(view) and is_larger_than_part(0.4)(view), LimitKind.EVENT),
        key_words="half as large as its limit refused",
    ),
    Fault(
        "chunks-weighed-twice",
        "Counts the framing of chunks too, and more than once.",
        "a length is added in two places",
        "size.event.within-chunked size.batch.within-chunked",
        refuse_accepted(lambda view: is_chunked(view) and is_larger_than_part(0.5)(view), 413),
        key_words="in chunks refused",
    ),
    Fault(
        "batch-limit-tight",
        "Refuses batches of 96 % of their limit.",
        "headers count too, somebody thought",
        "size.batch.within",
        refuse_as_too_large(lambda view: IS_BATCH(view) and is_larger_than_part(0.94)(view), LimitKind.BATCH),
        HAS_BATCHES,
        key_words="as large as its limit refused",
    ),
    Fault(
        "batch-limit-is-event-limit",
        "Holds batches to the limit of one event.",
        "one limit for all routes",
        "size.batch.within size.batch.half",
        refuse_as_too_large(
            lambda view: (
                IS_BATCH(view) and len(view.events) < 50 and len(view.request.body) > batch_event_limit_bytes(view)
            ),
            LimitKind.BATCH,
        ),
        HAS_BATCHES,
        key_words="half as large as its limit refused",
    ),
    Fault(
        "batch-event-limit-tight",
        "Refuses events of a batch that are within their limit.",
        "each is weighed with what surrounds it",
        "size.batch-event.within",
        refuse_as_too_large(has_event_larger_than_part(0.9), LimitKind.BATCH_EVENT),
        HAS_BATCHES,
        key_words="batch event within the limit refused",
    ),
    Fault(
        "batch-events-escaped",
        "Measures events of a batch as if everything beyond ASCII were escaped.",
        "a serializer's default",
        "size.batch-event.within-wide",
        refuse_as_too_large(has_event_larger_than_part(1, ascii_characters), LimitKind.BATCH_EVENT),
        HAS_BATCHES,
        key_words="batch event three-byte characters refused",
    ),
    Fault(
        "event-limit-decimal",
        "Reads KB as 1000 bytes.",
        "no document says which, but users want to know",
        "size.event.band",
        refuse_as_too_large(
            lambda view: IS_EVENT(view) and len(view.request.body) > view.contract.size_limit(LimitKind.EVENT).at_least,
            LimitKind.EVENT,
        ),
        key_words="limit refused",
    ),
    Fault(
        "batch-limit-decimal",
        "Reads the KB of batches as 1000 bytes.",
        "not documented, but users want to know",
        "size.batch.band",
        refuse_as_too_large(
            lambda view: IS_BATCH(view) and len(view.request.body) > view.contract.size_limit(LimitKind.BATCH).at_least,
            LimitKind.BATCH,
        ),
        HAS_BATCHES,
        key_words="limit refused",
    ),
    Fault(
        "oversized-422",
        "Answers what is too large with 422.",
        "SDKs know the documented status",
        "size.event.over",
        change_refusal_status(422, "limits.event", when=IS_EVENT),
        key_words="over its limit 422",
    ),
    Fault(
        "oversized-crash",
        "Fails on what is too large.",
        "a proxy gives up, and SDKs send it again",
        "size.event.over errors.status.size",
        crash_on("limits.event", when=is_over_limit(IS_EVENT)),
        key_words="over its limit 500",
    ),
    Fault(
        "oversized-batch-crash",
        "Fails on a batch that is too large.",
        "memory runs out",
        "size.batch.over errors.status.size",
        crash_on("limits.batch", when=is_over_limit(IS_BATCH)),
        HAS_BATCHES,
        key_words="over its limit 500",
    ),
)
