"""The HTML report at work in a real browser: filters, search, links to checks, folds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.support import sample_reports

if TYPE_CHECKING:
    from tests.support.browser import OpenedPage, PageOpener

OPENABLE = "details.finding[open]"


def outcomes(opened_page: OpenedPage) -> dict[str, int]:
    """How many entries of each outcome a reader could see, were all lists open."""
    entries = opened_page.page.locator("[data-item]:not([hidden])")
    outcome_names = entries.evaluate_all("entries => entries.map(entry => entry.dataset.outcome)")
    return {outcome: outcome_names.count(outcome) for outcome in sorted(set(outcome_names))}


def test_the_page_is_quiet(opened: PageOpener) -> None:
    """It asks for nothing but itself and says nothing on the console; and those who listen would hear."""
    with opened() as opened_page:
        assert opened_page.page.title().startswith("http://127.0.0.1:8080 does not keep 6 of 9 promises")
    with (
        pytest.raises(AssertionError, match=r"127\.0\.0\.1:9/x"),
        opened() as opened_page,
        opened_page.page.expect_event("console"),
    ):
        opened_page.page.evaluate("document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/x'}))")
    with (
        pytest.raises(AssertionError, match="it broke"),
        opened() as opened_page,
        opened_page.page.expect_event("pageerror"),
    ):
        opened_page.page.evaluate("setTimeout(() => { throw new Error('it broke') })")


def test_all_entries_are_there_at_first(opened: PageOpener) -> None:
    """Without a filter nothing is hidden, and only what is wrong is unfolded as a list."""
    with opened() as opened_page:
        assert outcomes(opened_page) == {
            "error": 1, "fail": 3, "not-applicable": 2, "observed": 1, "pass": 2, "untestable": 1
        }  # fmt: skip
        assert opened_page.visible_count("details.finding > summary") == 5
        assert opened_page.visible_count("li.line") == 0
        assert opened_page.text(".controls output") == ""


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("failed", "1", {"error": 1, "fail": 3, "untestable": 1}),
        ("level", "should", {"fail": 1, "pass": 1}),
        ("area", "size", {"fail": 1, "pass": 1}),
        ("call", sample_reports.PAGE, {"fail": 1, "pass": 2}),
        ("q", "someone else", {"fail": 3}),
        ("q", "PIXEL operation", {"not-applicable": 1}),
        ("q", "nothing has this", {}),
    ],
)
def test_filters(opened: PageOpener, name: str, value: str, expected: dict[str, int]) -> None:
    """Each filter leaves what fits; search looks into the folds too. A reset brings all back."""
    with opened() as opened_page:
        field = opened_page.page.locator(f"[name={name}]")
        if name == "failed":
            field.check()
        elif name == "q":
            field.fill(value)
        else:
            field.select_option(value)
        assert outcomes(opened_page) == expected
        assert opened_page.text(".controls output") == f"{sum(expected.values())} of 10 entries match"
        assert opened_page.visible_count("li.line") == sum(
            count for outcome, count in expected.items() if outcome in {"pass", "observed", "not-applicable"}
        )
        opened_page.page.get_by_role("button", name="Reset").click()
        expect(opened_page.page.locator(".controls output")).to_have_text("")
        assert sum(outcomes(opened_page).values()) == 10
        assert opened_page.visible_count("li.line") == 0


def test_filters_are_kept_in_the_address(opened: PageOpener) -> None:
    """The address of a filtered view shows the same view to somebody else."""
    with opened() as opened_page:
        opened_page.page.locator("[name=level]").select_option("must")
        opened_page.page.locator("[name=q]").fill("unknown key")
        shown_outcomes, address = outcomes(opened_page), opened_page.page.evaluate("location.hash")
        assert shown_outcomes == {"error": 1, "fail": 2, "not-applicable": 1}
    with opened(address) as opened_page:
        assert outcomes(opened_page) == shown_outcomes
        assert opened_page.page.locator("[name=q]").input_value() == "unknown key"


def test_a_cell_of_the_matrix_leads_to_its_checks(opened: PageOpener) -> None:
    """A click on a cell filters by its area and call."""
    with opened() as opened_page:
        opened_page.page.locator(".matrix").get_by_role("link", name="2 untestable").click()
        assert outcomes(opened_page) == {"untestable": 1}
        assert opened_page.page.locator("[name=area]").input_value() == "json"
        assert opened_page.page.locator("[name=call]").input_value() == sample_reports.BATCH


@pytest.mark.parametrize("filtered", ["", "?level=should&q=nothing", "?failed=1"])
def test_a_link_opens_its_check(opened: PageOpener, filtered: str) -> None:
    """A deep link opens the fold of its check and goes there, also when filters hide it."""
    with opened(f"#auth.key.unknown{filtered}") as opened_page:
        assert opened_page.visible_count(OPENABLE) == 1
        assert opened_page.page.locator(OPENABLE).get_attribute("data-check") == "auth.key.unknown"
        assert opened_page.visible_count(".inside") == 1
        summary = opened_page.page.locator(f"{OPENABLE} > summary")
        expect(summary).to_be_focused()
        box = summary.bounding_box()
        assert box is not None
        assert 0 <= box["y"] < 400


@pytest.mark.parametrize("name", ["json.syntax.open", "pixel.key.unknown", "auth.key.padded", "accept.event.minimal"])
def test_every_check_has_a_link(opened: PageOpener, name: str) -> None:
    """Also checks in lists that are folded, and in findings about many checks."""
    with opened(f"#{name}") as opened_page:
        assert opened_page.visible_count(f"[data-check='{name}']") == 1
        assert opened_page.page.locator(".linked").first.get_attribute("data-check") == name


def test_a_link_may_name_a_call(opened: PageOpener) -> None:
    """Of several findings of one check it opens the one with the call, and marks it there."""
    with opened(f"#auth.key.unknown:{quote(sample_reports.TRACK)}") as opened_page:
        assert opened_page.visible_count(OPENABLE) == 1
        assert opened_page.text(".calls .linked") == sample_reports.TRACK


def test_following_a_link_keeps_the_filters(opened: PageOpener) -> None:
    """A link within the page goes to its check and leaves the filters as they are."""
    with opened("#?failed=1") as opened_page:
        opened_page.page.evaluate("location.hash = '#size.event.over'")
        opened_page.page.wait_for_url(re.compile(r"#size\.event\.over\?failed=1$"))
        assert opened_page.page.locator(OPENABLE).get_attribute("data-check") == "size.event.over"
        assert "pass" not in outcomes(opened_page)


def test_folds_open_and_close(opened: PageOpener) -> None:
    """A click opens a finding, another its transcript; one button opens and closes them all."""
    with opened() as opened_page:
        first = opened_page.page.locator("details.finding").first
        first.locator("> summary").click()
        assert first.locator(".exchange").first.is_hidden()
        first.get_by_text("Transcript: 2 requests").click()
        assert first.locator(".exchange").first.is_visible()
        assert "someone else" in first.inner_text()
        opened_page.page.get_by_role("button", name="Open all").click()
        assert opened_page.visible_count(OPENABLE) == 5
        opened_page.page.get_by_role("button", name="Close all").click()
        assert opened_page.visible_count(OPENABLE) == 0


def test_the_line_is_copied(opened: PageOpener) -> None:
    """The button beside a curl line copies it."""
    with opened("#size.event.over", permissions=["clipboard-read", "clipboard-write"]) as opened_page:
        opened_page.page.locator(OPENABLE).get_by_text("Send it again").click()
        opened_page.page.locator(OPENABLE).get_by_role("button", name="Copy").click()
        opened_page.page.get_by_role("button", name="Copied").wait_for()
        copied = opened_page.page.evaluate("navigator.clipboard.readText()")
        assert copied == "curl -g -sS -i -X POST http://127.0.0.1:8080/v1/track"
