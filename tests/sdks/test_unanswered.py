"""Targets that leave requests of official SDKs unanswered never end in 0, whoever's SDK it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from conformance.cli import main
from tests.support.scripted_server import OK, ClientClosedError, ClientConnection, scripted_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.scripted_server import ConnectionScript

SDK, AGENT = "sdk.rudder-sdk-node-3-0-13.reactions", "analytics-node/3.0.13"


def without_answers_to_sdks(then: ConnectionScript) -> ConnectionScript:
    """A server that takes everything, but what an SDK of another vendor has sent."""

    def script(peer: ClientConnection) -> None:
        while True:
            if peer.read_request().values("user-agent") == [AGENT]:
                then(peer)
            peer.send(OK)

    return script


def hang_up(_: ClientConnection) -> None:
    """Closes the connection."""
    raise ClientClosedError


def say_nothing(peer: ClientConnection) -> None:
    """Says nothing."""
    peer.stay_silent()


@pytest.mark.parametrize(("then", "code", "outcome"), [(hang_up, 1, "fail"), (say_nothing, 3, "error")])
def test_what_an_observing_check_could_not_see_counts(
    then: ConnectionScript, code: int, outcome: str, tmp_path: Path
) -> None:
    """At the level of the promise that every request is answered."""
    report = tmp_path / "report"
    with scripted_server(without_answers_to_sdks(then)) as server:
        arguments = ["run", server.url, "--profile", "segment", "--write-key", "key", "--deadline", "1", "--quiet"]
        options = ["--select", f"accept.event.minimal,{SDK}", "--fuzz", "0", f"--json={report}"]
        assert main([*arguments, *options]) == code
    checks = json.loads(report.read_text(encoding="utf-8"))["checks"]
    assert {(item["level"], item["outcome"]) for item in checks if item["id"] == SDK} >= {("must", outcome)}
