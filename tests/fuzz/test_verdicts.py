"""The checks of fuzzing: each fails on a server that breaks its promise, with the command as users run it."""

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


def fuzz_checks(url: str, directory: Path) -> dict[str, dict[str, Any]]:
    """The worst verdict of each check of fuzzing, by the last word of its id."""
    keys = ["--write-key", KEY, "--bearer", BEARER]
    report = directory / "report.json"
    main(["run", url, "--profile", DIALECT, *keys, "--select", "fuzz", "--fuzz", "1500", "--quiet",
          "--json", str(report)])  # fmt: skip
    document = json.loads(report.read_text())["checks"]
    order = sorted(document, key=lambda item: item["outcome"] == "fail")
    return {item["id"].rpartition(".")[2]: item for item in order}


@pytest.mark.parametrize("failure_kind", FailureKind)
def test_every_check_can_fail(failure_kind: FailureKind, tmp_path: Path) -> None:
    """Its verdict has the response, the request, and the command that replays it."""
    (case,) = [
        item for item in broken_servers() if item.dialect.name == DIALECT and item.fault.name == BROKEN[failure_kind]
    ]
    with serve(case.application()) as url:
        verdict = fuzz_checks(url, tmp_path)[failure_kind]
    assert verdict["outcome"] == "fail"
    assert "conformance replay " in verdict["message"]
    assert verdict["expected"]
    assert verdict["received"]
    assert verdict["exchanges"]


def test_no_check_fails_on_a_correct_server(tmp_path: Path) -> None:
    """Each is judged, and passes."""
    with serve(Application(DIALECTS[DIALECT])) as url:
        checks_by_id = fuzz_checks(url, tmp_path)
    assert {item["outcome"] for item in checks_by_id.values()} == {"pass"}
    assert checks_by_id.keys() == {str(kind) for kind in FailureKind}
