"""JSON Schemas inside profiles: references are put in place, and every pattern takes linear time."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from conformance.checks import expect
from conformance.core.errors import Deviation, ProfileError
from conformance.core.model import Level
from conformance.profile import base_openapi, parse
from conformance.profile.body_format import BodyFormat
from conformance.profile.facts import ResponseBody
from conformance.profile.json_schemas import SchemaError, event_schema_problem, usable_schema
from tests.checks.test_expect import exchange_with
from tests.support.paths import ACME

if TYPE_CHECKING:
    from collections.abc import Callable

COMPONENTS = {"Id": {"type": "string"}, "Pair": {"properties": {"a": {"$ref": "#/components/schemas/Id"}}}}
ID = {"type": "string"}
TAKEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "none": ({"type": "object", "properties": {"a": ID}}, {"type": "object", "properties": {"a": ID}}),
    "a definition": ({"$ref": "#/$defs/x", "$defs": {"x": ID}}, ID),
    "old definitions": ({"items": {"$ref": "#/definitions/x"}, "definitions": {"x": ID}}, {"items": ID}),
    "another part": (
        {"properties": {"a": ID, "b": {"$ref": "#/properties/a"}}}, {"properties": {"a": ID, "b": ID}},
    ),
    "escapes": ({"$ref": "#/$defs/a~1b%25", "$defs": {"a/b%": ID}}, ID),
    "an item of a list": ({"anyOf": [ID, {"$ref": "#/anyOf/0"}]}, {"anyOf": [ID, ID]}),
    "the common API": ({"$ref": "#/components/schemas/Pair"}, {"properties": {"a": ID}}),
    "words beside it": (
        {"$ref": "#/$defs/x", "example": "e", "$defs": {"x": ID}}, {"type": "string", "example": "e"},
    ),
    "rules beside it": (
        {"$ref": "#/$defs/x", "minLength": 3, "$defs": {"x": ID}}, {"allOf": [ID, {"minLength": 3}]},
    ),
    "two to one": (
        {"properties": {"a": {"$ref": "#/$defs/x"}, "b": {"$ref": "#/$defs/x"}}, "$defs": {"x": ID}},
        {"properties": {"a": ID, "b": ID}},
    ),
    "true and false": (
        {"properties": {"a": True, "b": False}, "items": True, "additionalProperties": False},
        {"properties": {"a": {}, "b": {"not": {}}}, "items": {}, "additionalProperties": False},
    ),
    "data that looks like one": ({"const": {"$ref": "#/x"}, "enum": [{"pattern": "("}]},) * 2,
    "names": ({"$schema": "urn:odd", "$id": "urn:x", "$anchor": "x", "$comment": "c", "type": "null"},
              {"type": "null"}),
}  # fmt: skip
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({"$ref": "#/$defs/x"}, "$ref: there is no #/$defs/x"),
    "missing in the common API": ({"$ref": "#/components/schemas/No"}, "$ref: there is no #/components/schemas/No"),
    "itself": ({"$ref": "#"}, "$ref: # leads back to itself"),
    "itself below": (
        {"properties": {"a": {"$ref": "#"}}}, "properties.a.$ref.properties.a.$ref: # leads back to itself",
    ),
    "two in turn": (
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        "$ref.$ref.$ref: #/$defs/a leads back to itself",
    ),
    "a file": ({"$ref": "file:///etc/passwd"}, "$ref: file:///etc/passwd leads out of the schema; begin with #/"),
    "an address": ({"$ref": "https://example.com/s"}, "leads out of the schema"),
    "a relative one": ({"$ref": "other.json#/a"}, "leads out of the schema"),
    "an anchor": ({"$ref": "#x", "$defs": {"x": {"$anchor": "x"}}}, "is an anchor; write a path such as #/$defs/name"),
    "no schema": ({"$ref": "#/required", "required": ["a"]}, "$ref: #/required is no schema"),
    "an item that is missing": ({"$ref": "#/anyOf/7", "anyOf": [ID]}, "there is no #/anyOf/7"),
    "a dynamic one": ({"$dynamicRef": "#x"}, "$dynamicRef: dynamic references can't be used here"),
    "doubled forty times": (
        {"$ref": "#/$defs/0",
         "$defs": {str(n): {"anyOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2} for n in range(40)} | {"40": {}}},
        "the schema is too large",
    ),
    "many items": ({"minItems": 10**9}, "minItems: more than 10,000 is too much for a sample"),
}  # fmt: skip
SUPER_LINEAR = (r"(a+)+$(?!x)", r"(?=.*a)", r"(a*)*\1", r"(?<=a)b", "((a{500}){500}){500}")
NOT_REGULAR = ("(", "[a", r"a{2,1}", r"\p{L}", r"\z", "(?P<a>x)(?P<a>y)", "(" * 5_000)


@pytest.mark.parametrize(("schema", "expected"), TAKEN.values(), ids=TAKEN)
def test_references_are_put_in_place(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    """What is left means the same."""
    assert usable_schema(schema, COMPONENTS) == expected


@pytest.mark.parametrize(("schema", "problem"), REFUSED.values(), ids=REFUSED)
def test_a_schema_that_can_not_be_used_is_refused(schema: dict[str, Any], problem: str) -> None:
    """In one short sentence, without a look at any other file or server."""
    with pytest.raises(SchemaError) as caught:
        usable_schema(schema, COMPONENTS)
    assert problem in str(caught.value)
    assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize("pattern", [*SUPER_LINEAR, *NOT_REGULAR])
@pytest.mark.parametrize("make", [lambda text: {"pattern": text}, lambda text: {"patternProperties": {text: {}}}])
def test_a_pattern_that_may_take_long_is_refused(make: Callable[[str], dict[str, Any]], pattern: str) -> None:
    """It would be run on what a stranger answers; one that is broken would be a traceback."""
    with pytest.raises(SchemaError, match="is no pattern that takes linear time"):
        usable_schema({"properties": {"a": make(pattern)}}, {})


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({}, ""),
        ({"type": ["object", "null"], "examples": [{"a": 1}], "allOf": [{"type": "object"}]}, ""),
        ({"type": "string"}, "type: an event is an object"),
        ({"type": ["null", "object"]}, "type: an event is an object"),
        ({"allOf": [{"allOf": [{"type": "array"}]}]}, "type: an event is an object"),
        ({"default": "x"}, "an example of an event is a mapping"),
        ({"enum": [{}, 5]}, "an example of an event is a mapping"),
    ],
)
def test_events_are_objects(schema: dict[str, Any], problem: str) -> None:
    """Every request is built from a sample of them."""
    assert event_schema_problem(schema) == problem


def test_a_profile_names_the_place_of_a_schema_that_can_not_be_used() -> None:
    """With file and line, as of every other mistake."""
    text = ACME.read_text()
    shape = "schema: {type: object, required: [title], properties: {title: {type: string"
    assert shape in text
    for addition, problem in (
        ("pattern: '(a+)+$(?!b)'", "is no pattern"),
        ("$ref: '#/$defs/no'", "there is no #/$defs"),
    ):
        with pytest.raises(ProfileError) as caught:
            parse(text.replace(shape, f"{shape}, {addition}"), "acme.yaml")
        (found,) = caught.value.problems
        assert found.key.endswith(".schema")
        assert f"properties.title.{addition.partition(':')[0]}: " in found.message
        assert problem in found.message


def test_the_common_api_can_be_used() -> None:
    """Profiles refer to it."""
    components = base_openapi()["components"]["schemas"]
    for name in components:
        assert usable_schema({"$ref": f"#/components/schemas/{name}"}, components)


PROGRAM = """
import resource
from tests.profile.test_json_schemas import judge_worst_answers
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
judge_worst_answers()
"""
NESTED = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}},
          "patternProperties": {"^(b|bb)+$": {"pattern": "(x+x+)+y"}}}  # fmt: skip


def judge_worst_answers() -> None:
    """Judges long texts by patterns that an engine which tracks back needs exponential time for."""
    shape = ResponseBody(
        name="bodies.error", level=Level.MUST, sources=(), body_format=BodyFormat.JSON, schema=usable_schema(NESTED, {})
    )
    for name, text in (("a", "a" * 60_000 + "!"), ("b" * 30_000, "x" * 60_000), ("b" * 60_000 + "!", "x")):
        with contextlib.suppress(Deviation):
            expect.body(exchange_with(400, json.dumps({name: text}), "application/json"), shape, "a bad event")


def test_answers_are_judged_in_linear_time() -> None:
    """The system ends a process that takes more: nothing else would end such a search."""
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)
