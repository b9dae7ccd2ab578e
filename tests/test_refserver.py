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
from conformance.errors import CannotJudge

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY, TOKEN = "direct-key", "direct-token"
ACME = str(Path(__file__).with_name("acme.yaml"))
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
class Ask:
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


NOBODY: dict[str, str] = {}
TRACK = {"userId": "u", "event": "e", "type": "track", "messageId": "m"}
UNNAMED = {"event": "e", "type": "track", "messageId": "m"}
STREAM = {"event": {"user": {"anonymousId": "a"}}}
ORDER = {"uid": "1", "kind": "order", "who": {"id": "u"}, "item": {"sku": "s"}}
HEADER = {"X-Acme-Key": KEY}


def batch(*events: object) -> dict[str, object]:
    """A batch as most vendors have it."""
    return {"batch": list(events)}


def wide(event: dict[str, Any], size: int) -> dict[str, Any]:
    """An event that is larger than so many bytes."""
    return {**event, "properties": {"text": "a" * size}}


def common(path: str, event: dict[str, Any], *, refused: int, limit: int, too_large: int) -> dict[str, Ask]:
    """What can be asked of one path that takes single events and HTTP Basic."""
    return {
        "no credentials": Ask(refused, path, event, NOBODY),
        "unknown key": Ask(refused, path, event, basic("nobody")),
        "empty user": Ask(refused, path, event, basic("")),
        "no Basic": Ask(refused, path, event, {"Authorization": "Digest x"}),
        "no base64": Ask(refused, path, event, {"Authorization": "Basic !"}),
        "half of it": Ask(400, path, json.dumps(event).encode()[:-1]),
        "empty body": Ask(400, path, b""),
        "NaN": Ask(400, path, json.dumps({**event, "a": float("nan")}).encode()),
        "no object": Ask(400, path, [event]),
        "no UTF-8": Ask(400, path, b'{"a":"\xff"}'),
        "at the limit": Ask(200 if path.startswith("/v1") else 204, path,
                            json.dumps(event).encode().ljust(limit)),
        "over the limit": Ask(too_large, path, json.dumps(event).encode().ljust(limit + 1)),
        "wrong method": Ask(405, path, method="PUT"),
        "HEAD": Ask(405, path, method="HEAD"),
        "unknown path": Ask(404, f"{path}/conformance"),
    }  # fmt: skip


