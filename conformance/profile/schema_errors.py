"""The mistakes in a document by a JSON Schema, with messages that name the fix."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from conformance.core.text import did_you_mean, nearest_hint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jsonschema import TypeChecker

    from conformance.core.model import JsonObject
    from conformance.profile.yaml_document import Place

_TYPE_NAMES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


def _is_integer(_: TypeChecker, instance: object) -> bool:
    """Whether a value is a whole number, written as one: sizes and statuses have no decimals."""
    return isinstance(instance, int) and not isinstance(instance, bool)


def _check_required(_: object, required: list[str], instance: object, __: object) -> Iterator[ValidationError]:
    """One error for an object that lacks keys; `_problem_messages` looks up which ones."""
    if isinstance(instance, dict) and not set(required) <= set(instance):
        yield ValidationError("keys are missing")


def _check_pattern(_: object, pattern: str, instance: object, __: object) -> Iterator[ValidationError]:
    """One error for a text that a pattern does not match, whose `$` is the end of the text (ECMA-262)."""
    own_pattern = pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern
    if isinstance(instance, str) and not re.search(own_pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator: Any = extend(  # type: ignore[no-untyped-call] # the stubs leave it so
    Draft202012Validator,
    validators={"required": _check_required, "pattern": _check_pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


def find_problems(schema: JsonObject, value: Any) -> Iterator[tuple[Place, str]]:  # noqa: ANN401 - any YAML
    """What is wrong with a value by a schema: places and messages."""
    for error in _Validator(schema).iter_errors(value):
        place: Place = tuple(error.absolute_path)
        if "propertyNames" in error.absolute_schema_path:
            place = (*place, str(error.instance))
        for extra, message in _problem_messages(error):
            yield (*place, *extra), message


def schema_problems(schema: Any) -> Iterable[str]:  # noqa: ANN401 - a JSON Schema
    """The reasons why a value is not a valid JSON Schema; none if it is one."""
    for error in Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema):
        yield f"not a JSON Schema: {error.json_path.removeprefix('$.')}: {_abbreviate(error.instance)}"


def _problem_messages(error: ValidationError) -> Iterator[tuple[Place, str]]:
    """The messages for one schema error, each with the path from the error's place to the faulty key."""
    schema: Any = error.schema
    instance: Any = error.instance
    if error.validator == "additionalProperties":
        known_keys = schema.get("properties", {})
        for key in sorted(set(instance) - set(known_keys)):
            yield (key,), f"unknown key{did_you_mean(key, known_keys)}"
    elif error.validator == "required":
        for key in schema["required"]:
            if key not in instance:
                yield (), f"the key {key!r} is missing{_expected_hint(schema, key)}"
    elif error.validator == "enum":
        words = [str(word) for word in schema["enum"]]
        yield (), f"{_abbreviate(instance)} is not one of {', '.join(words)}{nearest_hint(str(instance), words)}"
    else:
        yield (), _value_problem(error, schema, instance)


def _value_problem(error: ValidationError, schema: Any, instance: object) -> str:  # noqa: ANN401 - a JSON Schema
    """What is wrong with one value."""
    if error.validator == "maxLength":
        return f"must not have more than {schema['maxLength']:,} characters"
    if "x-expected" in schema:
        return f"{_abbreviate(instance)} is not {schema['x-expected']}"
    if error.validator == "type":
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return f"expected {' or '.join(_TYPE_NAMES[kind] for kind in types)}, found {_abbreviate(instance)}"
    if error.validator in {"minItems", "minProperties", "minLength"}:
        return "must not be empty"
    return error.message


def _expected_hint(schema: Any, key: str) -> str:  # noqa: ANN401 - a JSON Schema
    """What the schema expects under a missing key, if it says so in `x-expected`."""
    expected = schema.get("properties", {}).get(key, {}).get("x-expected")
    return f"; expected {expected}" if expected else ""


def _abbreviate(instance: object) -> str:
    """A value as short text."""
    text = repr(instance) if isinstance(instance, str) else json.dumps(instance, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
