"""Sinks: where the events that a server has taken can be read; read only, and without loss."""

from __future__ import annotations

from conformance.sinks.reading import load, open_reader, parse
from conformance.sinks.sink import Match, MatchBy, Normalisation, NormalisedField, Settle, Sink, SqlSource
from conformance.sinks.stored_event import SinkError, SinkReader, Skipped, StoredEvent

__all__ = [
    "Match",
    "MatchBy",
    "Normalisation",
    "NormalisedField",
    "Settle",
    "Sink",
    "SinkError",
    "SinkReader",
    "Skipped",
    "SqlSource",
    "StoredEvent",
    "load",
    "open_reader",
    "parse",
]
