"""The page of a comparison, in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.report.html import render_html_diff
from tests.support.broken_servers import broken_application
from tests.support.comparisons import SINGLE_PATH_DIALECT, compare_servers
from tests.targets.application import Application
from tests.targets.dialects import DIALECTS
from tests.targets.options import Options
from tests.targets.server import serve

if TYPE_CHECKING:
    from tests.support.browser import PageOpener


@pytest.fixture(scope="module")
def text() -> str:
    """A page with one difference; made before there is a browser, which keeps asyncio's loop to itself."""
    with (
        serve(Application(DIALECTS[SINGLE_PATH_DIALECT], Options())) as first,
        serve(broken_application(SINGLE_PATH_DIALECT, "unknown-key-accepted")) as second,
    ):
        return render_html_diff(compare_servers(first, second, SINGLE_PATH_DIALECT, select="accept.event.*,auth.key.*"))


def test_the_page_can_be_read(text: str, opened: PageOpener) -> None:
    """It names the difference, asks for nothing else, and nobody is kept out."""
    with opened(text=text) as opened_page:
        assert "auth.key.other-case" in opened_page.text("main")
        assert opened_page.visible_count("details.finding") == 1
        assert opened_page.accessibility_violations() == []
