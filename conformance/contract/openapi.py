"""Renders a contract as an OpenAPI document."""

from __future__ import annotations

import copy
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from conformance.contract import schemas
from conformance.core import pointers
from conformance.core.model import Json, JsonObject, Level, OperationKind
from conformance.profile import base_openapi
from conformance.profile.facts import AuthScheme

if TYPE_CHECKING:
    from conformance.contract import Contract, Operation

_JSON = "application/json"


def render(contract: Contract) -> JsonObject:
    """The OpenAPI 3.1 document of a contract: paths, payloads, statuses and security schemes."""
    base = base_openapi()
    profile = contract.profile
    paths: dict[str, Any] = {}
    for operation in contract.operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _render_operation(
            contract.for_operation(operation), operation
        )
    components: JsonObject = {"schemas": _component_schemas(contract)}
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


def _render_operation(contract: Contract, operation: Operation) -> JsonObject:
    """The operation object: parameters, request body, responses and security."""
    source_list = "; ".join(str(source) for source in operation.sources)
    rendered: JsonObject = {
        "operationId": operation.method.lower() + operation.path.replace("-", "--").replace("/", "-"),
        "summary": f"{operation.event_type} ({operation.kind})",
        "description": f"Documented in {source_list}." if source_list else "",
        "responses": {**_responses(contract, operation)},
    }
    names = _query_parameters(contract, operation)
    if names:
        rendered["parameters"] = [
            {"name": name, "in": "query", "required": True, "schema": {"type": "string"}} for name in names
        ]
    if operation.kind is not OperationKind.PIXEL:
        name = "batch" if operation.kind is OperationKind.BATCH else operation.event_type
        schema: JsonObject = {"$ref": f"#/components/schemas/{name}"}
        rendered["requestBody"] = {"required": True, "content": {_JSON: {"schema": schema}}}
    security = _security_requirements(contract, operation)
    if security:
        rendered["security"] = [*security]
    return rendered


def _query_parameters(contract: Contract, operation: Operation) -> list[str]:
    """The names of an operation's query parameters."""
    if operation.kind is OperationKind.PIXEL and contract.profile.pixel:
        return [contract.profile.pixel.parameter]
    if operation.kind is OperationKind.WEBHOOK:
        return [contract.credential_carrier(AuthScheme.QUERY)]
    return []


def _responses(contract: Contract, operation: Operation) -> dict[str, Json]:
    """The responses object: every status that the contract expects or tolerates, with the facts that name it."""
    names_by_status: dict[str, list[str]] = {}
    for fact in contract.expected_responses(operation):
        for status in fact.statuses:
            names_by_status.setdefault(str(status), []).append(fact.name.partition(".")[2])
    return {
        status: {"description": f"{reason_phrase(int(status))}: {', '.join(dict.fromkeys(names))}"}
        for status, names in sorted(names_by_status.items())
    }


def reason_phrase(status: int) -> str:
    """The reason phrase of a status, such as `Not Found`."""
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Status of the vendor's own"


def _component_schemas(contract: Contract) -> JsonObject:
    """One schema for each event type, and one for a batch."""
    rendered: JsonObject = {name: _event_schema(contract, name) for name in contract.profile.events}
    if any(operation.kind is OperationKind.BATCH for operation in contract.operations):
        rendered["batch"] = _batch_schema(contract)
    return rendered


def _event_schema(contract: Contract, name: str) -> JsonObject:
    """The schema of an event, with its required fields and at least one user id."""
    schema = contract.event_schema(name)
    for pointer, answer in contract.event_type(name).required.items():
        if answer.level is not Level.MAY:
            schema = schemas.with_required(schema, pointer)
    for pointer in contract.profile.always_required:
        schema = schemas.with_required(schema, pointer)
    alternatives = [_require_text_at(pointer) for pointer in contract.identity_pointers(name).values()]
    return {**schema, "anyOf": [*alternatives]}


def _require_text_at(pointer: str) -> JsonObject:
    """A schema of objects that have a non-empty text at a pointer."""
    return _require_schema_at(pointer, {"type": "string", "minLength": 1})


def _require_schema_at(pointer: str, schema: JsonObject) -> JsonObject:
    """A schema of objects that have, at a pointer, a value that fits a given schema."""
    for step in reversed(pointers.split(pointer)):
        schema = {"type": "object", "required": [step], "properties": {step: schema}}
    return schema


def _batch_schema(contract: Contract) -> JsonObject:
    """The schema of a batch: a list of events of the types that a batch may carry, and shared fields."""
    shape = contract.profile.batch
    items = [_batch_item_schema(contract, name) for name in contract.batch_types()]
    schema: Any = schemas.with_required({"type": "object"}, shape.pointer)
    list_schema = schema
    for step in pointers.split(shape.pointer):
        list_schema = list_schema["properties"][step]
    list_schema.update({"type": "array", "items": {"anyOf": items}})
    first_event_schema = contract.event_schema(next(iter(contract.batch_types())))
    for pointer in shape.shared:
        (name,) = pointers.split(pointer)[:1]
        schema["properties"].setdefault(name, copy.deepcopy(schemas.subschema(first_event_schema, f"/{name}")))
    return dict(schema)


def _batch_item_schema(contract: Contract, name: str) -> JsonObject:
    """The schema of one event in a batch, with its type in the field that this dialect uses, if any."""
    reference: JsonObject = {"$ref": f"#/components/schemas/{name}"}
    pointer = contract.profile.pointers.type
    if pointer is None:
        return reference
    return {"allOf": [reference, _require_schema_at(pointer, {"const": name})]}


def _security_schemes(contract: Contract) -> dict[str, JsonObject]:
    """The security schemes of a contract. OpenAPI can't express a key in the body, so it is left out."""
    rendered: dict[str, JsonObject] = {}
    if contract.has_fact(f"credentials.{AuthScheme.BASIC}"):
        rendered["basic"] = {"type": "http", "scheme": "basic", "description": "The write key is the user name."}
    if contract.has_fact(f"credentials.{AuthScheme.SOURCE_ID}"):
        description = "The id of a source is the user name."
        rendered[AuthScheme.SOURCE_ID] = {"type": "http", "scheme": "basic", "description": description}
    if contract.has_fact(f"credentials.{AuthScheme.BEARER}"):
        rendered["bearer"] = {"type": "http", "scheme": "bearer"}
    for scheme in (AuthScheme.HEADER, AuthScheme.QUERY):
        if contract.has_fact(f"credentials.{scheme}"):
            name = contract.credential_carrier(scheme)
            rendered[scheme.value] = {"type": "apiKey", "in": scheme.value, "name": name}
    if AuthScheme.HEADER in rendered and contract.credential_prefix.lower() == "bearer ":
        rendered[AuthScheme.HEADER] = {
            "type": "http",
            "scheme": "bearer",
            "description": "The write key is the token.",
        }
    return rendered


def _security_requirements(contract: Contract, operation: Operation) -> list[JsonObject]:
    """The alternative schemes of an operation; `{}`, if the key may be in the body instead."""
    if operation.kind is OperationKind.WEBHOOK:
        return []
    requirements: list[JsonObject] = [{name: []} for name in _security_schemes(contract) if name != AuthScheme.QUERY]
    return [*requirements, {}] if contract.has_fact(f"credentials.{AuthScheme.BODY}") else requirements
