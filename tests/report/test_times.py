"""Times in the HTML report, and the variables that a command reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conformance.report.curl import variables_of
from conformance.report.html import render_html
from conformance.report.html.waterfall import SCALE_WIDTH, build_waterfall
from tests.support import sample_reports

if TYPE_CHECKING:
    from tests.support.browser import PageOpener


def timed_report() -> dict[str, Any]:
    """The small report, with a time for each check but the last."""
    document = sample_reports.full_report()
    for number, item in enumerate(document["checks"][:-1]):
        item |= {"started_s": number / 10, "duration_s": 0.05 + number / 100}
    return document


def test_strips_show_the_run() -> None:
    """Each area has a strip within the run, the slowest check comes first, and a report without times has none."""
    document = timed_report()
    waterfall = build_waterfall(document)
    assert waterfall is not None
    slowest = max(document["checks"][:-1], key=lambda item: item["duration_s"])
    assert (waterfall.slowest[0].name, waterfall.slowest[0].operation) == (slowest["id"], slowest["operation"])
    assert waterfall.untimed_count == 1
    assert sum(item.count for item in waterfall.areas) == len(document["checks"]) - 1
    for strip in (*waterfall.areas, *waterfall.slowest):
        assert strip.pieces
        assert all(0 <= start < start + width <= SCALE_WIDTH for start, width in strip.pieces)
    assert build_waterfall(sample_reports.full_report()) is None
    assert 'id="times"' not in render_html(sample_reports.full_report())


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("curl -X POST http://127.0.0.1/v1/track", ()),
        ('curl -u "$CONFORMANCE_WRITE_KEY":', ("CONFORMANCE_WRITE_KEY",)),
        ('curl -u "${CONFORMANCE_WRITE_KEY%?}": -H "X: $HEADER_1"', ("CONFORMANCE_WRITE_KEY", "HEADER_1")),
        (r"python3 -c 're.sub(rb\"\\$(CONFORMANCE_WRITE_KEY|HEADER_\\d+)\")' | curl @-", ()),
    ],
)
def test_variables_of_a_command(command: str, names: tuple[str, ...]) -> None:
    """Only what it reads is named, so a command without a key has no hint about one."""
    assert variables_of(command) == names


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_and_is_accessible(opened: PageOpener, scheme: str, width: int) -> None:
    """On a phone the table of levels fits the screen; axe finds nothing in either size and colour."""
    text = render_html(timed_report())
    with opened(text=text, color_scheme=scheme, viewport={"width": width, "height": 800}) as opened_page:
        page = opened_page.page
        page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        assert opened_page.accessibility_violations() == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        box = page.locator("table.levels").bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width
