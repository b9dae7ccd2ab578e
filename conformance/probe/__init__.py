"""Probing: what a server does, found out by asking, as a profile of its own."""

from __future__ import annotations

from conformance.probe.summary import summarize
from conformance.probe.survey import ProbeResult, probe_server

__all__ = ["ProbeResult", "summarize", "probe_server"]
