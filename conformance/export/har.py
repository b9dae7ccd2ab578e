"""An export as an HTTP Archive, version 1.2: a page for each check, an entry for each request."""

from __future__ import annotations

import json
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from conformance.core.text import to_json_text
from conformance.export.exported_checks import format_ranges
from conformance.export.limitations import Limitation, OmissionReason

if TYPE_CHECKING:
    from conformance.core.model import Json, JsonObject
    from conformance.export.exported_checks import Expectation, Export, ExportedCheck, ExportedRequest
    from conformance.export.request_template import RequestTemplate

BASE_URL_PLACEHOLDER = "http://base-url.example"
"""Stands for the URL of the target: a host name that is reserved (RFC 2606)."""
MAX_BODY_BYTES = 65_536
"""Checks with longer bodies are left out, because an archive holds bodies in full."""
_EPOCH = "1970-01-01T00:00:00.000Z"
_UNKNOWN_SIZE = -1


def render(export: Export, version: str) -> str:
    """An archive. Its answers have the reference server's statuses; comments name the others that are right."""
    log: JsonObject = {
        "version": "1.2",
        "creator": {"name": "ingest-conformance", "version": version},
        "comment": f"{BASE_URL_PLACEHOLDER} stands for the target. {export.summary}",
        "pages": [
            {
                "startedDateTime": _EPOCH,
                "id": check.name,
                "title": f"{check.name}: {check.title}",
                "pageTimings": {},
                "comment": f"level {check.level}",
            }
            for check in export.checks
        ],
        "entries": [_entry(check, request) for check in export.checks for request in check.requests],
    }
    return to_json_text({"log": log}, indent=1) + "\n"


def find_limitation(check: ExportedCheck) -> Limitation | None:
    """The reason why an archive can't hold a check, if there is one."""
    if check.has_binary_body:
        return Limitation(OmissionReason.BINARY_BODY, "an archive")
    if any(len(request.template.body_text.encode()) > MAX_BODY_BYTES for request in check.requests):
        return Limitation(OmissionReason.LARGE_BODY, f"{MAX_BODY_BYTES:,}")
    return None


def _entry(check: ExportedCheck, request: ExportedRequest) -> JsonObject:
    """A request, and the answer of a correct server."""
    return {
        "pageref": check.name,
        "startedDateTime": _EPOCH,
        "time": 0,
        "request": _request_data(request.template),
        "response": _response_data(request.reference_status),
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
        "comment": _comment(request.expectation),
    }


def _request_data(template: RequestTemplate) -> JsonObject:
    data: dict[str, Json] = {
        "method": template.method,
        "url": BASE_URL_PLACEHOLDER + template.path + template.query_string(partial(quote, safe="")),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in template.headers],
        "queryString": [{"name": name, "value": value} for name, value in template.query],
        "headersSize": _UNKNOWN_SIZE,
        "bodySize": template.body_size if template.body_size or not template.has_body else _UNKNOWN_SIZE,
    }
    if template.has_body:
        data["postData"] = {"mimeType": template.header("content-type") or "", "text": template.body_text}
    if template.base64_placeholders:
        placeholder_text = ", ".join(
            f"{{{{{name}}}}} is the base64 of {text}" for name, text in template.base64_placeholders
        )
        data["comment"] = f"{placeholder_text}, after {{{{writeKey}}}} is filled in"
    return data


def _response_data(status: int) -> JsonObject:
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    return {
        "status": status,
        "statusText": phrase,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [],
        "content": {"size": 0, "mimeType": ""},
        "redirectURL": "",
        "headersSize": _UNKNOWN_SIZE,
        "bodySize": _UNKNOWN_SIZE,
    }


def _comment(expectation: Expectation) -> str:
    """The statuses that keep the promise, and those that end the check."""
    comment = f"{expectation.promise}; expected: {expectation.expected}; "
    comment += f"statuses that keep the promise: {format_ranges(expectation.statuses)}"
    if expectation.ending_statuses:
        comment += f"; statuses that end the check without a failure: {format_ranges(expectation.ending_statuses)}"
    if expectation.body is not None:
        comment += f"; the body: {json.dumps(expectation.as_json()['body'], ensure_ascii=False)}"
    return comment
