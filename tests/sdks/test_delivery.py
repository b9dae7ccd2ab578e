"""Whether an SDK can deliver: what browsers need, on every path, and what is said where it can't."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from conformance.cli import main
from conformance.core import resources
from conformance.core.model import Exchange, Request, Response
from conformance.sdks import browser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BROWSER = "segment-analytics-next-1-84-3"
ORIGIN = "https://conformance.example"
EVERY_PATH = ("/v1/a", "/v1/b", "/v1/g", "/v1/i", "/v1/p", "/v1/s", "/v1/t")


@dataclass(kw_only=True)
class Options:
    """How a server treats browsers: headers of preflights and of other answers, and the paths that it has."""

    preflight_status: int = 204
    preflight_headers: dict[str, str] = field(
        default_factory=lambda: {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Retry-Count",
        }
    )
    headers: dict[str, str] = field(default_factory=lambda: {"Access-Control-Allow-Origin": "*"})
    refusal_headers: dict[str, str] = field(default_factory=lambda: {"Access-Control-Allow-Origin": "*"})
    absent: tuple[str, ...] = ()


@contextmanager
def browser_server(options: Options) -> Iterator[str]:
    """The URL of a server that takes every JSON object, and refuses other bodies with 400."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_OPTIONS(self) -> None:
            self.reply(options.preflight_status, options.preflight_headers)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path in options.absent:
                self.reply(404, options.refusal_headers)
                return
            try:
                json.loads(body)
            except ValueError:
                self.reply(400, options.refusal_headers)
            else:
                self.reply(200, options.headers)

        def reply(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def report_of(options: Options, tmp_path: Path, profile: str = "segment") -> dict[str, Any]:
    """The report of the browser SDK's checks."""
    file = tmp_path / "report.json"
    with browser_server(options) as url:
        main(
            ["run", url, "--profile", profile, "--write-key", "Some-Key-1", "--fuzz", "0", "--json", str(file),
             "--select", f"sdk.{BROWSER}.*", "--gate", "should"]
        )  # fmt: skip
    document: dict[str, Any] = json.loads(file.read_text("utf-8"))
    schema = json.loads((resources.specs_dir() / "report.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(document)
    return document


def accepted_checks(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The verdicts on whether the SDK's requests are accepted, by their paths."""
    checks = [item for item in document["checks"] if item["id"].endswith(".accepted")]
    return {item["operation"].removeprefix("POST "): item for item in checks}


def test_a_server_that_permits_the_browser_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On all seven paths."""
    checks = accepted_checks(report_of(Options(), tmp_path))
    assert {path: item["outcome"] for path, item in checks.items()} == dict.fromkeys(EVERY_PATH, "pass")
    assert "can't deliver" not in capsys.readouterr().out


WITHOUT_ORIGIN = {"Access-Control-Allow-Headers": "authorization, x-retry-count"}
SHUT_OUT = (
    (Options(preflight_status=400), "the preflight is answered 400"),
    (Options(preflight_headers=WITHOUT_ORIGIN), "the answer to the preflight has no Access-Control-Allow-Origin"),
    (
        Options(preflight_headers={"Access-Control-Allow-Origin": "https://other.example", **WITHOUT_ORIGIN}),
        "the answer to the preflight has Access-Control-Allow-Origin: https://other.example",
    ),
    (
        Options(preflight_headers={"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "Content-Type"}),
        "Access-Control-Allow-Headers of the preflight does not name authorization",
    ),
    (Options(headers={}), "the answer has no Access-Control-Allow-Origin"),
)


@pytest.mark.parametrize(("options", "reason"), SHUT_OUT, ids=[item[1][:50] for item in SHUT_OUT])
def test_a_server_that_shuts_the_browser_out_is_named(
    options: Options, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check fails at SHOULD and names what is missing; the overview says that the SDK can't deliver."""
    document = report_of(options, tmp_path)
    checks = accepted_checks(document)
    assert set(checks) == set(EVERY_PATH)
    for item in checks.values():
        assert (item["outcome"], item["level"]) == ("fail", "should")
        assert reason in item["message"]
        assert "Fetch Standard" in {source["document"] for source in item["sources"]}
    (row,) = document["sdks"]
    outcomes = [operation["outcomes"] for operation in row["operations"]]
    assert {item[0]["does"] for item in outcomes} == {"retry"}
    assert {item[0]["blocked"] for item in outcomes} == {reason}
    shown = " ".join(capsys.readouterr().out.split())
    assert f"can't deliver, retries: {reason} on any of its 7 paths" in shown


def test_a_repeated_request_needs_permission_for_its_own_header(tmp_path: Path) -> None:
    """The first request passes, and the header with which the SDK repeats it is not allowed."""
    headers = {"Access-Control-Allow-Origin": ORIGIN, "Access-Control-Allow-Headers": "authorization"}
    for item in accepted_checks(report_of(Options(preflight_headers=headers), tmp_path)).values():
        assert item["outcome"] == "fail"
        assert "a repeated request" in item["message"]
        assert "does not name x-retry-count" in item["message"]


def test_a_refusal_that_the_page_can_not_read_makes_the_sdk_retry(tmp_path: Path) -> None:
    """Without Access-Control-Allow-Origin, a 400 looks like a failed connection."""
    (row,) = report_of(Options(refusal_headers={}), tmp_path)["sdks"]
    for operation in row["operations"]:
        outcomes = {item["condition"]: item for item in operation["outcomes"]}
        assert outcomes["accepted"]["does"] == "deliver"
        assert (outcomes["invalid-json"]["received"], outcomes["invalid-json"]["does"]) == ("400", "retry")
        assert outcomes["invalid-json"]["blocked"] == "the answer has no Access-Control-Allow-Origin"


def test_absent_paths_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Six of seven paths are absent: the line says so, and does not stand for the seventh alone."""
    (row,) = report_of(Options(absent=EVERY_PATH[:6]), tmp_path)["sdks"]
    received = {item["operation"]: item["outcomes"][0]["received"] for item in row["operations"]}
    assert received == {f"POST {path}": "404" for path in EVERY_PATH[:6]} | {"POST /v1/t": "200"}
    shown = " ".join(capsys.readouterr().out.split())
    assert "counts as delivered, can't deliver, gives" in shown
    assert "404 on POST /v1/a, POST /v1/b, POST" in shown


def test_the_line_is_there_where_all_paths_are_absent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The other SDKs' paths are there, so that the run is judged."""
    (row,) = report_of(Options(absent=EVERY_PATH), tmp_path)["sdks"]
    assert len(row["operations"]) == 7
    shown = " ".join(capsys.readouterr().out.split())
    assert "can't deliver, gives up: 404 on any of its 7 paths" in shown


def answer(**headers: str) -> Exchange:
    """A success with headers; an underscore stands for a hyphen."""
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Exchange(request=Request(method="OPTIONS", path="/"), response=Response(status=204, headers=pairs))


def test_what_browsers_ask_for() -> None:
    """Simple requests need no preflight; Authorization, other headers and JSON do (Fetch Standard)."""
    assert browser.headers_to_ask_for(["Accept", "User-Agent", "Content-Type"], "text/plain; charset=UTF-8") == ()
    assert browser.headers_to_ask_for(["X-Retry-Count", "Authorization"], "text/plain") == (
        "authorization",
        "x-retry-count",
    )
    assert browser.headers_to_ask_for(["Content-Type"], "application/json") == ("content-type",)


def test_a_wildcard_covers_all_but_authorization() -> None:
    """Which the standard says, and browsers do not enforce: it is a remark."""
    wild = answer(Access_Control_Allow_Origin="*", Access_Control_Allow_Headers="*")
    assert not browser.find_preflight_problem(wild, ORIGIN, "POST", ["authorization"])
    assert "does not cover Authorization" in browser.find_preflight_remark(wild, ["authorization"])
    assert not browser.find_preflight_remark(wild, ["x-retry-count"])
    assert "does not name PUT" in browser.find_preflight_problem(wild, ORIGIN, "PUT", [])
    twice = Response(status=200, headers=(("Access-Control-Allow-Origin", "*"),) * 2)
    assert "*, *" in browser.find_answer_problem(Exchange(request=wild.request, response=twice), ORIGIN)


def test_paths_that_the_profile_does_not_have_are_named(tmp_path: Path) -> None:
    """Nothing was sent there, so nothing is said of them but that."""
    text = resources.profile_path("segment").read_text("utf-8")
    assert ", path: /v1/g}" in text
    profile = tmp_path / "ours.yaml"
    lines = text.replace("name: segment\n", "name: ours\n", 1).splitlines(keepends=True)
    profile.write_text("".join(line for line in lines if ", path: /v1/g}" not in line), encoding="utf-8")
    (row,) = report_of(Options(), tmp_path, str(profile))["sdks"]
    assert row["unasked"] == ["/v1/g"]
    assert len(row["operations"]) == 6
