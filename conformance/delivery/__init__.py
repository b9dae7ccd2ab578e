"""Delivery: what was sent, how it was answered, and what of it arrived in a sink."""

from __future__ import annotations

from conformance.delivery.watch import SinkWatch

__all__ = ["SinkWatch"]
