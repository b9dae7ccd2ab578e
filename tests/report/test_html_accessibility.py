"""The HTML report in the eyes of its readers: in the dark, on paper, without a script, from strangers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conformance.report.html import render_html
from tests.support import browser, sample_reports

if TYPE_CHECKING:
    from tests.support.browser import PageOpener

OPENABLE = "details.finding[open]"
HOSTILE = (
    "</pre></td></details></section></script><script>window.broken = 1</script>"
    "<img src=x onerror='window.broken = 1'><style>*{display:none}</style><!-- "
    "{{ 7 * 7 }} {% raw %} ${7*7} "
    "\" onfocus=alert(1) ' \x1b[31mred\x1b[0m \x00 \u202egnirts\u2066 ]]> &amp; שלום"
)
SOURCE = dict.fromkeys(sample_reports.SOURCE, HOSTILE)
INJECTION_WORKED = "'broken' in window || getComputedStyle(document.querySelector('h1')).color === 'rgb(255, 0, 0)'"
OTHERS = ("pass", "untestable", "error", "observed", "not-applicable")


def test_light_and_dark(opened: PageOpener) -> None:
    """The page follows the reader's system, and a switch turns it."""
    colours = {}
    for scheme in ("light", "dark"):
        with opened(color_scheme=scheme) as opened_page:
            colours[scheme] = opened_page.style("body", "backgroundColor")
            switch = opened_page.page.get_by_role("button", name="Dark")
            assert switch.get_attribute("aria-pressed") == str(scheme == "dark").lower()
            switch.click()
            colours[f"{scheme} switched"] = opened_page.style("body", "backgroundColor")
    assert colours["light"] == colours["dark switched"] == "rgb(255, 255, 255)"
    assert colours["dark"] == colours["light switched"] != colours["light"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "document", [sample_reports.full_report(), sample_reports.conforming_report()], ids=["failures", "conforming"]
)
def test_accessible(opened: PageOpener, scheme: str, document: dict[str, Any]) -> None:
    """Axe finds nothing, contrast included; neither at first, nor with every fold open."""
    with opened(text=render_html(document), color_scheme=scheme) as opened_page:
        assert opened_page.accessibility_violations() == []
        opened_page.page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        assert opened_page.accessibility_violations() == []


def test_keyboard(opened: PageOpener) -> None:
    """All controls are reached by the tabulator and show their focus; Enter opens a finding."""
    with opened() as opened_page:
        reached = []
        for _ in range(24):
            opened_page.page.keyboard.press("Tab")
            focus = opened_page.page.locator(":focus")
            assert float(focus.evaluate("element => parseFloat(getComputedStyle(element).outlineWidth)")) >= 2
            reached.append(focus.evaluate("element => element.name || element.textContent.trim()"))
            if focus.evaluate("element => element.matches('.finding > summary')"):
                break
        assert [name for name in reached if name in {"q", "level", "area", "call", "failed", "Reset"}] == [
            "q", "level", "area", "call", "failed", "Reset"
        ]  # fmt: skip
        opened_page.page.keyboard.press("Enter")
        assert opened_page.visible_count(OPENABLE) == 1


def test_paper(opened: PageOpener) -> None:
    """On paper, findings are unfolded with their transcripts, and there is nothing to press."""
    with opened(java_script_enabled=False) as opened_page:
        assert opened_page.visible_count(".exchange") == 0
        opened_page.page.emulate_media(media="print")
        assert opened_page.visible_count(".exchange") == 7
        assert opened_page.visible_count("button, input, select, nav") == 0


def test_without_a_script(opened: PageOpener) -> None:
    """Verdict, findings and tables can be read, folds open, and nothing is shown that would not work."""
    with opened(java_script_enabled=False) as opened_page:
        assert "does not keep 6 of 9 promises at MUST" in opened_page.text("h1")
        assert opened_page.visible_count("details.finding") == 5
        assert opened_page.visible_count("button, input, select") == 0
        opened_page.page.locator("details.finding > summary").first.click()
        assert "must be answered with 401" in opened_page.page.locator("details.finding").first.inner_text()
        assert opened_page.visible_count("table") == 3


