"""Publishes a contract as the OpenAPI document that the vendor's users know: its names, and the bodies of answers.

What no document of the vendor has is marked with `x-source`, which says where it comes from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.contract.openapi import reason_phrase, render
from conformance.core import pointers
from conformance.core.model import JsonObject, Level
from conformance.profile.body_format import BodyFormat
from conformance.profile.facts import (
    CUSTOMARY_FIELDS,
    AuthScheme,
    Condition,
    ExpectedResponse,
    ResponseBody,
    ResponseKind,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.contract import Contract, Operation
    from conformance.core.model import Source

_NOT_OF_THE_CALL = frozenset({f"answers.{Condition.METHOD_WRONG}", f"answers.{Condition.PATH_UNKNOWN}"})
"""What is answered to other methods and paths, and therefore never by the call itself."""
_TEXT: JsonObject = {"type": "string"}
_NUMBER: JsonObject = {"type": "integer", "minimum": 0}
_SCHEMA_PREFIX = "#/components/schemas/"


def publish(contract: Contract) -> JsonObject:
    """The OpenAPI 3.1 document of a contract, for people and for generators of clients."""
    names = contract.profile.openapi_names
    document: Any = render(contract)
    for operation in contract.operations:
        rendered = document["paths"][operation.path][operation.method.lower()]
        _complete_operation(contract.for_operation(operation), operation, rendered)
    _complete_schemas(contract, document["components"]["schemas"])
    document["info"].update(names.info)
    tags = dict.fromkeys(named.tag for named in names.operations.values() if named.tag)
    used = {tag for methods in document["paths"].values() for item in methods.values() for tag in item.get("tags", ())}
    if used:
        document["tags"] = [{"name": tag} for tag in tags if tag in used]
    return _renamed(document, names.schemas, names.security_schemes)


def _complete_operation(contract: Contract, operation: Operation, rendered: dict[str, Any]) -> None:
    """Adds the vendor's names of a call, and the bodies of its answers."""
    rendered["responses"] = _responses(contract, operation)
    named = contract.profile.openapi_names.operations.get(operation.path)
    if named is None:
        return
    rendered["operationId"] = named.operation_id
    if named.summary:
        rendered["summary"] = named.summary
    if named.tag:
        rendered["tags"] = [named.tag]
    if not named.body:
        rendered.pop("requestBody", None)


def _responses(contract: Contract, operation: Operation) -> JsonObject:
    """The answers of a call by status: the facts that name them, their bodies, and what is not the vendor's own."""
    stated = [fact for fact in contract.expected_responses(operation) if fact.name not in _NOT_OF_THE_CALL]
    facts_by_status: dict[int, list[ExpectedResponse]] = {}
    for fact in stated:
        for status in fact.statuses:
            facts_by_status.setdefault(status, []).append(fact)
    return {
        str(status): _response(contract, operation, status, facts_by_status[status])
        for status in sorted(facts_by_status)
    }


def _response(contract: Contract, operation: Operation, status: int, facts: Iterable[ExpectedResponse]) -> JsonObject:
    """The answer with one status."""
    names = [fact.name.partition(".")[2] for fact in facts]
    response: JsonObject = {"description": f"{reason_phrase(status)}: {', '.join(dict.fromkeys(names))}"}
    shape = _body_of(contract, operation, status, names)
    content = _content(contract, shape, status) if shape else {}
    if content:
        response["content"] = content
    headers = _rate_headers(contract) if Condition.RATE_EXCEEDED in names else {}
    if headers:
        response["headers"] = headers
    sources = [source for fact in facts for source in _sources_of_status(fact, status)]
    return {**response, **_marked(contract, sources)}


def _sources_of_status(fact: ExpectedResponse, status: int) -> list[Source]:
    tolerated = [item.source for item in fact.tolerate if item.status == status]
    return tolerated if status not in fact.expect else [*fact.sources]


def _marked(contract: Contract, sources: Iterable[Source]) -> JsonObject:
    """The mark of what comes from elsewhere; nothing for what one of the profile's documents has."""
    texts = list(dict.fromkeys(map(str, sources)))
    if any(source.document in contract.profile.document_titles.values() for source in sources):
        return {}
    return {"x-source": [*texts]}


