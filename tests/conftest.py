"""What holds for all tests: nothing is fuzzed unless a test asks for it, and the cache is the tests' own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conformance.report.html import html
from tests import browser, pages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.browser import Opener


@pytest.fixture(autouse=True, scope="session")
def _apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of the tests' own, and runs without fuzzing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("CONFORMANCE_FUZZ", "0")
        yield


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a module. None outlives it: it would keep asyncio's loop to itself."""
    with browser.browser() as found:
        yield found


@pytest.fixture
def opened(chromium: Browser, tmp_path: Path) -> Opener:
    """Opens a page at an address in it: that of the sample, unless another is given."""

    def opener(address: str = "", text: str = "", **options: Any) -> Any:  # noqa: ANN401 - playwright's options
        page = text or html(pages.sample())
        return browser.visit(chromium, tmp_path / "a report.html", page, address, **options)

    return opener
