"""A probe, and a run by what it wrote: green, or red only where a NOTE says so."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from conformance.cli import main
from conformance.core import resources
from conformance.profile import load
from tests.support.odd_servers import KEY, ODD_SERVERS, serve_odd

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.profile.profile import Profile

SCHEMA: dict[str, Any] = json.loads((resources.specs_dir() / "probe.schema.json").read_text("utf-8"))


@dataclass(frozen=True, kw_only=True)
class ProbeAndRun:
    """What a probe wrote, and the ids that a run by it, with the gate SHOULD, fails on or has no verdict for."""

    profile: Profile
    text: str
    report: dict[str, Any]
    terminal: str
    reds: set[str]

    @property
    def announced(self) -> set[str]:
        """The ids of checks that notes name."""
        return {item["id"] for item in self.report["verification"]["failed"]}


def probe_and_run(url: str, key: str, place: Path, capsys: pytest.CaptureFixture[str]) -> ProbeAndRun:
    """Probes a server with the default budget, and runs every check by the profile."""
    out, report, verdicts = place / "probed.yaml", place / "probe.json", place / "run.json"
    asked = [url, "--write-key", key]
    assert main(["probe", *asked, "--out", str(out), "--json", str(report)]) == 0
    terminal = capsys.readouterr().out
    main(["run", *asked, "--profile", str(out), "--gate", "should", "--quiet", "--json", str(verdicts)])
    document = json.loads(verdicts.read_text("utf-8"))
    reds = {
        item["id"]
        for item in document["checks"]
        if item["outcome"] in {"fail", "untestable", "error"} and item["level"] != "may"
    }
    probed = json.loads(report.read_text("utf-8"))
    Draft202012Validator(SCHEMA).validate(probed)
    return ProbeAndRun(profile=load(str(out)), text=out.read_text("utf-8"), report=probed, terminal=terminal, reds=reds)


@pytest.fixture(name="odd")
def probed_odd_server(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> ProbeAndRun:
    """The server that a test is parametrized with."""
    with serve_odd(request.param) as url:
        return probe_and_run(url, KEY, tmp_path, capsys)


@pytest.mark.parametrize("odd", list(ODD_SERVERS), indirect=True)
def test_a_run_is_green_or_red_where_a_note_says_so(odd: ProbeAndRun) -> None:
    """In the terminal, at the top of the file and in JSON, with the id of the check."""
    assert odd.reds <= odd.announced
    assert odd.report["verification"]["not_tried"] == []
    comments = odd.text.partition("\nformat:")[0]
    for check in odd.announced:
        assert f"# NOTE {check}: " in comments
        assert f"NOTE {check}: " in odd.terminal
        assert any(note.startswith(f"{check}: ") for note in odd.report["notes"])