def test_a_link_without_a_script(opened: PageOpener) -> None:
    """A deep link opens the folds around its check even then: the browser does it."""
    with opened("#accept.event.minimal", java_script_enabled=False) as opened_page:
        assert opened_page.page.get_by_text("3 calls").is_visible()
        assert opened_page.visible_count(f"[data-call='{sample_reports.TRACK}']") == 1


@pytest.mark.parametrize(
    "markup",
    [
        "<script>window.broken = 1</script>",
        "<img src=x onerror='window.broken = 1'>",
        "<style>*{color:red}</style>",
    ],
)
def test_what_got_through_would_do_nothing(opened: PageOpener, markup: str) -> None:
    """Even were a text not escaped, the page's policy forbids it to do anything."""
    page = render_html(sample_reports.full_report()).replace("</main>", f"{markup}</main>")
    worked = []
    with pytest.raises(AssertionError, match="Content Security Policy"), opened(text=page) as opened_page:
        worked.append(opened_page.page.evaluate(INJECTION_WORKED))
    assert worked == [False]


@pytest.mark.parametrize("width", [360, 1280])
def test_hostile_texts_are_text(opened: PageOpener, width: int) -> None:
    """Whatever a target or a report says is shown as it is: no markup, no script, no control characters."""
    answer = f"{HOSTILE}{'long' * 250_000}"
    fields = dict.fromkeys(("title", "message", "expected", "received", "curl"), HOSTILE)
    bad = sample_reports.exchange(HOSTILE, answer, stray=HOSTILE, error=HOSTILE)
    document = sample_reports.report(
        sample_reports.failed_check("auth.key.unknown", HOSTILE, **fields, sources=[SOURCE], exchanges=[bad]),
        *(sample_reports.check(f"auth.key.{outcome}", outcome, HOSTILE, **fields) for outcome in OTHERS),
        target={"url": HOSTILE},
        profile={"name": HOSTILE, "title": HOSTILE},
        limits=[sample_reports.limit(HOSTILE, 1, 2, unit=HOSTILE, operations=[HOSTILE])],
        sdks=[sample_reports.SDK | {"title": HOSTILE}],
    )
    shown = HOSTILE.replace("\x1b", "\\x1b").replace("\x00", "\\x00")
    shown = shown.replace("\u202e", "\\u202e").replace("\u2066", "\\u2066")
    with opened(text=render_html(document), viewport={"width": width, "height": 800}) as opened_page:
        opened_page.page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        assert opened_page.page.evaluate("window.broken") is None
        assert opened_page.page.evaluate("document.querySelectorAll('script').length") == 1
        assert opened_page.page.evaluate("document.querySelectorAll('style').length") == 1
        assert opened_page.page.evaluate("document.querySelectorAll('img, [onfocus], [onerror]').length") == 0
        bodies = opened_page.page.locator("pre.body").all_text_contents()
        assert bodies[0] == shown
        assert bodies[1].startswith(f"{shown}longlong")
        assert bodies[1].endswith(f"(cut here, of {len(answer):,} characters)")
        assert opened_page.page.locator(".finding.fail .curl").text_content() == shown
        assert opened_page.page.locator("h1 .url").text_content() == shown
        assert opened_page.page.locator("figcaption .muted").text_content() == f"in {shown}"
        assert opened_page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [320, 360, 800, 1600])
def test_any_width(opened: PageOpener, width: int) -> None:
    """The page never scrolls sideways; wide tables do so in boxes of their own."""
    with opened(viewport={"width": width, "height": 800}) as opened_page:
        opened_page.page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        assert opened_page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_missing_browser_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no Chromium, the tests fail with what to install."""
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.fail.Exception, match="apt-get install chromium"):
        browser.chromium_path()
