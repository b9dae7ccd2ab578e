"""The HTML report at work in a real browser: filters, search, links to checks, folds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests import pages

if TYPE_CHECKING:
    from tests.browser import Opener, Visit

OPENABLE = "details.finding[open]"


def outcomes(found: Visit) -> dict[str, int]:
    """How many entries of each outcome a reader could see, were all lists open."""
    entries = found.page.locator("[data-item]:not([hidden])")
    told = entries.evaluate_all("entries => entries.map(entry => entry.dataset.outcome)")
    return {outcome: told.count(outcome) for outcome in sorted(set(told))}


def test_the_page_is_quiet(opened: Opener) -> None:
    """It asks for nothing but itself and says nothing on the console; and those who listen would hear."""
    with opened() as found:
        assert found.page.title().startswith("http://127.0.0.1:8080 does not keep 6 of 9 promises")
    with (
        pytest.raises(AssertionError, match=r"127\.0\.0\.1:9/x"),
        opened() as found,
        found.page.expect_event("console"),
    ):
        found.page.evaluate("document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/x'}))")
    with (
        pytest.raises(AssertionError, match="it broke"),
        opened() as found,
        found.page.expect_event("pageerror"),
    ):
        found.page.evaluate("setTimeout(() => { throw new Error('it broke') })")


def test_all_entries_are_there_at_first(opened: Opener) -> None:
    """Without a filter nothing is hidden, and only what is wrong is unfolded as a list."""
    with opened() as found:
        assert outcomes(found) == {
            "error": 1, "fail": 3, "not-applicable": 2, "observed": 1, "pass": 2, "untestable": 1
        }  # fmt: skip
        assert found.shown("details.finding > summary") == 5
        assert found.shown("li.line") == 0
        assert found.text(".controls output") == ""


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("failed", "1", {"error": 1, "fail": 3, "untestable": 1}),
        ("level", "should", {"fail": 1, "pass": 1}),
        ("area", "size", {"fail": 1, "pass": 1}),
        ("call", pages.PAGE, {"fail": 1, "pass": 2}),
        ("q", "someone else", {"fail": 3}),
        ("q", "PIXEL operation", {"not-applicable": 1}),
        ("q", "nothing has this", {}),
    ],
)
def test_filters(opened: Opener, name: str, value: str, expected: dict[str, int]) -> None:
    """Each filter leaves what fits; search looks into the folds too. A reset brings all back."""
    with opened() as found:
        field = found.page.locator(f"[name={name}]")
        if name == "failed":
            field.check()
        elif name == "q":
            field.fill(value)
        else:
            field.select_option(value)
        assert outcomes(found) == expected
        assert found.text(".controls output") == f"{sum(expected.values())} of 10 entries match"
        assert found.shown("li.line") == sum(
            count for outcome, count in expected.items() if outcome in {"pass", "observed", "not-applicable"}
        )
        found.page.get_by_role("button", name="Reset").click()
        expect(found.page.locator(".controls output")).to_have_text("")
        assert sum(outcomes(found).values()) == 10
        assert found.shown("li.line") == 0


def test_filters_are_kept_in_the_address(opened: Opener) -> None:
    """The address of a filtered view shows the same view to somebody else."""
    with opened() as found:
        found.page.locator("[name=level]").select_option("must")
        found.page.locator("[name=q]").fill("unknown key")
        seen, address = outcomes(found), found.page.evaluate("location.hash")
        assert seen == {"error": 1, "fail": 2, "not-applicable": 1}
    with opened(address) as found:
        assert outcomes(found) == seen
        assert found.page.locator("[name=q]").input_value() == "unknown key"


def test_a_cell_of_the_matrix_leads_to_its_checks(opened: Opener) -> None:
    """A click on a cell filters by its area and call."""
    with opened() as found:
        found.page.locator(".matrix").get_by_role("link", name="2 untestable").click()
        assert outcomes(found) == {"untestable": 1}
        assert found.page.locator("[name=area]").input_value() == "json"
        assert found.page.locator("[name=call]").input_value() == pages.BATCH


@pytest.mark.parametrize("filtered", ["", "?level=should&q=nothing", "?failed=1"])
def test_a_link_opens_its_check(opened: Opener, filtered: str) -> None:
    """A deep link opens the fold of its check and goes there, also when filters hide it."""
    with opened(f"#auth.key.unknown{filtered}") as found:
        assert found.shown(OPENABLE) == 1
        assert found.page.locator(OPENABLE).get_attribute("data-check") == "auth.key.unknown"
        assert found.shown(".inside") == 1
        summary = found.page.locator(f"{OPENABLE} > summary")
        expect(summary).to_be_focused()
        box = summary.bounding_box()
        assert box is not None
        assert 0 <= box["y"] < 400


@pytest.mark.parametrize(
    "name", ["json.syntax.open", "pixel.key.unknown", "auth.key.padded", "accept.event.minimal"]
)
def test_every_check_has_a_link(opened: Opener, name: str) -> None:
    """Also checks in lists that are folded, and in findings about many checks."""
    with opened(f"#{name}") as found:
        assert found.shown(f"[data-check='{name}']") == 1
        assert found.page.locator(".linked").first.get_attribute("data-check") == name


def test_a_link_may_name_a_call(opened: Opener) -> None:
    """Of several findings of one check it opens the one with the call, and marks it there."""
    with opened(f"#auth.key.unknown:{quote(pages.TRACK)}") as found:
        assert found.shown(OPENABLE) == 1
        assert found.text(".calls .linked") == pages.TRACK


def test_following_a_link_keeps_the_filters(opened: Opener) -> None:
    """A link within the page goes to its check and leaves the filters as they are."""
    with opened("#?failed=1") as found:
        found.page.evaluate("location.hash = '#size.event.over'")
        found.page.wait_for_url(re.compile(r"#size\.event\.over\?failed=1$"))
        assert found.page.locator(OPENABLE).get_attribute("data-check") == "size.event.over"
        assert "pass" not in outcomes(found)


def test_folds_open_and_close(opened: Opener) -> None:
    """A click opens a finding, another its transcript; one button opens and closes them all."""
    with opened() as found:
        first = found.page.locator("details.finding").first
        first.locator("> summary").click()
        assert first.locator(".exchange").first.is_hidden()
        first.get_by_text("Transcript: 2 requests").click()
        assert first.locator(".exchange").first.is_visible()
        assert "someone else" in first.inner_text()
        found.page.get_by_role("button", name="Open all").click()
        assert found.shown(OPENABLE) == 5
        found.page.get_by_role("button", name="Close all").click()
        assert found.shown(OPENABLE) == 0


def test_the_line_is_copied(opened: Opener) -> None:
    """The button beside a curl line copies it."""
    with opened("#size.event.over", permissions=["clipboard-read", "clipboard-write"]) as found:
        found.page.locator(OPENABLE).get_by_text("Send it again").click()
        found.page.locator(OPENABLE).get_by_role("button", name="Copy").click()
        found.page.get_by_role("button", name="Copied").wait_for()
        copied = found.page.evaluate("navigator.clipboard.readText()")
        assert copied == "curl -g -sS -i -X POST http://127.0.0.1:8080/v1/track"
