"""Changes between two reports: what became of each check, and when that is worse."""

from __future__ import annotations

import io
import json
from itertools import product
from typing import Any

import pytest
from rich.console import Console

from conformance.errors import UsageError
from conformance.report.changes import MISSING, Changes, changes
from conformance.report.markdown import markdown_changes
from conformance.report.terminal import show_changes
from tests import pages
from tests.goldens import NASTY, later

ID = "auth.key.unknown"
STATES = ["pass", "fail", "untestable", "error", "observed", "not-applicable", MISSING]
TURNS = {
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


def report(outcome: str, level: str = "must", message: str = "") -> dict[str, Any]:
    """A report of one check that came to something, and of one that is always kept."""
    lone = [] if outcome == MISSING else [pages.check(ID, outcome, level=level, message=message)]
    return pages.document(pages.check("accept.event.minimal"), *lone)


@pytest.mark.parametrize(("was", "now"), list(product(STATES, STATES)))
def test_every_turn(was: str, now: str) -> None:
    """What becomes of a check follows from the two outcomes, and decides whether it is worse."""
    found = changes([report(was)], [report(now)])
    expected = TURNS[was][STATES.index(now)]
    assert [(item.turn, item.was, item.now) for item in found.changes] == (
        [(expected, was, now)] if expected else []
    )
    assert found.is_worse == (expected in {"broken", "vanished"})
    assert found.same == 2 - bool(expected) - (was == now == MISSING)


def test_another_level_is_a_change() -> None:
    """A promise that became weaker is told, though it is no worse."""
    found = changes([report("fail")], [report("fail", level="may")])
    assert [(item.turn, item.level) for item in found.changes] == [("changed", "must -> may")]
    assert not found.is_worse


def test_a_call_is_a_check_of_its_own() -> None:
    """The same check on another call is another."""
    found = changes(
        [pages.document(pages.check(ID, operation=pages.TRACK))],
        [pages.document(pages.check(ID, operation=pages.PAGE))],
    )
    assert [(item.turn, item.operation) for item in found.changes] == [
        ("vanished", pages.TRACK), ("new", pages.PAGE),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"profile": {"name": "other", "title": "Other"}}, "profiles, acme and other"),
        ({"target": {"url": "http://other"}}, "targets, http://127.0.0.1:8080 and http://other"),
        ({"suite": {"name": "ingest-conformance", "version": "9"}}, "versions of the suite, 0.1.0 and 9"),
        ({"run": pages.document()["run"] | {"gate": "may"}}, "gates, must and may"),
    ],
)  # fmt: skip
def test_reports_that_differ_as_such(more: dict[str, Any], said: str) -> None:
    """What makes two reports hard to compare is said first, everywhere."""
    found = changes([report("pass")], [report("pass") | more])
    (remark,) = found.remarks
    assert remark.startswith(f"Different {said}: ")
    what = said.partition(",")[0]
    assert f"**Different {what}, " in markdown_changes(found)
    assert shown(found).startswith(f"Different {what}, ")
    assert json.loads(found.text())["remarks"] == [remark]


def by(profile: str, outcome: str) -> dict[str, Any]:
    """A report by a profile."""
    return report(outcome) | {"profile": {"name": profile, "title": profile}}


def test_several_reports_are_compared_by_profile() -> None:
    """Of several reports those by one profile are compared; a report that is gone takes its checks along."""
    found = changes([by("a", "pass"), by("b", "fail")], [by("b", "pass"), by("c", "pass")])
    assert [(item.turn, item.profile, item.id) for item in found.changes] == [
        ("vanished", "a", "accept.event.minimal"), ("vanished", "a", ID), ("fixed", "b", ID),
        ("new", "c", "accept.event.minimal"), ("new", "c", ID),
    ]  # fmt: skip


def test_two_by_one_profile_leave_it_open() -> None:
    """Which to compare can't be guessed."""
    with pytest.raises(UsageError, match="several reports by the profile a"):
        changes([by("a", "pass"), by("a", "fail")], [by("a", "pass")])


def shown(found: Changes) -> str:
    """What a terminal is given."""
    file = io.StringIO()
    show_changes(found, Console(file=file, width=100, highlight=False))
    return file.getvalue()


def test_the_terminal_has_the_worst_first() -> None:
    """A line each, with what it was and is, then the calls; the sum comes last."""
    lines = shown(changes([pages.sample()], [later()])).splitlines()
    assert lines[0] == "BROKEN    accept.event.minimal  MUST  pass -> fail"
    assert lines[1].strip() == pages.PAGE
    assert lines[-1] == "1 broken, 1 vanished, 1 fixed, 1 new, 1 changed, 10 the same"


def test_what_became_the_same_on_several_calls_is_one() -> None:
    """Calls are gathered, in order."""
    calls = [f"POST /v1/{name}" for name in "cab"]
    old, new = (
        pages.document(*(pages.check(ID, outcome, call) for call in calls)) for outcome in ("pass", "fail")
    )
    text = shown(changes([old], [new]))
    assert text.count("BROKEN") == 1
    assert "POST /v1/a, POST /v1/b, POST /v1/c" in text


def test_nothing_from_a_target_steers_the_terminal() -> None:
    """Messages are shown with escapes in place of control characters."""
    found = changes([report("pass")], [report("fail", message=NASTY)])
    assert not {"\x1b", "\x9b", "\u202e", "\x00"} & set(shown(found) + markdown_changes(found))


def test_a_page_of_many_changes_is_cut() -> None:
    """A page stays short enough for a comment, and says how much it leaves out; the JSON has all."""
    found = changes([pages.large(2000)], [pages.document()])
    text = markdown_changes(found)
    assert len(text.encode()) <= 60_000
    assert "more are left out here" in text
    assert len(json.loads(found.text())["changes"]) == 2000
