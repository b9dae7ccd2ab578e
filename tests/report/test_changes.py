"""Changes between two reports: what became of each check, and when that is worse."""

from __future__ import annotations

import io
import json
from itertools import product
from typing import Any

import pytest
from rich.console import Console

from conformance.core.errors import UsageError
from conformance.report.changes import MISSING, ReportChanges, compare_reports
from conformance.report.markdown import render_markdown_changes
from conformance.report.terminal import print_changes
from tests.support import sample_reports
from tests.support.golden_files import HOSTILE_TEXT, later_report

ID = "auth.key.unknown"
STATES = ["pass", "fail", "untestable", "error", "observed", "not-applicable", MISSING]
EXPECTED_CHANGES = {
    # now:           pass       fail       untestable  error      observed    not-appl.   missing
    "pass":           ["",       "broken",  "broken",   "vanished", "vanished", "vanished", "vanished"],
    "fail":           ["fixed",  "",        "changed",  "vanished", "vanished", "vanished", "vanished"],
    "untestable":     ["fixed",  "changed", "",         "vanished", "vanished", "vanished", "vanished"],
    "error":          ["fixed",  "broken",  "broken",   "",         "changed",  "changed",  "changed"],
    "observed":       ["new",    "new",     "new",      "changed",  "",         "changed",  "changed"],
    "not-applicable": ["new",    "new",     "new",      "changed",  "changed",  "",         "changed"],
    MISSING:          ["new",    "new",     "new",      "new",      "new",      "new",      ""],
}  # fmt: skip
"""What becomes of a check that was the one and is the other: the rows were, the columns are."""


def report_of_one_check(outcome: str, level: str = "must", message: str = "") -> dict[str, Any]:
    """A report of one check that came to something, and of one that is always kept."""
    lone = [] if outcome == MISSING else [sample_reports.check(ID, outcome, level=level, message=message)]
    return sample_reports.report(sample_reports.check("accept.event.minimal"), *lone)


@pytest.mark.parametrize(("was", "now"), list(product(STATES, STATES)))
def test_every_turn(was: str, now: str) -> None:
    """What becomes of a check follows from the two outcomes, and decides whether it is worse."""
    comparison = compare_reports([report_of_one_check(was)], [report_of_one_check(now)])
    expected = EXPECTED_CHANGES[was][STATES.index(now)]
    assert [(item.kind, item.was, item.now) for item in comparison.changes] == (
        [(expected, was, now)] if expected else []
    )
    assert comparison.is_worse == (expected in {"broken", "vanished"})
    assert comparison.unchanged_count == 2 - bool(expected) - (was == now == MISSING)


def test_another_level_is_a_change() -> None:
    """A promise that became weaker is told, though it is no worse."""
    comparison = compare_reports([report_of_one_check("fail")], [report_of_one_check("fail", level="may")])
    assert [(item.kind, item.level) for item in comparison.changes] == [("changed", "must -> may")]
    assert not comparison.is_worse


def test_a_call_is_a_check_of_its_own() -> None:
    """The same check on another call is another."""
    comparison = compare_reports(
        [sample_reports.report(sample_reports.check(ID, operation=sample_reports.TRACK))],
        [sample_reports.report(sample_reports.check(ID, operation=sample_reports.PAGE))],
    )
    assert [(item.kind, item.operation) for item in comparison.changes] == [
        ("vanished", sample_reports.TRACK), ("new", sample_reports.PAGE),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"profile": {"name": "other", "title": "Other"}}, "profiles, acme and other"),
        ({"target": {"url": "http://other"}}, "targets, http://127.0.0.1:8080 and http://other"),
        ({"suite": {"name": "ingest-conformance", "version": "9"}}, "versions of the suite, 0.1.0 and 9"),
        ({"run": sample_reports.report()["run"] | {"gate": "may"}}, "gates, must and may"),
    ],
)  # fmt: skip
def test_reports_that_differ_as_such(more: dict[str, Any], said: str) -> None:
    """What makes two reports hard to compare is said first, everywhere."""
    comparison = compare_reports([report_of_one_check("pass")], [report_of_one_check("pass") | more])
    (remark,) = comparison.remarks
    assert remark.startswith(f"Different {said}: ")
    what = said.partition(",")[0]
    assert f"**Different {what}, " in render_markdown_changes(comparison)
    assert rendered_text(comparison).startswith(f"Different {what}, ")
    assert json.loads(comparison.json_text())["remarks"] == [remark]


def report_of_profile(profile: str, outcome: str) -> dict[str, Any]:
    """A report by a profile."""
    return report_of_one_check(outcome) | {"profile": {"name": profile, "title": profile}}


def test_several_reports_are_compared_by_profile() -> None:
    """Of several reports those by one profile are compared; a report that is gone takes its checks along."""
    comparison = compare_reports(
        [report_of_profile("a", "pass"), report_of_profile("b", "fail")],
        [report_of_profile("b", "pass"), report_of_profile("c", "pass")],
    )
    assert [(item.kind, item.profile, item.id) for item in comparison.changes] == [
        ("vanished", "a", "accept.event.minimal"), ("vanished", "a", ID), ("fixed", "b", ID),
        ("new", "c", "accept.event.minimal"), ("new", "c", ID),
    ]  # fmt: skip


def test_two_by_one_profile_leave_it_open() -> None:
    """Which to compare can't be guessed."""
    with pytest.raises(UsageError, match="several reports by the profile a"):
        compare_reports(
            [report_of_profile("a", "pass"), report_of_profile("a", "fail")], [report_of_profile("a", "pass")]
        )


def rendered_text(comparison: ReportChanges) -> str:
    """What a terminal is given."""
    file = io.StringIO()
    print_changes(comparison, Console(file=file, width=100, highlight=False))
    return file.getvalue()


def test_the_terminal_has_the_worst_first() -> None:
    """A line each, with what it was and is, then the calls; the sum comes last."""
    lines = rendered_text(compare_reports([sample_reports.full_report()], [later_report()])).splitlines()
    assert lines[0] == "BROKEN    accept.event.minimal  MUST  pass -> fail"
    assert lines[1].strip() == sample_reports.PAGE
    assert lines[-1] == "1 broken, 1 vanished, 1 fixed, 1 new, 1 changed, 10 the same"


def test_what_became_the_same_on_several_calls_is_one() -> None:
    """Calls are gathered, in order."""
    calls = [f"POST /v1/{name}" for name in "cab"]
    old, new = (
        sample_reports.report(*(sample_reports.check(ID, outcome, call) for call in calls))
        for outcome in ("pass", "fail")
    )
    text = rendered_text(compare_reports([old], [new]))
    assert text.count("BROKEN") == 1
    assert "POST /v1/a, POST /v1/b, POST /v1/c" in text


def test_nothing_from_a_target_steers_the_terminal() -> None:
    """Messages are shown with escapes in place of control characters."""
    comparison = compare_reports([report_of_one_check("pass")], [report_of_one_check("fail", message=HOSTILE_TEXT)])
    assert not {"\x1b", "\x9b", "\u202e", "\x00"} & set(rendered_text(comparison) + render_markdown_changes(comparison))


def test_a_page_of_many_changes_is_cut() -> None:
    """A page stays short enough for a comment, and says how much it leaves out; the JSON has all."""
    comparison = compare_reports([sample_reports.large_report(2000)], [sample_reports.report()])
    text = render_markdown_changes(comparison)
    assert len(text.encode()) <= 60_000
    assert "more are left out here" in text
    assert len(json.loads(comparison.json_text())["changes"]) == 2000
