"""A vendor's own OpenAPI document, rendered from the common API and the contract."""

from __future__ import annotations

import copy
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from conformance import pointers
from conformance.contract import schemas
from conformance.model import Json, JsonObject, Kind, Level
from conformance.profile import base_openapi
from conformance.profile.facts import Answer, Limit, Scheme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract, Operation

_JSON = "application/json"


def render(contract: Contract) -> JsonObject:
    """The OpenAPI 3.1 document of a contract: its paths, payloads, statuses and ways to authenticate."""
    base = base_openapi()
    profile = contract.profile
    paths: dict[str, Any] = {}
    for operation in contract.operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(contract, operation)
    components: JsonObject = {"schemas": _schemas(contract)}
    schemes = _security_schemes(contract)
    if schemes:
        components["securitySchemes"] = {**schemes}
    return {
        "openapi": base["openapi"],
        "info": {
            "title": profile.title,
            "version": base["info"]["version"],
            "description": f"What the profile {profile.name} of ingest-conformance asks of a server.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": components,
    }


def _operation(contract: Contract, operation: Operation) -> JsonObject:
    """One operation: what it takes, and what it answers."""
    said = "; ".join(str(source) for source in operation.sources)
    rendered: JsonObject = {
        "operationId": operation.method.lower() + operation.path.replace("-", "--").replace("/", "-"),
        "summary": f"{operation.type} ({operation.kind})",
        "description": f"Documented in {said}." if said else "",
        "responses": {**_responses(contract, operation)},
    }
    names = _parameters(contract, operation)
    if names:
        rendered["parameters"] = [
            {"name": name, "in": "query", "required": True, "schema": {"type": "string"}} for name in names
        ]
    if operation.kind is not Kind.PIXEL:
        name = "batch" if operation.kind is Kind.BATCH else operation.type
        schema: JsonObject = {"$ref": f"#/components/schemas/{name}"}
        rendered["requestBody"] = {"required": True, "content": {_JSON: {"schema": schema}}}
    security = _security(contract, operation)
    if security:
        rendered["security"] = [*security]
    return rendered


def _parameters(contract: Contract, operation: Operation) -> list[str]:
    """The query parameters of an operation."""
    if operation.kind is Kind.PIXEL and contract.profile.pixel:
        return [contract.profile.pixel.parameter]
    if operation.kind is Kind.WEBHOOK:
        return [contract.credential_key(Scheme.QUERY)]
    return []


def _responses(contract: Contract, operation: Operation) -> dict[str, Json]:
    """Each status that the contract speaks of for this kind of operation, and when it comes."""
    found: dict[str, list[str]] = {}
    for fact in answers(contract, operation):
        for status in fact.statuses:
            found.setdefault(str(status), []).append(fact.name.partition(".")[2])
    return {
        status: {"description": f"{_phrase(int(status))}: {', '.join(dict.fromkeys(names))}"}
        for status, names in sorted(found.items())
    }


def _phrase(status: int) -> str:
    """What HTTP calls a status."""
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Status of the vendor's own"


def answers(contract: Contract, operation: Operation) -> Iterator[Answer]:
    """The facts about statuses that concern an operation."""
    foreign = {"batch": Kind.BATCH, "pixel": Kind.PIXEL, "webhook": Kind.WEBHOOK, "batch-event": Kind.BATCH}
    for fact in contract.profile.facts.values():
        word = fact.name.partition(".")[2]
        kind = foreign.get(word, foreign.get(word.partition("-")[0]))
        own_limit = not isinstance(fact, Limit) or (word == "event") is not (operation.kind is Kind.BATCH)
        if isinstance(fact, Answer) and kind in {None, operation.kind} and own_limit:
            yield fact
    yield from contract.event(operation.type).required.values()


def _schemas(contract: Contract) -> JsonObject:
    """A schema for each event type, and one for a batch of them."""
    found: JsonObject = {name: _event(contract, name) for name in contract.profile.events}
    if any(operation.kind is Kind.BATCH for operation in contract.operations):
        found["batch"] = _batch(contract)
    return found


def _event(contract: Contract, name: str) -> JsonObject:
    """An event with what the documents require of it: fields, and one of the ids of its user."""
    schema = contract.event_schema(name)
    for pointer, answer in contract.event(name).required.items():
        if answer.level is not Level.MAY:
            schema = schemas.require(schema, pointer)
    for pointer in contract.profile.always:
        schema = schemas.require(schema, pointer)
    named = [_named(pointer) for pointer in contract.identities(name).values()]
    return {**schema, "anyOf": [*named]}


def _named(pointer: str) -> JsonObject:
    """A schema of objects with a text at a pointer that is not empty."""
    return _holding(pointer, {"type": "string", "minLength": 1})


def _holding(pointer: str, schema: JsonObject) -> JsonObject:
    """A schema of objects in which what a pointer points at fits a schema."""
    for step in reversed(pointers.steps(pointer)):
        schema = {"type": "object", "required": [step], "properties": {step: schema}}
    return schema


def _batch(contract: Contract) -> JsonObject:
    """A batch: a list of events, each of a type that a batch may carry."""
    shape = contract.profile.batch
    items = [_item(contract, name) for name in contract.batch_types()]
    schema: Any = schemas.require({"type": "object"}, shape.pointer)
    inner = schema
    for step in pointers.steps(shape.pointer):
        inner = inner["properties"][step]
    inner.update({"type": "array", "items": {"anyOf": items}})
    first = contract.event_schema(next(iter(contract.batch_types())))
    for pointer in shape.shared:
        (name,) = pointers.steps(pointer)[:1]
        schema["properties"].setdefault(name, copy.deepcopy(schemas.at(first, f"/{name}")))
    return dict(schema)


def _item(contract: Contract, name: str) -> JsonObject:
    """An event of a type, which names its type where this dialect's events do."""
    reference: JsonObject = {"$ref": f"#/components/schemas/{name}"}
    pointer = contract.profile.pointers.type
    if pointer is None:
        return reference
    return {"allOf": [reference, _holding(pointer, {"const": name})]}


def _security_schemes(contract: Contract) -> dict[str, JsonObject]:
    """The ways to authenticate that OpenAPI has words for; a key in the body is not one of them."""
    found: dict[str, JsonObject] = {}
    if contract.states(f"credentials.{Scheme.BASIC}"):
        found["basic"] = {"type": "http", "scheme": "basic", "description": "The write key is the user name."}
    if contract.states(f"credentials.{Scheme.BEARER}"):
        found["bearer"] = {"type": "http", "scheme": "bearer"}
    for scheme in (Scheme.HEADER, Scheme.QUERY):
        if contract.states(f"credentials.{scheme}"):
            name = contract.credential_key(scheme)
            found[scheme.value] = {"type": "apiKey", "in": scheme.value, "name": name}
    if Scheme.HEADER in found and contract.key_prefix.lower() == "bearer ":
        found[Scheme.HEADER] = {
            "type": "http",
            "scheme": "bearer",
            "description": "The write key is the token.",
        }
    return found


def _security(contract: Contract, operation: Operation) -> list[JsonObject]:
    """The schemes that an operation takes, any one of them; an empty one where the body may carry the key."""
    if operation.kind is Kind.WEBHOOK:
        return []
    found: list[JsonObject] = [{name: []} for name in _security_schemes(contract) if name != Scheme.QUERY]
    return [*found, {}] if contract.states(f"credentials.{Scheme.BODY}") else found
