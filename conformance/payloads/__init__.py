"""Payloads: the bytes of requests, built from the contract; acceptable ones and spoiled ones."""

from __future__ import annotations

from conformance.payloads.call import Call
from conformance.payloads.credentials import Credentials, Keys
from conformance.payloads.draft import Draft
from conformance.payloads.footing import Baseline, PreflightResult
from conformance.payloads.several import Conversation, Step, ConcurrentRequests, send_on_one_connection, send_concurrently

__all__ = [
    "Call",
    "Conversation",
    "Credentials",
    "Draft",
    "Baseline",
    "PreflightResult",
    "Keys",
    "Step",
    "ConcurrentRequests",
    "send_on_one_connection",
    "send_concurrently",
]
