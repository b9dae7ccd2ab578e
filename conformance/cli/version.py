"""`conformance --version`: the versions of the suite and of what its generated requests depend on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from conformance import __version__

_GENERATORS = ("schemathesis", "hypothesis")


def version_text() -> str:
    """The version, then those of the generators, and of Python, a line each."""
    lines = [f"ingest-conformance {__version__}", *(f"{name} {_version(name)}" for name in _GENERATORS)]
    return "".join(f"{line}\n" for line in [*lines, f"Python {platform.python_version()}"])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
