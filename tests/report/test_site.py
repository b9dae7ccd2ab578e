"""A site of many reports: whole, linked, accessible, and careful with the directory that it is given."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import jsonschema
import pytest

from conformance.cli import main
from conformance.core.resources import read_json_spec
from conformance.report.document import dump_json
from tests.support.sample_reports import conforming_report, report_with_causes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.browser import PageOpener

HOSTILE_URL = "http://127.0.0.1:8080/<script>window.broken=1</script>/../../x"


def at(document: dict[str, Any], url: str, started: str) -> dict[str, Any]:
    """A report of another server, or of another time."""
    return {**document, "target": {"url": url}, "run": {**document["run"], "started": started}}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Reports of two servers, one of them twice."""
    documents = [
        at(report_with_causes(), HOSTILE_URL, "2024-03-01T00:00:00+00:00"),
        at(report_with_causes(), "http://b.example", "2024-03-01T00:00:00+00:00"),
        at(conforming_report(), "http://b.example", "2024-03-02T00:00:00+00:00"),
    ]
    place = tmp_path_factory.mktemp("reports")
    for number, document in enumerate(documents):
        (place / f"{number}.json").write_text(dump_json(document), "utf-8")
    return [str(place / f"{number}.json") for number in range(len(documents))]


@pytest.fixture(scope="module")
def site(files: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a site."""
    place = tmp_path_factory.mktemp("out") / "site"
    assert main(["site", str(place), *files]) == 0
    return place


def test_every_link_leads_somewhere(site: Path) -> None:
    """Each cell leads to its evidence: every file that a page names is there, with the place in it."""
    data = json.loads((site / "site.json").read_text("utf-8"))
    jsonschema.validate(data, read_json_spec("site.schema.json"))
    assert sorted(data["files"]) == sorted(path.name for path in site.iterdir())
    assert [(item["server"], item["verdict"]) for item in data["reports"]] == [
        (HOSTILE_URL, "deviates"), ("http://b.example", "conforms"),
    ]  # fmt: skip
    pages = {path.name: path.read_text("utf-8") for path in site.glob("*.html")}
    links = [
        (name, link) for name, page in pages.items() for link in re.findall(r'href="([^"#][^"]*)"', page)
        if not link.startswith("https://")
    ]  # fmt: skip
    assert {name for name, _ in links} >= {"index.html", "promises-acme.html"}
    for name, link in links:
        file, _, anchor = unquote(link).partition("#")
        assert (site / file).is_file(), (name, link)
        assert not anchor or f'id="{anchor}"' in pages[file], (name, link)


def test_what_is_there_already(files: list[str], site: Path, tmp_path: Path) -> None:
    """A site replaces an earlier one, and nothing of anybody else."""
    assert main(["site", str(tmp_path / "site"), files[0]]) == 0
    before = {path.name for path in (tmp_path / "site").iterdir()}
    (tmp_path / "site" / "CNAME").write_text("conformance.example", "utf-8")
    assert main(["site", str(tmp_path / "site"), files[1]]) == 0
    after = {path.name for path in (tmp_path / "site").iterdir()}
    assert before - after == {name for name in before if name.startswith("report-127")}
    assert "CNAME" in after
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "index.html").write_text("mine", "utf-8")
    assert main(["site", str(tmp_path / "notes"), files[0]]) == 2
    assert (tmp_path / "notes" / "index.html").read_text("utf-8") == "mine"
    assert "history.html" in {path.name for path in site.iterdir()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_pages(opened: PageOpener, site: Path, scheme: str, width: int) -> None:
    """Accessible in each size and colour, without a picture or a style from elsewhere, and sortable."""
    for name in ("index.html", "promises-acme.html"):
        text = (site / name).read_text("utf-8")
        with opened(text=text, color_scheme=scheme, viewport={"width": width, "height": 800}) as opened_page:
            page = opened_page.page
            page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
            assert opened_page.accessibility_violations() == []
            assert not page.evaluate("'broken' in window")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            rows = page.locator("table[data-sortable]").first.locator("tbody tr")
            before = rows.all_text_contents()
            page.locator("table[data-sortable] .sort").nth(1).click()
            page.locator("table[data-sortable] .sort").nth(1).click()
            assert sorted(rows.all_text_contents()) == sorted(before)
            assert page.locator("[aria-sort=descending]").count() == 1
            if name == "index.html":
                assert "b.example" in rows.first.text_content()  # type: ignore[operator] # there is a row
            assert len(opened_page.requests) == 1
