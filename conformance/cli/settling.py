"""Settings as the command has them: from options, the environment and a configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from conformance import settings as table
from conformance.configuration import find
from conformance.errors import UsageError
from conformance.settings import SETTINGS, Origin
from conformance.text import safe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

_STYLES = {Origin.DEFAULT: "dim", Origin.OPTION: "bold"}


def settled(options: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting's value. Raises UsageError for what does not fit, wherever it stands."""
    return table.resolve(options, find(Path.cwd()).values)


def need_profile(settings: Mapping[str, Any]) -> None:
    """Raises UsageError where no profile is given."""
    if not settings["profile"]:
        raise UsageError(
            "a profile is needed: pass --profile NAME, one of those that `conformance profiles` lists"
        )


def show(options: Mapping[str, Any], console: Console) -> None:
    """Prints every setting with its value and where that comes from; of a secret only whether it is set."""
    filed = find(Path.cwd())
    found = table.origins(options, filed.values)
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("setting", "value", "origin"):
        shown.add_column(heading, overflow="fold")
    for setting in SETTINGS:
        value, origin = found[setting.key]
        where = {Origin.FILE: filed.file, Origin.ENVIRONMENT: f"${setting.variable}"}.get(
            origin, origin.value
        )
        text = "(set)" if setting.is_secret and value else _shown(value)
        style = _STYLES.get(origin, "")
        shown.add_row(setting.name, Text(safe(text), style=style), Text(safe(where), style=style))
    console.print(shown)


def _shown(value: object) -> str:
    """A value as one would write it."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    if value is None:
        return "-"
    return str(value).lower() if isinstance(value, bool) else str(value)
