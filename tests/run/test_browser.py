"""Runs with `--browser`: what a page in a real Chromium sees of servers that are correct, and of some that are not."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from conformance.cli import main
from conformance.contract import Contract
from conformance.core import event_loop
from conformance.core.model import Request, TransportFailure
from conformance.profile import load
from conformance.refserver.server_change import ServerChange
from conformance.refserver.servers import SERVERS
from conformance.refserver.threaded_server import ThreadedServer, uvicorn_config
from conformance.wire import Redactor, parse_target
from conformance.wire.browser import BrowserPage, open_page
from tests.support.browser import chromium_path
from tests.support.scripted_server import OK, answer_always, scripted_server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from conformance.core.model import Exchange
    from conformance.refserver.replies import ServerReply
    from conformance.refserver.server_change import RequestView

KEY = "Browser-Key-7f3a91"


def run_with_browser(change: ServerChange, place: Path) -> tuple[int, dict[str, Any]]:
    """The exit code of a run on two paths of a changed reference server, and its report."""
    app = change.create_application(Contract(load("segment")), KEY, None)
    report = place / "report.json"
    chromium_path()
    with ThreadedServer(uvicorn_config(app, change.protocol), "a changed server") as server:
        code = main(
            [
                "run", server.url, "--profile", "segment", "--write-key", KEY, "--browser", "--gate", "should",
                "--fuzz", "0", "--select", "robustness.browser.*", "--select", "/v1/t,/v1/track,/v1/b",
                "--json", str(report),
            ]
        )  # fmt: skip
    text = report.read_text()
    assert KEY not in text
    document: dict[str, Any] = json.loads(text)
    return code, document


def outcomes(document: dict[str, Any]) -> dict[str, set[str]]:
    """The outcomes of each check."""
    found: dict[str, set[str]] = {}
    for item in document["checks"]:
        found.setdefault(item["id"].rpartition(".")[2], set()).add(item["outcome"])
    return found


@pytest.mark.parametrize("name", ["correct", "pages-named", "in-lower-case"])
def test_a_page_sees_successes_of_a_correct_server(name: str, tmp_path: Path) -> None:
    """The requests of the SDK by fetch, with keepalive and without, and those of beacons."""
    code, document = run_with_browser(SERVERS[name].change, tmp_path)
    assert (code, outcomes(document)) == (0, {"fetch": {"pass"}, "beacon": {"pass"}})


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("cors-absent-on-answers", "No 'Access-Control-Allow-Origin' header is present"),
        ("preflight-crash", "preflight"),
        ("cors-headers-fixed", "authorization is not allowed by Access-Control-Allow-Headers"),
    ],
)
def test_a_page_that_sees_a_failed_connection_fails(fault: str, reason: str, tmp_path: Path) -> None:
    """The report says why, in the words of the browser. Beacons need no permission."""
    code, document = run_with_browser(SERVERS[fault].change, tmp_path)
    assert code == 1
    assert "fail" in outcomes(document)["fetch"]
    assert outcomes(document)["beacon"] == {"pass"}
    failed = [item for item in document["checks"] if item["outcome"] == "fail"]
    assert all("a page in a browser must see a success" in item["message"] for item in failed)
    assert all(reason in item["message"] for item in failed)


def test_a_beacon_that_is_refused_fails(tmp_path: Path) -> None:
    """A server may take a request from anything but a browser."""

    def refuse_beacons(view: RequestView) -> ServerReply | None:
        is_beacon = view.request.headers.get("sec-fetch-mode") == "no-cors"
        return view.server.error_reply(view.decision.operation, 403, "no browsers") if is_beacon else None

    code, document = run_with_browser(ServerChange(override=refuse_beacons), tmp_path)
    assert (code, outcomes(document)) == (1, {"fetch": {"pass"}, "beacon": {"fail"}})


def in_page(target: str, deadline_s: float, use: Callable[[BrowserPage], Awaitable[Exchange]]) -> Exchange:
    """What a page saw."""

    async def see() -> Exchange:
        async with open_page(chromium_path(), parse_target(target), Redactor({KEY: "$KEY"}), deadline_s) as page:
            return await use(page)

    return event_loop.run(see())


def test_a_page_reaches_nothing_but_the_target() -> None:
    """Another port of the same machine is another server."""
    request = Request(method="POST", path="/", headers=(("Content-Type", "text/plain"),), body=b"{}")

    async def go_elsewhere(page: BrowserPage) -> Exchange:
        page.target = parse_target(elsewhere.url)
        return await page.fetch(request)

    with scripted_server(answer_always(OK)) as target, scripted_server(answer_always(OK)) as elsewhere:
        exchange = in_page(target.url, 5.0, go_elsewhere)
        assert elsewhere.received == []
    assert (exchange.response, exchange.failure) == (None, TransportFailure.UNREACHABLE)


def test_silence_ends_at_the_deadline() -> None:
    """By fetch and as a beacon."""
    request = Request(method="POST", path="/", headers=(("Content-Type", "text/plain"),), body=KEY.encode())
    app = ServerChange().with_delay(8.0).create_application(Contract(load("segment")), KEY, None)
    with ThreadedServer(uvicorn_config(app), "a slow server") as server:
        for use in (BrowserPage.fetch, BrowserPage.send_beacon):
            exchange = in_page(server.url, 1.0, partial(use, request=request))
            assert exchange.failure is TransportFailure.TIMEOUT
            assert exchange.request.body == b"$KEY"


def test_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a profile, nor a home, nor a socket."""
    request = Request(method="POST", path="/v1/t", headers=(("Content-Type", "text/plain"),), body=b"{}")
    with TemporaryDirectory(prefix="b") as place, scripted_server(answer_always(OK)) as target:
        monkeypatch.setenv("TMPDIR", place)
        monkeypatch.setattr("tempfile.tempdir", None)
        in_page(target.url, 5.0, lambda page: page.fetch(request))
        assert len(target.received) == 1
        assert list(Path(place).iterdir()) == []


WRONG = {
    "--header 'X-Env: a'": "--browser can't send the headers of --header",
    "--ca-bundle {bundle}": "--browser can't trust the certificates of --ca-bundle",
    "--profile all": "--browser works with a single profile",
}


@pytest.mark.parametrize("options", WRONG)
def test_what_a_browser_cannot_do_is_refused(options: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With one sentence, before anything is sent."""
    bundle = tmp_path / "bundle.pem"
    trustme.CA().cert_pem.write_to_path(bundle)
    words = shlex.split(options.format(bundle=bundle))
    with scripted_server(answer_always(OK)) as target:
        code = main(["run", target.url, "--profile", "segment", "--write-key", KEY, "--browser", *words])
        assert target.received == []
    assert code == 2
    assert WRONG[options] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("missing", "advice"), [("chromium", "apt-get install chromium"), ("playwright", "pip install")]
)
def test_what_is_missing_is_said(missing: str, advice: str) -> None:
    """In one sentence, with what to do, and exit code 2."""
    block = "sys.modules['playwright'] = None; " if missing == "playwright" else ""
    program = f"import sys; {block}from conformance.cli import main; sys.exit(main(sys.argv[1:]))"
    finished = subprocess.run(
        [sys.executable, "-c", program, "run", "--profile", "segment", "--browser"],
        env={**os.environ, "CHROMIUM": "/no/such/chromium"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert finished.returncode == 2
    assert advice in finished.stderr
    assert len(finished.stderr.splitlines()) == 1
