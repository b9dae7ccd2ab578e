"""The requests of a report as an HTTP Archive, version 1.2, for the network tools of browsers and proxies."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from conformance.core.text import escape_controls, to_json_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.core.model import Json, JsonObject

_UNKNOWN_SIZE = -1
_NOTE = "The requests of checks with a problem, as the JSON report keeps them; single requests have no times."


def render_har(document: Mapping[str, Any]) -> str:
    """An archive with a page for each check that has a problem, and an entry for each of its requests.

    It has what the report has: bodies are cut after 1 KiB, secrets are placeholders, and what does not fit is left out.
    """
    checks = [item for item in document["checks"] if item["exchanges"]]
    log: JsonObject = {
        "version": "1.2",
        "creator": {"name": document["suite"]["name"], "version": document["suite"]["version"]},
        "comment": _NOTE,
        "pages": [
            {
                "startedDateTime": _started(document, item),
                "id": _name(item),
                "title": escape_controls(f"{_name(item)}: {item['title']}"),
                "pageTimings": {},
                "comment": escape_controls(f"{item['outcome']} at level {item['level']}: {item['message']}"),
            }
            for item in checks
        ],
        "entries": [
            _entry(exchange, _name(item), _started(document, item)) for item in checks for exchange in item["exchanges"]
        ],
    }
    return to_json_text({"log": log}, indent=1) + "\n"


def _name(item: Mapping[str, Any]) -> str:
    return f"{item['id']}[{item['operation']}]" if item["operation"] else str(item["id"])


def _started(document: Mapping[str, Any], item: Mapping[str, Any]) -> str:
    """When a check began; of one without a time, when the run did."""
    started: str = document["run"]["started"]
    try:
        begin = datetime.fromisoformat(started) + timedelta(seconds=item.get("started_s", 0))
    except (ValueError, OverflowError):
        return started
    return begin.isoformat(timespec="milliseconds")


def _entry(exchange: Mapping[str, Any], page: str, started: str) -> JsonObject:
    """A request with its answer; one without an answer has the status 0, and says why."""
    response = exchange["response"]
    remarks = [exchange["error"]] if not response else []
    if exchange.get("stray"):
        remarks.append(f"after the answer, on the same connection: {exchange['stray']}")
    return {
        "pageref": page,
        "startedDateTime": started,
        "time": 0,
        "request": _request(exchange["request"]),
        "response": _response(response or {}),
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
        **({"comment": escape_controls("; ".join(remarks))} if any(remarks) else {}),
    }


def _request(request: Mapping[str, Any]) -> JsonObject:
    pairs = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in request["query"])
    data: dict[str, Json] = {
        "method": request["method"],
        "url": f"{request['url']}{'?' if pairs else ''}{pairs}",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(request),
        "queryString": [{"name": name, "value": value} for name, value in request["query"]],
        "headersSize": _UNKNOWN_SIZE,
        "bodySize": request["body_bytes"],
    }
    if request["body_bytes"]:
        data["postData"] = {
            "mimeType": _header(request, "content-type"), "text": request["body"], **_cut(request)
        }  # fmt: skip
    words = {"chunked": "sent in chunks", "unpacked": "sent as gzip, shown without", "handwritten": "sent as raw bytes"}
    kinds = [text for name, text in words.items() if request.get(name)]
    return {**data, **({"comment": "; ".join(kinds)} if kinds else {})}


def _response(response: Mapping[str, Any]) -> JsonObject:
    status = response.get("status", 0)
    return {
        "status": status,
        "statusText": HTTPStatus(status).phrase if status in set(HTTPStatus) else "",
        "httpVersion": response.get("http_version", ""),
        "cookies": [],
        "headers": _pairs(response) if response else [],
        "content": {
            "size": response.get("body_bytes", 0),
            "mimeType": _header(response, "content-type") if response else "",
            **({"text": response["body"], **_cut(response)} if response else {}),
        },
        "redirectURL": _header(response, "location") if response else "",
        "headersSize": _UNKNOWN_SIZE,
        "bodySize": response.get("body_bytes", _UNKNOWN_SIZE),
    }


def _pairs(message: Mapping[str, Any]) -> list[Json]:
    return [{"name": name, "value": value} for name, value in message["headers"]]


def _header(message: Mapping[str, Any], wanted: str) -> str:
    return next((str(value) for name, value in message["headers"] if name.lower() == wanted), "")


def _cut(message: Mapping[str, Any]) -> JsonObject:
    """A remark on a body that is longer than what is shown."""
    size, shown = message["body_bytes"], len(message["body"].encode("utf-8", "surrogatepass"))
    return {"comment": f"cut, of {size:,} bytes"} if size > shown else {}
