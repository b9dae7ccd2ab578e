"""The reference server, asked directly: what each vendor documents is what it answers."""

from __future__ import annotations

import ast
import base64
import json
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

import conformance
from conformance import Contract, Server, load
from conformance.core.errors import InconclusiveError
from tests.support import paths

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY, TOKEN = "direct-key", "direct-token"
ACME = str(paths.ACME)
PROFILES = {
    **{name: name for name in ("metarouter", "rudderstack", "segment", "segmentstream")}, "acme": ACME
}  # fmt: skip
ADDRESSES: dict[str, str] = {}


@pytest.fixture(scope="module", autouse=True)
def _servers() -> Iterator[None]:
    """A reference server of every profile."""
    with ExitStack() as stack:
        for name, place in PROFILES.items():
            server = stack.enter_context(Server(Contract(load(place)), KEY, TOKEN))
            ADDRESSES[name] = server.url.removeprefix("http://")
        yield


def basic(user: str, end: str = ":") -> dict[str, str]:
    """An Authorization header."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}{end}".encode()).decode()}


def pixel(value: object) -> str:
    """The query of a pixel."""
    return "data=" + quote(base64.b64encode(json.dumps(value).encode()))


@dataclass(frozen=True)
class RequestCase:
    """A request, and the status that it must be answered with."""

    status: int
    path: str
    body: object = b""
    headers: dict[str, str] = field(default_factory=lambda: basic(KEY))
    method: str = "POST"

    def send(self, name: str) -> tuple[HTTPResponse, bytes]:
        """The answer of a profile's server, and its body."""
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        connection = HTTPConnection(ADDRESSES[name], timeout=10)
        try:
            connection.request(self.method, self.path, body=body, headers=self.headers)
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()


WITHOUT_IDENTITY: dict[str, str] = {}
TRACK = {"userId": "u", "event": "e", "type": "track", "messageId": "m"}
EVENT_WITHOUT_USER = {"event": "e", "type": "track", "messageId": "m"}
STREAM = {"event": {"user": {"anonymousId": "a"}}}
ORDER = {"uid": "1", "kind": "order", "who": {"id": "u"}, "item": {"sku": "s"}}
HEADER = {"X-Acme-Key": KEY}


def batch(*events: object) -> dict[str, object]:
    """A batch as most vendors have it."""
    return {"batch": list(events)}


def padded_event(event: dict[str, Any], size: int) -> dict[str, Any]:
    """An event that is larger than so many bytes."""
    return {**event, "properties": {"text": "a" * size}}


def common_cases(
    path: str, event: dict[str, Any], *, refused: int, limit: int, too_large: int
) -> dict[str, RequestCase]:
    """What can be asked of one path that takes single events and HTTP Basic."""
    return {
        "no credentials": RequestCase(refused, path, event, WITHOUT_IDENTITY),
        "unknown key": RequestCase(refused, path, event, basic("nobody")),
        "empty user": RequestCase(refused, path, event, basic("")),
        "no Basic": RequestCase(refused, path, event, {"Authorization": "Digest x"}),
        "no base64": RequestCase(refused, path, event, {"Authorization": "Basic !"}),
        "half of it": RequestCase(400, path, json.dumps(event).encode()[:-1]),
        "empty body": RequestCase(400, path, b""),
        "NaN": RequestCase(400, path, json.dumps({**event, "a": float("nan")}).encode()),
        "no object": RequestCase(400, path, [event]),
        "no UTF-8": RequestCase(400, path, b'{"a":"\xff"}'),
        "at the limit": RequestCase(200 if path.startswith("/v1") else 204, path,
                            json.dumps(event).encode().ljust(limit)),
        "over the limit": RequestCase(too_large, path, json.dumps(event).encode().ljust(limit + 1)),
        "wrong method": RequestCase(405, path, method="PUT"),
        "HEAD": RequestCase(405, path, method="HEAD"),
        "unknown path": RequestCase(404, f"{path}/conformance"),
    }  # fmt: skip


