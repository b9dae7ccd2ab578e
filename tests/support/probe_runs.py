"""A probe with its default budget, and a run by the profile that it wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from conformance.cli import main
from conformance.core import resources
from conformance.profile import load

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

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


def check_notes(run: ProbeAndRun) -> None:
    """No red without a note: in the terminal, at the top of the file and in JSON, with the id of the check."""
    assert run.reds <= run.announced
    assert run.report["verification"]["not_tried"] == []
    comments = run.text.partition("\nformat:")[0]
    for check in run.announced:
        assert f"# NOTE {check}: " in comments
        assert f"NOTE {check}: " in run.terminal
        assert any(note.startswith(f"{check}: ") for note in run.report["notes"])