def _body_of(contract: Contract, operation: Operation, status: int, names: list[str]) -> ResponseBody | None:
    """What the body of an answer looks like, if the profile says so."""
    kind = ResponseKind.ERROR
    if status < 300:
        is_partial = Condition.BATCH_PARTLY_BAD in names and Condition.ACCEPTED not in names
        kind = ResponseKind.PARTLY_BAD if is_partial else ResponseKind.ACCEPTED
    if not contract.has_fact(f"bodies.{kind}"):
        return None
    return contract.error_body(operation) if kind is ResponseKind.ERROR else contract.response_body(kind)


def _content(contract: Contract, shape: ResponseBody, status: int) -> JsonObject:
    """The content object of an answer: its media type, schema and example."""
    if shape.body_format is BodyFormat.EMPTY:
        return {}
    is_json = shape.body_format is BodyFormat.JSON
    media_type = shape.media_type or ("application/json" if is_json else "text/plain")
    media: dict[str, Any] = {"schema": (shape.schema or {"type": "object"}) if is_json else _TEXT}
    name = f"bodies.{ResponseKind.ACCEPTED_TEXT}"
    success_text = contract.response_body(ResponseKind.ACCEPTED_TEXT).text if contract.has_fact(name) else None
    example = shape.examples.get(str(status)) or (success_text if status < 300 else None)
    if example:
        media["example"] = example
    content: JsonObject = {f"{media_type}; charset={shape.charset}" if shape.charset else media_type: media}
    return {**content, "application/json": {}} if shape.body_format is BodyFormat.MESSAGE else content


def _rate_headers(contract: Contract) -> JsonObject:
    """The headers of a 429 that a document promises."""
    return {
        fact.name.rpartition(".")[2]: {
            "required": fact.level is Level.MUST,
            "description": "How many seconds to wait.",
            "schema": _TEXT if fact.may_be_date else _NUMBER,
        }
        for fact in contract.rate_headers
        if fact.level is not Level.MAY
    }


def _complete_schemas(contract: Contract, schemas: dict[str, Any]) -> None:
    """Adds the key that a body may carry, and marks the fields that only clients know."""
    field: Any
    for schema in schemas.values():
        if contract.has_fact(f"credentials.{AuthScheme.BODY}"):
            _add_key(schema, contract.credential_carrier(AuthScheme.BODY))
        if contract.has_fact(CUSTOMARY_FIELDS):
            sources = [*map(str, contract.fact(CUSTOMARY_FIELDS).sources)]
            for pointer in contract.customary_pointers:
                place = pointer.replace("/", "/properties/")
                if pointers.has(schema, place):
                    field = pointers.get(schema, place)
                    field["x-source"] = sources


def _add_key(schema: dict[str, Any], pointer: str) -> None:
    """Adds the field of the write key to a schema."""
    *parents, last = pointers.split(pointer)
    for step in parents:
        schema = schema.setdefault("properties", {}).setdefault(step, {"type": "object"})
    description = "The write key, where nothing else in the request carries it."
    schema.setdefault("properties", {})[last] = {"type": "string", "description": description}


def _renamed(document: JsonObject, schemas: Mapping[str, str], security_schemes: Mapping[str, str]) -> JsonObject:
    """The document with the vendor's names of its schemas and security schemes."""
    components: Any = document["components"]
    components["schemas"] = {schemas.get(name, name): item for name, item in components["schemas"].items()}
    if "securitySchemes" in components:
        components["securitySchemes"] = {
            security_schemes.get(name, name): item for name, item in components["securitySchemes"].items()
        }
    new_references = {f"{_SCHEMA_PREFIX}{name}": f"{_SCHEMA_PREFIX}{new}" for name, new in schemas.items()}
    paths: Any = document["paths"]
    for methods in paths.values():
        for operation in methods.values():
            for requirement in operation.get("security", ()):
                for name in [*requirement]:
                    requirement[security_schemes.get(name, name)] = requirement.pop(name)
    return dict(_with_references(document, new_references))


def _with_references(value: Any, new_references: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    """A value with other references to schemas."""
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str):
            return {**value, "$ref": new_references.get(reference, reference)}
        return {key: _with_references(item, new_references) for key, item in value.items()}
    return [_with_references(item, new_references) for item in value] if isinstance(value, list) else value
