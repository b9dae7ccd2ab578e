"""The settings of the command, from options, the environment and a configuration file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core.errors import UsageError
from conformance.settings import table
from conformance.settings.file import find_configuration
from conformance.settings.setting import parse_positive_float
from conformance.settings.table import TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping


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


def parse_timeout(option: str, text: str | None, default_s: float, most_s: float) -> float:
    """The seconds of an option, from 1 to a most; the default if it is not given. Raises UsageError."""
    try:
        value = default_s if text is None else parse_positive_float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value <= most_s:
        raise UsageError(f"--{option} {text}: expected seconds, from 1 to {most_s:g}")
    return value
