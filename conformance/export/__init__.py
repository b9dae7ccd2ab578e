"""Exports: checks as plain requests with expected answers, for people without Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.export import har, jsonl, postman
from conformance.export.builder import build_export
from conformance.export.exported_checks import Export, ExportedCheck

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

__all__ = ["FORMATS", "Export", "ExportedCheck", "build_export", "render_export"]

FORMATS: Mapping[str, ModuleType] = {"postman": postman, "har": har, "jsonl": jsonl}
"""The formats: modules that say what they do not support, and `render` what fits."""


def render_export(export: Export, format_name: str, version: str) -> tuple[str, Export]:
    """An export in a format, and what of it fits there."""
    supported = export.without_unsupported(FORMATS[format_name].unsupported_reason)
    text: str = FORMATS[format_name].render(supported, version)
    return text, supported
