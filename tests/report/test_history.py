"""Reports over time: what was kept, and which causes came and went."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from conformance.cli import main
from conformance.core.resources import read_json_spec
from conformance.report.document import dump_json
from conformance.report.history import LabelledReport, build_history
from conformance.report.html import render_html_history
from tests.report.test_cause_changes import OVER, UNKNOWN, with_causes
from tests.support.sample_reports import PAGE, TRACK, cause, report

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.browser import PageOpener

HOSTILE = "</svg></td><script>window.broken = 1</script>\x1b[31m{{ 7 * 7 }}"


def runs() -> list[LabelledReport]:
    """Five runs: a cause that goes and comes back, one that is found under another id, and a run without causes."""
    unknown, over = cause(UNKNOWN, "0a", [TRACK]), cause(OVER, "1b", [PAGE, TRACK], level="should", harm="letter")
    documents = [
        with_causes(unknown), with_causes(), with_causes(unknown | {"sentence": HOSTILE}, over),
        report(*with_causes(over)["checks"]), with_causes(over | {"id": "9c"}),
    ]  # fmt: skip
    for number, document in enumerate(documents):
        document["run"] |= {"started": f"2024-03-0{number + 1}T09:30:00+00:00"}
    return [LabelledReport(label=f"v{number}", document=item) for number, item in enumerate(documents)]


def test_causes_over_time() -> None:
    """Runs go by time, whatever the order of files; a cause is one over all of them, with the runs that have it."""
    document: dict[str, Any] = build_history(reversed(runs()))
    jsonschema.validate(document, read_json_spec("history.schema.json"))
    data = document["series"][0]
    assert len(document["series"]) == 1
    assert [run["label"] for run in data["runs"]] == ["v0", "v1", "v2", "v3", "v4"]
    assert [run["causes"] for run in data["runs"]] == [1, 0, 2, None, 1]
    assert data["runs"][0]["levels"]["must"] == {"kept": 3, "judged": 4}
    assert [(item["id"], item["open"], item["first"], item["last"], item["explains"]) for item in data["causes"]] == [
        ("9c", True, 2, 4, [0, 0, 2, None, 2]),
        ("0a", False, 0, 2, [1, 0, 1, None, 0]),
    ]
    assert [(item["run"], item["turn"], item["cause"]) for item in data["events"]] == [
        (1, "went", "0a"), (2, "came", "9c"), (2, "came", "0a"), (4, "went", "0a"),
    ]  # fmt: skip


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It reads files, prints a line for each run and cause, and writes JSON and a page."""
    files = []
    for item in runs():
        files.append(tmp_path / f"{item.label}.json")
        files[-1].write_text(dump_json(item.document), "utf-8")
    assert main(["history", *map(str, files)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "  ..X?X  open  letter  SHOULD what size.event.over sends is accepted with 200  (since v2)" in lines
    assert len([line for line in lines if line.startswith("v")]) == 5
    assert "\x1b" not in "".join(lines)
    places = [str(tmp_path / name) for name in ("out.json", "out.html")]
    assert main(["history", *map(str, files), "--json", places[0], "--html", places[1]]) == 0
    assert json.loads((tmp_path / "out.json").read_text("utf-8"))["complete"] is True
    assert (tmp_path / "out.html").read_text("utf-8").count("<polyline") == 1
    assert main(["history", str(tmp_path / "out.json")]) == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page(opened: PageOpener, scheme: str, width: int) -> None:
    """It is accessible in each size and colour, loads nothing, fits its window, and what targets say is text."""
    text = render_html_history(build_history(runs()))
    with opened(text=text, color_scheme=scheme, viewport={"width": width, "height": 800}) as opened_page:
        assert opened_page.accessibility_violations() == []
        assert not opened_page.page.evaluate("'broken' in window")
        assert opened_page.page.evaluate("document.documentElement.scrollWidth") <= width
        assert len(opened_page.requests) == 1
