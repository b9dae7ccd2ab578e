"""HTTP Archive 1.2, as others check it."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft6Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT6

from tests.support.paths import ROOT

_DIRECTORY = ROOT / "tests" / "schemas" / "har-schema-2.0.0"


def har_validator() -> Draft6Validator:
    """The validator of the public schema."""
    parts = [json.loads(path.read_text("utf-8")) for path in sorted(_DIRECTORY.glob("*.json"))]
    known: Registry[Any] = Registry().with_resources(
        (part["$id"].rstrip("#"), Resource.from_contents({**part, "$id": part["$id"].rstrip("#")}, DRAFT6))
        for part in parts
    )
    return Draft6Validator({"$ref": "har.json"}, registry=known, format_checker=Draft6Validator.FORMAT_CHECKER)
