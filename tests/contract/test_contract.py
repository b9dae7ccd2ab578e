"""The contract: access to the facts of a profile, flattened JSON Schemas, and sample events."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from conformance.contract import Contract, Operation, schemas
from conformance.core import pointers
from conformance.core.errors import NotApplicable, UsageError
from conformance.core.model import Json, JsonObject, Level, OperationKind
from conformance.core.resources import profile_names
from conformance.profile import base_openapi, load
from conformance.profile.facts import AuthScheme, Condition, LimitKind, ResponseKind

if TYPE_CHECKING:
    from collections.abc import Callable

COMPONENTS: dict[str, Any] = {
    "Base": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "n": {}}},
    "Middle": {"allOf": [{"$ref": "#/components/schemas/Base"}], "properties": {"n": {"type": "integer"}}},
    "Top": {
        "allOf": [{"$ref": "#/components/schemas/Middle"}, {"properties": {"extra": {"type": "boolean"}}}],
        "required": ["extra"],
        "description": "On top.",
    },
}
VALUES_THAT_IDENTIFY_NOBODY: tuple[Json, ...] = ("", None, 0, True, {}, [])
TYPES = [(profile, name) for profile in profile_names() for name in load(profile).events]


@cache
def contract(profile: str = "segment") -> Contract:
    """A vendor's contract."""
    return Contract(load(profile))


def batch_of(profile: str) -> Operation:
    """A vendor's first batch."""
    return next(item for item in contract(profile).operations if item.kind is OperationKind.BATCH)


def test_a_schema_is_made_flat() -> None:
    """References and parts are gone; the outer property wins; what is required adds up."""
    assert schemas.flatten({"$ref": "#/components/schemas/Top"}, COMPONENTS) == {
        "type": "object",
        "description": "On top.",
        "required": ["id", "extra"],
        "properties": {"id": {"type": "string"}, "n": {"type": "integer"}, "extra": {"type": "boolean"}},
    }


def test_a_flat_schema_stays_as_it_is() -> None:
    """As a copy: changing it changes nothing else."""
    schema: Any = {"type": "object", "properties": {"a": {"type": "string"}}}
    flat: Any = schemas.flatten(schema, {})
    assert flat == schema
    flat["properties"]["a"]["type"] = "integer"
    assert schema["properties"]["a"]["type"] == "string"


def test_flattening_changes_no_component() -> None:
    """The common API is shared, and stays as it is."""
    before = copy.deepcopy(COMPONENTS)
    flat: Any = schemas.flatten({"$ref": "#/components/schemas/Top"}, COMPONENTS)
    flat["properties"]["id"]["type"] = "integer"
    assert before == COMPONENTS


def test_an_empty_list_of_required_keys_is_left_out() -> None:
    """Older drafts of JSON Schema forbid it."""
    assert "required" not in schemas.flatten({"allOf": [{"properties": {}}]}, {})


def test_a_pointer_finds_its_schema() -> None:
    """Through the properties; a property that is not named has an empty schema."""
    schema: Any = {"properties": {"a": {"properties": {"b": {"type": "integer"}}}}}
    assert schemas.subschema(schema, "/a/b") == {"type": "integer"}
    assert schemas.subschema(schema, "/a/c") == {}
    assert schemas.subschema(schema, "/x/y/z") == {}


def test_what_is_required_is_required_all_the_way() -> None:
    """Each object on the way is required, too; the original schema does not change."""
    schema: Any = {"type": "object", "required": ["z"], "properties": {"a": {"description": "An a."}}}
    before = copy.deepcopy(schema)
    assert schemas.with_required(schema, "/a/b") == {
        "type": "object",
        "required": ["a", "z"],
        "properties": {
            "a": {
                "type": "object",
                "description": "An a.",
                "required": ["b"],
                "properties": {"b": {}},
            }
        },
    }
    assert schema == before


def test_what_is_required_already_stays_required() -> None:
    """It is listed once."""
    once = schemas.with_required({}, "/a")
    assert schemas.with_required(once, "/a") == once == {
        "type": "object", "required": ["a"], "properties": {"a": {}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "conformance"),
        ({"type": "integer"}, 1),
        ({"type": "number"}, 1.5),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["integer", "null"]}, 1),
        ({"type": "string", "examples": ["a", "b"]}, "a"),
        ({"type": "string", "example": "a"}, "a"),
        ({"type": "string", "default": "a"}, "a"),
        ({"type": "boolean", "default": False}, False),
        ({"type": "integer", "const": 0}, 0),
        ({"const": "a", "examples": ["b"]}, "a"),
        ({"enum": ["a", "b"]}, "a"),
        ({"type": "array"}, []),
        ({"type": "array", "items": {"type": "integer"}}, [1]),
        ({}, {}),
        ({"type": "object"}, {}),
        ({"properties": {"a": {"type": "integer"}, "b": {"properties": {"c": {"type": "null"}}}}},
         {"a": 1, "b": {"c": None}}),
        ({"type": "object", "examples": [{"x": 1}], "properties": {"a": {"type": "integer"}}}, {"x": 1}),
    ],
)  # fmt: skip
def test_a_sample_has_every_property(schema: JsonObject, value: object) -> None:
    """An example in the schema takes precedence."""
    assert schemas.full_sample(schema) == value


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, "conformance"),
        ({"type": "integer"}, 1),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {}),
        ({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}, "b": {}}}, {"a": 1}),
        ({"type": "object", "required": ["a"]}, {"a": "conformance"}),
        ({"type": "object", "required": ["a"],
          "properties": {"a": {"type": "object", "required": ["b"], "properties": {"b": {"const": 0}}}}},
         {"a": {"b": 0}}),
    ],
)  # fmt: skip
def test_the_smallest_value_has_what_is_required(schema: JsonObject, value: object) -> None:
    """It has no other properties."""
    assert schemas.minimal_sample(schema) == value


