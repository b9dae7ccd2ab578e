"""Validates YAML documents against the JSON Schemas in `specs/`, with messages that name the fix.

What is right is found to be so by a fast validator; the one that can say what is wrong is imported only then.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from conformance.core import resources

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.core.model import JsonObject
    from conformance.profile.yaml_document import YamlDocument


def validate(document: YamlDocument, schema_file: str, definition: str = "") -> None:
    """Validates a document against a schema in `specs/`, or against one of that schema's definitions.

    Raises ProfileError, with all problems that the document has by now.
    """
    if not _is_valid(document.value, schema_file, definition):
        from conformance.profile.schema_errors import find_problems

        for place, message in find_problems(_schema(schema_file, definition), document.value):
            document.add_problem(place, message)
    document.raise_for_problems()


def _is_valid(value: Any, schema_file: str, definition: str) -> bool:  # noqa: ANN401 - any YAML
    """Whether a value is surely valid: JSON Schema takes 1.0 for a whole number, and we do not."""
    try:
        return not _has_whole_float(value) and _fast_validator(schema_file, definition).is_valid(value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return False  # it is no JSON: the other validator says why


def _has_whole_float(value: Any) -> bool:  # noqa: ANN401 - any YAML
    """Whether any number in a value is a whole one that is written with decimals."""
    if isinstance(value, dict):
        return any(map(_has_whole_float, value.values()))
    if isinstance(value, list):
        return any(map(_has_whole_float, value))
    return isinstance(value, float) and value.is_integer()


@cache
def _fast_validator(schema_file: str, definition: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(_schema(schema_file, definition))


@cache
def _schema(file: str, definition: str) -> JsonObject:
    """A schema in `specs/`, or one of its definitions."""
    schema: JsonObject = resources.read_json_spec(file)
    return {"$ref": f"#/$defs/{definition}", "$defs": schema["$defs"]} if definition else schema


def schema_problems(schema: Any) -> Iterable[str]:  # noqa: ANN401 - a JSON Schema
    """The reasons why a value is not a valid JSON Schema; none if it is one."""
    if isinstance(schema, dict) and "$schema" not in schema and _is_schema(schema):
        return ()
    from conformance.profile.schema_errors import schema_problems as find

    return find(schema)


def _is_schema(schema: JsonObject) -> bool:
    """Whether a value surely is a JSON Schema."""
    try:
        return jsonschema_rs.meta.is_valid(schema)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return False
