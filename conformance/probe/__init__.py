"""Probing: sends requests to a server and derives a profile of its behavior from the answers.

Modules depend on each other in this order: dialects, draft_profile, client, discovery, the probes, server_probe.
"""

from __future__ import annotations

from conformance.probe.server_probe import ProbeOptions, ProbeResult, probe_server
from conformance.probe.summary import summarize

__all__ = ["ProbeOptions", "ProbeResult", "probe_server", "summarize"]
