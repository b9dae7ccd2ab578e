"""The settings of the command, from options, the environment and a configuration file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from conformance.core.errors import UsageError
from conformance.core.text import escape_controls
from conformance.redaction import redact
from conformance.report.plain_tables import print_table
from conformance.settings import table
from conformance.settings.file import find_configuration
from conformance.settings.setting import SettingOrigin
from conformance.settings.table import SETTINGS, TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

_STYLES = {SettingOrigin.DEFAULT: "dim", SettingOrigin.OPTION: "bold"}


def resolve_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting's value by its key, and that of `url`.

    Warns on standard error of an unverified target, however quiet the run is. Raises UsageError for a wrong value,
    wherever it comes from.
    """
    file_values = find_configuration(Path.cwd()).values
    settings = table.resolve(options, file_values)
    settings[TARGET.key] = TARGET.resolve(options.get(TARGET.key), file_values.get(TARGET.key))[0]
    if settings["insecure"]:
        sys.stderr.write("conformance: warning: the target's certificate is not verified (--insecure)\n")
    return settings


def require_profile(settings: Mapping[str, Any]) -> None:
    """Raises UsageError if no profile is given."""
    if not settings["profile"]:
        raise UsageError("a profile is needed: pass --profile NAME, one of those that `conformance profiles` lists")


def print_settings(options: Mapping[str, Any], console: Console) -> None:
    """Prints every setting with its value and origin; a secret only as `(set)`."""
    config_file = find_configuration(Path.cwd())
    shown = (TARGET, *SETTINGS)
    origins_by_key = table.resolve_with_origins(options, config_file.values, shown)
    table.learn_from_values({key: value for key, (value, _) in origins_by_key.items()})
    rows = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("setting", "value", "origin"):
        rows.add_column(heading, overflow="fold")
    for setting in shown:
        value, origin = origins_by_key[setting.key]
        origin_text = {
            SettingOrigin.FILE: config_file.file,
            SettingOrigin.ENVIRONMENT: f"${setting.environment_variable}",
        }.get(origin, origin.value)
        text = "(set)" if setting.is_secret and value else redact(_format_value(value))
        style = _STYLES.get(origin, "")
        rows.add_row(
            setting.name, Text(escape_controls(text), style=style), Text(escape_controls(origin_text), style=style)
        )
    print_table(rows, console)


def _format_value(value: object) -> str:
    """A value as text; `-` for none."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    if value is None:
        return "-"
    return str(value).lower() if isinstance(value, bool) else str(value)
