"""Judgements: each keeps quiet, notes something, or raises a Deviation that says what to do about it."""

from __future__ import annotations

from conformance.expect.bodies import (
    ABSENCES,
    HTML_PROBE,
    Absence,
    body,
    no_html_reflection,
    no_stack_trace,
    outward,
)
from conformance.expect.connections import framed, hang, no_answer, no_crash, no_success
from conformance.expect.statuses import (
    LENGTH_REQUIRED,
    SERVER_ERROR,
    accepted,
    chunks_allowed,
    chunks_supported,
    control,
    is_accepted,
    length_not_required,
    no_server_error,
    no_timeout,
    refused,
    status,
    supported,
    weighed,
)

__all__ = [
    "ABSENCES",
    "HTML_PROBE",
    "LENGTH_REQUIRED",
    "SERVER_ERROR",
    "Absence",
    "accepted",
    "body",
    "chunks_allowed",
    "chunks_supported",
    "control",
    "framed",
    "hang",
    "is_accepted",
    "length_not_required",
    "no_answer",
    "no_crash",
    "no_html_reflection",
    "no_server_error",
    "no_stack_trace",
    "no_success",
    "no_timeout",
    "outward",
    "refused",
    "status",
    "supported",
    "weighed",
]
