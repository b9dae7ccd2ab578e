"""A real Chromium for the pages: the machine's own, driven by playwright; none is ever downloaded."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

    PageOpener = Callable[..., AbstractContextManager["OpenedPage"]]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MISSING_BROWSER = (
    "the tests of the HTML report and of --browser need Chromium: install it (on Debian: apt-get install chromium), or "
    "name a Chromium or Chrome in the environment variable CHROMIUM"
)


def chromium_path() -> str:
    """The path of a Chromium on this machine. Fails the test, with advice, where there is none."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    return path or pytest.fail(_MISSING_BROWSER, pytrace=False)


@contextmanager
def launch() -> Iterator[Browser]:
    """A headless Chromium."""
    path = chromium_path()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path)
        try:
            yield launched
        finally:
            launched.close()


@dataclass(slots=True, kw_only=True)
class OpenedPage:
    """A page opened from a file. It remembers what it asked for, and what it complained about."""

    context: BrowserContext
    page: Page
    address: str
    requests: list[str] = field(default_factory=list)
    console_messages: list[str] = field(default_factory=list)

    def visible_count(self, selector: str) -> int:
        """How many elements of a selector a reader sees."""
        return self.page.locator(selector).filter(visible=True).count()

    def text(self, selector: str) -> str:
        """What a reader sees of the only element of a selector."""
        return self.page.locator(selector).inner_text()

    def style(self, selector: str, name: str) -> str:
        """A computed style of the first element of a selector."""
        value: str = self.page.locator(selector).first.evaluate(f"element => getComputedStyle(element).{name}")
        return value

    def accessibility_violations(self) -> list[str]:
        """What axe has to say against the page as it stands."""
        self.page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
        violations: list[dict[str, Any]] = self.page.evaluate("axe.run().then(result => result.violations)")
        return [f"{item['id']}: {node['html'][:200]}" for item in violations for node in item["nodes"]]


@contextmanager
def open_page(
    browser: Browser,
    file: Path,
    text: str,
    address: str = "",
    **options: Any,  # noqa: ANN401 - playwright's own
) -> Iterator[OpenedPage]:
    """Opens a page, written to a file, at an address in it. On the way out it must have been quiet.

    Quiet: it asked for nothing but itself, and neither threw nor complained on the console.
    """
    file.write_text(text, encoding="utf-8")
    context = browser.new_context(**options)
    try:
        page = context.new_page()
        opened_page = OpenedPage(context=context, page=page, address=file.as_uri())
        page.on("request", lambda request: opened_page.requests.append(request.url.partition("#")[0]))
        page.on("console", lambda message: opened_page.console_messages.append(message.text))
        page.on("pageerror", lambda error: opened_page.console_messages.append(str(error)))
        page.goto(opened_page.address + address)
        yield opened_page
        assert not opened_page.console_messages, opened_page.console_messages
        assert set(opened_page.requests) == {opened_page.address}, opened_page.requests
    finally:
        context.close()
