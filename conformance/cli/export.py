"""`conformance export`: writes the requests of the checks for other tools."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance import __version__
from conformance.cases import CHECKS
from conformance.cli import output
from conformance.cli.consoles import progress_console
from conformance.cli.options import EXPORT_SETTINGS
from conformance.cli.options_to_settings import require_profile
from conformance.cli.progress import CountDisplay
from conformance.contract import Contract
from conformance.core.errors import UsageError
from conformance.core.text import escape_controls
from conformance.export import build_export, render_export
from conformance.profile import load
from conformance.settings.file import find_configuration
from conformance.settings.table import SETTINGS, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def export(options: Mapping[str, Any]) -> int:
    """Writes an export and returns the exit code. Prints to standard error what the export leaves out."""
    outputs = output.Outputs.requested(options, ("out",))
    file_values = find_configuration(Path.cwd()).values
    settings = resolve(options, file_values, [item for item in SETTINGS if item.name in EXPORT_SETTINGS])
    require_profile(settings)
    contract = Contract(load(settings["profile"]), settings["include"], settings["exclude"])
    with CountDisplay(progress_console(), f"{contract.profile.name}: what each check expects is found out") as display:

        def on_check(done: int, total: int) -> None:
            if not done:
                display.start()
            display.update(done, total)

        collected = build_export(
            contract,
            CHECKS,
            settings["gate"],
            settings["select"],
            settings["deselect"],
            on_check=on_check,
        )
    text, exported = render_export(collected, options["format"], __version__)
    if not exported.checks:
        raise UsageError(f"there is nothing to export: {exported.summary}")
    outputs.publish_texts(lambda _: text)
    sys.stderr.write(f"{escape_controls(exported.summary)}\n")
    return 0


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"export": export}
