"""The HTML page of several reports: how far targets are from profiles, in words and in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from conformance.report.html import html_matrix
from tests import pages
from tests.test_html import Reader

if TYPE_CHECKING:
    from tests.browser import Opener

OTHER = {"name": "other", "title": "Other HTTP API"}


def profiles(count: int = 2) -> list[dict[str, Any]]:
    """One target judged by several profiles: the first kept, the others not."""
    found = [pages.conforming()]
    for index in range(1, count):
        profile = {"name": f"other-{index}", "title": f"Other API {index}"}
        found.append(pages.sample() | {"profile": profile})
    return found


def reader(*documents: dict[str, Any]) -> Reader:
    """What the page of reports says."""
    return Reader(html_matrix(documents))


def test_the_headline_says_how_far_each_is() -> None:
    """For every report the share of promises at MUST that were kept, of how many, and its verdict."""
    lines = reader(*profiles()).lines
    start = lines.index("How far http://127.0.0.1:8080 keeps the promises of 2 profiles", 1)
    told = lines[start + 1 : start + 13]
    assert told == [
        "100 %", "of MUST", "acme", "2 of 2 kept", "✓", "conforms",
        "33 %", "of MUST", "other-1", "3 of 9 kept", "✗", "deviates",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("documents", "says"),
    [
        ([pages.sample()], "http://127.0.0.1:8080 and Acme HTTP API"),
        (
            [pages.sample(), pages.sample() | {"target": {"url": "http://127.0.0.1:1"}}],
            "How far 2 servers keep the promises of Acme HTTP API",
        ),
        (
            [pages.sample(), pages.sample() | {"target": {"url": "http://127.0.0.1:1"}, "profile": OTHER}],
            "How far 2 servers keep the promises of 2 profiles",
        ),
    ],
)
def test_the_title_says_what_is_compared(documents: list[dict[str, Any]], says: str) -> None:
    """One report, several targets by one profile, or both."""
    assert reader(*documents).lines[0] == says


def test_all_but_one_is_not_100_percent() -> None:
    """A share is never rounded up, and where nothing was judged nothing is claimed."""
    checks = [pages.check(f"auth.key.n{index}") for index in range(999)]
    nearly = pages.document(*checks, pages.failure("auth.key.last"))
    assert "99 %" in reader(nearly).lines
    assert "100 %" not in reader(nearly).lines
    assert "nothing judged" in reader(pages.document(verdict="unjudged")).lines


def test_every_check_is_there() -> None:
    """Each check of each report has a row, with its worst outcome, its level and how often it failed."""
    found = reader(*profiles())
    assert {item["id"] for item in pages.sample()["checks"]} <= set(found.ids)
    assert "MUST, 3 of 3 calls" in found.lines
    assert "SHOULD, 1 of 2 calls" in found.lines
    assert "not asked" in found.lines
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))


def test_the_same_reports_give_the_same_page() -> None:
    """The page is a function of the reports, in their order."""
    assert html_matrix(profiles(3)) == html_matrix(profiles(3))
    assert html_matrix(profiles(2)) != html_matrix(profiles(2)[::-1])


def test_eight_reports_make_a_small_page() -> None:
    """Below 1.5 MB for eight reports of 276 checks each, all failed."""
    assert len(html_matrix([pages.large(276)] * 8).encode()) < 1_500_000


@pytest.mark.parametrize("count", [1, 2, 8])
@pytest.mark.parametrize("width", [360, 1280])
def test_any_number_at_any_width(opened: Opener, count: int, width: int) -> None:
    """With one report or eight, the page never scrolls sideways; its tables do."""
    with opened(text=html_matrix(profiles(count)), viewport={"width": width, "height": 800}) as found:
        found.page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        assert found.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert found.shown(".shares li") == count


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(opened: Opener, scheme: str) -> None:
    """Axe finds nothing, contrast included; neither at first, nor with every fold open."""
    with opened(text=html_matrix(profiles()), color_scheme=scheme) as found:
        assert found.violations() == []
        found.page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        assert found.violations() == []


def test_filters(opened: Opener) -> None:
    """Rows are found by what failed, by area and by words; areas without any are told so."""
    with opened(text=html_matrix(profiles())) as found:
        assert found.shown("tr[data-item]") == 0
        found.page.locator("[name=failed]").check()
        assert found.shown("tr[data-item]") == 5
        found.page.locator("[name=area]").select_option("json")
        assert found.shown("tr[data-item]") == 2
        found.page.locator("[name=q]").fill("syntax.nan")
        assert found.shown("tr[data-item]") == 1
        found.page.get_by_role("button", name="Reset").click()
        expect(found.page.locator("tr[data-item]").filter(visible=True)).to_have_count(0)
        found.page.locator(".matrix").get_by_role("link", name="size").click()
        expect(found.page.locator("tr[data-item]").filter(visible=True)).to_have_count(1)


@pytest.mark.parametrize("has_script", [True, False])
def test_a_link_opens_its_check(opened: Opener, has_script: bool) -> None:  # noqa: FBT001 - pytest's own way
    """A deep link opens the area of its check, even without a script."""
    page = html_matrix(profiles())
    with opened("#size.event.over", text=page, java_script_enabled=has_script) as found:
        row = found.page.locator("[data-check='size.event.over']")
        assert row.is_visible()
        row.locator("summary").click()
        assert "must be answered with 401" in row.inner_text()


def test_hostile_texts_are_text(opened: Opener) -> None:
    """Names, addresses and messages are shown as they are."""
    said = "</table><script>window.broken = 1</script><img src=x onerror='broken = 1'>\x1b[31m\u202e{{ 7 }}"
    bad = pages.failure("auth.key.unknown", said, message=said, title=said)
    document = pages.document(
        bad, target={"url": said}, profile={"name": said, "title": said}, verdict="deviates"
    )
    with opened(text=html_matrix([document, pages.sample()])) as found:
        assert found.page.evaluate("window.broken") is None
        assert found.page.evaluate("document.querySelectorAll('script, img').length") == 1
        shown = said.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
        assert found.page.locator("td details bdi").first.text_content() == shown
