"""OpenAPI documents of the vendors: valid, and as strict as their profiles."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from conformance.contract import Contract
from conformance.contract.openapi import render
from conformance.core import pointers, resources
from conformance.core.model import Level, OperationKind
from conformance.profile import load
from conformance.requests import Call, Keys
from tests.support import paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Operation
    from conformance.requests import Draft

ACME = str(paths.ACME)
PROFILES = {**{name: name for name in resources.profile_names()}, "acme": ACME}
CONTRACTS = {name: Contract(load(place)) for name, place in PROFILES.items()}
CONTRACTS["rudderstack with internal routes"] = Contract(load("rudderstack"), ["internal"])
KEYS = Keys(write_key="key", bearer="token")


def document(name: str) -> dict[str, Any]:
    """The document of a contract, as it is printed."""
    document: dict[str, Any] = json.loads(json.dumps(render(CONTRACTS[name])))
    return document


def is_valid(name: str, schema: str, value: object) -> bool:
    """Whether a value fits one of a document's schemas."""
    whole = {"$ref": f"#/components/schemas/{schema}", "components": document(name)["components"]}
    return Draft202012Validator(whole).is_valid(value)


def body_value(draft: Draft) -> dict[str, Any]:
    """The JSON of a draft's body."""
    document: dict[str, Any] = json.loads(draft.build_request().body)
    return document


def operations_of(kind: OperationKind) -> Iterator[tuple[str, Operation]]:
    """Every operation of a kind, of every contract."""
    for name, contract in CONTRACTS.items():
        for operation in contract.operations:
            if operation.kind is kind:
                yield name, operation


EVENTS = pytest.mark.parametrize(("name", "operation"), list(operations_of(OperationKind.EVENT)), ids=str)
BATCHES = pytest.mark.parametrize(("name", "operation"), list(operations_of(OperationKind.BATCH)), ids=str)


@pytest.mark.parametrize("name", CONTRACTS)
def test_is_valid_openapi(name: str) -> None:
    """A rendered document is valid OpenAPI 3.1."""
    openapi_document = document(name)
    validate(openapi_document)
    assert openapi_document["openapi"].startswith("3.1")
    assert openapi_document["info"]["title"] == CONTRACTS[name].profile.title


@pytest.mark.parametrize("name", CONTRACTS)
def test_has_every_operation(name: str) -> None:
    """Every operation of the contract is there, and no other."""
    documented = {(method.upper(), path) for path, methods in document(name)["paths"].items() for method in methods}
    assert documented == {(operation.method, operation.path) for operation in CONTRACTS[name].operations}


@pytest.mark.parametrize("name", CONTRACTS)
def test_has_the_status_of_success(name: str) -> None:
    """Every operation names the status of success, and what a refused key is answered with."""
    answers = CONTRACTS[name].profile.facts
    accepted: Any = answers["answers.accepted"]
    for methods in document(name)["paths"].values():
        for operation in methods.values():
            assert str(accepted.expect[0]) in operation["responses"]


def test_include_adds_routes() -> None:
    """Optional routes are in the document if they are included."""
    plain = set(document("rudderstack")["paths"])
    more = set(document("rudderstack with internal routes")["paths"])
    assert plain < more
    assert "/internal/v1/retl" in more - plain


@EVENTS
def test_acceptable_events_fit(name: str, operation: Operation) -> None:
    """The smallest, the fullest and the documented event fit the schema of their type."""
    call = Call(contract=CONTRACTS[name], operation=operation, keys=KEYS)
    drafts = [call.acceptable_request(), call.full_request()] + (
        [call.example_request()] if call.event_type.example else []
    )
    assert [is_valid(name, operation.event_type, body_value(draft)) for draft in drafts] == [True] * len(drafts)


@EVENTS
def test_an_event_names_its_user(name: str, operation: Operation) -> None:
    """An event without any id of its user, or with an empty one, does not fit."""
    call = Call(contract=CONTRACTS[name], operation=operation, keys=KEYS)
    identities = call.contract.identity_pointers(operation.event_type).values()
    assert not is_valid(name, operation.event_type, body_value(call.full_request().without_fields(*identities)))
    empty = call.full_request().without_fields(*identities).with_field(next(iter(identities)), "")
    assert not is_valid(name, operation.event_type, body_value(empty))


