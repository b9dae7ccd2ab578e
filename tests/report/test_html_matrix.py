"""The HTML page of several reports: how far targets are from profiles, in words and in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from conformance.report.html import render_html_matrix
from tests.report.test_html import HtmlTextReader
from tests.support import sample_reports

if TYPE_CHECKING:
    from tests.support.browser import PageOpener

OTHER = {"name": "other", "title": "Other HTTP API"}


def reports_by_profile(count: int = 2) -> list[dict[str, Any]]:
    """One target judged by several profiles: the first kept, the others not."""
    documents = [sample_reports.conforming_report()]
    for index in range(1, count):
        profile = {"name": f"other-{index}", "title": f"Other API {index}"}
        documents.append(sample_reports.full_report() | {"profile": profile})
    return documents


def matrix_reader(*documents: dict[str, Any]) -> HtmlTextReader:
    """What the page of reports says."""
    return HtmlTextReader(render_html_matrix(documents))


def test_the_headline_says_how_far_each_is() -> None:
    """For every report the share of promises at MUST that were kept, of how many, and its verdict."""
    lines = matrix_reader(*reports_by_profile()).lines
    start = lines.index("How far http://127.0.0.1:8080 keeps the promises of 2 profiles", 1)
    headline = lines[start + 1 : start + 13]
    assert headline == [
        "100 %", "of MUST", "acme", "2 of 2 kept", "✓", "conforms",
        "33 %", "of MUST", "other-1", "3 of 9 kept", "✗", "deviates",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("documents", "says"),
    [
        ([sample_reports.full_report()], "http://127.0.0.1:8080 and Acme HTTP API"),
        (
            [sample_reports.full_report(), sample_reports.full_report() | {"target": {"url": "http://127.0.0.1:1"}}],
            "How far 2 servers keep the promises of Acme HTTP API",
        ),
        (
            [
                sample_reports.full_report(),
                sample_reports.full_report() | {"target": {"url": "http://127.0.0.1:1"}, "profile": OTHER},
            ],
            "How far 2 servers keep the promises of 2 profiles",
        ),
    ],
)
def test_the_title_says_what_is_compared(documents: list[dict[str, Any]], says: str) -> None:
    """One report, several targets by one profile, or both."""
    assert matrix_reader(*documents).lines[0] == says


def test_all_but_one_is_not_100_percent() -> None:
    """A share is never rounded up, and where nothing was judged nothing is claimed."""
    checks = [sample_reports.check(f"auth.key.n{index}") for index in range(999)]
    nearly = sample_reports.report(*checks, sample_reports.failed_check("auth.key.last"))
    assert "99 %" in matrix_reader(nearly).lines
    assert "100 %" not in matrix_reader(nearly).lines
    assert "nothing judged" in matrix_reader(sample_reports.report(verdict="unjudged")).lines


def test_every_check_is_there() -> None:
    """Each check of each report has a row, with its worst outcome, its level and how often it failed."""
    page = matrix_reader(*reports_by_profile())
    assert {item["id"] for item in sample_reports.full_report()["checks"]} <= set(page.ids)
    assert "MUST, 3 of 3 calls" in page.lines
    assert "SHOULD, 1 of 2 calls" in page.lines
    assert "not asked" in page.lines
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))


def test_the_same_reports_give_the_same_page() -> None:
    """The page is a function of the reports, in their order."""
    assert render_html_matrix(reports_by_profile(3)) == render_html_matrix(reports_by_profile(3))
    assert render_html_matrix(reports_by_profile(2)) != render_html_matrix(reports_by_profile(2)[::-1])


def test_eight_reports_make_a_small_page() -> None:
    """Below 1.5 MB for eight reports of 276 checks each, all failed."""
    assert len(render_html_matrix([sample_reports.large_report(276)] * 8).encode()) < 1_500_000


@pytest.mark.parametrize("count", [1, 2, 8])
@pytest.mark.parametrize("width", [360, 1280])
def test_any_number_at_any_width(opened: PageOpener, count: int, width: int) -> None:
    """With one report or eight, the page never scrolls sideways; its tables do."""
    with opened(
        text=render_html_matrix(reports_by_profile(count)), viewport={"width": width, "height": 800}
    ) as opened_page:
        opened_page.page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        assert opened_page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert opened_page.visible_count(".shares li") == count


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(opened: PageOpener, scheme: str) -> None:
    """Axe finds nothing, contrast included; neither at first, nor with every fold open."""
    with opened(text=render_html_matrix(reports_by_profile()), color_scheme=scheme) as opened_page:
        assert opened_page.accessibility_violations() == []
        opened_page.page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        assert opened_page.accessibility_violations() == []


def test_filters(opened: PageOpener) -> None:
    """Rows are found by what failed, by area and by words; areas without any are told so."""
    with opened(text=render_html_matrix(reports_by_profile())) as opened_page:
        assert opened_page.visible_count("tr[data-item]") == 0
        opened_page.page.locator("[name=failed]").check()
        assert opened_page.visible_count("tr[data-item]") == 5
        opened_page.page.locator("[name=area]").select_option("json")
        assert opened_page.visible_count("tr[data-item]") == 2
        opened_page.page.locator("[name=q]").fill("syntax.nan")
        assert opened_page.visible_count("tr[data-item]") == 1
        opened_page.page.get_by_role("button", name="Reset").click()
        expect(opened_page.page.locator("tr[data-item]").filter(visible=True)).to_have_count(0)
        opened_page.page.locator(".matrix").get_by_role("link", name="size").click()
        expect(opened_page.page.locator("tr[data-item]").filter(visible=True)).to_have_count(1)


@pytest.mark.parametrize("has_script", [True, False])
def test_a_link_opens_its_check(opened: PageOpener, has_script: bool) -> None:  # noqa: FBT001 - pytest's own way
    """A deep link opens the area of its check, even without a script."""
    page = render_html_matrix(reports_by_profile())
    with opened("#size.event.over", text=page, java_script_enabled=has_script) as opened_page:
        row = opened_page.page.locator("[data-check='size.event.over']")
        assert row.is_visible()
        row.locator("summary").click()
        assert "must be answered with 401" in row.inner_text()


def test_hostile_texts_are_text(opened: PageOpener) -> None:
    """Names, addresses and messages are shown as they are."""
    hostile_text = "</table><script>window.broken = 1</script><img src=x onerror='broken = 1'>\x1b[31m\u202e{{ 7 }}"
    bad = sample_reports.failed_check("auth.key.unknown", hostile_text, message=hostile_text, title=hostile_text)
    document = sample_reports.report(
        bad, target={"url": hostile_text}, profile={"name": hostile_text, "title": hostile_text}, verdict="deviates"
    )
    with opened(text=render_html_matrix([document, sample_reports.full_report()])) as opened_page:
        assert opened_page.page.evaluate("window.broken") is None
        assert opened_page.page.evaluate("document.querySelectorAll('script, img').length") == 1
        shown = hostile_text.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
        assert opened_page.page.locator("td details bdi").first.text_content() == shown
