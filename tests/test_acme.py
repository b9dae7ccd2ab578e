"""A fifth vendor is one YAML file: no Python of the suite knows it, and it is judged like the others."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
import yaml

from conformance.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator

PROFILE = Path(__file__).with_name("acme.yaml")
KEY = "acme-key-5d3e"
KINDS = {"/collect/event": "order", "/collect/visit": "visit"}
MANY = "/collect/many"


class Refusal(Exception):
    """A status, and the places of bad items."""

    def __init__(self, status: int, places: list[int] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.places = places


def no_number(word: str) -> NoReturn:
    """Refuses NaN and Infinity."""
    raise ValueError(word)


def inside(value: Any, *way: str) -> Any:  # noqa: ANN401 - JSON
    """What is at the end of a way through objects, or None."""
    for step in way:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def is_bad(event: object, kind: str) -> bool:
    """Whether an event lacks what it needs."""
    is_named = inside(event, "who", "id") or inside(event, "who", "visitor")
    return not is_named or (kind == "order" and not inside(event, "item", "sku"))


def compact_length(value: object) -> int:
    """How many bytes a value takes as JSON. Raises Refusal if it is nested too deep."""
    try:
        return len(json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass"))
    except RecursionError:
        raise Refusal(422) from None


class Acme(BaseHTTPRequestHandler):
    """A collector of Acme's, written from the guide alone. `flaw` is the one promise that it breaks."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    flaw = ""

    def do_POST(self) -> None:
        """Answers a request."""
        try:
            self.judge(self.read_body())
        except Refusal as refusal:
            said: object = {"title": "no"} if refusal.places is None else {"refused": refusal.places}
            self.reply(refusal.status, "application/problem+json", said)
        else:
            self.reply(202, "application/json", {"taken": True})

    def read_body(self) -> bytes:
        """The body, whole or in chunks. Raises Refusal where it is not clear what belongs to it."""
        is_chunked = self.headers.get("Transfer-Encoding") == "chunked"
        lengths = set(self.headers.get_all("Content-Length") or ["0"])
        if len(lengths) > 1 or (is_chunked and "Content-Length" in self.headers):
            self.close_connection = True
            raise Refusal(400)
        if is_chunked:
            return self.read_chunks()
        length = int(lengths.pop())
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            raise Refusal(400)
        return body

    def read_chunks(self) -> bytes:
        """The body in chunks, whose extensions and trailers say nothing here."""
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def judge(self, body: bytes) -> None:
        """Raises Refusal if something is wrong with a request."""
        if self.path not in {*KINDS, MANY}:
            raise Refusal(410)
        if self.command != "POST":
            raise Refusal(405)
        if len(body) > (65_536 if self.path == MANY else 4096) and self.flaw != "limit":
            raise Refusal(413)
        value = self.read_json(body)
        self.judge_key(value)
        if self.path == MANY:
            self.judge_many(inside(value, "items"))
        elif is_bad(value, KINDS[self.path]) and self.flaw != "bad event":
            raise Refusal(409)

    def read_json(self, body: bytes) -> dict[str, Any]:
        """The object in a body."""
        try:
            value = json.loads(body.decode(), parse_constant=no_number)
        except (ValueError, RecursionError):
            raise Refusal(422) from None
        if not isinstance(value, dict):
            raise Refusal(422)
        return value

    def judge_key(self, value: dict[str, Any]) -> None:
        """Raises Refusal if no key is there, or another one."""
        key = self.headers.get("X-Acme-Key") or inside(value, "auth", "key")
        if not key:
            raise Refusal(401)
        if key != KEY and self.flaw != "key":
            raise Refusal(403)

    def judge_many(self, items: object) -> None:
        """Raises Refusal if something is wrong with a list."""
        if not isinstance(items, list):
            raise Refusal(412)
        if not items:
            raise Refusal(416)
        if any(inside(item, "kind") not in KINDS.values() for item in items):
            raise Refusal(424)
        if any(compact_length(item) > 4300 for item in items):
            raise Refusal(413)
        bad = [place for place, item in enumerate(items) if is_bad(item, item["kind"])]
        if len(bad) == len(items):
            raise Refusal(409)
        if bad and self.flaw != "partly bad":
            raise Refusal(207, bad)

    def reply(self, status: int, kind: str, value: object) -> None:
        """Sends an answer."""
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


for verb in ("GET", "PUT", "PATCH", "DELETE"):
    setattr(Acme, f"do_{verb}", Acme.do_POST)


@contextmanager
def acme(flaw: str = "") -> Iterator[str]:
    """An Acme server on a free port; gives its address."""
    handler = type("Flawed", (Acme,), {"flaw": flaw})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def judged(tmp_path: Path, *arguments: str, profile: Path = PROFILE) -> tuple[int, list[dict[str, Any]]]:
    """The exit code of a run, and the checks of its report."""
    file = tmp_path / "report.json"
    code = main(
        ["run", *arguments, "--profile", str(profile), "--write-key", KEY, "--quiet", "--json", str(file)]
    )
    checks: list[dict[str, Any]] = json.loads(file.read_text("utf-8"))["checks"]
    return code, checks


