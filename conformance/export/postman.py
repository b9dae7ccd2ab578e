"""An export as a collection of Postman, format 2.1, which newman runs."""

from __future__ import annotations

import json
import uuid
from importlib.resources import files
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from conformance.export.template import PLACEHOLDER, SWAPPED, Run
from conformance.profile.facts import BodyShape
from conformance.wire import USER_AGENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.export.script import Export, Script, Step
    from conformance.export.template import Template
    from conformance.model import Json, JsonObject

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_NAMESPACE = uuid.UUID("0e0b8a52-6a3a-5a55-8f54-3c4c2c9b7d10")
_USUAL = (("User-Agent", USER_AGENT), ("Accept-Encoding", "identity"))
_NO_LETTERS = (
    "if (pm.variables.get('writeKeySwapped') === pm.variables.get('writeKey')) pm.execution.skipRequest();"
)
"""A key without letters is no other one in the other case."""
_KEYWORDS = frozenset(
    (
        *("additionalProperties", "allOf", "anyOf", "const", "description", "enum", "examples", "items"),
        *("maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum", "not", "oneOf", "pattern"),
        *("properties", "required", "title", "type"),
    )
)
"""The words of JSON Schema that mean the same to Postman's validator, which is of an earlier draft."""


def render(export: Export, version: str) -> str:
    """A collection. Its variables `baseUrl` and `writeKey` are to be set by who runs it."""
    document: JsonObject = {
        "info": {
            "_postman_id": str(uuid.uuid5(_NAMESPACE, f"{export.profile.name} {export.gate}")),
            "name": f"{export.profile.title}: conformance",
            "description": _description(export, version),
            "schema": SCHEMA,
        },
        "variable": [{"key": "baseUrl", "value": ""}, {"key": "writeKey", "value": ""}],
        "event": [_event("prerequest", _code("prepare.js")), _event("test", _code("judge.js"))],
        "protocolProfileBehavior": {
            "disableBodyPruning": True,
            "disableCookies": True,
            "disableUrlEncoding": True,
            "followRedirects": False,
        },
        "item": [_area(area, list(scripts)) for area, scripts in groupby(export.scripts, attrgetter("area"))],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def unfit(script: Script) -> str:
    """Why a script can't be told to Postman; empty if it can."""
    templates = [step.template for step in script.steps]
    if any(template.packed for template in templates):
        return "its body is no text, and a collection has no other"
    shapes = [step.expectation.body for step in script.steps if isinstance(step.expectation.body, BodyShape)]
    if not all(_is_known(shape.schema) for shape in shapes):
        return "the schema of the answer has words that Postman's validator does not know"
    return ""


def _is_known(schema: Any) -> bool:  # noqa: ANN401 - a JSON Schema is any JSON
    """Whether a JSON Schema means the same to Postman's validator."""
    if not isinstance(schema, dict):
        return True
    inner = [schema.get(name) for name in ("additionalProperties", "items", "not")]
    inner += schema.get("properties", {}).values()
    inner += [item for name in ("allOf", "anyOf", "oneOf") for item in schema.get(name, ())]
    return schema.keys() <= _KEYWORDS and all(map(_is_known, inner))


def _area(area: str, scripts: Iterable[Script]) -> JsonObject:
    """A folder of an area, with one for each check."""
    checks: list[Json] = []
    for check_id, group in groupby(scripts, attrgetter("id")):
        requests: list[Json] = [
            _item(script, number, step) for script in group for number, step in enumerate(script.steps, 1)
        ]
        checks.append({"name": check_id, "item": requests})
    return {"name": area, "item": checks}


def _item(script: Script, number: int, step: Step) -> JsonObject:
    """A request, and what is expected of its answer."""
    template = step.template
    headers = [*template.headers]
    headers += [(name, value) for name, value in _USUAL if template.header(name) is None]
    request: dict[str, Json] = {
        "method": template.method,
        "header": [{"key": name, "value": value} for name, value in headers],
        "url": _url(template),
        "description": _told(script),
    }
    if template.pieces:
        request["body"] = {"mode": "raw", "raw": template.text if template.is_short else "{{body}}"}
    found: dict[str, Json] = {
        "name": script.entitled(number),
        "event": [_event("prerequest", _before(step))],
        "request": request,
    }
    if template.header("content-type") is None:
        found["protocolProfileBehavior"] = {"disabledSystemHeaders": {"content-type": True}}
    return found


def _before(step: Step) -> list[str]:
    """The script that says what is expected, and makes what can't stand in the request itself."""
    lines = [f"pm.variables.set('expected', {_text(json.dumps(step.expectation.as_json()))});"]
    for name, text in step.template.tokens:
        value = f"Buffer.from(pm.variables.replaceIn({_text(text)})).toString('base64')"
        lines += [
            f"pm.variables.set('{name}', {value});",
            f"pm.variables.set('{name}Encoded', encodeURIComponent(pm.variables.get('{name}')));",
        ]
    if step.template.has(SWAPPED):
        lines.append(_NO_LETTERS)
    if not step.template.is_short:
        pieces = " + ".join(
            f"{_text(piece.unit)}.repeat({piece.times})" if isinstance(piece, Run) else _text(piece)
            for piece in step.template.pieces
        )
        lines.append(f"pm.variables.set('body', {pieces});")
    return lines


def _url(template: Template) -> str:
    """The address: literal parts percent-encoded, placeholders as the scripts encode them."""
    query = "&".join(f"{quote(name, safe='')}={_encoded(value)}" for name, value in template.query)
    return f"{{{{baseUrl}}}}{template.path}" + (f"?{query}" if query else "")


def _encoded(value: str) -> str:
    """A value of the query, in which placeholders stand for encoded values."""
    found, end = "", 0
    for placeholder in PLACEHOLDER.finditer(value):
        found += quote(value[end : placeholder.start()], safe="") + f"{placeholder[0][:-2]}Encoded}}}}"
        end = placeholder.end()
    return found + quote(value[end:], safe="")


def _event(listen: str, lines: list[str]) -> JsonObject:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": [*lines]}}


def _code(name: str) -> list[str]:
    """The lines of a script that goes with every request."""
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8").splitlines()


def _text(text: str) -> str:
    """A text as JavaScript writes it."""
    return json.dumps(text)


def _told(script: Script) -> str:
    """What a request is for, and where that is documented."""
    lines = [script.title, f"Level: {script.level}."]
    lines += [
        f"{source}{f': {source.says}' if source.says else ''}{f' {source.url}' if source.url else ''}"
        for source in dict.fromkeys(script.sources)
    ]
    return "\n\n".join(lines)


def _description(export: Export, version: str) -> str:
    """What the collection is, how it is run, and what is not in it."""
    return (
        "Set `baseUrl` and `writeKey`, and run all of it, in order. Each folder is a "
        "check, and can be run alone. The first broken promise ends a check; the rest of it is skipped.\n\n"
        f"Made by ingest-conformance {version}: {export.summary}"
    )
