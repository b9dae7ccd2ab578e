"""HTTP client: the only package that talks to a target. Its exchanges are free of secrets."""

from __future__ import annotations

from conformance.wire.budget import Budget
from conformance.wire.client import MAX_IN_FLIGHT, Wire
from conformance.wire.raw_connection import USER_AGENT
from conformance.wire.redaction import Redactor
from conformance.wire.target import TargetAddress, parse_base_url, parse_target

__all__ = [
    "MAX_IN_FLIGHT",
    "USER_AGENT",
    "Budget",
    "Redactor",
    "TargetAddress",
    "Wire",
    "parse_base_url",
    "parse_target",
]
