"""A success whose body says that events were refused is no success."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from conformance.checks import expect
from conformance.cli import main
from conformance.core.model import Exchange, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conformance.core.model import Json

DEEP = '{"data":' * 1_200 + "0" + "}" * 1_200


def success(body: Json | bytes, status: int = 200, event_count: int = 1) -> Exchange:
    """A success with a body: bytes, or JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request(method="POST", path="/v1/track", event_count=event_count)
    return Exchange(request=request, response=Response(status=status, body=content))


REFUSALS: tuple[tuple[Json | bytes, int], ...] = (
    ({"ok": False, "okEvents": 0, "errors": ["no user"]}, 1),
    ({"success": False}, 1),
    ({"Success": False, "Errors": [{"Error": "Bad Request"}]}, 1),
    ({"is_accepted": False}, 1),
    ({"ok": True, "errors": ["no user"]}, 1),
    ({"error": "invalid write key"}, 1),
    ({"error": {"message": "bad"}}, 1),
    ({"errors": True}, 1),
    ({"failed": 1}, 1),
    ({"okEvents": 1}, 2),
    ({"accepted": 0}, 1),
    ({"received": 2, "queued": 0, "accepted": 1, "duplicates": 0}, 2),
    ({"received": 0}, 2),
    ({"accepted": 1, "rejected": 0}, 2),
    ({"status": "error"}, 1),
    ({"statusCode": 400}, 1),
    ({"data": {"success": False}}, 1),
    ({"results": [{"status": "ok"}, {"status": "rejected"}]}, 2),
    ([{"status": 200}, {"status": 422}], 2),
    ({"message": "processed 1 of 2"}, 2),
    (b"processed 1 of 2 events", 2),
    (b"1/2 events accepted", 2),
    (b"error: no user", 1),
    (b"Invalid write key", 1),
)
SUCCESSES: tuple[tuple[Json | bytes, int], ...] = (
    (b"", 1),
    (b"OK", 1),
    (b"\xff\xfe", 1),
    (DEEP.encode(), 1),
    (b'{"ok": fal', 1),
    (b"<html>ok</html>", 1),
    (b"processed 2 of 2", 2),
    (b"processed 1 of 3 shards", 2),
    ({"ok": True, "okEvents": 2, "receivedEvents": 2, "errors": []}, 2),
    ({"success": True, "error": None, "errors": [], "failed": 0, "error_code": 0}, 1),
    ({"error": "", "errorMessage": "none"}, 1),
    ({"error": {"code": 0, "message": ""}}, 1),
    ({"accepted": 0, "queued": 2}, 2),
    ({"accepted": 1, "duplicates": 1}, 2),
    ({"success": True, "received": 1}, 4),
    ({"success": True, "received": 1, "took_ms": 12}, 4),
    ({"processed": False}, 1),
    ({"accepted": True}, 2),
    ({"status": "ok", "code": 200}, 1),
    ({"status": "queued"}, 1),
    ({"event": "failed", "properties": {"success": False, "errors": [1]}}, 1),
    ([], 1),
)


@pytest.mark.parametrize(("body", "event_count"), REFUSALS, ids=[str(item[0])[:40] for item in REFUSALS])
def test_a_body_that_says_no_is_understood(body: Json | bytes, event_count: int) -> None:
    """By itself, and beside the usual success of the same server; not if that says the same."""
    exchange = success(body, event_count=event_count)
    assert expect.says_refused(exchange)
    assert expect.says_refused(exchange, success({"ok": True}))
    assert not expect.says_refused(exchange, exchange)


def test_a_number_above_the_events_sent_counts_something_else() -> None:
    """Such as all requests so far."""
    assert not expect.says_refused(success({"received": 3}, event_count=4), success({"received": 2}))
    assert expect.says_refused(success({"received": 3}, event_count=4), success({"received": 1}))


@pytest.mark.parametrize(("body", "event_count"), SUCCESSES, ids=[str(item[0])[:40] for item in SUCCESSES])
def test_a_plain_success_says_nothing_else(body: Json | bytes, event_count: int) -> None:
    """Numbers, empty lists, other words and broken JSON prove nothing."""
    exchange = success(body, event_count=event_count)
    assert not expect.says_refused(exchange)
    assert not expect.says_refused(exchange, exchange)


