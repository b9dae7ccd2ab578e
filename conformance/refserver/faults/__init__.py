"""Faults: servers that break one promise each, grouped by area."""

from __future__ import annotations

from conformance.refserver.faults import (
    accept,
    accepted_events,
    auth,
    batch,
    batch_contents,
    combined,
    concurrency,
    connections,
    content_encoding,
    content_type,
    cors,
    documented_forms,
    errors,
    event_values,
    identity,
    key_carriers,
    pixel,
    properties,
    recovery,
    required_fields,
    routing,
    sdk_answers,
    size,
    spellings,
    success_bodies,
    syntax,
    tight_limits,
    unusual_input,
    wire,
)
from conformance.refserver.faults.fault import Fault

__all__ = ["FAULTS", "Fault"]

_AREAS = (
    accept, accepted_events, success_bodies, auth, key_carriers, syntax, content_type, size, tight_limits, batch,
    batch_contents, identity, required_fields, properties, errors, pixel, unusual_input, content_encoding, routing,
    cors, wire, recovery, concurrency, spellings, event_values, documented_forms,
    combined, connections, sdk_answers,
)  # fmt: skip
"""The modules in the order of the self-check's report."""

FAULTS: tuple[Fault, ...] = tuple(fault for area in _AREAS for fault in area.FAULTS)