@EVENTS
def test_required_fields_are_required(name: str, operation: Operation) -> None:
    """An event without a required field does not fit; a field that is required at level MAY can be left out."""
    call = Call(contract=CONTRACTS[name], operation=operation, keys=KEYS)
    always = set(call.contract.profile.always_required)
    for pointer, answer in call.event_type.required.items():
        needed = answer.level is not Level.MAY or pointer in always
        assert (
            is_valid(name, operation.event_type, body_value(call.full_request().without_fields(pointer))) is not needed
        )
    for pointer in always:
        assert not is_valid(name, operation.event_type, body_value(call.full_request().without_fields(pointer)))


@BATCHES
def test_batches_hold_events(name: str, operation: Operation) -> None:
    """A batch is a list of complete events of known types."""
    contract = CONTRACTS[name]
    call = Call(contract=contract, operation=operation, keys=KEYS)
    drafts = [call.acceptable_request(kind) for kind in contract.batch_types()] + [
        call.full_request(*contract.batch_types())
    ]
    assert all(is_valid(name, "batch", body_value(draft)) for draft in drafts)
    assert is_valid(name, "batch", body_value(call.example_request()))
    where = pointers.split(contract.profile.pointers.type or "")
    bad = [
        call.acceptable_request().with_batch_list(),
        call.acceptable_request().with_batch_list({}),
        call.acceptable_request().with_events("event"),
        call.acceptable_request().without_fields(*contract.identity_pointers(operation.event_type).values()),
        call.acceptable_request().without_fields("/" + where[0]),
        call.acceptable_request().with_field("/" + where[0], "unknown"),
    ]
    assert not any(is_valid(name, "batch", body_value(draft)) for draft in bad)


def test_a_batch_of_what_is_not_documented() -> None:
    """A type that is not documented for batches does not fit."""
    (operation,) = (item for item in CONTRACTS["segment"].operations if item.path == "/v1/batch")
    call = Call(contract=CONTRACTS["segment"], operation=operation, keys=KEYS)
    assert is_valid("segment", "batch", body_value(call.acceptable_request("track")))
    assert not is_valid("segment", "batch", body_value(call.acceptable_request("alias")))


SECURITY: dict[str, tuple[str, str, list[dict[str, list[str]]]]] = {
    "segment": ("/v1/track", "post", [{"basic": []}, {"bearer": []}, {}]),
    "rudderstack": ("/v1/track", "post", [{"basic": []}]),
    "metarouter": ("/v1/track", "post", [{"basic": []}, {}]),
    "segmentstream": ("/track", "post", [{"basic": []}]),
    "acme": ("/collect/event", "post", [{"header": []}, {}]),
}


@pytest.mark.parametrize("name", SECURITY)
def test_ways_to_authenticate(name: str) -> None:
    """An operation has the vendor's schemes, and an empty one if the key may be in the body."""
    path, method, expected = SECURITY[name]
    assert document(name)["paths"][path][method]["security"] == expected


def test_a_header_of_its_own() -> None:
    """A header that only one vendor uses is an OpenAPI `apiKey`."""
    schemes = document("acme")["components"]["securitySchemes"]
    assert schemes == {"header": {"type": "apiKey", "in": "header", "name": "X-Acme-Key"}}


def test_pixels_and_webhooks() -> None:
    """A pixel takes its data, and a webhook its key, from the query; only the webhook has a body."""
    paths = document("metarouter")["paths"]
    pixel, webhook = paths["/v1/pixel/track"]["get"], paths["/v1/webhook"]["post"]
    assert [item["name"] for item in (*pixel["parameters"], *webhook["parameters"])] == ["data", "writeKey"]
    assert "requestBody" not in pixel
    assert webhook["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/track"}


def test_answers_are_the_operations_own() -> None:
    """A batch has responses that a single event does not have, and its own size limit."""
    paths = document("metarouter")["paths"]
    batch, track = (paths[f"/v1/{name}"]["post"]["responses"] for name in ("batch", "track"))
    assert "batch-partly-bad" in batch["207"]["description"]
    assert "207" not in track
    assert "event" in track["413"]["description"]
    assert batch["413"]["description"].endswith("batch, batch-event")
