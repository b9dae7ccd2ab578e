"""A conformance suite for servers that take in customer events over HTTP."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Contract": "conformance.contract",
    "Level": "conformance.core.model",
    "Outcome": "conformance.core.model",
    "Profile": "conformance.profile.profile",
    "Server": "conformance.refserver",
    "Target": "conformance.plugin.target",
    "Verdict": "conformance.core.model",
    "load": "conformance.profile",
}
__all__ = ["Contract", "Level", "Outcome", "Profile", "Server", "Target", "Verdict", "load"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever is exported
    """Loads a public name when it is first asked for: a pytest session without a target pays nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
