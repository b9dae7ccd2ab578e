"""Paths of the data files: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

_APP_NAME = "ingest-conformance"
_PACKAGE = Path(__file__).parents[1]
_IN_WHEEL = _PACKAGE / "specs"
_IN_CHECKOUT = _PACKAGE.parent / "specs"


def specs_dir() -> Path:
    """The directory `specs`, with the common OpenAPI document, profiles, SDKs and JSON Schemas.

    Raises FileNotFoundError if the installation is incomplete.
    """
    for directory in (_IN_WHEEL, _IN_CHECKOUT):
        if (directory / "openapi.yaml").is_file():
            return directory
    raise FileNotFoundError(f"the specs are missing from the installation: neither {_IN_WHEEL} nor {_IN_CHECKOUT}")


def read_json_spec(name: str) -> dict[str, Any]:
    """A JSON file of the suite in `specs/`, such as a schema."""
    document: dict[str, Any] = json.loads((specs_dir() / name).read_text(encoding="utf-8"))
    return document


def profile_names() -> list[str]:
    """The names of the profiles that come with the suite."""
    return sorted(path.stem for path in (specs_dir() / "profiles").glob("*.yaml"))


def profile_path(name: str) -> Path:
    """The path that a profile of the suite has, whether it exists or not."""
    return specs_dir() / "profiles" / f"{name}.yaml"


def stored_requests_path(profile: str) -> Path:
    """The path that the generated requests of a profile of the suite have, whether they exist or not."""
    return specs_dir() / "requests" / f"{profile}.jsonl.xz"


def sdk_names() -> list[str]:
    """The names of the SDKs that come with the suite."""
    return sorted(path.stem for path in (specs_dir() / "sdks").glob("*.yaml"))


def sdk_path(name: str) -> Path:
    """The path that an SDK of the suite has, whether it exists or not."""
    return specs_dir() / "sdks" / f"{name}.yaml"


def sink_templates() -> dict[str, str]:
    """The texts of the sink files that come with the suite, by name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in (specs_dir() / "sinks").glob("*.yaml")}


def cache_dir() -> Path:
    """The cache directory, by XDG_CACHE_HOME or the platform's convention; it may not exist yet."""
    xdg_cache_home = os.environ.get("XDG_CACHE_HOME")
    if xdg_cache_home and Path(xdg_cache_home).is_absolute():
        return Path(xdg_cache_home) / _APP_NAME
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / _APP_NAME / "Cache"
    return (Path.home() / "Library" / "Caches" if sys.platform == "darwin" else Path.home() / ".cache") / _APP_NAME
