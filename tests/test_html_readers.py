"""The HTML report in the eyes of its readers: in the dark, on paper, without a script, from strangers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conformance.report.html import html
from tests import browser, pages

if TYPE_CHECKING:
    from tests.browser import Opener

OPENABLE = "details.finding[open]"
HOSTILE = (
    "</pre></td></details></section></script><script>window.broken = 1</script>"
    "<img src=x onerror='window.broken = 1'><style>*{display:none}</style><!-- "
    "{{ 7 * 7 }} {% raw %} ${7*7} "
    "\" onfocus=alert(1) ' \x1b[31mred\x1b[0m \x00 \u202egnirts\u2066 ]]> &amp; שלום"
)
SOURCE = dict.fromkeys(pages.SOURCE, HOSTILE)
WORKED = "'broken' in window || getComputedStyle(document.querySelector('h1')).color === 'rgb(255, 0, 0)'"
OTHERS = ("pass", "untestable", "error", "observed", "not-applicable")


def test_light_and_dark(opened: Opener) -> None:
    """The page follows the reader's system, and a switch turns it."""
    colours = {}
    for scheme in ("light", "dark"):
        with opened(color_scheme=scheme) as found:
            colours[scheme] = found.style("body", "backgroundColor")
            switch = found.page.get_by_role("button", name="Dark")
            assert switch.get_attribute("aria-pressed") == str(scheme == "dark").lower()
            switch.click()
            colours[f"{scheme} switched"] = found.style("body", "backgroundColor")
    assert colours["light"] == colours["dark switched"] == "rgb(255, 255, 255)"
    assert colours["dark"] == colours["light switched"] != colours["light"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("document", [pages.sample(), pages.conforming()], ids=["failures", "conforming"])
def test_accessible(opened: Opener, scheme: str, document: dict[str, Any]) -> None:
    """Axe finds nothing, contrast included; neither at first, nor with every fold open."""
    with opened(text=html(document), color_scheme=scheme) as found:
        assert found.violations() == []
        found.page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        assert found.violations() == []


def test_keyboard(opened: Opener) -> None:
    """All controls are reached by the tabulator and show their focus; Enter opens a finding."""
    with opened() as found:
        reached = []
        for _ in range(24):
            found.page.keyboard.press("Tab")
            focus = found.page.locator(":focus")
            assert float(focus.evaluate("element => parseFloat(getComputedStyle(element).outlineWidth)")) >= 2
            reached.append(focus.evaluate("element => element.name || element.textContent.trim()"))
            if focus.evaluate("element => element.matches('.finding > summary')"):
                break
        assert [name for name in reached if name in {"q", "level", "area", "call", "failed", "Reset"}] == [
            "q", "level", "area", "call", "failed", "Reset"
        ]  # fmt: skip
        found.page.keyboard.press("Enter")
        assert found.shown(OPENABLE) == 1


def test_paper(opened: Opener) -> None:
    """On paper, findings are unfolded with their transcripts, and there is nothing to press."""
    with opened(java_script_enabled=False) as found:
        assert found.shown(".exchange") == 0
        found.page.emulate_media(media="print")
        assert found.shown(".exchange") == 7
        assert found.shown("button, input, select, nav") == 0


def test_without_a_script(opened: Opener) -> None:
    """Verdict, findings and tables can be read, folds open, and nothing is shown that would not work."""
    with opened(java_script_enabled=False) as found:
        assert "does not keep 6 of 9 promises at MUST" in found.text("h1")
        assert found.shown("details.finding") == 5
        assert found.shown("button, input, select") == 0
        found.page.locator("details.finding > summary").first.click()
        assert "must be answered with 401" in found.page.locator("details.finding").first.inner_text()
        assert found.shown("table") == 3


def test_a_link_without_a_script(opened: Opener) -> None:
    """A deep link opens the folds around its check even then: the browser does it."""
    with opened("#accept.event.minimal", java_script_enabled=False) as found:
        assert found.page.get_by_text("3 calls").is_visible()
        assert found.shown(f"[data-call='{pages.TRACK}']") == 1


@pytest.mark.parametrize(
    "markup",
    [
        "<script>window.broken = 1</script>",
        "<img src=x onerror='window.broken = 1'>",
        "<style>*{color:red}</style>",
    ],
)
def test_what_got_through_would_do_nothing(opened: Opener, markup: str) -> None:
    """Even were a text not escaped, the page's policy forbids it to do anything."""
    page = html(pages.sample()).replace("</main>", f"{markup}</main>")
    seen = []
    with pytest.raises(AssertionError, match="Content Security Policy"), opened(text=page) as found:
        seen.append(found.page.evaluate(WORKED))
    assert seen == [False]


@pytest.mark.parametrize("width", [360, 1280])
def test_hostile_texts_are_text(opened: Opener, width: int) -> None:
    """Whatever a target or a report says is shown as it is: no markup, no script, no control characters."""
    answer = f"{HOSTILE}{'long' * 250_000}"
    said = dict.fromkeys(("title", "message", "expected", "received", "curl"), HOSTILE)
    bad = pages.exchange(HOSTILE, answer, stray=HOSTILE, error=HOSTILE)
    document = pages.document(
        pages.failure("auth.key.unknown", HOSTILE, **said, sources=[SOURCE], exchanges=[bad]),
        *(pages.check(f"auth.key.{outcome}", outcome, HOSTILE, **said) for outcome in OTHERS),
        target={"url": HOSTILE},
        profile={"name": HOSTILE, "title": HOSTILE},
        limits=[pages.limit(HOSTILE, 1, 2, unit=HOSTILE, operations=[HOSTILE])],
        sdks=[pages.SDK | {"title": HOSTILE}],
    )
    shown = HOSTILE.replace("\x1b", "\\x1b").replace("\x00", "\\x00")
    shown = shown.replace("\u202e", "\\u202e").replace("\u2066", "\\u2066")
    with opened(text=html(document), viewport={"width": width, "height": 800}) as found:
        found.page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        assert found.page.evaluate("window.broken") is None
        assert found.page.evaluate("document.querySelectorAll('script').length") == 1
        assert found.page.evaluate("document.querySelectorAll('style').length") == 1
        assert found.page.evaluate("document.querySelectorAll('img, [onfocus], [onerror]').length") == 0
        bodies = found.page.locator("pre.body").all_text_contents()
        assert bodies[0] == shown
        assert bodies[1].startswith(f"{shown}longlong")
        assert bodies[1].endswith(f"(cut here, of {len(answer):,} characters)")
        assert found.page.locator(".finding.fail .curl").text_content() == shown
        assert found.page.locator("h1 .url").text_content() == shown
        assert found.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [320, 360, 800, 1600])
def test_any_width(opened: Opener, width: int) -> None:
    """The page never scrolls sideways; wide tables do so in boxes of their own."""
    with opened(viewport={"width": width, "height": 800}) as found:
        found.page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        assert found.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_missing_browser_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no Chromium, the tests fail with what to install."""
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.fail.Exception, match="apt-get install chromium"):
        browser.program()
