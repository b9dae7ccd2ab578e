"""A fifth vendor is one YAML file: no Python of the suite knows it, and it is judged like the others."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
import yaml

from conformance.cli import main
from tests.support import paths

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROFILE = paths.ACME
KEY = "acme-key-5d3e"
KINDS = {"/collect/event": "order", "/collect/visit": "visit"}
BATCH_PATH = "/collect/many"


class RefusalError(Exception):
    """A status, and the places of bad items."""

    def __init__(self, status: int, places: list[int] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.places = places


def refuse_constant(word: str) -> NoReturn:
    """Refuses NaN and Infinity."""
    raise ValueError(word)


def value_at(value: Any, *path: str) -> Any:  # noqa: ANN401 - JSON
    """The value at a path through objects, or None."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def is_invalid_event(event: object, kind: str) -> bool:
    """Whether an event lacks a required field."""
    is_named = value_at(event, "who", "id") or value_at(event, "who", "visitor")
    return not is_named or (kind == "order" and not value_at(event, "item", "sku"))


def compact_length(value: object) -> int:
    """The length of a value as JSON, in bytes. Raises RefusalError if it is nested too deeply."""
    try:
        return len(json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass"))
    except RecursionError:
        raise RefusalError(422) from None


class AcmeHandler(BaseHTTPRequestHandler):
    """A collector of Acme's, written from the guide alone. `flaw` is the one promise that it breaks."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    flaw = ""

    def do_POST(self) -> None:
        """Answers a request."""
        try:
            self.check_request(self.read_body())
        except RefusalError as refusal:
            answer_body: object = {"title": "no"} if refusal.places is None else {"refused": refusal.places}
            self.reply(refusal.status, "application/problem+json", answer_body)
        else:
            self.reply(202, "application/json", {"taken": True})

    def read_body(self) -> bytes:
        """The body, whole or in chunks. Raises Refusal where it is not clear what belongs to it."""
        self.path = self.path.removeprefix(f"http://{self.headers.get('Host')}")  # the absolute form
        is_chunked = (self.headers.get("Transfer-Encoding") or "").strip().lower() == "chunked"
        lengths = set(self.headers.get_all("Content-Length") or ["0"])
        if len(lengths) > 1 or (is_chunked and "Content-Length" in self.headers):
            self.close_connection = True
            raise RefusalError(400)
        if is_chunked:
            return self.read_chunks()
        length = int(lengths.pop())
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            raise RefusalError(400)
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

    def check_request(self, body: bytes) -> None:
        """Raises Refusal if something is wrong with a request."""
        if self.path not in {*KINDS, BATCH_PATH}:
            raise RefusalError(410)
        if self.command != "POST":
            raise RefusalError(405)
        if len(body) > (65_536 if self.path == BATCH_PATH else 4096) and self.flaw != "limit":
            raise RefusalError(413)
        value = self.read_json(body)
        self.check_key(value)
        if self.path == BATCH_PATH:
            self.check_batch(value_at(value, "items"))
        elif is_invalid_event(value, KINDS[self.path]) and self.flaw != "bad event":
            raise RefusalError(409)

    def read_json(self, body: bytes) -> dict[str, Any]:
        """The object in a body."""
        try:
            value = json.loads(body.decode(), parse_constant=refuse_constant)
        except (ValueError, RecursionError):
            raise RefusalError(422) from None
        if not isinstance(value, dict):
            raise RefusalError(422)
        return value

    def check_key(self, value: dict[str, Any]) -> None:
        """Raises Refusal if no key is there, or another one."""
        key = (self.headers.get("X-Acme-Key") or "").strip() or value_at(value, "auth", "key")
        if not key:
            raise RefusalError(401)
        if key != KEY and self.flaw != "key":
            raise RefusalError(403)

    def check_batch(self, items: object) -> None:
        """Raises Refusal if something is wrong with a list."""
        if not isinstance(items, list):
            raise RefusalError(412)
        if not items:
            raise RefusalError(416)
        if any(value_at(item, "kind") not in KINDS.values() for item in items):
            raise RefusalError(424)
        if any(compact_length(item) > 4300 for item in items):
            raise RefusalError(413)
        bad = [place for place, item in enumerate(items) if is_invalid_event(item, item["kind"])]
        if len(bad) == len(items):
            raise RefusalError(409)
        if bad and self.flaw != "partly bad":
            raise RefusalError(207, bad)

    def reply(self, status: int, kind: str, value: object) -> None:
        """Sends an answer."""
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status == 401:
            self.send_header("WWW-Authenticate", 'X-Acme-Key realm="acme"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


for verb in ("GET", "PUT", "PATCH", "DELETE"):
    setattr(AcmeHandler, f"do_{verb}", AcmeHandler.do_POST)


@contextmanager
def acme_server(flaw: str = "") -> Iterator[str]:
    """Runs an Acme server on a free port, and yields its URL."""
    handler = type("Flawed", (AcmeHandler,), {"flaw": flaw})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def run_command(tmp_path: Path, *arguments: str, profile: Path = PROFILE) -> tuple[int, list[dict[str, Any]]]:
    """The exit code of a run, and the checks of its report."""
    file = tmp_path / "report.json"
    code = main(["run", *arguments, "--profile", str(profile), "--write-key", KEY, "--quiet", "--json", str(file)])
    checks: list[dict[str, Any]] = json.loads(file.read_text("utf-8"))["checks"]
    return code, checks


def failed_checks(checks: list[dict[str, Any]], level: str = "must") -> set[str]:
    """The ids of the checks of a level that did not pass."""
    bad = {"fail", "untestable", "error"}
    return {item["id"] for item in checks if item["level"] == level and item["outcome"] in bad}


def write_profile_variant(tmp_path: Path, change: dict[str, Any], *gone: str) -> Path:
    """A copy of the profile with the parts in `change`, and without those in `gone`, given as `section.key`."""
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
    with acme_server() as url:
        code, checks = run_command(tmp_path_factory.mktemp("acme"), url)
    assert code == 0
    return checks


def test_an_independent_server_conforms(correct: list[dict[str, Any]]) -> None:
    """A server written from the vendor's guide alone breaks no MUST."""
    assert failed_checks(correct) == set()
    assert {item["id"] for item in correct if item["outcome"] == "pass"} > {
        "accept.credentials.header", "accept.credentials.body", "auth.key.unknown", "batch.list.empty",
        "batch.partly-bad.body", "json.example.invalid", "payload.required.missing", "size.batch.within",
        "size.event.over-chunked", "accept.event.anonymous-only", "accept.answer.body", "errors.body.size",
    }  # fmt: skip


def test_the_reference_server_agrees(correct: list[dict[str, Any]], tmp_path: Path) -> None:
    """The embedded reference server conforms, and gets the same verdicts as the independent one."""
    code, checks = run_command(tmp_path)
    assert code == 0
    areas = {"accept", "auth", "batch", "json", "payload", "size"}
    verdicts = [
        {(c["id"], c["operation"], c["level"], c["outcome"]) for c in results if c["area"] in areas}
        for results in (checks, correct)
    ]
    assert verdicts[0] == verdicts[1]


def test_its_levels_and_silences_are_its_own(correct: list[dict[str, Any]]) -> None:
    """A path that only the forum documents is at most a SHOULD; checks of undocumented features are not applicable."""
    assert {item["level"] for item in correct if item["operation"].endswith("/visit")} == {"should", "may"}
    silent = {item["id"] for item in correct if item["outcome"] == "not-applicable"}
    assert {"pixel.event.minimal", "webhook.event.minimal", "auth.base64.invalid"} <= silent


@pytest.mark.parametrize(
    ("flaw", "check_id"),
    [
        ("limit", "size.event.over"),
        ("key", "auth.key.unknown"),
        ("bad event", "payload.identity.missing"),
        ("partly bad", "batch.partly-bad.status"),
    ],
)
def test_a_broken_promise_is_found(flaw: str, check_id: str, tmp_path: Path) -> None:
    """A server breaks one promise, and only checks of that area fail."""
    with acme_server(flaw) as url:
        code, checks = run_command(tmp_path, url, "--select", "size.event.*,auth,payload,batch.partly-bad.*")
    assert code == 1
    assert check_id in failed_checks(checks)
    assert {name.partition(".")[0] for name in failed_checks(checks)} == {check_id.partition(".")[0]}


def test_with_a_key_in_the_body_alone(tmp_path: Path) -> None:
    """If a vendor accepts the key in the body only, requests have it nowhere else."""
    missing = yaml.safe_load(PROFILE.read_text("utf-8"))["answers"]["credentials-missing"]
    profile = write_profile_variant(tmp_path, {"answers": {"credentials-malformed": missing}}, "credentials.header")
    assert run_command(tmp_path, profile=profile)[0] == 0
    with acme_server() as url:
        code, checks = run_command(tmp_path, url, profile=profile)
    assert code == 0
    outcomes = {(item["id"], item["outcome"]) for item in checks}
    assert {("accept.credentials.body", "pass"), ("accept.credentials.header", "not-applicable")} <= outcomes


def test_without_any_batch(tmp_path: Path) -> None:
    """Without a batch in the profile, checks of batches are not applicable."""
    routes = [route for route in yaml.safe_load(PROFILE.read_text("utf-8"))["routes"] if route["kind"] != "batch"]
    profile = write_profile_variant(tmp_path, {"routes": routes, "batch": {}}, "limits.batch", "limits.batch-event")
    assert run_command(tmp_path, profile=profile)[0] == 0
    with acme_server() as url:
        code, checks = run_command(tmp_path, url, profile=profile)
    assert code == 0
    about = [item for item in checks if item["area"] == "batch"]
    assert {(item["operation"], item["outcome"]) for item in about} == {("", "not-applicable")}
