"""Exports: checks as plain requests with expected answers, for people without Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.export import har, jsonl, postman
from conformance.export.collecting import collect
from conformance.export.script import Export, Script

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

__all__ = ["FORMATS", "Export", "Script", "collect", "rendered"]

FORMATS: Mapping[str, ModuleType] = {"postman": postman, "har": har, "jsonl": jsonl}
"""The formats: modules that say what is `unfit` for them, and `render` what fits."""


def rendered(export: Export, name: str, version: str) -> tuple[str, Export]:
    """An export in a format, and what of it fits there."""
    fitting = export.only(FORMATS[name].unfit)
    text: str = FORMATS[name].render(fitting, version)
    return text, fitting