REQUEST_CASES: dict[str, dict[str, RequestCase]] = {
    "segment": {
        **common_cases("/v1/track", TRACK, refused=200, limit=32 * 1024, too_large=400),
        "accepted": RequestCase(200, "/v1/track", TRACK),
        "short path": RequestCase(200, "/v1/t", TRACK),
        "key in the body": RequestCase(200, "/v1/track", {**TRACK, "writeKey": KEY}, WITHOUT_IDENTITY),
        "token": RequestCase(200, "/v1/track", {**TRACK, "writeKey": KEY}, {"Authorization": f"Bearer {TOKEN}"}),
        "no colon": RequestCase(200, "/v1/track", TRACK, basic(KEY, "")),
        "no identity": RequestCase(200, "/v1/track", EVENT_WITHOUT_USER),
        "batch": RequestCase(200, "/v1/batch", batch(TRACK, TRACK)),
        "batch partly bad": RequestCase(200, "/v1/batch", batch(TRACK, EVENT_WITHOUT_USER)),
        "event of a batch over its limit": RequestCase(400, "/v1/batch", batch(padded_event(TRACK, 33_000))),
        "batch over its limit": RequestCase(400, "/v1/batch", batch(*[padded_event(TRACK, 30_000)] * 18)),
    },
    "rudderstack": {
        **common_cases("/v1/track", TRACK, refused=401, limit=32 * 1024, too_large=413),
        "accepted": RequestCase(200, "/v1/track", TRACK),
        "key in the body": RequestCase(401, "/v1/track", {**TRACK, "writeKey": KEY}, WITHOUT_IDENTITY),
        "no colon": RequestCase(401, "/v1/track", TRACK, basic(KEY, "")),
        "no identity": RequestCase(400, "/v1/track", EVENT_WITHOUT_USER),
        "null identity": RequestCase(400, "/v1/track", {**EVENT_WITHOUT_USER, "userId": None, "anonymousId": ""}),
        "no event": RequestCase(400, "/v1/track", {"userId": "u"}),
        "no group": RequestCase(400, "/v1/group", {"userId": "u"}),
        "alias of an anonymous": RequestCase(400, "/v1/alias", {"anonymousId": "a", "previousId": "p"}),
        "page without a name": RequestCase(200, "/v1/page", {"userId": "u"}),
        "internal path": RequestCase(404, "/internal/v1/retl", TRACK),
        "batch": RequestCase(200, "/v1/batch", batch(TRACK, {"userId": "u", "type": "identify"})),
        "no batch": RequestCase(400, "/v1/batch", {"events": []}),
        "batch that is no list": RequestCase(400, "/v1/batch", {"batch": TRACK}),
        "empty batch": RequestCase(200, "/v1/batch", batch()),
        "text in a batch": RequestCase(400, "/v1/batch", batch(TRACK, "event")),
        "event without a type": RequestCase(400, "/v1/batch", batch({"userId": "u", "event": "e"})),
        "event of an unknown type": RequestCase(400, "/v1/batch", batch({**TRACK, "type": "trakc"})),
        "batch partly bad": RequestCase(400, "/v1/batch", batch(TRACK, EVENT_WITHOUT_USER)),
        "event of a batch over its limit": RequestCase(413, "/v1/batch", batch(TRACK, padded_event(TRACK, 33_000))),
    },
    "metarouter": {
        **common_cases("/v1/track", TRACK, refused=400, limit=15 * 1024, too_large=413),
        "accepted": RequestCase(200, "/v1/track", TRACK),
        "short path": RequestCase(200, "/v1/t", TRACK),
        "no colon": RequestCase(200, "/v1/track", TRACK, basic(KEY, "")),
        "key in the body": RequestCase(200, "/v1/track", {**TRACK, "writeKey": KEY}, WITHOUT_IDENTITY),
        "empty key in the body": RequestCase(400, "/v1/track", {**TRACK, "writeKey": ""}, WITHOUT_IDENTITY),
        "key that is a number": RequestCase(400, "/v1/track", {**TRACK, "writeKey": 7}, WITHOUT_IDENTITY),
        "no identity": RequestCase(400, "/v1/track", EVENT_WITHOUT_USER),
        "batch": RequestCase(200, "/v1/import", batch(TRACK)),
        "keys in the events": RequestCase(200, "/v1/batch", batch(*[{**TRACK, "writeKey": KEY}] * 2), WITHOUT_IDENTITY),
        "keys that differ": RequestCase(
            400, "/v1/batch", batch({**TRACK, "writeKey": KEY}, {**TRACK, "writeKey": "x"}), WITHOUT_IDENTITY),
        "batch partly bad": RequestCase(207, "/v1/batch", batch(TRACK, EVENT_WITHOUT_USER)),
        "batch all bad": RequestCase(400, "/v1/batch", batch(EVENT_WITHOUT_USER, EVENT_WITHOUT_USER)),
        "event of a batch over its limit": RequestCase(413, "/v1/batch", batch(padded_event(TRACK, 16_000))),
        "pixel": RequestCase(200, f"/v1/pixel/track?{pixel({**TRACK, 'writeKey': KEY})}", b"", WITHOUT_IDENTITY, "GET"),
        "pixel without data": RequestCase(400, "/v1/pixel/track", b"", WITHOUT_IDENTITY, "GET"),
        "pixel that is no base64": RequestCase(400, "/v1/pixel/track?data=!", b"", WITHOUT_IDENTITY, "GET"),
        "pixel that is no JSON": RequestCase(400, "/v1/pixel/track?data=YWJj", b"", WITHOUT_IDENTITY, "GET"),
        "pixel without a key": RequestCase(400, f"/v1/pixel/track?{pixel(TRACK)}", b"", WITHOUT_IDENTITY, "GET"),
        "pixel without an id": RequestCase(
            400, f"/v1/pixel/track?{pixel({**EVENT_WITHOUT_USER, 'writeKey': KEY})}", b"", WITHOUT_IDENTITY, "GET"),
        "pixel that is posted": RequestCase(405, "/v1/pixel/track", TRACK),
        "webhook": RequestCase(200, f"/v1/webhook?writeKey={KEY}", TRACK, WITHOUT_IDENTITY),
        "short webhook": RequestCase(200, f"/v1/w?writeKey={KEY}", TRACK, WITHOUT_IDENTITY),
        "webhook without a key": RequestCase(400, "/v1/webhook", TRACK, WITHOUT_IDENTITY),
        "webhook with another key": RequestCase(400, "/v1/webhook?writeKey=x", TRACK, WITHOUT_IDENTITY),
        "webhook with its key elsewhere": RequestCase(400, "/v1/webhook", TRACK),
    },
    "segmentstream": {
        **common_cases("/track", STREAM, refused=401, limit=64 * 1024, too_large=400),
        "accepted": RequestCase(204, "/track", STREAM),
        "no identity": RequestCase(400, "/track", {"event": {"user": {}}}),
        "identity elsewhere": RequestCase(400, "/track", {"event": {}, "userId": "u"}),
        "no event": RequestCase(400, "/track", {"userId": "u"}),
        "batch": RequestCase(404, "/v1/batch", batch(STREAM)),
    },
    "acme": {
        "accepted": RequestCase(202, "/collect/event", ORDER, HEADER),
        "key in the body": RequestCase(202, "/collect/event", {**ORDER, "auth": {"key": KEY}}, WITHOUT_IDENTITY),
        "no key": RequestCase(401, "/collect/event", ORDER, WITHOUT_IDENTITY),
        "another key": RequestCase(403, "/collect/event", ORDER, {"X-Acme-Key": "x"}),
        "no JSON": RequestCase(422, "/collect/event", b"{", HEADER),
        "no identity": RequestCase(409, "/collect/event", {"item": {"sku": "s"}}, HEADER),
        "no sku": RequestCase(409, "/collect/event", {"who": {"id": "u"}, "item": {}}, HEADER),
        "no items": RequestCase(412, "/collect/many", {}, HEADER),
        "empty items": RequestCase(416, "/collect/many", {"items": []}, HEADER),
        "partly bad": RequestCase(207, "/collect/many", {"items": [ORDER, {"kind": "visit"}]}, HEADER),
        "over the limit": RequestCase(413, "/collect/event", json.dumps(ORDER).encode().ljust(4097), HEADER),
        "unknown path": RequestCase(410, "/collect", ORDER, HEADER),
    },
}  # fmt: skip
ALL = [
    pytest.param(name, ask, id=f"{name}-{words}")
    for name, asked in REQUEST_CASES.items()
    for words, ask in asked.items()
]


