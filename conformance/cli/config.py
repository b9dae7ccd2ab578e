"""`conformance config`: prints the settings, once they are such as a command takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from conformance.cases import CHECKS
from conformance.cli.execution import ALL_PROFILES, create_console, plan_without_keys
from conformance.contract import Contract
from conformance.core.resources import profile_names
from conformance.core.text import escape_controls
from conformance.profile import load
from conformance.redaction import redact
from conformance.report.plain_tables import print_table
from conformance.run.known_deviations import read
from conformance.settings import table
from conformance.settings.file import Configuration, find_configuration
from conformance.settings.setting import SettingOrigin
from conformance.settings.table import SETTINGS, TARGET
from conformance.wire import parse_base_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console

_STYLES = {SettingOrigin.DEFAULT: "dim", SettingOrigin.OPTION: "bold"}


def config(options: Mapping[str, Any]) -> int:
    """Prints every setting, its value and where that comes from. Raises UsageError for one that no run takes."""
    config_file = find_configuration(Path.cwd())
    _require_usable(table.resolve(options, config_file.values))
    url, _ = TARGET.resolve(options[TARGET.key], config_file.values.get(TARGET.key))
    if url is not None:
        parse_base_url(url)
    _print_settings(options, config_file, create_console())
    return 0


def _require_usable(settings: Mapping[str, Any]) -> None:
    """Raises UsageError for settings that a run would refuse whatever its target is, and for files that it can't read.

    Whether the target may be tested is not asked here.
    """
    is_single = settings["profile"] not in {None, ALL_PROFILES}
    contract = (
        Contract(load(settings["profile"]), settings["include"], settings["exclude"])
        if is_single
        else Contract(load(profile_names()[0]))
    )
    plan_without_keys(settings, None, contract, CHECKS if is_single else ())
    if settings["known_deviations"] is not None:
        read(settings["known_deviations"])


def _print_settings(options: Mapping[str, Any], config_file: Configuration, console: Console) -> None:
    """Prints every setting with its value and origin; a secret only as `(set)`."""
    shown = (TARGET, *SETTINGS)
    origins_by_key = table.resolve_with_origins(options, config_file.values, shown)
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


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"config": config}
