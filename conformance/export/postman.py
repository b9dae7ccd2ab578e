"""An export as a Postman collection, format 2.1, which newman runs."""

from __future__ import annotations

import json
import uuid
from importlib.resources import files
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from conformance.core.text import to_json_text
from conformance.export.limitations import Limitation, OmissionReason
from conformance.export.request_template import OTHER_CASE_KEY_PLACEHOLDER, PLACEHOLDER_PATTERN, RepeatedText
from conformance.profile.facts import ResponseBody
from conformance.wire import USER_AGENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.core.model import Json, JsonObject
    from conformance.export.exported_checks import Export, ExportedCheck, ExportedRequest
    from conformance.export.request_template import RequestTemplate

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_NAMESPACE = uuid.UUID("0e0b8a52-6a3a-5a55-8f54-3c4c2c9b7d10")
_DEFAULT_HEADERS = (("User-Agent", USER_AGENT), ("Accept-Encoding", "identity"))
_SKIP_KEY_WITHOUT_LETTERS = (
    "if (pm.variables.get('writeKeySwapped') === pm.variables.get('writeKey')) pm.execution.skipRequest();"
)
"""A key without letters does not change when the case is swapped."""
_ANNOTATION_PREFIX = "x-"
"""Keywords of the suite's own, which mean nothing to a validator."""
_SUPPORTED_SCHEMA_KEYWORDS = frozenset(
    (
        *("additionalProperties", "allOf", "anyOf", "const", "description", "enum", "examples", "items"),
        *("maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum", "not", "oneOf"),
        *("properties", "required", "title", "type"),
    )
)
"""The keywords of JSON Schema that mean the same in the earlier draft of Postman's validator.

A pattern does, but may take it exponential time.
"""


def render(export: Export, version: str) -> str:
    """A collection. Its variables `baseUrl` and `writeKey` must be set before it is run."""
    document: JsonObject = {
        "info": {
            "_postman_id": str(uuid.uuid5(_NAMESPACE, f"{export.profile.name} {export.gate}")),
            "name": f"{export.profile.title}: conformance",
            "description": _description(export, version),
            "schema": SCHEMA,
        },
        "variable": [{"key": "baseUrl", "value": ""}, {"key": "writeKey", "value": ""}],
        "event": [
            _script_event("prerequest", _script_lines("prepare.js")),
            _script_event("test", _script_lines("judge.js")),
        ],
        "protocolProfileBehavior": {
            "disableBodyPruning": True,
            "disableCookies": True,
            "disableUrlEncoding": True,
            "followRedirects": False,
        },
        "item": [_area_folder(area, list(checks)) for area, checks in groupby(export.checks, attrgetter("area"))],
    }
    return to_json_text(document, indent=1) + "\n"


def find_limitation(check: ExportedCheck) -> Limitation | None:
    """The reason why a collection can't hold a check, if there is one."""
    if check.has_binary_body:
        return Limitation(OmissionReason.BINARY_BODY, "a collection")
    bodies = [request.expectation.body for request in check.requests]
    if not all(_is_supported_schema(body.schema) for body in bodies if isinstance(body, ResponseBody)):
        return Limitation(OmissionReason.UNSUPPORTED_SCHEMA)
    return None


def _is_supported_schema(schema: Any) -> bool:  # noqa: ANN401 - a JSON Schema is any JSON
    """Whether a JSON Schema means the same to Postman's validator."""
    if not isinstance(schema, dict):
        return True
    subschemas = [schema.get(name) for name in ("additionalProperties", "items", "not")]
    subschemas += schema.get("properties", {}).values()
    subschemas += [item for name in ("allOf", "anyOf", "oneOf") for item in schema.get(name, ())]
    keywords = {name for name in schema if not name.startswith(_ANNOTATION_PREFIX)}
    return keywords <= _SUPPORTED_SCHEMA_KEYWORDS and all(map(_is_supported_schema, subschemas))


