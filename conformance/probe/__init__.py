"""Probing: what a server does, found out by asking, as a profile of its own."""

from __future__ import annotations

from conformance.probe.summary import summary
from conformance.probe.survey import Outcome, survey

__all__ = ["Outcome", "summary", "survey"]
