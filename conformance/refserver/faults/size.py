"""Faults in the limits of size: absent, counted in the wrong unit, or with a gap."""

from __future__ import annotations

from conformance.profile.facts import LimitKind
from conformance.refserver.faults.fault import HAS_BATCHES, Fault, all_of
from conformance.refserver.faults.response_overrides import (
    IS_BATCH,
    IS_EVENT,
    accept_refused,
    crash_on,
    refuse_accepted,
    refuse_as_too_large,
)
from conformance.refserver.faults.size_predicates import (
    batch_event_limit_bytes,
    compact_bytes,
    compact_characters,
    has_oversized_event_only,
    is_chunked,
    is_over_limit,
    is_over_limit_escaped,
    is_within_limit_in_characters,
    is_within_limit_unescaped,
    largest_event,
)

FAULTS = (
    Fault(
        "event-limit-absent",
        "Has no limit for an event.",
        "real gateways enforce only that of batches",
        "size.event.over",
        accept_refused("limits.event", when=is_over_limit(IS_EVENT)),
        key_words="over its limit accepted",
    ),
    Fault(
        "event-limit-absent-on-one-path",
        "Has no limit for an event on one path of several.",
        "limits are configured by route",
        "size.event.over",
        accept_refused("limits.event", when=lambda view: view.is_secondary_operation),
        HAS_BATCHES,
        extra_operations=("identify",),
        key_words="over its limit accepted",
    ),
    Fault(
        "batch-limit-absent",
        "Has no limit for a batch.",
        "memory is cheap, until it is not",
        "size.batch.over",
        accept_refused("limits.batch", when=IS_BATCH),
        HAS_BATCHES,
        key_words="over its limit accepted",
    ),
    Fault(
        "batch-event-limit-absent",
        "Has no limit for an event in a batch.",
        "a batch is a way around the limit of one event",
        "size.batch-event.over",
        accept_refused("limits.batch-event", when=has_oversized_event_only),
        HAS_BATCHES,
        key_words="batch event over the limit accepted",
    ),
    Fault(
        "first-event-weighed",
        "Measures only the first event of a batch.",
        "a loop that ends too early",
        "size.batch-event.over",
        accept_refused(
            "limits.batch-event",
            when=lambda view: (
                has_oversized_event_only(view) and compact_bytes(view.events[0]) <= batch_event_limit_bytes(view)
            ),
        ),
        HAS_BATCHES,
        key_words="last event over the limit",
    ),
    Fault(
        "characters-counted",
        "Counts characters, not bytes.",
        "a string's length is at hand",
        "size.event.over-wide",
        accept_refused("limits.event", when=lambda view: IS_EVENT(view) and is_within_limit_in_characters(view)),
        key_words="three-byte characters accepted",
    ),
    Fault(
        "characters-counted-in-batches",
        "Counts a batch's characters, not its bytes.",
        "the same, elsewhere",
        "size.batch.over-wide",
        accept_refused("limits.batch", when=lambda view: IS_BATCH(view) and is_within_limit_in_characters(view)),
        HAS_BATCHES,
        key_words="three-byte characters accepted",
    ),
    Fault(
        "event-characters-counted",
        "Counts the characters of an event in a batch, not its bytes.",
        "the same, elsewhere",
        "size.batch-event.over-wide",
        accept_refused(
            "limits.batch-event",
            when=lambda view: (
                has_oversized_event_only(view)
                and largest_event(view, compact_characters) <= batch_event_limit_bytes(view)
            ),
        ),
        HAS_BATCHES,
        key_words="batch event three-byte characters",
    ),
    Fault(
        "weighed-after-reading",
        "Measures the JSON after parsing it, without the escapes.",
        "the limit holds for an object in memory, not for the body",
        "size.event.over-escaped",
        accept_refused("limits.event", when=lambda view: IS_EVENT(view) and is_within_limit_unescaped(view)),
        key_words="escapes accepted",
    ),
    Fault(
        "batch-weighed-after-reading",
        "Measures a batch without its escapes.",
        "the same, for batches",
        "size.batch.over-escaped",
        accept_refused("limits.batch", when=lambda view: IS_BATCH(view) and is_within_limit_unescaped(view)),
        HAS_BATCHES,
        key_words="escapes accepted",
    ),
    Fault(
        "escapes-counted",
        "Measures text beyond ASCII as if it were escaped.",
        "a serializer's default",
        "size.event.within-wide",
        refuse_as_too_large(all_of(IS_EVENT, is_over_limit_escaped), LimitKind.EVENT),
        key_words="three-byte characters refused",
    ),
    Fault(
        "escapes-counted-in-batches",
        "Measures text of a batch beyond ASCII as if it were escaped.",
        "a serializer's default",
        "size.batch.within-wide",
        refuse_as_too_large(all_of(IS_BATCH, is_over_limit_escaped), LimitKind.BATCH),
        HAS_BATCHES,
        key_words="three-byte characters refused",
    ),
    Fault(
        "chunks-unweighed",
        "Trusts the Content-Length, and has no limit for bodies without one.",
        "a check of a header, not of a body",
        "size.event.over-chunked size.batch.over-chunked",
        accept_refused("limits.event", "limits.batch", when=is_over_limit(is_chunked)),
        key_words="over its limit chunks accepted",
    ),
    Fault(
        "chunks-refused",
        "Refuses bodies in chunks.",
        "proxies of the older kind",
        "size.chunked.accepted",
        refuse_accepted(is_chunked),
        key_words="chunks refused",
    ),
    Fault(
        "chunks-crash",
        "Fails on bodies in chunks.",
        "a length is read that is not there",
        "size.chunked.accepted robustness.length.with-chunks",
        crash_on(when=is_chunked),
        key_words="chunks 500",
    ),
)
