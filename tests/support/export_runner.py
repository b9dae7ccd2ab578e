"""A player of exported lines, as somebody would write one who has nothing but their schema.

It knows nothing of the suite: it fills in the key, sends, and holds the answers against what is expected.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Iterator

JsonLine = dict[str, Any]
RETRIES_OF_429, MAX_WAIT_S = 4, 5.0
"""How often a request is sent again that is answered 429, and how many seconds lie in between at most."""


@dataclass(slots=True)
class ExportRunner:
    """Somebody who sends lines to a target. `broken` are the checks that came out badly."""

    address: str
    key: str
    failed: set[str] = field(default_factory=set)

    def run(self, text: str) -> set[str]:
        """Sends every line, and returns the names of the checks whose promises were broken."""
        first, *requests = (json.loads(line) for line in text.splitlines())
        assert first["requests"] == len(requests)
        over = ""
        for line in requests:
            name = f"{line['id']}[{line['operation']}]"
            if name != over and not self._continues_after(line, name):
                over = name
        return self.failed

    def _continues_after(self, line: JsonLine, name: str) -> bool:
        """Sends a line; whether the next one of the check is to be sent."""
        status, media_type, text = self._answer(line)
        expected = line["expect"]
        if in_ranges(expected["ends"], status):
            return False
        if in_ranges(expected["statuses"], status) and body_matches(expected.get("body", {}), media_type, text):
            return True
        self.failed.add(name)
        return False

    def _answer(self, line: JsonLine) -> tuple[int, str, str]:
        """The status, the type and the text of an answer; a 429 is waited out."""
        status, media_type, text, wait = self._send(line)
        for _ in range(RETRIES_OF_429 if status == 429 else 0):
            time.sleep(min(float(wait or 1), MAX_WAIT_S))
            status, media_type, text, wait = self._send(line)
            if status != 429:
                break
        return status, media_type, text

    def _send(self, line: JsonLine) -> tuple[int, str, str, str | None]:
        connection = http.client.HTTPConnection(self.address, timeout=10)
        try:
            method, target, headers, body = render_request(line, self.key)
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            kind = (answer.getheader("Content-Type") or "").partition(";")[0].strip().lower()
            text = answer.read().decode(errors="replace")
            return answer.status, kind, text, answer.getheader("Retry-After")
        finally:
            connection.close()


def render_request(line: JsonLine, key: str) -> tuple[str, str, list[tuple[str, str]], bytes]:
    """The method, the target, the headers and the body of a line."""
    values = {"writeKey": key, "writeKeyTruncated": key[:-1], "writeKeySwapped": key.swapcase()}

    def fill(text: str) -> str:
        return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], text)

    values |= {name: base64.b64encode(fill(text).encode()).decode() for name, text in line["base64"].items()}
    query = urlencode([(name, fill(value)) for name, value in line["query"]], quote_via=quote)
    target = line["path"] + (f"?{query}" if query else "")
    return (line["method"], target, [(name, fill(value)) for name, value in line["headers"]], render_body(line, fill))


def render_body(line: JsonLine, fill: Any) -> bytes:  # noqa: ANN401 - a function of texts
    """The body of a line; of one that tells its size, exactly so large."""
    if "body_base64" in line:
        return base64.b64decode(line["body_base64"])
    encoded: bytes = "".join(fill(piece) for piece in pieces(line)).encode()
    assert len(encoded) == line.get("body_bytes", len(encoded))
    return encoded


def pieces(line: JsonLine) -> Iterator[str]:
    """The pieces of the text of a line's body."""
    yield line.get("body", "")
    for piece in line.get("body_pieces", ()):
        yield piece if isinstance(piece, str) else piece["repeat"] * piece["times"]


def in_ranges(ranges: list[list[int]], status: int) -> bool:
    """Whether a status is in one of some ranges."""
    return any(first <= status <= last for first, last in ranges)


def body_matches(expected: JsonLine, media_type: str, text: str) -> bool:
    """Whether a body is as expected."""
    if "lacks" in expected:
        return not has_forbidden_text(expected, media_type, text)
    kind = expected.get("class")
    is_page = media_type in {"text/html", "application/xhtml+xml"} or text.lstrip().startswith("<")
    wrong = (
        media_type != expected.get("media_type", media_type)
        or (kind == "empty" and text)
        or (kind in {"message", "text"} and (not text.strip() or is_page))
        or text.strip().lower() != expected.get("text", text.strip()).lower()
    )
    return not wrong and (kind != "json" or is_valid(text, expected.get("schema", {})))


def has_forbidden_text(expected: JsonLine, media_type: str, text: str) -> bool:
    """Whether a body has what it may not have."""
    for spelled, meant in expected["spellings"]:
        text = text.replace(spelled, meant)
    is_meant = not expected["media_types"] or media_type in expected["media_types"]
    return is_meant and bool(re.search(expected["lacks"], text, re.MULTILINE))


def is_valid(text: str, schema: JsonLine) -> bool:
    """Whether a text is JSON of a shape."""
    try:
        return Draft202012Validator(schema).is_valid(json.loads(text))
    except ValueError:
        return False