@pytest.mark.parametrize(("name", "ask"), ALL)
def test_answers_as_documented(name: str, ask: RequestCase) -> None:
    """A request is answered with the documented status."""
    assert ask.send(name)[0].status == ask.status


def test_is_asked_of_every_profile() -> None:
    """No profile is left out."""
    assert set(REQUEST_CASES) == set(PROFILES)


def test_the_bodies_of_rudderstack() -> None:
    """Success is OK in plain text, and a refusal a plain text that says something."""
    success, text = RequestCase(200, "/v1/track", TRACK).send("rudderstack")
    assert (success.headers.get_content_type(), text) == ("text/plain", b"OK")
    refusal, text = RequestCase(400, "/v1/track", EVENT_WITHOUT_USER).send("rudderstack")
    assert refusal.headers.get_content_type() == "text/plain"
    assert text


@pytest.mark.parametrize(
    ("path", "body", "keys"),
    [
        ("/v1/track", EVENT_WITHOUT_USER, {"Error", "Message", "Details"}),
        ("/v1/batch", batch(TRACK, EVENT_WITHOUT_USER), {"Success", "Errors"}),
        ("/v1/batch", batch(EVENT_WITHOUT_USER), {"Success", "Errors"}),
    ],
)
def test_the_bodies_of_metarouter(path: str, body: object, keys: set[str]) -> None:
    """A refusal is JSON, of another shape where it is about a batch."""
    response, content = RequestCase(400, path, body).send("metarouter")
    document = json.loads(content)
    assert response.headers.get_content_type() == "application/json"
    assert set(document) == keys
    assert document.get("Success") is (False if path == "/v1/batch" else None)


