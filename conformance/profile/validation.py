"""Turns what a JSON Schema says of a profile into sentences that name the fix."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from jsonschema.validators import extend

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jsonschema import TypeChecker
    from jsonschema.exceptions import ValidationError

    from conformance.profile.yaml_document import Place, YamlDocument

_TYPE_NAMES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


def _is_integer(_: TypeChecker, instance: object) -> bool:
    """Whether a value is a whole number, written as one: sizes and statuses have no decimals."""
    return isinstance(instance, int) and not isinstance(instance, bool)


_Validator: Any = extend(  # type: ignore[no-untyped-call] # the stubs leave it so
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


def validate(document: YamlDocument, schema: dict[str, Any]) -> None:
    """Notes on the document every place where it does not fit the schema."""
    for error in _Validator(schema).iter_errors(document.value):
        place: Place = tuple(error.absolute_path)
        if "propertyNames" in error.absolute_schema_path:
            place = (*place, str(error.instance))
        for extra, message in _problem_messages(error):
            document.add_problem((*place, *extra), message)


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or the known words where none is near."""
    words = sorted(candidates)
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known here: {', '.join(words)}" if words else ""


def schema_problems(schema: Any) -> Iterable[str]:  # noqa: ANN401 - a JSON Schema
    """What keeps a JSON Schema from being one."""
    for error in Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema):
        yield f"not a JSON Schema: {error.json_path.removeprefix('$.')}: {_abbreviate(error.instance)}"


def _problem_messages(error: ValidationError) -> Iterable[tuple[Place, str]]:
    """What one schema error means, each with the steps from the error's place to the culprit."""
    schema: Any = error.schema
    instance: Any = error.instance
    if error.validator == "additionalProperties":
        known_keys = schema.get("properties", {})
        for word in sorted(set(instance) - set(known_keys)):
            yield (word,), f"unknown key{did_you_mean(word, known_keys)}"
    elif error.validator == "required":
        missing = [word for word in schema["required"] if word not in instance]
        word = next(word for word in missing if f"'{word}'" in error.message)
        yield (), f"the key {word!r} is missing{_expected_hint(schema, word)}"
    elif error.validator == "enum":
        words = [str(word) for word in schema["enum"]]
        yield (), f"{_abbreviate(instance)} is not one of {', '.join(words)}{_nearest_hint(instance, words)}"
    elif "x-expected" in schema:
        yield (), f"{_abbreviate(instance)} is not {schema['x-expected']}"
    elif error.validator == "type":
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        yield ((), f"expected {' or '.join(_TYPE_NAMES[kind] for kind in types)}, found {_abbreviate(instance)}")
    elif error.validator in {"minItems", "minProperties", "minLength"}:
        yield (), "must not be empty"
    else:
        yield (), error.message


def _expected_hint(schema: Any, word: str) -> str:  # noqa: ANN401 - a JSON Schema
    """What belongs under a missing key, where the schema says so."""
    inner = schema.get("properties", {}).get(word, {})
    expected = inner.get("x-expected")
    return f"; expected {expected}" if expected else ""


def _nearest_hint(instance: object, words: list[str]) -> str:
    """The nearest word to a wrong one, if any is near."""
    near = difflib.get_close_matches(str(instance), words, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def _abbreviate(instance: object) -> str:
    """A value as short text."""
    text = repr(instance) if isinstance(instance, str) else json.dumps(instance, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
