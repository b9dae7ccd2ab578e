"""Trace: every statement of a vendor's documents, what judges it, and how it came out in a report."""

from __future__ import annotations

from conformance.trace.rendering import render_json, render_lines, render_markdown
from conformance.trace.requirements import Requirement, load_requirements
from conformance.trace.tracing import Kind, Trace, TracedRequirement, trace

__all__ = [
    "Kind",
    "Requirement",
    "Trace",
    "TracedRequirement",
    "load_requirements",
    "render_json",
    "render_lines",
    "render_markdown",
    "trace",
]
