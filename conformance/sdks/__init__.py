"""Official SDKs as data: the requests that each one sends, and how it reacts to a response."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from conformance.core import resources
from conformance.profile import validation, yaml_document
from conformance.sdks.parser import parse_sdk
from conformance.sdks.sdk import (
    BodyReading,
    Reaction,
    ReactionRule,
    RecordedRequest,
    Repeats,
    Sdk,
    SeenAnswer,
    effective_reaction,
    sdk_reaction,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "BodyReading",
    "Reaction",
    "ReactionRule",
    "RecordedRequest",
    "Repeats",
    "Sdk",
    "SeenAnswer",
    "effective_reaction",
    "load",
    "load_all",
    "sdk_reaction",
]


@cache
def load_all() -> tuple[Sdk, ...]:
    """Every SDK that comes with the suite, sorted by name."""
    return tuple(load(resources.sdk_path(name)) for name in resources.sdk_names())


def load(path: Path) -> Sdk:
    """Loads an SDK from a YAML file. Raises ProfileError, with file, line and key, if it is not valid."""
    document = yaml_document.read(path)
    validation.validate(document, "sdk.schema.json")
    sdk = parse_sdk(document)
    document.raise_for_problems()
    return sdk
