"""An export as an HTTP Archive, version 1.2: a page for each check, an entry for each request."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from conformance.export.script import shown

if TYPE_CHECKING:
    from conformance.export.script import Expectation, Export, Script, Step
    from conformance.export.template import Template
    from conformance.model import Json, JsonObject

BASE = "http://base-url.example"
"""What stands for the address of the target: a host that no machine may have (RFC 2606)."""
MOST_BYTES = 65_536
"""Longer bodies are left out: an archive writes them in full."""
_NEVER = "1970-01-01T00:00:00.000Z"
_UNKNOWN = -1


def render(export: Export, version: str) -> str:
    """An archive. Its answers are the reference server's statuses; comments say which others will do."""
    log: JsonObject = {
        "version": "1.2",
        "creator": {"name": "ingest-conformance", "version": version},
        "comment": f"{BASE} stands for the target. {export.summary}",
        "pages": [
            {
                "startedDateTime": _NEVER,
                "id": script.name,
                "title": f"{script.name}: {script.title}",
                "pageTimings": {},
                "comment": f"level {script.level}",
            }
            for script in export.scripts
        ],
        "entries": [_entry(script, step) for script in export.scripts for step in script.steps],
    }
    return json.dumps({"log": log}, ensure_ascii=False, indent=1) + "\n"


def unfit(script: Script) -> str:
    """Why a script can't stand in an archive; empty if it can."""
    templates = [step.template for step in script.steps]
    if any(template.packed for template in templates):
        return "its body is no text, and an archive has no other"
    if any(len(template.text.encode()) > MOST_BYTES for template in templates):
        return f"its body has more than {MOST_BYTES:,} bytes, and an archive writes it in full"
    return ""


def _entry(script: Script, step: Step) -> JsonObject:
    """A request, and the answer of a correct server."""
    return {
        "pageref": script.name,
        "startedDateTime": _NEVER,
        "time": 0,
        "request": _request(step.template),
        "response": _response(step.answered),
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
        "comment": _comment(step.expectation),
    }


def _request(template: Template) -> JsonObject:
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in template.query)
    found: dict[str, Json] = {
        "method": template.method,
        "url": f"{BASE}{template.path}" + (f"?{query}" if query else ""),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in template.headers],
        "queryString": [{"name": name, "value": value} for name, value in template.query],
        "headersSize": _UNKNOWN,
        "bodySize": template.size if template.size or not template.has_body else _UNKNOWN,
    }
    if template.has_body:
        found["postData"] = {"mimeType": template.header("content-type") or "", "text": template.text}
    if template.tokens:
        told = ", ".join(f"{{{{{name}}}}} is the base64 of {text}" for name, text in template.tokens)
        found["comment"] = f"{told}, after {{{{writeKey}}}} is filled in"
    return found


def _response(status: int) -> JsonObject:
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    return {
        "status": status,
        "statusText": phrase,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [],
        "content": {"size": 0, "mimeType": ""},
        "redirectURL": "",
        "headersSize": _UNKNOWN,
        "bodySize": _UNKNOWN,
    }


def _comment(expectation: Expectation) -> str:
    """Which statuses keep the promise, and with which ones the check is over."""
    found = f"{expectation.about}; expected: {expectation.says}; "
    found += f"statuses that keep the promise: {shown(expectation.statuses)}"
    if expectation.ends:
        found += f"; the check is over, and nothing broken, with {shown(expectation.ends)}"
    if expectation.body is not None:
        found += f"; the body: {json.dumps(expectation.as_json()['body'], ensure_ascii=False)}"
    return found
