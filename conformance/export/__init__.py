"""Exports: checks as plain requests with expected answers, for tools that know nothing of checks.

The reference server supplies the status of a correct answer to each request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conformance.export import har, jsonl, postman
from conformance.export.builder import build_export
from conformance.export.exported_checks import Export, ExportedCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conformance.export.limitations import Limitation

__all__ = ["FORMATS", "Export", "ExportFormat", "ExportedCheck", "build_export", "render_export"]


class ExportFormat(NamedTuple):
    """A format: how an export is written in it, and why it can't hold a check."""

    render: Callable[[Export, str], str]
    find_limitation: Callable[[ExportedCheck], Limitation | None]


FORMATS: Mapping[str, ExportFormat] = {
    "postman": ExportFormat(postman.render, postman.find_limitation),
    "har": ExportFormat(har.render, har.find_limitation),
    "jsonl": ExportFormat(jsonl.render, jsonl.find_limitation),
}


def render_export(export: Export, format_name: str, version: str) -> tuple[str, Export]:
    """The text of an export in a format, and the export without the checks that the format can't hold."""
    export_format = FORMATS[format_name]
    supported = export.without_unsupported(export_format.find_limitation)
    return export_format.render(supported, version), supported