@pytest.mark.parametrize(
    ("body", "usual"),
    [
        ({"message": "see the log"}, {"ok": True}),
        ({"ok": True, "stored": False}, {"ok": True, "stored": True}),
        (b"<html>sorry</html>", b"ok"),
        (b"sorry", {"ok": True}),
        (b"the event was dropped", b"ok"),
    ],
)
def test_an_answer_of_another_kind_than_the_usual_success_is_noticed(body: Json | bytes, usual: Json | bytes) -> None:
    """Alone it may be anything."""
    assert expect.says_refused(success(body), success(usual))
    assert not expect.says_refused(success(body))


def test_only_plain_successes_are_read() -> None:
    """A refusal and a partial success say so by their status; an empty body says nothing."""
    assert not expect.says_refused(success({"ok": False}, status=400))
    assert not expect.says_refused(success({"Success": False}, status=207))
    assert not expect.says_refused(success(b"", status=204), success(b"ok"))
    assert not expect.says_refused(success(b"0 events rejected"), success(b"ok"))
    assert not expect.says_refused(Exchange(request=Request(method="POST", path="/v1/track")))


@contextmanager
def server_with(body_for: Callable[[dict[str, Any]], Json]) -> Iterator[str]:
    """The URL of a server that answers 200 with a JSON body to every POST, and 400 to what is no JSON object."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = json.dumps(body_for(json.loads(body))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def checks_of(url: str, tmp_path: Path, profile: str, *selected: str) -> dict[str, dict[str, Any]]:
    """The checks of a run against a server, by their ids."""
    file = tmp_path / "report.json"
    choice = ["--select", ",".join(selected)]
    main(["run", url, "--profile", profile, "--write-key", "Some-Key-1", "--fuzz", "0", "--json", str(file), *choice])
    return {f"{item['id']}[{item['operation']}]": item for item in json.loads(file.read_text("utf-8"))["checks"]}


def test_a_refusal_in_a_success_is_reported(tmp_path: Path) -> None:
    """Some events are refused, by a body alone: the checks of these fail at SHOULD, and no others."""

    def answer(body: dict[str, Any]) -> Json:
        events = body.get("batch", [body])
        good = [event for event in events if event.get("userId")]
        bad: list[Json] = ["no user"] * (len(events) - len(good))
        return {"ok": not bad, "okEvents": len(good), "errors": bad}

    with server_with(answer) as url:
        checks = checks_of(url, tmp_path, "segment", "accept.event.*", "batch.count.many")
    failed = {name: item for name, item in checks.items() if item["outcome"] == "fail"}
    assert "accept.event.anonymous-only[POST /v1/track]" in failed
    assert "accept.event.minimal[POST /v1/track]" not in failed
    assert "batch.count.many[POST /v1/batch]" not in failed
    for name, item in failed.items():
        assert item["level"] == "should"
        assert "answered with 200, and the body says that it was refused" in item["message"]
        sections = {source["section"] for source in item["sources"]}
        assert "/v1/import" in name or "15.3. Successful 2xx" in sections


def test_what_every_body_says_is_said_once(tmp_path: Path) -> None:
    """A server that says false of everything: the check of the smallest request has it, not all the others."""
    with server_with(lambda _: {"ok": False}) as url:
        checks = checks_of(url, tmp_path, "segment", "accept.event.*", "auth.key.unknown")
    failed = {item["id"] for item in checks.values() if item["area"] == "accept" and item["outcome"] == "fail"}
    assert failed == {"accept.event.minimal"}


def test_a_batch_that_was_taken_by_half_is_reported(tmp_path: Path) -> None:
    """`processed 1 of 101`, answered with 200."""

    def answer(body: dict[str, Any]) -> Json:
        count = len(body.get("batch", [body]))
        return {"message": f"processed {min(count, 20)} of {count}"}

    with server_with(answer) as url:
        checks = checks_of(url, tmp_path, "metarouter", "batch.count.*")
    item = checks["batch.count.many[POST /v1/batch]"]
    assert (item["outcome"], item["level"]) == ("fail", "should")
    assert "processed 20 of 101" in item["message"]
