"""JSON Schemas inside profiles: references put in place, and only patterns that take linear time.

What comes out has no `$ref` and no schema that is true or false, so that code may walk it without a thought; and it can
be run on what a stranger sends.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from conformance.core.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.core.model import JsonObject

_OF_NAMES = frozenset({"properties", "patternProperties", "dependentSchemas"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SINGLE = frozenset({"items", "not", "if", "then", "else", "contains", "propertyNames"})
_SINGLE_OR_FLAG = frozenset({"additionalProperties", "unevaluatedItems", "unevaluatedProperties"})
_ANNOTATIONS = frozenset({"title", "description", "example", "examples", "default", "deprecated"})
_LEFT_OUT = frozenset(
    {"$defs", "definitions", "$schema", "$id", "$anchor", "$dynamicAnchor", "$vocabulary", "$comment"}
)
_DYNAMIC = frozenset({"$dynamicRef", "$recursiveRef"})
_SIZES = frozenset({"minLength", "minItems", "minProperties", "minContains"})
_MAX_SIZE, _MAX_SCHEMAS, _MAX_DEPTH = 10_000, 5_000, 60
PATTERN_BYTES = 1024 * 1024
"""The most memory of one compiled pattern."""


class SchemaError(ValueError):
    """A JSON Schema can't be used; the text says where in it and why."""


def usable_schema(schema: Mapping[str, Any], components: Mapping[str, Any]) -> JsonObject:
    """A schema that means the same, without references; `components` are those of the common API.

    Raises SchemaError for a reference that leads nowhere, out of the file or back to itself, for a pattern that may
    take more than linear time, and for what is too large.
    """
    return dict(_Reader(schema, components).read(schema, (), ()))


def event_schema_problem(schema: Mapping[str, Any]) -> str:
    """Why a usable schema can't be one of events, which are objects; empty if it can."""
    kinds = schema.get("type", "object")
    if "object" not in ([kinds] if isinstance(kinds, str) else kinds[:1]):
        return "type: an event is an object"
    samples = [schema[key] for key in ("const", "example", "default") if key in schema]
    samples += [*schema.get("examples", ()), *schema.get("enum", ())]
    if not all(isinstance(sample, dict) for sample in samples if sample is not None):
        return "an example of an event is a mapping"
    return next(filter(None, map(event_schema_problem, schema.get("allOf", ()))), "")


@dataclass(slots=True)
class _Reader:
    """Reads one schema."""

    root: Mapping[str, Any]
    components: Mapping[str, Any]
    count: int = 0

    def read(self, schema: Any, place: tuple[str, ...], followed: tuple[str, ...]) -> JsonObject:  # noqa: ANN401 - a schema
        """A schema at a place, within the references that were followed to it. Raises SchemaError."""
        self.count += 1
        if self.count > _MAX_SCHEMAS or len(place) > _MAX_DEPTH:
            raise SchemaError(f"{_name(place)}: with its references put in place, the schema is too large")
        if isinstance(schema, bool):
            return {} if schema else {"not": {}}
        own: JsonObject = {
            key: self._read_keyword(key, value, (*place, key), followed)
            for key, value in schema.items()
            if key not in _LEFT_OUT and key != "$ref"
        }
        if "$ref" not in schema:
            return own
        inner = self._follow(schema["$ref"], (*place, "$ref"), followed)
        return {**inner, **own} if own.keys() <= _ANNOTATIONS else {"allOf": [inner, own]}

    def _follow(self, reference: str, place: tuple[str, ...], followed: tuple[str, ...]) -> JsonObject:
        """The schema that a reference leads to. Raises SchemaError."""
        if reference in followed:
            raise SchemaError(f"{_name(place)}: {shorten(reference)} leads back to itself")
        if not reference.startswith("#"):
            raise SchemaError(f"{_name(place)}: {shorten(reference)} leads out of the schema; begin with #/")
        target: Any = self.root
        steps = [unquote(step).replace("~1", "/").replace("~0", "~") for step in reference[1:].split("/")]
        if steps[:3] == ["", "components", "schemas"]:
            target, steps = self.components, ["", *steps[3:]]
        if steps[0]:
            raise SchemaError(f"{_name(place)}: {shorten(reference)} is an anchor; write a path such as #/$defs/name")
        for step in steps[1:]:
            is_index = isinstance(target, list) and step.isdecimal() and len(step) < 5 and int(step) < len(target)
            if not is_index and not (isinstance(target, dict) and step in target):
                raise SchemaError(f"{_name(place)}: there is no {shorten(reference)}")
            target = target[int(step) if isinstance(target, list) else step]
        if not isinstance(target, dict | bool):
            raise SchemaError(f"{_name(place)}: {shorten(reference)} is no schema")
        return self.read(target, place, (*followed, reference))

    def _read_keyword(self, key: str, value: Any, place: tuple[str, ...], followed: tuple[str, ...]) -> Any:  # noqa: ANN401 - JSON
        """The value of a keyword, with references put in place. Raises SchemaError."""
        if key in _DYNAMIC:
            raise SchemaError(f"{_name(place)}: dynamic references can't be used here")
        if key in _SIZES and value > _MAX_SIZE:
            raise SchemaError(f"{_name(place)}: more than {_MAX_SIZE:,} is too much for a sample")
        if key == "pattern":
            _require_linear([value], place)
        if key == "patternProperties":
            _require_linear(value, place)
        if key in _OF_NAMES:
            return {name: self.read(item, (*place, name), followed) for name, item in value.items()}
        if key in _LISTS:
            return [self.read(item, (*place, str(index)), followed) for index, item in enumerate(value)]
        if key in _SINGLE or (key in _SINGLE_OR_FLAG and not isinstance(value, bool)):
            return self.read(value, place, followed)
        return value


def _require_linear(patterns: Iterable[str], place: tuple[str, ...]) -> None:
    """Raises SchemaError for a pattern that an engine without backtracking, or that of Python, does not take."""
    import jsonschema_rs

    for pattern in patterns:
        options = jsonschema_rs.RegexOptions(size_limit=PATTERN_BYTES)
        try:
            jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=options)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                re.compile(pattern)  # the generators of requests read it
        except (jsonschema_rs.ValidationError, re.error, RecursionError, OverflowError):
            problem = "is no pattern that takes linear time: it is broken, too large, or looks around or back"
            raise SchemaError(f"{_name(place)}: {shorten(pattern)!r} {problem}") from None


def _name(place: tuple[str, ...]) -> str:
    """A place in a schema, as its mistakes are named."""
    return ".".join(map(shorten, place)) or "the schema"
