"""Profiles: what a vendor documents, read from one YAML file a vendor."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core import resources
from conformance.core.errors import UsageError
from conformance.profile import validation, yaml_document
from conformance.profile.parser import ProfileParser

if TYPE_CHECKING:
    from conformance.profile.facts import Fact, Profile
    from conformance.profile.yaml_document import YamlDocument


def load(name_or_path: str) -> Profile:
    """Loads a profile by its name, or from a YAML file.

    Raises ProfileError, with file, line and key, if the file is not a valid profile, and UsageError
    if there is no such profile.
    """
    return _parse_document(yaml_document.read(_resolve_path(name_or_path)))


def parse(text: str, file: str) -> Profile:
    """A profile from YAML; `file` is what it is called. Raises ProfileError, as `load`."""
    return _parse_document(yaml_document.parse(text, file))


def _parse_document(parsed: YamlDocument) -> Profile:
    """The profile that a document holds. Raises ProfileError."""
    validation.validate(parsed, _schema())
    parsed.raise_for_problems()
    parser = ProfileParser(parsed, schemas=base_openapi()["components"]["schemas"])
    profile = parser.profile(common_facts())
    parsed.raise_for_problems()
    return profile


@cache
def base_openapi() -> dict[str, Any]:
    """The common API as an OpenAPI document; not to be changed by the caller."""
    value: Any = yaml_document.read(resources.specs_dir() / "openapi.yaml").value
    return dict(value)


@cache
def common_facts() -> dict[str, Fact]:
    """What HTTP and JSON promise by themselves, for what a profile does not state."""
    parsed = yaml_document.read(resources.specs_dir() / "common.yaml")
    schema = _schema()
    validation.validate(parsed, {"$ref": "#/$defs/common", "$defs": schema["$defs"]})
    parsed.raise_for_problems()
    facts = ProfileParser(parsed).facts()
    parsed.raise_for_problems()
    return facts


@cache
def _schema() -> dict[str, Any]:
    """The JSON Schema of a profile."""
    text = (resources.specs_dir() / "profile.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _resolve_path(name_or_path: str) -> Path:
    """The file that a name or a path means."""
    names = resources.profile_names()
    if name_or_path in names:
        return resources.profile_path(name_or_path)
    if name_or_path.endswith((".yaml", ".yml")) or "/" in name_or_path:
        path = Path(name_or_path)
        if path.is_file():
            return path
        raise UsageError(f"--profile {name_or_path}: no such file")
    raise UsageError(f"--profile {name_or_path}: no such profile{validation.did_you_mean(name_or_path, names)}")
