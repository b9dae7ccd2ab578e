"""Reports as Markdown, for pull requests, job summaries and terminals."""

from __future__ import annotations

from conformance.report.markdown.changes import render_markdown_changes
from conformance.report.markdown.diff import render_markdown_diff
from conformance.report.markdown.matrix import render_markdown_matrix
from conformance.report.markdown.page import render_markdown

__all__ = ["render_markdown", "render_markdown_changes", "render_markdown_diff", "render_markdown_matrix"]