def _area_folder(area: str, exported_checks: Iterable[ExportedCheck]) -> JsonObject:
    """A folder of an area, with one for each check."""
    folders: list[Json] = []
    for check_id, group in groupby(exported_checks, attrgetter("id")):
        requests: list[Json] = [
            _request_item(check, number, request) for check in group for number, request in enumerate(check.requests, 1)
        ]
        folders.append({"name": check_id, "item": requests})
    return {"name": area, "item": folders}


def _request_item(check: ExportedCheck, number: int, exported_request: ExportedRequest) -> JsonObject:
    """A request with its scripts."""
    template = exported_request.template
    headers = [*template.headers]
    headers += [(name, value) for name, value in _DEFAULT_HEADERS if template.header(name) is None]
    request: dict[str, Json] = {
        "method": template.method,
        "header": [{"key": name, "value": value} for name, value in headers],
        "url": _request_url(template),
        "description": _request_description(check),
    }
    if template.pieces:
        request["body"] = {"mode": "raw", "raw": template.body_text if template.has_no_repetitions else "{{body}}"}
    item: dict[str, Json] = {
        "name": check.request_name(number),
        "event": [_script_event("prerequest", _prerequest_script(exported_request))],
        "request": request,
    }
    if template.header("content-type") is None:
        item["protocolProfileBehavior"] = {"disabledSystemHeaders": {"content-type": True}}
    return item


def _prerequest_script(request: ExportedRequest) -> list[str]:
    """The script of a request: it sets the expectation, and the values that the request can only refer to."""
    lines = [f"pm.variables.set('expected', {_javascript_string(json.dumps(request.expectation.as_json()))});"]
    for name, text in request.template.base64_placeholders:
        value = f"Buffer.from(pm.variables.replaceIn({_javascript_string(text)})).toString('base64')"
        lines += [
            f"pm.variables.set('{name}', {value});",
            f"pm.variables.set('{name}Encoded', encodeURIComponent(pm.variables.get('{name}')));",
        ]
    if request.template.has_placeholder(OTHER_CASE_KEY_PLACEHOLDER):
        lines.append(_SKIP_KEY_WITHOUT_LETTERS)
    if not request.template.has_no_repetitions:
        pieces = " + ".join(
            f"{_javascript_string(piece.unit)}.repeat({piece.times})"
            if isinstance(piece, RepeatedText)
            else _javascript_string(piece)
            for piece in request.template.pieces
        )
        lines.append(f"pm.variables.set('body', {pieces});")
    return lines


def _request_url(template: RequestTemplate) -> str:
    """The URL: literal parts are percent-encoded, placeholders stand for values that the scripts encode."""
    return f"{{{{baseUrl}}}}{template.path}{template.query_string(_encode_query_value)}"


def _encode_query_value(value: str) -> str:
    """A value of the query, with placeholders for encoded values."""
    encoded, end = "", 0
    for placeholder in PLACEHOLDER_PATTERN.finditer(value):
        encoded += quote(value[end : placeholder.start()], safe="") + f"{placeholder[0][:-2]}Encoded}}}}"
        end = placeholder.end()
    return encoded + quote(value[end:], safe="")


def _script_event(listen: str, lines: list[str]) -> JsonObject:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": [*lines]}}


def _script_lines(name: str) -> list[str]:
    """The lines of a script that runs with every request."""
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8").splitlines()


def _javascript_string(text: str) -> str:
    """A text as a JavaScript literal."""
    return json.dumps(text)


def _request_description(check: ExportedCheck) -> str:
    """The title, level and sources of a check."""
    lines = [check.title, f"Level: {check.level}."]
    lines += [
        f"{source}{f': {source.says}' if source.says else ''}{f' {source.url}' if source.url else ''}"
        for source in dict.fromkeys(check.sources)
    ]
    return "\n\n".join(lines)


def _description(export: Export, version: str) -> str:
    """How to run the collection, and what is in it."""
    return (
        "Set `baseUrl` and `writeKey`, and run all of it, in order. Each folder is a "
        "check, and can be run alone. The first broken promise ends a check; the rest of it is skipped.\n\n"
        f"Made by ingest-conformance {version}: {export.summary}"
    )
