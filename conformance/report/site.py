"""Many reports as a site of static files: servers by promises, each cell leading to its evidence."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.report.badge import render_badge
from conformance.report.document import FORMAT_VERSION, dump_json
from conformance.report.history import LabelledReport, build_history
from conformance.report.html import render_html, render_html_history, render_html_matrix, render_html_site
from conformance.report.matrix import build_matrix, format_share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from conformance.core.model import JsonObject

INDEX_FILE, DATA_FILE, HISTORY_FILE = "index.html", "site.json", "history.html"
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_MAX_NAME_LENGTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteCell:
    """The latest report of a server by a profile: its figures, and its files."""

    document: Mapping[str, Any]
    server: str
    profile: str
    share: str
    kept: int
    judged: int
    name: str

    @property
    def page(self) -> str:
        """The page of the report."""
        return f"{self.name}.html"

    @property
    def badge_file(self) -> str:
        """The badge."""
        return f"{self.name}.svg"

    @property
    def badge(self) -> str:
        """The badge, as SVG."""
        return render_badge(self.document)

    def as_json(self) -> JsonObject:
        """The JSON form."""
        return {
            "server": self.server,
            "profile": self.profile,
            "verdict": self.document["verdict"],
            "started": self.document["run"]["started"],
            "kept": self.kept,
            "judged": self.judged,
            "page": self.page,
            "badge": self.badge_file,
            "report": f"{self.name}.json",
        }


def build_site(reports: Sequence[LabelledReport]) -> dict[str, Callable[[], str]]:
    """The files of a site, by their names, each made when it is asked for; the data, with all names, come first.

    Of several reports of one server by one profile, the latest one counts; all of them make the history.
    """
    cells = _cells(_latest(reports))
    files: dict[str, Callable[[], str]] = {DATA_FILE: lambda: _data_text(cells, files)}
    for cell in cells:
        files[cell.page] = lambda cell=cell: render_html(cell.document)  # type: ignore[misc] # bound at once
        files[f"{cell.name}.json"] = lambda cell=cell: dump_json(cell.document)  # type: ignore[misc] # likewise
        files[cell.badge_file] = lambda cell=cell: cell.badge  # type: ignore[misc] # likewise
    profiles = {cell.profile: str(cell.document["profile"]["title"]) for cell in cells}
    pages = {name: f"{_file_name('promises', name)}.html" for name in sorted(profiles)}
    for name, page in pages.items():
        own = [cell for cell in cells if cell.profile == name]
        files[page] = lambda own=own: render_html_matrix(  # type: ignore[misc] # likewise
            [cell.document for cell in own], [cell.page for cell in own]
        )
    has_history = len(reports) > len(cells)
    if has_history:
        files[HISTORY_FILE] = lambda: render_html_history(build_history(reports))
    files[INDEX_FILE] = lambda: render_html_site(
        servers=_rows(cells, list(pages)),
        profiles=[(profiles[name], page) for name, page in pages.items()],
        history=HISTORY_FILE if has_history else "",
        report_count=len(reports),
    )
    return files


def _data_text(cells: Iterable[SiteCell], names: Iterable[str]) -> str:
    """What the site shows, as JSON; its schema is specs/site.schema.json."""
    return dump_json(
        {
            "format": FORMAT_VERSION,
            "reports": [cell.as_json() for cell in cells],
            "files": sorted(names),
            "complete": True,
        }
    )


def _latest(reports: Iterable[LabelledReport]) -> list[Mapping[str, Any]]:
    """The latest report of each server by each profile, by server and profile."""
    latest: dict[tuple[str, str], Mapping[str, Any]] = {}
    for item in sorted(reports, key=lambda item: str(item.document["run"]["started"])):
        latest[item.document["target"]["url"], item.document["profile"]["name"]] = item.document
    return [latest[key] for key in sorted(latest)]


def _cells(documents: Iterable[Mapping[str, Any]]) -> list[SiteCell]:
    """The figures and file names of reports; no two have the same."""
    used: Counter[str] = Counter()
    cells = []
    for document in documents:
        (column,) = build_matrix([document]).columns
        name = _file_name("report", column.url.partition("://")[2] or column.url, column.profile_name)
        used[name] += 1
        cells.append(
            SiteCell(
                document=document, server=column.url, profile=column.profile_name,
                share=format_share(column.kept, column.judged), kept=column.kept, judged=column.judged,
                name=name if used[name] == 1 else f"{name}-{used[name]}",
            )
        )  # fmt: skip
    return cells


def _file_name(*words: str) -> str:
    """A name of letters, digits and hyphens, which every file system and every host takes."""
    text = "-".join(_NOT_IN_NAMES.sub("-", word.lower()).strip("-") for word in words)
    return text[:_MAX_NAME_LENGTH].strip("-")


def _rows(cells: Sequence[SiteCell], profiles: Sequence[str]) -> list[tuple[str, list[SiteCell | None]]]:
    """A row for each server, with a cell for each profile, None where there is no report."""
    by_place = {(cell.server, cell.profile): cell for cell in cells}
    servers = dict.fromkeys(cell.server for cell in cells)
    return [(server, [by_place.get((server, name)) for name in profiles]) for server in servers]
