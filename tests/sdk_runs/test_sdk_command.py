"""`conformance sdk` with real SDKs in three languages, from their registries.

Python, Node with npm, and Java 17 with Maven are needed, as README.md says; what is missing is the message of a
failure here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from conformance.cli import main
from conformance.contract import Contract
from conformance.core.resources import read_json_spec
from conformance.profile import load
from conformance.refserver.embedded import run_embedded_server
from conformance.requests import Keys
from conformance.sdk_runs.listener import listening
from conformance.wire.forwarding import ForwardedAnswer

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sdk-run-key-1"
PYTHON, NODE, JAVA = "segment-analytics-python-2-4-0", "segment-analytics-node-3-1-0", "segment-analytics-java-3-5-4"
GO = "segment-analytics-go-3-3-0"
SCHEMA = read_json_spec("sdk-runs.schema.json")
JSON_ANSWER = ForwardedAnswer(status=200, headers=(("Content-Type", "application/json"),), body=b'{"success": true}')


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the SDKs of these tests are installed."""
    return tmp_path_factory.mktemp("sdks")


def run(url: str, place: Path, report: Path, *names: str, code: int, options: tuple[str, ...] = ()) -> list[Any]:
    """What the command says of SDKs."""
    asked = [word for name in names for word in ("--sdk", name)]
    words = ["sdk", url, "--profile", "segment", "--write-key", KEY, "--sdk-dir", str(place), "--json", str(report)]
    assert main([*words, *asked, *options]) == code, report.read_text("utf-8") if report.exists() else ""
    document = json.loads(report.read_text("utf-8"))
    jsonschema_rs.validate(SCHEMA, document)
    assert KEY not in report.read_text("utf-8")
    return list(document["sdks"])


@pytest.mark.parametrize("name", [PYTHON, NODE, JAVA])
def test_an_sdk_delivers_to_the_reference_server(name: str, place: Path, tmp_path: Path) -> None:
    """It is installed once, every event is accepted, and it does what is recorded; then it needs no registry."""
    with run_embedded_server("segment", Keys(write_key=KEY)) as url:
        (first,) = run(url, place, tmp_path / "one.json", name, code=0)
        (again,) = run(url, place, tmp_path / "two.json", name, code=0, options=("--offline",))
    assert (first["made"], first["delivered"], first["lost"], first["differences"]) == (7, 7, 0, []), first
    assert (first["attempts"], again["delivered"]) == (1, first["delivered"])


def test_what_a_server_loses_is_said(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A server that refuses everything gets no event, and the SDK's own words are shown."""
    refusal = ForwardedAnswer(status=400, body=b"no")
    with listening(lambda *_: refusal) as server:
        (said,) = run(server.url, place, tmp_path / "one.json", PYTHON, code=1)
    assert (said["outcome"], said["lost"], said["attempts"]) == ("lost", 7, 1)
    assert "lost 7 (answered 400)" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "program"), [(NODE, "node"), (GO, "go")])
def test_what_is_missing_is_no_verdict(
    name: str, program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a program, or offline with nothing installed, nothing is sent and nothing is said of the server."""
    with listening(lambda *_: JSON_ANSWER) as server:
        (offline,) = run(server.url, tmp_path, tmp_path / "one.json", name, code=3, options=("--offline",))
        monkeypatch.setenv("PATH", str(tmp_path))
        (missing,) = run(server.url, tmp_path, tmp_path / "two.json", name, code=3)
        assert server.requests == []
    assert offline["outcome"] == missing["outcome"] == "not judged"
    assert f"{program} is not installed on this machine" in capsys.readouterr().out


def test_every_package_belongs_to_a_profile_and_has_a_driver() -> None:
    """Data of the suite is whole."""
    from conformance.sdk_runs import load_packages, load_scripts  # noqa: PLC0415 - for this test alone

    for package in load_packages():
        assert Contract(load(package.profile)).profile.name == package.profile
        assert package.driver_path.is_file()
        assert set(package.scripts) <= set(load_scripts())
