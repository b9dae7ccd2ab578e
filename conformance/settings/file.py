"""Configuration files: settings that a project keeps in `conformance.toml` or `pyproject.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.core.errors import UsageError
from conformance.core.text import did_you_mean
from conformance.settings.table import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from conformance.settings.table import Setting

_CONFORMANCE_TOML, _PYPROJECT_TOML = "conformance.toml", "pyproject.toml"
_YAML_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What a file says of the settings, by their keys; empty where there is no file."""

    file: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


def find_configuration(start: Path) -> Configuration:
    """The nearest configuration: in a directory, or in one above it, up to the root of a repository.

    `conformance.toml` goes before a table `[tool.conformance]` in `pyproject.toml`. Raises UsageError for a
    file that can't be read, an unknown key or a value that does not fit.
    """
    for directory in (start, *start.parents):
        for name in (_CONFORMANCE_TOML, _PYPROJECT_TOML):
            path = directory / name
            if path.is_file():
                table = _read_table(path)
                if table is not None:
                    return Configuration(file=str(path), values=_parse_table(path, table))
        if (directory / ".git").exists():
            break
    return Configuration()


def _read_table(path: Path) -> dict[str, Any] | None:
    """The settings of a file; None for a project's file that says nothing of them."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: the file can't be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None
    if path.name == _CONFORMANCE_TOML:
        return document
    tool = document.get("tool")
    table = tool.get("conformance") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise UsageError(f"{path}: tool.conformance: expected a table")
    return table


def _parse_table(path: Path, table: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a table, each as an option would give it. Raises UsageError."""
    settings_by_name = {setting.name: setting for setting in SETTINGS}
    values = {}
    for key, value in table.items():
        setting = settings_by_name.get(key.replace("_", "-"))
        if setting is None:
            raise UsageError(f"{path}: {key}: unknown key{did_you_mean(key, settings_by_name)}")
        if setting.is_secret:
            raise UsageError(
                f"{path}: {key}: a secret does not belong in a file of the project; "
                f"set {setting.environment_variable}, or use write-key-file"
            )
        values[setting.key] = _option_value(path, key, setting, value)
    return values


def _option_value(path: Path, key: str, setting: Setting, value: object) -> Any:  # noqa: ANN401 - as options are
    """A value as an option would give it: a text, a list of texts, or a flag."""
    if setting.is_flag:
        if not isinstance(value, bool):
            raise UsageError(f"{path}: {key}: expected true or false")
        return value
    if setting.is_list:
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) for item in items):
            raise UsageError(f"{path}: {key}: expected a list of strings")
        return items
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UsageError(f"{path}: {key}: expected {setting.expected}")
    return str(path.parent / str(value)) if _is_path(setting, str(value)) else str(value)


def _is_path(setting: Setting, text: str) -> bool:
    """Whether a value names a file: one beside the configuration, wherever the command is run."""
    return setting.metavar == "FILE" or (setting.name == "profile" and ("/" in text or text.endswith(_YAML_SUFFIXES)))
