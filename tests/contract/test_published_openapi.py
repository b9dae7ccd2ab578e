"""The document that `conformance spec` prints: nothing of the vendor's own is lost, and what is ours is marked."""

from __future__ import annotations

import copy
import json
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from openapi_spec_validator import validate
from schemathesis.core.result import Ok

from conformance import cli
from conformance.contract import Contract
from conformance.contract.published_openapi import publish
from conformance.core import pointers, resources
from conformance.profile import load
from tests.support import paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VENDOR = "rudderstack"
FACTS_FILE = Path(__file__).parent / "data" / "rudderstack_openapi_facts.json"
PROFILES = {**{name: name for name in resources.profile_names()}, "acme": str(paths.ACME)}


@cache
def published(name: str) -> dict[str, Any]:
    """The document of a profile with all its optional routes."""
    profile = load(PROFILES[name])
    groups = {route.group for route in profile.routes if route.group}
    document: dict[str, Any] = json.loads(json.dumps(publish(Contract(profile, groups))))
    return document


@cache
def vendor_facts() -> dict[str, Any]:
    """Names, statuses, media types, examples and properties of the vendor's own document."""
    facts: dict[str, Any] = json.loads(FACTS_FILE.read_text("utf-8"))
    return facts


def losses(document: dict[str, Any]) -> list[str]:
    """What the vendor's document has and another one lacks, or says otherwise."""
    paths = vendor_facts()["operations"]
    found = [*losses_of_names(document), *losses_of_schemas(document["components"]["schemas"])]
    if document["paths"].keys() != paths.keys():
        found.append("paths")
    return found + [
        f"{path}: {loss}"
        for path, stated in paths.items()
        for loss in operation_losses(document["paths"].get(path, {}), stated)
    ]


def losses_of_names(document: dict[str, Any]) -> Iterator[str]:
    """What is lost of the information on the API, and of its security schemes."""
    facts = vendor_facts()
    for key, value in facts["info"].items():
        ours = document["info"].get(key, {})
        if (sorted(ours) if key == "contact" else ours) != value:
            yield f"info.{key}"
    for name, value in facts["securitySchemes"].items():
        if not value.items() <= document["components"]["securitySchemes"].get(name, {}).items():
            yield f"security scheme {name}"


def losses_of_schemas(schemas: dict[str, Any]) -> Iterator[str]:
    """What is lost of the properties of payloads."""
    facts = vendor_facts()
    for name, properties in facts["schemas"].items():
        for pointer, kind in properties.items():
            if not has_property(schemas.get(name, {}), pointer, kind):
                yield f"{name}{pointer}"
    items = [
        part["$ref"].rpartition("/")[2] for item in batch_items(schemas) for part in item["allOf"] if "$ref" in part
    ]
    if {name for name in facts["schemas"] if name != "BatchPayload"} != {*items}:
        yield "the payloads of a batch"
    if "batch" not in schemas["BatchPayload"]["required"]:
        yield "BatchPayload requires batch"
    for pointer, kind in facts["batch_items"].items():
        if not any(has_property(schemas[name], pointer, kind) for name in items):
            yield f"an item of a batch: {pointer}"


def batch_items(schemas: dict[str, Any]) -> list[dict[str, Any]]:
    """The alternatives for an item of a batch."""
    found: list[dict[str, Any]] = pointers.get(schemas["BatchPayload"], "/properties/batch/items/anyOf")  # type: ignore[assignment] # a schema
    return found


def has_property(schema: dict[str, Any], pointer: str, kind: str) -> bool:
    """Whether a schema has a property of a type, or of a text's format."""
    place = pointer.replace("/", "/properties/")
    found: Any = pointers.get(schema, place) if pointers.has(schema, place) else {}
    return kind in {found.get("type"), found.get("format")}


