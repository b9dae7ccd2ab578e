"""The checks of fuzzing: each fails on a server that breaks its promise, as it would for a user."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from conformance.cli import main
from conformance.fuzz.judge import Fault
from tests.targets.dialects import DIALECTS
from tests.targets.faults import cases
from tests.targets.judge import Judge
from tests.targets.options import BEARER, KEY
from tests.targets.server import serve

if TYPE_CHECKING:
    from pathlib import Path

DIALECT = "rudderstack"
BROKEN = {
    Fault.SERVER_ERROR: "null-optional-500",
    Fault.UNANSWERED: "dropped-on-json",
    Fault.MISFRAMED: "after-refusal-garbage",
    Fault.REFUSED: "emoji-refused",
    Fault.TAKEN: "identity-unchecked",
    Fault.STATUS: "json-422",
    Fault.BODY: "html-errors",
    Fault.LEAK: "trace-in-text",
    Fault.BROKEN: "after-nul-500",
}


def judged(url: str, place: Path) -> dict[str, dict[str, Any]]:
    """The worst verdict of each check of fuzzing, by its last word."""
    keys = ["--write-key", KEY, "--bearer", BEARER]
    report = place / "report.json"
    main(["run", url, "--profile", DIALECT, *keys, "--select", "fuzz", "--fuzz", "1500", "--quiet",
          "--json", str(report)])  # fmt: skip
    found = json.loads(report.read_text())["checks"]
    order = sorted(found, key=lambda item: item["outcome"] == "fail")
    return {item["id"].rpartition(".")[2]: item for item in order}


@pytest.mark.parametrize("fault", Fault)
def test_every_check_can_fail(fault: Fault, tmp_path: Path) -> None:
    """It says what came, gives the request, and names the run that repeats it."""
    (case,) = [item for item in cases() if item.dialect.name == DIALECT and item.fault.name == BROKEN[fault]]
    with serve(case.judge()) as url:
        verdict = judged(url, tmp_path)[fault]
    assert verdict["outcome"] == "fail"
    assert "conformance replay " in verdict["message"]
    assert verdict["expected"]
    assert verdict["received"]
    assert verdict["exchanges"]


def test_none_fails_on_a_correct_server(tmp_path: Path) -> None:
    """Each is judged, and passes."""
    with serve(Judge(DIALECTS[DIALECT])) as url:
        found = judged(url, tmp_path)
    assert {item["outcome"] for item in found.values()} == {"pass"}
    assert found.keys() == {str(fault) for fault in Fault}
