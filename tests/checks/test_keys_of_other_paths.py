"""Paths that take the id of a source in place of a write key: neither opens what the other one opens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from conformance.cli import main
from conformance.contract import Contract
from conformance.profile import load
from conformance.refserver.authentication import FurtherKeys
from conformance.refserver.faults import FAULTS
from conformance.refserver.server_change import ServerChange
from conformance.refserver.threaded_server import ThreadedServer, uvicorn_config

if TYPE_CHECKING:
    from pathlib import Path

KEY, SOURCE_ID = "Write-Key-1", "Source-Id-1"
CHECK = "auth.key.other-paths"
ANY_KEY = next(item for item in FAULTS if item.name == "key-of-other-paths-accepted").change


def outcomes(change: ServerChange, report: Path, *keys: str) -> dict[str, str]:
    """The outcome of the check on each path of a server."""
    contract = Contract(load("rudderstack"), ["internal"])
    app = change.create_application(contract, KEY, None, FurtherKeys(source_id=SOURCE_ID))
    with ThreadedServer(uvicorn_config(app), "a server of two kinds of keys") as server:
        arguments = ["--profile", "rudderstack", "--include", "internal", "--write-key", KEY, "--source-id", *keys]
        main(["run", server.url, *arguments, "--select", CHECK, "--json", str(report)])
    return {item["operation"]: item["outcome"] for item in json.loads(report.read_text("utf-8"))["checks"]}


@pytest.mark.parametrize(("change", "outcome"), [(ServerChange(), "pass"), (ANY_KEY, "fail")], ids=["own", "any"])
def test_each_path_takes_its_own_key_alone(change: ServerChange, outcome: str, tmp_path: Path) -> None:
    """On paths of both kinds."""
    found = outcomes(change, tmp_path / "report.json", SOURCE_ID)
    assert {"POST /internal/v1/retl", "POST /internal/v1/extract", "POST /v1/track"} <= {*found}
    assert {*found.values()} == {outcome}