def operation_losses(methods: dict[str, Any], stated: dict[str, Any]) -> Iterator[str]:
    """What the vendor says of a call and a document does not."""
    ours = methods.get("post", {})
    for key in ("operationId", "summary", "tags"):
        if ours.get(key) != stated[key]:
            yield key
    if [name for item in ours.get("security", ()) for name in item] != stated["security"]:
        yield "security"
    body = ours.get("requestBody")
    reference = body and body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    if reference != stated["body"] or (body and not body["required"]):
        yield "requestBody"
    for status, answer in stated["responses"].items():
        media = ours.get("responses", {}).get(status, {}).get("content", {}).get(answer["media_type"], {})
        if (media.get("example"), media.get("schema")) != (answer["example"], {"type": "string"}):
            yield f"response {status}"
    for status, answer in ours.get("responses", {}).items():
        if status not in stated["responses"] and "x-source" not in answer:
            yield f"response {status} is not marked as ours"


def test_nothing_of_the_vendors_document_is_lost() -> None:
    """Users of the vendor's own document find every name, status, media type, example and property in it."""
    assert losses(published(VENDOR)) == []


def rename_operation(document: dict[str, Any]) -> None:
    """Loses the name that generated clients have."""
    document["paths"]["/v1/track"]["post"]["operationId"] = "track"


def drop_answer(document: dict[str, Any]) -> None:
    """Loses a status."""
    del document["paths"]["/internal/v1/retl"]["post"]["responses"]["404"]


def unmark(document: dict[str, Any]) -> None:
    """Passes a status of HTTP off as the vendor's."""
    del document["paths"]["/internal/v1/batch"]["post"]["responses"]["415"]["x-source"]


def drop_property(document: dict[str, Any]) -> None:
    """Loses a property."""
    del document["components"]["schemas"]["GroupPayload"]["properties"]["context"]["properties"]["ip"]


def drop_scheme(document: dict[str, Any]) -> None:
    """Loses a security scheme."""
    del document["components"]["securitySchemes"]["sourceIDAuth"]


@pytest.mark.parametrize(
    ("lose", "named"),
    [
        (rename_operation, "/v1/track: operationId"),
        (drop_answer, "/internal/v1/retl: response 404"),
        (unmark, "/internal/v1/batch: response 415 is not marked as ours"),
        (drop_property, "GroupPayload/context/ip"),
        (drop_scheme, "security scheme sourceIDAuth"),
    ],
)
def test_a_loss_is_noticed(lose: Callable[[dict[str, Any]], None], named: str) -> None:
    """Else the comparison would prove nothing."""
    document = copy.deepcopy(published(VENDOR))
    lose(document)
    assert losses(document) == [named]


@pytest.mark.parametrize("name", PROFILES)
def test_the_tools_of_others_take_it(name: str) -> None:
    """It is valid OpenAPI, and schemathesis finds every call in it."""
    document = published(name)
    validate(document)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schema = schemathesis.openapi.from_dict(document)
        labels = {result.ok().label for result in schema.get_all_operations() if isinstance(result, Ok)}
    assert labels == {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}


def test_a_key_in_the_body_is_a_field_of_every_payload() -> None:
    """Where the vendor takes it there, clients made from the document can send it."""
    schemas = published("segment")["components"]["schemas"]
    assert all(schema["properties"]["writeKey"]["type"] == "string" for schema in schemas.values())
    assert "batch" in schemas
    assert not any("writeKey" in schema["properties"] for schema in published(VENDOR)["components"]["schemas"].values())


def test_fields_that_only_clients_know_are_marked() -> None:
    """A reader sees which fields no document of the vendor has."""
    track = published("segment")["components"]["schemas"]["track"]["properties"]
    assert "Requests recorded" in track["sentAt"]["x-source"][0]
    assert "x-source" not in track["event"]


def test_answers_of_a_call_are_its_own() -> None:
    """What is answered to other methods and paths is none of them; a 429 has the headers that are promised."""
    for name in PROFILES:
        for methods in published(name)["paths"].values():
            assert not any("405" in operation["responses"] for operation in methods.values())
    refused = published("segment")["paths"]["/v1/track"]["post"]["responses"]["429"]
    assert {key: item["required"] for key, item in refused["headers"].items()} == {
        "Retry-After": True,
        "X-RateLimit-Reset": True,
    }
    partly = published("metarouter")["paths"]["/v1/batch"]["post"]["responses"]["207"]["content"]["application/json"]
    assert "Success" in partly["schema"]["properties"]


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    """With the vendor's version and terms."""
    assert cli.main(["spec", "--profile", VENDOR, "--include", "internal"]) == 0
    assert json.loads(capsys.readouterr().out) == published(VENDOR)