@pytest.mark.parametrize("make", [schemas.full_sample, schemas.minimal_sample])
def test_a_sample_is_a_copy(make: Callable[[Any], Any]) -> None:
    """Changing a sample does not change the schema."""
    schema: Any = {"examples": [{"a": []}]}
    make(schema)["a"].append(1)
    assert schema == {"examples": [{"a": []}]}


@pytest.mark.parametrize(("profile", "name"), TYPES)
def test_samples_fit_their_schemas(profile: str, name: str) -> None:
    """For every event type of every vendor, the sample is valid and the schema is flat."""
    schema = contract(profile).event_schema(name)
    assert not list(Draft202012Validator(schema).iter_errors(schemas.full_sample(schema)))
    assert "$ref" not in schema
    assert "allOf" not in schema


@pytest.mark.parametrize(("profile", "name"), TYPES)
def test_every_event_names_its_user(profile: str, name: str) -> None:
    """There is at least one identity field, and one of them is enough."""
    vendor_contract = contract(profile)
    assert vendor_contract.identity_pointers(name)
    for pointer in vendor_contract.identity_pointers(name).values():
        assert vendor_contract.has_identity(name, pointers.put({}, pointer, "somebody"))
        assert not any(
            vendor_contract.has_identity(name, pointers.put({}, pointer, nobody))
            for nobody in VALUES_THAT_IDENTIFY_NOBODY
        )
    assert not vendor_contract.has_identity(name, {})


def test_an_identity_that_a_type_does_not_know_does_not_count() -> None:
    """In one vendor's profile only a user id identifies an alias."""
    assert set(contract().identity_pointers("alias")) == {"user"}
    assert not contract().has_identity("alias", {"anonymousId": "somebody"})


def test_the_common_schemas_are_not_changed() -> None:
    """Changing an event's schema does not change them."""
    before = copy.deepcopy(base_openapi())
    schema: Any = contract().event_schema("track")
    schema["properties"].clear()
    assert base_openapi() == before
    assert "properties" in contract().event_schema("track")


def test_stated_facts_are_given() -> None:
    """Answers, limits and bodies by their names, including the promises of HTTP itself."""
    vendor_contract = contract()
    assert vendor_contract.expected_response(Condition.JSON_INVALID).expect == (400,)
    assert vendor_contract.expected_response(Condition.PATH_UNKNOWN).expect == (404,)
    assert vendor_contract.size_limit(LimitKind.EVENT).at_least == 32_000
    assert vendor_contract.size_limit(LimitKind.EVENT).at_most == 32_768
    assert vendor_contract.response_body(ResponseKind.ERROR).level is Level.SHOULD
    assert vendor_contract.credential_carrier(AuthScheme.BODY) == "/writeKey"
    assert vendor_contract.has_fact("limits.event")


@pytest.mark.parametrize(
    ("ask", "name"),
    [
        (lambda vendor_contract: vendor_contract.fact("limits.batch"), "limits.batch"),
        (lambda vendor_contract: vendor_contract.expected_response(Condition.BATCH_EMPTY), "answers.batch-empty"),
        (lambda vendor_contract: vendor_contract.size_limit(LimitKind.BATCH), "limits.batch"),
        (lambda vendor_contract: vendor_contract.response_body(ResponseKind.ERROR), "bodies.error"),
        (lambda vendor_contract: vendor_contract.credential_carrier(AuthScheme.BODY), "credentials.body"),
    ],
)
def test_unstated_facts_are_silent(ask: Callable[[Contract], object], name: str) -> None:
    """The reason names the profile and the fact."""
    assert not contract("segmentstream").has_fact(name)
    with pytest.raises(NotApplicable, match=rf"^the profile segmentstream does not state {name}$"):
        ask(contract("segmentstream"))


def test_a_dialect_without_pixels_is_silent_about_them() -> None:
    """A dialect with pixels names their parameter."""
    assert contract("metarouter").pixel_parameter == "data"
    with pytest.raises(NotApplicable, match=r"^the profile segment has no pixels$"):
        _ = contract().pixel_parameter


def test_a_fact_of_another_kind_is_a_fault_of_ours() -> None:
    """A check that asks a scheme without a carrier for its carrier is wrong."""
    with pytest.raises(TypeError, match=r"credentials\.basic is a Fact, not a CredentialFact"):
        contract().credential_carrier(AuthScheme.BASIC)


