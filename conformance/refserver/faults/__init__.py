"""Faults: servers that break one promise each, a few lines a fault, by area."""

from __future__ import annotations

from conformance.refserver.faults import (
    accept,
    auth,
    batch,
    concurrency,
    errors,
    payload,
    pixel,
    routing,
    size,
    syntax,
    unusual_input,
    wire,
)
from conformance.refserver.faults.fault import Fault

__all__ = ["FAULTS", "Fault"]

FAULTS: tuple[Fault, ...] = tuple(
    fault
    for area in (accept, auth, syntax, size, batch, payload, errors, pixel, unusual_input, routing, wire, concurrency)
    for fault in area.FAULTS
)
