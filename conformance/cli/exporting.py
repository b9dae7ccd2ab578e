"""`conformance export`: the checks' requests, for tools that know nothing of checks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance import __version__
from conformance.cases import CHECKS
from conformance.cli import writing
from conformance.cli.options import EXPORT_SETTINGS
from conformance.cli.settling import need_profile
from conformance.configuration import find
from conformance.contract import Contract
from conformance.errors import UsageError
from conformance.export import collect, rendered
from conformance.profile import load
from conformance.settings import SETTINGS
from conformance.text import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def export(options: Mapping[str, Any]) -> int:
    """Writes an export, tells what it leaves out, and returns the exit code."""
    filed = find(Path.cwd()).values
    settings = {
        item.key: item.found(options[item.key], filed.get(item.key))[0]
        for item in SETTINGS
        if item.name in EXPORT_SETTINGS
    }
    need_profile(settings)
    contract = Contract(load(settings["profile"]), settings["include"])
    found = collect(contract, CHECKS, settings["gate"], settings["select"], settings["deselect"])
    text, fitting = rendered(found, options["format"], __version__)
    if not fitting.scripts:
        raise UsageError(f"there is nothing to export: {fitting.summary}")
    writing.write("out", options["out"], text)
    sys.stderr.write(f"{safe(fitting.summary)}\n")
    return 0


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"export": export}
