"""Delivery: what was sent, how it was answered, and what of it arrived in a sink."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.delivery.watch import SinkWatch
from conformance.sinks import load

if TYPE_CHECKING:
    from conformance.run.plan import Plan

__all__ = ["SinkWatch", "watch_sink"]


def watch_sink(plan: Plan, file: str) -> Plan:
    """The plan of a run that looks into the sink of a file. Raises UsageError for a wrong file."""
    return replace(plan, sink=SinkWatch(load(Path(file)), plan.contract, plan.keys))
