"""Where the data files are: in a checkout beside the package, in a wheel inside it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_NAME = "ingest-conformance"
_INSIDE = Path(__file__).parent / "specs"
_BESIDE = Path(__file__).parent.parent / "specs"


def specs() -> Path:
    """The directory of the specs: OpenAPI base, profiles, JSON Schemas.

    Raises FileNotFoundError if the installation is incomplete.
    """
    for place in (_INSIDE, _BESIDE):
        if (place / "openapi.yaml").is_file():
            return place
    raise FileNotFoundError(f"the specs are missing from the installation: neither {_INSIDE} nor {_BESIDE}")


def profile_names() -> list[str]:
    """The names of the profiles that come with the suite."""
    return sorted(path.stem for path in (specs() / "profiles").glob("*.yaml"))


def profile_path(name: str) -> Path:
    """The file of a profile that comes with the suite; it need not exist."""
    return specs() / "profiles" / f"{name}.yaml"


def sdk_names() -> list[str]:
    """The names of the SDKs that the suite knows."""
    return sorted(path.stem for path in (specs() / "sdks").glob("*.yaml"))


def sdk_path(name: str) -> Path:
    """The file of an SDK; it need not exist."""
    return specs() / "sdks" / f"{name}.yaml"


def cache() -> Path:
    """The directory for what can be made again, the user's or the platform's; it need not exist."""
    given = os.environ.get("XDG_CACHE_HOME")
    if given and Path(given).is_absolute():
        return Path(given) / _NAME
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / _NAME / "Cache"
    return (
        Path.home() / "Library" / "Caches" if sys.platform == "darwin" else Path.home() / ".cache"
    ) / _NAME