ASKED: dict[str, dict[str, Ask]] = {
    "segment": {
        **common("/v1/track", TRACK, refused=200, limit=32 * 1024, too_large=400),
        "accepted": Ask(200, "/v1/track", TRACK),
        "short path": Ask(200, "/v1/t", TRACK),
        "key in the body": Ask(200, "/v1/track", {**TRACK, "writeKey": KEY}, NOBODY),
        "token": Ask(200, "/v1/track", {**TRACK, "writeKey": KEY}, {"Authorization": f"Bearer {TOKEN}"}),
        "no colon": Ask(200, "/v1/track", TRACK, basic(KEY, "")),
        "no identity": Ask(200, "/v1/track", UNNAMED),
        "batch": Ask(200, "/v1/batch", batch(TRACK, TRACK)),
        "batch partly bad": Ask(200, "/v1/batch", batch(TRACK, UNNAMED)),
        "event of a batch over its limit": Ask(400, "/v1/batch", batch(wide(TRACK, 33_000))),
        "batch over its limit": Ask(400, "/v1/batch", batch(*[wide(TRACK, 30_000)] * 18)),
    },
    "rudderstack": {
        **common("/v1/track", TRACK, refused=401, limit=32 * 1024, too_large=413),
        "accepted": Ask(200, "/v1/track", TRACK),
        "key in the body": Ask(401, "/v1/track", {**TRACK, "writeKey": KEY}, NOBODY),
        "no colon": Ask(401, "/v1/track", TRACK, basic(KEY, "")),
        "no identity": Ask(400, "/v1/track", UNNAMED),
        "null identity": Ask(400, "/v1/track", {**UNNAMED, "userId": None, "anonymousId": ""}),
        "no event": Ask(400, "/v1/track", {"userId": "u"}),
        "no group": Ask(400, "/v1/group", {"userId": "u"}),
        "alias of an anonymous": Ask(400, "/v1/alias", {"anonymousId": "a", "previousId": "p"}),
        "page without a name": Ask(200, "/v1/page", {"userId": "u"}),
        "internal path": Ask(404, "/internal/v1/retl", TRACK),
        "batch": Ask(200, "/v1/batch", batch(TRACK, {"userId": "u", "type": "identify"})),
        "no batch": Ask(400, "/v1/batch", {"events": []}),
        "batch that is no list": Ask(400, "/v1/batch", {"batch": TRACK}),
        "empty batch": Ask(200, "/v1/batch", batch()),
        "text in a batch": Ask(400, "/v1/batch", batch(TRACK, "event")),
        "event without a type": Ask(400, "/v1/batch", batch({"userId": "u", "event": "e"})),
        "event of an unknown type": Ask(400, "/v1/batch", batch({**TRACK, "type": "trakc"})),
        "batch partly bad": Ask(400, "/v1/batch", batch(TRACK, UNNAMED)),
        "event of a batch over its limit": Ask(413, "/v1/batch", batch(TRACK, wide(TRACK, 33_000))),
    },
    "metarouter": {
        **common("/v1/track", TRACK, refused=400, limit=15 * 1024, too_large=413),
        "accepted": Ask(200, "/v1/track", TRACK),
        "short path": Ask(200, "/v1/t", TRACK),
        "no colon": Ask(200, "/v1/track", TRACK, basic(KEY, "")),
        "key in the body": Ask(200, "/v1/track", {**TRACK, "writeKey": KEY}, NOBODY),
        "empty key in the body": Ask(400, "/v1/track", {**TRACK, "writeKey": ""}, NOBODY),
        "key that is a number": Ask(400, "/v1/track", {**TRACK, "writeKey": 7}, NOBODY),
        "no identity": Ask(400, "/v1/track", UNNAMED),
        "batch": Ask(200, "/v1/import", batch(TRACK)),
        "keys in the events": Ask(200, "/v1/batch", batch(*[{**TRACK, "writeKey": KEY}] * 2), NOBODY),
        "keys that differ": Ask(
            400, "/v1/batch", batch({**TRACK, "writeKey": KEY}, {**TRACK, "writeKey": "x"}), NOBODY),
        "batch partly bad": Ask(207, "/v1/batch", batch(TRACK, UNNAMED)),
        "batch all bad": Ask(400, "/v1/batch", batch(UNNAMED, UNNAMED)),
        "event of a batch over its limit": Ask(413, "/v1/batch", batch(wide(TRACK, 16_000))),
        "pixel": Ask(200, f"/v1/pixel/track?{pixel({**TRACK, 'writeKey': KEY})}", b"", NOBODY, "GET"),
        "pixel without data": Ask(400, "/v1/pixel/track", b"", NOBODY, "GET"),
        "pixel that is no base64": Ask(400, "/v1/pixel/track?data=!", b"", NOBODY, "GET"),
        "pixel that is no JSON": Ask(400, "/v1/pixel/track?data=YWJj", b"", NOBODY, "GET"),
        "pixel without a key": Ask(400, f"/v1/pixel/track?{pixel(TRACK)}", b"", NOBODY, "GET"),
        "pixel without an id": Ask(
            400, f"/v1/pixel/track?{pixel({**UNNAMED, 'writeKey': KEY})}", b"", NOBODY, "GET"),
        "pixel that is posted": Ask(405, "/v1/pixel/track", TRACK),
        "webhook": Ask(200, f"/v1/webhook?writeKey={KEY}", TRACK, NOBODY),
        "short webhook": Ask(200, f"/v1/w?writeKey={KEY}", TRACK, NOBODY),
        "webhook without a key": Ask(400, "/v1/webhook", TRACK, NOBODY),
        "webhook with another key": Ask(400, "/v1/webhook?writeKey=x", TRACK, NOBODY),
        "webhook with its key elsewhere": Ask(400, "/v1/webhook", TRACK),
    },
    "segmentstream": {
        **common("/track", STREAM, refused=401, limit=64 * 1024, too_large=400),
        "accepted": Ask(204, "/track", STREAM),
        "no identity": Ask(400, "/track", {"event": {"user": {}}}),
        "identity elsewhere": Ask(400, "/track", {"event": {}, "userId": "u"}),
        "no event": Ask(400, "/track", {"userId": "u"}),
        "batch": Ask(404, "/v1/batch", batch(STREAM)),
    },
    "acme": {
        "accepted": Ask(202, "/collect/event", ORDER, HEADER),
        "key in the body": Ask(202, "/collect/event", {**ORDER, "auth": {"key": KEY}}, NOBODY),
        "no key": Ask(401, "/collect/event", ORDER, NOBODY),
        "another key": Ask(403, "/collect/event", ORDER, {"X-Acme-Key": "x"}),
        "no JSON": Ask(422, "/collect/event", b"{", HEADER),
        "no identity": Ask(409, "/collect/event", {"item": {"sku": "s"}}, HEADER),
        "no sku": Ask(409, "/collect/event", {"who": {"id": "u"}, "item": {}}, HEADER),
        "no items": Ask(412, "/collect/many", {}, HEADER),
        "empty items": Ask(416, "/collect/many", {"items": []}, HEADER),
        "partly bad": Ask(207, "/collect/many", {"items": [ORDER, {"kind": "visit"}]}, HEADER),
        "over the limit": Ask(413, "/collect/event", json.dumps(ORDER).encode().ljust(4097), HEADER),
        "unknown path": Ask(410, "/collect", ORDER, HEADER),
    },
}  # fmt: skip
ALL = [
    pytest.param(name, ask, id=f"{name}-{words}")
    for name, asked in ASKED.items()
    for words, ask in asked.items()
]


