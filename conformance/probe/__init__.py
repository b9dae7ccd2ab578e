"""Probing: what a server does, found out by asking, as a profile of its own."""

from __future__ import annotations

from conformance.probe.server_probe import ProbeResult, probe_server
from conformance.probe.summary import summarize

__all__ = ["ProbeResult", "probe_server", "summarize"]
