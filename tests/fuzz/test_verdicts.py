"""The checks of fuzzing: each fails on a server that breaks its promise, as it would for a user."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from conformance.cli import main
from conformance.fuzz.judge import FailureKind
from tests.targets.application import Application
from tests.targets.dialects import DIALECTS
from tests.targets.faults import broken_servers
from tests.targets.options import BEARER, KEY
from tests.targets.server import serve

if TYPE_CHECKING:
    from pathlib import Path

DIALECT = "rudderstack"
BROKEN = {
    FailureKind.SERVER_ERROR: "null-optional-500",
    FailureKind.UNANSWERED: "dropped-on-json",
    FailureKind.MALFORMED_RESPONSE: "after-refusal-garbage",
    FailureKind.WRONGLY_REJECTED: "emoji-refused",
    FailureKind.WRONGLY_ACCEPTED: "identity-unchecked",
    FailureKind.UNEXPECTED_STATUS: "json-422",
    FailureKind.UNEXPECTED_BODY: "html-errors",
    FailureKind.INFORMATION_LEAK: "trace-in-text",
    FailureKind.BREAKS_LATER_REQUESTS: "after-nul-500",
}


def fuzz_checks(url: str, place: Path) -> dict[str, dict[str, Any]]:
    """The worst verdict of each check of fuzzing, by its last word."""
    keys = ["--write-key", KEY, "--bearer", BEARER]
    report = place / "report.json"
    main(["run", url, "--profile", DIALECT, *keys, "--select", "fuzz", "--fuzz", "1500", "--quiet",
          "--json", str(report)])  # fmt: skip
    document = json.loads(report.read_text())["checks"]
    order = sorted(document, key=lambda item: item["outcome"] == "fail")
    return {item["id"].rpartition(".")[2]: item for item in order}


@pytest.mark.parametrize("fault", FailureKind)
def test_every_check_can_fail(fault: FailureKind, tmp_path: Path) -> None:
    """It says what came, gives the request, and names the run that repeats it."""
    (case,) = [item for item in broken_servers() if item.dialect.name == DIALECT and item.fault.name == BROKEN[fault]]
    with serve(case.application()) as url:
        verdict = fuzz_checks(url, tmp_path)[fault]
    assert verdict["outcome"] == "fail"
    assert "conformance replay " in verdict["message"]
    assert verdict["expected"]
    assert verdict["received"]
    assert verdict["exchanges"]


def test_none_fails_on_a_correct_server(tmp_path: Path) -> None:
    """Each is judged, and passes."""
    with serve(Application(DIALECTS[DIALECT])) as url:
        checks_by_id = fuzz_checks(url, tmp_path)
    assert {item["outcome"] for item in checks_by_id.values()} == {"pass"}
    assert checks_by_id.keys() == {str(fault) for fault in FailureKind}
