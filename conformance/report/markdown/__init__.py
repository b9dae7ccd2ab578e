"""Reports as Markdown: for pull requests, job summaries and whoever reads in a terminal."""

from __future__ import annotations

from conformance.report.markdown.changes import markdown_changes
from conformance.report.markdown.differences import markdown_differences
from conformance.report.markdown.matrix import markdown_matrix
from conformance.report.markdown.page import markdown

__all__ = ["markdown", "markdown_changes", "markdown_differences", "markdown_matrix"]
