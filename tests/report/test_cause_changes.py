"""What became of causes between two reports."""

from __future__ import annotations

import io
import json
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from conformance.core.resources import read_json_spec
from conformance.report.changes import compare_reports
from conformance.report.markdown import render_markdown_changes
from conformance.report.terminal import print_changes
from tests.support.sample_reports import PAGE, TRACK, cause, check, failed_check, report

UNKNOWN, OVER = "auth.key.unknown", "size.event.over"


def with_causes(*causes: dict[str, Any], kept: tuple[str, ...] = (UNKNOWN, OVER)) -> dict[str, Any]:
    """A report of two checks on two calls, of which those fail that a cause explains; the others are kept."""
    broken = {(item["id"], operation) for one in causes for item in one["explains"] for operation in item["operations"]}
    checks = [failed_check(name, operation) for name, operation in sorted(broken)]
    checks += [
        check(name, operation=operation) for name in kept for operation in (PAGE, TRACK)
        if (name, operation) not in broken
    ]  # fmt: skip
    return report(*checks, verdict="deviates" if causes else "conforms", causes=list(causes))


@pytest.mark.parametrize(
    ("old", "new", "turns"),
    [
        ([], [cause(UNKNOWN, "0a", [TRACK])], ["new"]),
        ([cause(UNKNOWN, "0a", [TRACK])], [cause(UNKNOWN, "0a", [PAGE, TRACK])], ["grown"]),
        ([cause(UNKNOWN, "0a", [PAGE, TRACK])], [cause(UNKNOWN, "0a", [TRACK])], ["smaller"]),
        ([cause(UNKNOWN, "0a", [TRACK])], [], ["fixed"]),
        ([cause(UNKNOWN, "0a", [TRACK])], [cause(UNKNOWN, "0a", [TRACK])], []),
        ([cause(UNKNOWN, "0a", [TRACK])], [cause(UNKNOWN, "7f", [TRACK])], []),
        ([cause(UNKNOWN, "0a", [TRACK])], [cause(OVER, "1b", [TRACK])], ["new", "fixed"]),
    ],
)
def test_every_turn_of_a_cause(old: list[dict[str, Any]], new: list[dict[str, Any]], turns: list[str]) -> None:
    """A cause is known again by its id, or by what it explains; what it explains says how it changed."""
    changes = compare_reports([with_causes(*old)], [with_causes(*new)])
    document = json.loads(changes.json_text())
    jsonschema.validate(document, read_json_spec("changes.schema.json"))
    assert [item["turn"] for item in document["causes"]] == turns
    assert document["same_causes"] == len(old) - sum(turn != "new" for turn in turns)


def test_what_is_no_longer_judged_is_not_fixed() -> None:
    """A cause whose checks are gone has vanished: nothing says that it was mended."""
    changes = compare_reports([with_causes(cause(UNKNOWN, "0a", [TRACK]))], [with_causes(kept=(OVER,))])
    assert [item.turn for item in changes.causes.changes] == ["vanished"]


def test_reports_without_causes_are_compared_by_checks() -> None:
    """A report of a version that did not look for causes has none that are new or fixed."""
    changes = compare_reports([report(check(UNKNOWN))], [with_causes(cause(UNKNOWN, "0a", [TRACK]))])
    assert changes.causes.summary == ""
    assert changes.is_worse


def test_causes_come_first() -> None:
    """In the terminal and in Markdown, and their counts are a line."""
    old = with_causes(cause(UNKNOWN, "0a", [TRACK]))
    changes = compare_reports([old], [with_causes(cause(OVER, "1b", [PAGE, TRACK], sentence="no limit"))])
    console = Console(file=io.StringIO(), width=200)
    print_changes(changes, console)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined] # a StringIO
    assert lines[0].startswith("CAUSE NEW       unsafe  MUST   no limit")
    assert lines[2] == "causes: 1 new, 1 fixed, 0 the same"
    page = render_markdown_changes(changes)
    assert "## Causes\n\ncauses: 1 new, 1 fixed, 0 the same." in page
    assert page.index("no limit") < page.index("## Broken")