def broken(checks: list[dict[str, Any]], level: str = "must") -> set[str]:
    """The ids of what did not pass at a level."""
    bad = {"fail", "untestable", "error"}
    return {item["id"] for item in checks if item["level"] == level and item["outcome"] in bad}


def variant(tmp_path: Path, change: dict[str, Any], *gone: str) -> Path:
    """A copy of the profile without some parts, given as `section.key`, and with some put in."""
    data = yaml.safe_load(PROFILE.read_text("utf-8"))
    for place in gone:
        section, _, key = place.partition(".")
        del data[section][key]
    for section, value in change.items():
        data[section] = {**data[section], **value} if isinstance(value, dict) else value
    file = tmp_path / "acme.yaml"
    file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def correct(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The checks of a run against a correct Acme server."""
    with acme() as url:
        code, checks = judged(tmp_path_factory.mktemp("acme"), url)
    assert code == 0
    return checks


def test_an_independent_server_conforms(correct: list[dict[str, Any]]) -> None:
    """A server written from the vendor's words breaks no promise that must be kept."""
    assert broken(correct) == set()
    assert {item["id"] for item in correct if item["outcome"] == "pass"} > {
        "accept.credentials.header", "accept.credentials.body", "auth.key.unknown", "batch.list.empty",
        "batch.partly-bad.body", "json.example.invalid", "payload.required.missing", "size.batch.within",
        "size.event.over-chunked", "accept.event.anonymous-only", "accept.answer.body", "errors.body.size",
    }  # fmt: skip


def test_the_reference_server_agrees(correct: list[dict[str, Any]], tmp_path: Path) -> None:
    """The embedded reference server conforms, and comes to the same verdicts as the independent one."""
    code, checks = judged(tmp_path)
    assert code == 0
    areas = {"accept", "auth", "batch", "json", "payload", "size"}
    verdicts = [
        {(c["id"], c["operation"], c["level"], c["outcome"]) for c in found if c["area"] in areas}
        for found in (checks, correct)
    ]
    assert verdicts[0] == verdicts[1]


def test_its_levels_and_silences_are_its_own(correct: list[dict[str, Any]]) -> None:
    """A path of the forum's is at most a SHOULD; what no document speaks of is not applicable."""
    assert {item["level"] for item in correct if item["operation"].endswith("/visit")} == {"should", "may"}
    silent = {item["id"] for item in correct if item["outcome"] == "not-applicable"}
    assert {"pixel.event.minimal", "webhook.event.minimal", "auth.base64.invalid"} <= silent


@pytest.mark.parametrize(
    ("flaw", "found"),
    [
        ("limit", "size.event.over"),
        ("key", "auth.key.unknown"),
        ("bad event", "payload.identity.missing"),
        ("partly bad", "batch.partly-bad.status"),
    ],
)
def test_a_broken_promise_is_found(flaw: str, found: str, tmp_path: Path) -> None:
    """A server that breaks one promise deviates, and the check of that promise says so."""
    with acme(flaw) as url:
        code, checks = judged(tmp_path, url, "--select", "size.event.*,auth,payload,batch.partly-bad.*")
    assert code == 1
    assert found in broken(checks)
    assert {name.partition(".")[0] for name in broken(checks)} == {found.partition(".")[0]}


def test_with_a_key_in_the_body_alone(tmp_path: Path) -> None:
    """A vendor may take the key in the body only; then no request carries it elsewhere."""
    missing = yaml.safe_load(PROFILE.read_text("utf-8"))["answers"]["credentials-missing"]
    profile = variant(tmp_path, {"answers": {"credentials-malformed": missing}}, "credentials.header")
    assert judged(tmp_path, profile=profile)[0] == 0
    with acme() as url:
        code, checks = judged(tmp_path, url, profile=profile)
    assert code == 0
    outcomes = {(item["id"], item["outcome"]) for item in checks}
    assert {("accept.credentials.body", "pass"), ("accept.credentials.header", "not-applicable")} <= outcomes


def test_without_any_batch(tmp_path: Path) -> None:
    """A vendor need not have a batch; what is about batches is not applicable then."""
    routes = [
        route for route in yaml.safe_load(PROFILE.read_text("utf-8"))["routes"] if route["kind"] != "batch"
    ]
    profile = variant(tmp_path, {"routes": routes, "batch": {}}, "limits.batch", "limits.batch-event")
    assert judged(tmp_path, profile=profile)[0] == 0
    with acme() as url:
        code, checks = judged(tmp_path, url, profile=profile)
    assert code == 0
    about = [item for item in checks if item["area"] == "batch"]
    assert {(item["operation"], item["outcome"]) for item in about} == {("", "not-applicable")}
