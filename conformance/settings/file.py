"""Configuration files: settings that a project keeps in `conformance.toml` or `pyproject.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.core.errors import UsageError
from conformance.core.text import did_you_mean, shorten, truncate
from conformance.core.user_files import read_text
from conformance.settings.table import SETTINGS, TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from conformance.settings.setting import Setting

_CONFORMANCE_TOML, _PYPROJECT_TOML = "conformance.toml", "pyproject.toml"
_YAML_SUFFIXES = (".yaml", ".yml")
_MAX_DOT_COST = 5_000_000
"""The parser's time and memory grow with the square of the parts of a dotted key."""
_MAX_INTEGER = 2**63 - 1
"""TOML 1.0.0, section "Integer"."""
_MAX_MESSAGE_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The settings in a configuration file, by key; both fields are empty if there is no file."""

    file: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


def find_configuration(start: Path) -> Configuration:
    """Finds the configuration of a directory: in it, or in one above it, up to the root of its repository.

    In each directory, `conformance.toml` takes precedence over the table `[tool.conformance]` in
    `pyproject.toml`. Raises UsageError for a file that can't be read, an unknown key, or an invalid value.
    """
    for directory in _searched_directories(start):
        for name in (_CONFORMANCE_TOML, _PYPROJECT_TOML):
            path = directory / name
            if path.is_file():
                table = _read_table(path)
                if table is not None:
                    return Configuration(file=str(path), values=_parse_table(path, table))
    return Configuration()


def _searched_directories(start: Path) -> Sequence[Path]:
    """A directory and those above it up to the root of its repository; only itself if it is in none."""
    directories = (start, *start.parents)
    roots = [number for number, directory in enumerate(directories) if (directory / ".git").exists()]
    return directories[: roots[0] + 1] if roots else (start,)


def _read_table(path: Path) -> dict[str, Any] | None:
    """The settings in a file; None for a `pyproject.toml` without a table for them. Raises UsageError."""
    document = _parse_toml(path, read_text(path))
    if path.name == _CONFORMANCE_TOML:
        return document
    tool = document.get("tool")
    table = tool.get("conformance") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise UsageError(f"{path}: tool.conformance: expected a table")
    return table


def _parse_toml(path: Path, text: str) -> dict[str, Any]:
    """The values in a TOML text. Raises UsageError."""
    if sum(line.count(".") ** 2 for line in text.splitlines()) > _MAX_DOT_COST:
        raise UsageError(f"{path}: not valid TOML: too many dots in one line")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise UsageError(f"{path}: not valid TOML: nested too deeply") from None
    except ValueError as error:  # also an integer with too many digits
        raise UsageError(f"{path}: not valid TOML: {truncate(str(error), _MAX_MESSAGE_LENGTH)}") from None


def _parse_table(path: Path, table: Mapping[str, Any]) -> dict[str, Any]:
    """Converts a table to the values that options would have, by key. Raises UsageError."""
    settings_by_name = {setting.name: setting for setting in (TARGET, *SETTINGS)}
    values = {}
    for key, value in table.items():
        setting = settings_by_name.get(key.replace("_", "-"))
        if setting is None:
            raise UsageError(f"{path}: {shorten(key)}: unknown key{did_you_mean(key, settings_by_name)}")
        if setting.loosens_safety:
            raise UsageError(
                f"{path}: {key}: this loosens the safety of a run, so a file can't set it; "
                f"pass --{setting.name}, or set {setting.environment_variable}"
            )
        if setting.is_secret:
            raise UsageError(
                f"{path}: {key}: a secret does not belong in a file of the project; "
                f"set {setting.environment_variable}, or use write-key-file"
            )
        values[setting.key] = _option_value(path, key, setting, value)
    return values


def _option_value(path: Path, key: str, setting: Setting, value: object) -> Any:  # noqa: ANN401 - as options are
    """The value that an option would have: a string, a list of strings, or of a flag a boolean. Raises UsageError."""
    if setting.is_flag:
        if not isinstance(value, bool):
            raise UsageError(f"{path}: {key}: expected true or false")
        return value
    if setting.is_list:
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) for item in items):
            raise UsageError(f"{path}: {key}: expected a list of strings")
        return items
    kind = str | int | float if setting.is_number else str
    if isinstance(value, bool) or not isinstance(value, kind):
        raise UsageError(f"{path}: {key}: expected {setting.expected}")
    if isinstance(value, int) and abs(value) > _MAX_INTEGER:
        raise UsageError(f"{path}: {key}: the number is too large")
    return str(path.parent / str(value)) if _is_path(setting, str(value)) else str(value)


def _is_path(setting: Setting, text: str) -> bool:
    """Whether a value is a path, which is then relative to the configuration file."""
    return setting.metavar == "FILE" or (setting.name == "profile" and ("/" in text or text.endswith(_YAML_SUFFIXES)))