@pytest.mark.parametrize(("name", "ask"), ALL)
def test_answers_as_documented(name: str, ask: Ask) -> None:
    """A request is answered with the documented status."""
    assert ask.send(name)[0].status == ask.status


def test_is_asked_of_every_profile() -> None:
    """No profile is left out."""
    assert set(ASKED) == set(PROFILES)


def test_the_bodies_of_rudderstack() -> None:
    """Success is OK in plain text, and a refusal a plain text that says something."""
    success, text = Ask(200, "/v1/track", TRACK).send("rudderstack")
    assert (success.headers.get_content_type(), text) == ("text/plain", b"OK")
    refusal, text = Ask(400, "/v1/track", UNNAMED).send("rudderstack")
    assert refusal.headers.get_content_type() == "text/plain"
    assert text


@pytest.mark.parametrize(
    ("path", "body", "keys"),
    [
        ("/v1/track", UNNAMED, {"Error", "Message", "Details"}),
        ("/v1/batch", batch(TRACK, UNNAMED), {"Success", "Errors"}),
        ("/v1/batch", batch(UNNAMED), {"Success", "Errors"}),
    ],
)
def test_the_bodies_of_metarouter(path: str, body: object, keys: set[str]) -> None:
    """A refusal is JSON, of another shape where it is about a batch."""
    response, content = Ask(400, path, body).send("metarouter")
    found = json.loads(content)
    assert response.headers.get_content_type() == "application/json"
    assert set(found) == keys
    assert found.get("Success") is (False if path == "/v1/batch" else None)


def test_the_body_of_segmentstream() -> None:
    """A 204 has no body, no type and no length."""
    response, content = Ask(204, "/track", STREAM).send("segmentstream")
    assert (content, response.getheader("Content-Type")) == (b"", None)


def test_a_wrong_method_names_the_right_one() -> None:
    """A 405 comes with Allow, as HTTP wants."""
    assert Ask(405, "/v1/track", method="DELETE").send("segment")[0].getheader("Allow") == "OPTIONS, POST"


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
    with pytest.raises(CannotJudge, match=f"127.0.0.1 port {port}: Address already in use"):
        Server(Contract(load("segment")), KEY, port=port)


def imported(place: Path) -> set[str]:
    """The modules of the suite that a file imports, whenever it does."""
    found = set()
    for node in ast.walk(ast.parse(place.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{item.name}" for item in node.names)}
        elif isinstance(node, ast.Import):
            found |= {item.name for item in node.names}
    return {name for name in found if name.startswith("conformance.")}


FORBIDDEN = {"cases", "expect", "catalogue", "engine", "wire", "run", "report", "fuzz"}


def test_knows_nothing_of_the_checks() -> None:
    """The reference server imports no checks, judgements or payloads, in its text or when it runs."""
    files = list((Path(conformance.__file__).parent / "refserver").glob("*.py"))
    assert len(files) >= 4
    written = {name.split(".")[1] for file in files for name in imported(file)}
    program = "import sys, conformance.refserver.__main__; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    running = {name.split(".")[1] for name in loaded.split() if name.startswith("conformance.")}
    assert "contract" in written & running
    assert not (FORBIDDEN | {"payloads"}) & running
    assert not FORBIDDEN & written
