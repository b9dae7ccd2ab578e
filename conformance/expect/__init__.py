"""Judgements: each keeps quiet, notes something, or raises a Deviation that says what to do about it."""

from __future__ import annotations

from conformance.expect.bodies import (
    FORBIDDEN_PATTERNS,
    HTML_PROBE,
    ForbiddenPattern,
    body,
    no_html_reflection,
    no_stack_trace,
    describe_body,
)
from conformance.expect.connections import well_framed, hang_deviation, no_answer, no_crash, no_success
from conformance.expect.statuses import (
    LENGTH_REQUIRED,
    SERVER_ERROR,
    accepted,
    require_http_1_1,
    require_chunks_supported,
    control,
    is_accepted,
    require_length_optional,
    no_server_error,
    no_timeout,
    require_refused,
    status,
    require_supported,
    measured_sizes,
)

__all__ = [
    "FORBIDDEN_PATTERNS",
    "HTML_PROBE",
    "LENGTH_REQUIRED",
    "SERVER_ERROR",
    "ForbiddenPattern",
    "accepted",
    "body",
    "require_http_1_1",
    "require_chunks_supported",
    "control",
    "well_framed",
    "hang_deviation",
    "is_accepted",
    "require_length_optional",
    "no_answer",
    "no_crash",
    "no_html_reflection",
    "no_server_error",
    "no_stack_trace",
    "no_success",
    "no_timeout",
    "describe_body",
    "require_refused",
    "status",
    "require_supported",
    "measured_sizes",
]
