"""Requests built from the contract: acceptable ones, and ones made invalid on purpose."""

from __future__ import annotations

from conformance.requests.baseline import Baseline, PreflightResult
from conformance.requests.call import Call
from conformance.requests.credentials import Credentials, Keys
from conformance.requests.draft import Draft
from conformance.requests.steps import (
    ConcurrentRequests,
    Conversation,
    Step,
    send_concurrently,
    send_on_one_connection,
)

__all__ = [
    "Baseline",
    "Call",
    "ConcurrentRequests",
    "Conversation",
    "Credentials",
    "Draft",
    "Keys",
    "PreflightResult",
    "Step",
    "send_concurrently",
    "send_on_one_connection",
]
