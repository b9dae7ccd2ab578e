"""Trace: every statement of a vendor's documents, what judges it, and how it came out in a report."""

from __future__ import annotations

from conformance.trace.of_report import statements_of_report
from conformance.trace.rendering import render_html, render_json, render_lines, render_markdown
from conformance.trace.requirements import Requirement, has_requirements, load_requirements
from conformance.trace.tracing import Kind, Trace, TracedRequirement, requirements_of, trace

__all__ = [
    "Kind",
    "Requirement",
    "Trace",
    "TracedRequirement",
    "has_requirements",
    "load_requirements",
    "render_html",
    "render_json",
    "render_lines",
    "render_markdown",
    "requirements_of",
    "statements_of_report",
    "trace",
]
