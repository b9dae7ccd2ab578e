"""Makes the reports that are kept here.

    python -m reports            judges the reference server of every profile by every profile, then renders
    python -m reports --render   renders the pages again from the JSON reports that are kept

The same results give the same bytes: addresses, times and transcripts are left out, see README.md.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from conformance import cases
from conformance.cli import main
from conformance.core.model import Outcome
from conformance.core.resources import profile_names, specs_dir
from conformance.refserver.embedded import run_embedded_server
from conformance.report.html import render_html, render_html_matrix
from conformance.report.loading import load, load_all
from conformance.report.markdown import render_markdown, render_markdown_matrix
from conformance.report.markdown.markup import markdown_table
from conformance.report.matrix import build_matrix
from conformance.requests import Keys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DIRECTORY = Path(__file__).parent
DIGEST_FILE = DIRECTORY / "checks.sha256"
"""The digest of the checks that made the reports."""
EPOCH_VARIABLE = "SOURCE_DATE_EPOCH"
_KEYS = Keys(write_key="conformance-reports-key", bearer="conformance-reports-token")


def render_pages() -> dict[str, str]:
    """Every page by its path, rendered from the JSON reports that are kept."""
    rendered: dict[str, str] = {}
    rows = []
    for name in profile_names():
        own, others = (load(str(DIRECTORY / f"{name}.json")), load_all(str(DIRECTORY / "cross" / f"{name}.json")))
        every = sorted([own, *others], key=lambda document: str(document["profile"]["name"]))
        rendered |= {
            f"{name}.html": render_html(own),
            f"{name}.md": render_markdown(own),
            f"cross/{name}.html": render_html_matrix(every),
            f"cross/{name}.md": render_markdown_matrix(every),
        }
        rows.append([f"[{name}](cross/{name}.md)", *_kept_shares(every)])
    rendered["cross.md"] = _SUMMARY.format(table=markdown_table(["server", *profile_names()], rows))
    return rendered


def neutralise(document: Mapping[str, Any], server: str) -> dict[str, Any]:
    """A report without values that differ from run to run, and without its large parts.

    The address is a placeholder, the time that of `SOURCE_DATE_EPOCH` or 0, durations are 0. Transcripts and
    curl lines are left out, and the sources of promises that were kept.
    """
    neutralised: dict[str, Any] = json.loads(
        json.dumps(document).replace(document["target"]["url"], f"http://{server}.example")
    )
    started = datetime.fromtimestamp(int(os.environ.get(EPOCH_VARIABLE, "0")), UTC)
    neutralised["run"] |= {"started": started.isoformat(timespec="seconds"), "duration_s": 0.0, "waited_s": 0.0}
    for check in neutralised["checks"]:
        check |= {"exchanges": [], "curl": ""}
        check.pop("started_s", None)
        check.pop("duration_s", None)
        if check["outcome"] != Outcome.FAIL:
            check["sources"] = []
    return neutralised


def report_text(document: Mapping[str, Any]) -> str:
    """A report as JSON, a line for each check."""
    head = {name: value for name, value in document.items() if name not in {"checks", "complete"}}
    lines = ",\n".join(_compact(check) for check in document["checks"])
    return f'{_compact(head)[:-1]},"checks":[\n{lines}\n],"complete":true}}\n'


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _kept_shares(documents: Sequence[Mapping[str, Any]]) -> list[str]:
    """The share of the promises at MUST that was kept, for each report."""
    return [
        f"{100 * column.kept // column.judged} % ({column.kept:,} of {column.judged:,})"
        if column.judged
        else "accepts nothing"
        for column in build_matrix(documents).columns
    ]


def _make_reports(server: str, place: Path) -> None:
    """Judges the reference server of a profile by every profile, and writes the JSON reports."""
    with run_embedded_server(server, _KEYS) as url, TemporaryDirectory() as folder:
        report_path = str(Path(folder) / "all.json")
        main(
            ["run", url, "--profile", "all", "--jobs", "1", "--fuzz", "2000", "--quiet", "--json", report_path,
             "--write-key", _KEYS.write_key, "--bearer", _KEYS.bearer or ""]
        )  # fmt: skip
        documents = [neutralise(document, server) for document in load_all(report_path)]
    own = [item for item in documents if item["profile"]["name"] == server]
    others = ",\n".join(report_text(item).rstrip() for item in documents if item not in own)
    (place / f"{server}.json").write_text(report_text(own[0]), encoding="utf-8")
    (place / "cross" / f"{server}.json").write_text(
        f'{{"format":1,"reports":[\n{others}\n],"complete":true}}\n', encoding="utf-8"
    )


_SUMMARY = """\
# Each vendor's correct server, by each vendor's profile

How much of what a profile promises at MUST is kept by a server that is correct by another: a row for each
server, a column for each profile. Where the acceptable twin was refused, nothing counts as kept.

{table}
"""


def suite_digest() -> str:
    """A digest of the code of all checks, without comments, and of the promises that profiles state."""
    digest = hashlib.sha256()
    for path in sorted([*Path(cases.__file__).parent.glob("*.py"), *specs_dir().glob("profiles/*.yaml")]):
        content = path.read_text("utf-8")
        digest.update(ast.dump(ast.parse(content)).encode() if path.suffix == ".py" else content.encode())
    digest.update((specs_dir() / "common.yaml").read_bytes())
    return digest.hexdigest()


def make_all() -> None:
    """Judges every reference server by every profile, keeps the JSON reports, and renders the pages."""
    for profile in profile_names():
        _make_reports(profile, DIRECTORY)
    DIGEST_FILE.write_text(f"{suite_digest()}\n", encoding="utf-8")
    write_pages()


def write_pages() -> None:
    """Renders the pages from the JSON reports that are kept."""
    for name, page in render_pages().items():
        (DIRECTORY / name).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    if "--render" in sys.argv[1:]:
        write_pages()
    else:
        make_all()
