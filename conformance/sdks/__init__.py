"""Official SDKs: what each sends, and what it makes of an answer; recorded, and kept as data."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from conformance.core import resources
from conformance.profile import validation, yaml_document
from conformance.sdks.parser import parse_sdk
from conformance.sdks.sdk import Reaction, ReactionRule, RecordedRequest, Sdk, effective_reaction, sdk_reaction

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Reaction",
    "ReactionRule",
    "RecordedRequest",
    "Sdk",
    "effective_reaction",
    "load",
    "load_all",
    "sdk_reaction",
]


@cache
def load_all() -> tuple[Sdk, ...]:
    """Every SDK that the suite knows, by name."""
    return tuple(load(resources.sdk_path(name)) for name in resources.sdk_names())


def load(path: Path) -> Sdk:
    """Loads an SDK from a YAML file. Raises ProfileError, with file, line and key, if it is not valid."""
    parsed = yaml_document.read(path)
    validation.validate(parsed, _schema())
    parsed.raise_for_problems()
    loaded = parse_sdk(parsed)
    parsed.raise_for_problems()
    return loaded


@cache
def _schema() -> dict[str, Any]:
    """The JSON Schema of an SDK."""
    text = (resources.specs_dir() / "sdk.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
