"""Assertions on exchanges.

`control` raises Untestable, `require_*` raises NotApplicable, `no_timeout` raises NoResponse, and every other
assertion raises Deviation. `status` returns a note if a status is only tolerated; all others return nothing.
"""

from __future__ import annotations

from conformance.checks.expect.bodies import (
    FORBIDDEN_PATTERNS,
    HTML_PROBE,
    ForbiddenPattern,
    body,
    describe_body,
    no_html_reflection,
    no_stack_trace,
)
from conformance.checks.expect.connections import hang_deviation, no_answer, no_crash, no_success, well_framed
from conformance.checks.expect.requirements import (
    control,
    require_chunks_supported,
    require_http_1_1,
    require_length_optional,
    require_refused,
    require_supported,
)
from conformance.checks.expect.statuses import (
    accepted,
    is_accepted,
    is_overloaded,
    is_refused,
    is_server_error,
    measured_sizes,
    no_server_error,
    no_timeout,
    status,
)
from conformance.checks.expect.success_bodies import says_refused, taken

__all__ = [
    "FORBIDDEN_PATTERNS",
    "HTML_PROBE",
    "ForbiddenPattern",
    "accepted",
    "body",
    "control",
    "describe_body",
    "hang_deviation",
    "is_accepted",
    "is_overloaded",
    "is_refused",
    "is_server_error",
    "measured_sizes",
    "no_answer",
    "no_crash",
    "no_html_reflection",
    "no_server_error",
    "no_stack_trace",
    "no_success",
    "no_timeout",
    "require_chunks_supported",
    "require_http_1_1",
    "require_length_optional",
    "require_refused",
    "require_supported",
    "says_refused",
    "status",
    "taken",
    "well_framed",
]