def test_a_batch_has_a_limit_of_its_own() -> None:
    """The body of a single event has the limit of an event."""
    event = next(item for item in contract().operations if item.kind is OperationKind.EVENT)
    assert contract().body_size_limit(event) == contract().size_limit(LimitKind.EVENT)
    assert contract().body_size_limit(batch_of("segment")) == contract().size_limit(LimitKind.BATCH)


@pytest.mark.parametrize("profile", [name for name in profile_names() if "bodies.error" in load(name).facts])
def test_a_refused_batch_may_look_different(profile: str) -> None:
    """If the profile says so; other refusals look as usual."""
    vendor_contract = contract(profile)
    shape = ResponseKind.ERROR_BATCH if vendor_contract.has_fact("bodies.error-batch") else ResponseKind.ERROR
    assert vendor_contract.error_body(batch_of(profile)) == vendor_contract.response_body(shape)
    assert vendor_contract.error_body(vendor_contract.operations[0]) == vendor_contract.response_body(
        ResponseKind.ERROR
    )


def test_the_first_scheme_is_the_profile_s_first() -> None:
    """Checks that are not about credentials use it."""
    assert contract().default_scheme is AuthScheme.BASIC


def test_a_batch_carries_what_the_documents_say() -> None:
    """Every type, if the documents name none."""
    assert contract().batch_types() == ("identify", "group", "track", "page", "screen")
    assert contract("segmentstream").batch_types() == ("track",)


def test_a_group_of_routes_can_be_left_out() -> None:
    """With its operations; a word that is no group is told, and so is a contract that would be empty."""
    whole, rest = Contract(load("segment")), Contract(load("segment"), exclude=["sdk-paths"])
    left_out = {operation.path for operation in whole.operations} - {operation.path for operation in rest.operations}
    assert left_out == {*(f"/v1/{letter}" for letter in "itpsgab"), "/v1/import", "/v1/import/"}
    with pytest.raises(UsageError, match=r"^--exclude x: the profile segment has no such group; it has sdk-paths$"):
        Contract(load("segment"), exclude=["x"])
    profile = load("segment")
    sdk_only = replace(profile, routes=tuple(route for route in profile.routes if route.exclusion))
    with pytest.raises(UsageError, match="leaves no path"):
        Contract(sdk_only, exclude=["sdk-paths"])


GROUPED = [(name, group) for name in profile_names() for group in sorted(
    {route.group for route in load(name).routes if route.group})]  # fmt: skip


@pytest.mark.parametrize(("profile", "group"), GROUPED)
def test_an_optional_group_is_off_until_it_is_included(profile: str, group: str) -> None:
    """With it, its routes are added to the others."""
    routes = {route.path for route in load(profile).routes if route.group == group}
    plain = {operation.path for operation in contract(profile).operations}
    included = {operation.path for operation in Contract(load(profile), [group]).operations}
    assert routes
    assert not routes & plain
    assert included == plain | routes


def test_some_profile_has_an_optional_group() -> None:
    """Otherwise the test above would test nothing."""
    assert GROUPED


def test_an_unknown_group_is_explained() -> None:
    """The message lists the existing groups."""
    name, group = GROUPED[0]
    with pytest.raises(UsageError, match=rf"^--include x: the profile {name} has no such group; it has .*{group}"):
        Contract(load(name), ["x"])
    with pytest.raises(UsageError, match=r"^--include x: the profile segment has no such group; it has none$"):
        Contract(load("segment"), ["x"])


def test_an_operation_is_called_by_method_and_path() -> None:
    """POST for events, GET for pixels."""
    assert str(contract().operations[0]) == "POST /v1/identify"
    pixel = next(item for item in contract("metarouter").operations if item.kind is OperationKind.PIXEL)
    assert str(pixel) == "GET /v1/pixel/track"


@pytest.mark.parametrize("kind", OperationKind)
def test_the_expected_responses_are_those_of_the_kind(kind: OperationKind) -> None:
    """A batch has no limit of a single event, and only a pixel can be answered as one."""
    operation = next(item for item in contract("metarouter").operations if item.kind is kind)
    names = {fact.name for fact in contract("metarouter").expected_responses(operation)}
    assert f"answers.{Condition.ACCEPTED}" in names
    assert (f"answers.{Condition.BATCH_EMPTY}" in names) is (kind is OperationKind.BATCH)
    assert (f"answers.{Condition.PIXEL_KEY_UNKNOWN}" in names) is (kind is OperationKind.PIXEL)
    assert (f"answers.{Condition.WEBHOOK_KEY_UNKNOWN}" in names) is (kind is OperationKind.WEBHOOK)
    assert (f"limits.{LimitKind.EVENT}" in names) is (kind is not OperationKind.BATCH)
    assert (f"limits.{LimitKind.BATCH}" in names) is (kind is OperationKind.BATCH)
    assert (f"limits.{LimitKind.BATCH_EVENT}" in names) is (kind is OperationKind.BATCH)
