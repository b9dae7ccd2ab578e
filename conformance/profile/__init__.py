"""Profiles: what a vendor documents about its API, one YAML file for each vendor."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core import resources
from conformance.core.errors import UsageError
from conformance.core.text import did_you_mean, shorten
from conformance.profile import validation, yaml_document
from conformance.profile.parser import ProfileParser
from conformance.profile.readings import parse_readings

if TYPE_CHECKING:
    from conformance.profile.facts import Fact
    from conformance.profile.profile import Profile
    from conformance.profile.yaml_document import YamlDocument

_SCHEMA_FILE = "profile.schema.json"


def load(name_or_path: str) -> Profile:
    """Loads a profile by its name, or from a YAML file.

    Raises ProfileError, with file, line and key, if the file is not a valid profile, and UsageError
    if there is no such profile.
    """
    return _parse_document(yaml_document.read(_resolve_path(name_or_path)))


def parse(text: str, file: str) -> Profile:
    """Parses a profile from YAML; `file` is the name for error messages. Raises ProfileError, as `load`."""
    return _parse_document(yaml_document.parse(text, file))


def _parse_document(parsed: YamlDocument) -> Profile:
    """Builds the profile that a document holds. Raises ProfileError."""
    validation.validate(parsed, _SCHEMA_FILE)
    schemas = base_openapi()["components"]["schemas"]
    profile = ProfileParser(parsed, schemas).profile(common_facts())
    parsed.raise_for_problems()
    return replace(profile, readings=parse_readings(parsed, _parse_document))


@cache
def base_openapi() -> dict[str, Any]:
    """The common API as an OpenAPI document. It is cached: callers must not change it."""
    value: Any = yaml_document.read(resources.specs_dir() / "openapi.yaml").value
    return dict(value)


@cache
def common_facts() -> dict[str, Fact]:
    """The facts that follow from HTTP and JSON; they hold unless a profile states the same key."""
    parsed = yaml_document.read(resources.specs_dir() / "common.yaml")
    validation.validate(parsed, _SCHEMA_FILE, definition="common")
    facts = ProfileParser(parsed).facts()
    parsed.raise_for_problems()
    return facts


def _resolve_path(name_or_path: str) -> Path:
    """The file of a profile, given its name or a path. Raises UsageError if there is none."""
    names = resources.profile_names()
    if name_or_path in names:
        return resources.profile_path(name_or_path)
    if name_or_path.endswith((".yaml", ".yml")) or "/" in name_or_path:
        if name_or_path.isprintable() and not os.path.lexists(name_or_path):
            raise UsageError(f"--profile {shorten(name_or_path)}: no such file")
        return Path(name_or_path)
    raise UsageError(f"--profile {shorten(name_or_path)}: no such profile{did_you_mean(name_or_path, names)}")
