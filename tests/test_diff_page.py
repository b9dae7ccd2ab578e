"""The page of a comparison, in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.report.html import html_differences
from tests.comparing import SMALL, compared, fault
from tests.targets.dialects import DIALECTS
from tests.targets.judge import Judge
from tests.targets.options import Options
from tests.targets.server import serve

if TYPE_CHECKING:
    from tests.browser import Opener


@pytest.fixture(scope="module")
def text() -> str:
    """A page with one difference; made before there is a browser, which keeps asyncio's loop to itself."""
    with (
        serve(Judge(DIALECTS[SMALL], Options())) as first,
        serve(fault(SMALL, "unknown-key-accepted")) as second,
    ):
        return html_differences(compared(first, second, SMALL, select="accept.event.*,auth.key.*"))


def test_the_page_can_be_read(text: str, opened: Opener) -> None:
    """It names the difference, asks for nothing else, and nobody is kept out."""
    with opened(text=text) as found:
        assert "auth.key.other-case" in found.text("main")
        assert found.shown("details.finding") == 1
        assert found.violations() == []