def test_the_body_of_segmentstream() -> None:
    """A 204 has no body, no type and no length."""
    response, content = RequestCase(204, "/track", STREAM).send("segmentstream")
    assert (content, response.getheader("Content-Type")) == (b"", None)


def test_a_wrong_method_names_the_right_one() -> None:
    """A 405 comes with Allow, as HTTP wants."""
    assert RequestCase(405, "/v1/track", method="DELETE").send("segment")[0].getheader("Allow") == "OPTIONS, POST"


def test_takes_bodies_in_chunks() -> None:
    """A body without a Content-Length is read to its end, and weighed."""
    for count, status in ((1, 204), (70, 400)):
        connection = HTTPConnection(ADDRESSES["segmentstream"], timeout=10)
        pieces = [json.dumps(STREAM).encode(), *[b" " * 1000] * count]
        connection.request("POST", "/track", body=iter(pieces), headers=basic(KEY), encode_chunked=True)
        assert connection.getresponse().status == status
        connection.close()


def test_a_taken_port() -> None:
    """A server on a port that is taken says so."""
    port = int(ADDRESSES["segment"].rpartition(":")[2])
    with pytest.raises(InconclusiveError, match=f"127.0.0.1 port {port}: Address already in use"):
        Server(Contract(load("segment")), KEY, port=port)


def imported_modules(place: Path) -> set[str]:
    """The modules of the suite that a file imports, whenever it does."""
    names = set()
    for node in ast.walk(ast.parse(place.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{item.name}" for item in node.names)}
        elif isinstance(node, ast.Import):
            names |= {item.name for item in node.names}
    return {name for name in names if name.startswith("conformance.")}


FORBIDDEN = {"cases", "expect", "catalogue", "engine", "wire", "run", "report", "fuzz"}


def test_knows_nothing_of_the_checks() -> None:
    """The reference server imports no checks, judgements or payloads, in its text or when it runs."""
    files = list((Path(conformance.__file__).parent / "refserver").glob("*.py"))
    assert len(files) >= 4
    written = {name.split(".")[1] for file in files for name in imported_modules(file)}
    program = "import sys, conformance.refserver.__main__; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    running = {name.split(".")[1] for name in loaded.split() if name.startswith("conformance.")}
    assert "contract" in written & running
    assert not (FORBIDDEN | {"payloads"}) & running
    assert not FORBIDDEN & written
