"""What every renderer makes of one small report; `python -m tests.goldens` writes it anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.report.badge import badge
from conformance.report.changes import changes
from conformance.report.document import text
from conformance.report.junit import junit
from conformance.report.markdown import markdown, markdown_changes, markdown_matrix
from conformance.report.sarif import sarif
from tests import pages

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACE = Path(__file__).parent / "golden"
NASTY = (
    "a\x00\x1b[31mb\x7f\x9b\u202e\ufffe\U0001f600\r\n\t</failure>]]>&<script>alert(1)</script>"
    "`|[x](http://e)@all {0} #1"
)
"""What a target might say."""
_CHANGED = {("auth.key.unknown", pages.TRACK): "pass", ("accept.event.minimal", pages.PAGE): "fail"}
_GONE = {("accept.event.minimal", pages.BATCH), ("pixel.key.unknown", "")}


def later() -> dict[str, Any]:
    """The small report's server some time later: one check fixed, one broken, one gone and one new."""
    checks = [
        {**item, "outcome": _CHANGED.get((item["id"], item["operation"]), item["outcome"])}
        for item in pages.sample()["checks"]
        if (item["id"], item["operation"]) not in _GONE
    ]
    return pages.document(*checks, pages.check("json.syntax.bom"))


def hostile() -> dict[str, Any]:
    """The small report of a server that says what breaks files and terminals."""
    told = dict.fromkeys(("message", "expected", "received", "curl", "title"), NASTY)
    found = pages.sample()
    return {**found, "checks": [item | told for item in found["checks"]]}


def goldens() -> Mapping[str, str]:
    """Every golden file with what it should hold."""
    document = pages.sample()
    return {
        "report.json": text(document),
        "report.md": markdown(document),
        "report.junit.xml": junit(document),
        "report.sarif": sarif(document),
        "badge.svg": badge(document),
        "hostile.md": markdown(hostile()),
        "matrix.md": markdown_matrix([document, pages.conforming(), later()]),
        "changes.md": markdown_changes(changes([document], [later()])),
        "changes.json": changes([document], [later()]).text(),
    }


if __name__ == "__main__":
    for name, content in goldens().items():
        (PLACE / name).write_text(content, encoding="utf-8")
