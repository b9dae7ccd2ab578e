"""A report as Markdown, short enough for a comment on a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.model import Level, Outcome
from conformance.report.consequences import table as consequences
from conformance.report.findings import findings
from conformance.report.markdown.markup import code, fenced, fold, link, plain, some, table, tagged
from conformance.report.tallies import headline, levels
from conformance.text import band

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.report.consequences import Consequence
    from conformance.report.findings import Finding

LONGEST_BYTES = 60_000
"""A comment on GitHub takes 65,536 characters, a job summary 1 MiB."""
_LONGEST_LINE = 2000
_MOST_CALLS, _MOST_SOURCES, _MOST_IDS, _MOST_ROWS = 12, 6, 12, 30
_TROUBLES = (Outcome.FAIL, Outcome.UNTESTABLE, Outcome.ERROR)
_WORDS = {Outcome.PASS: "kept", Outcome.FAIL: "broken", Outcome.ERROR: "no verdict"}


def markdown(document: Mapping[str, Any]) -> str:
    """The page of one report, given as its JSON document; findings for which there is no room are counted."""
    gate = Level(document["run"]["gate"])
    found = findings(document["checks"])
    troubles = sorted(
        (item for outcome in _TROUBLES for item in found[outcome]), key=lambda item: Level(item.level).rank
    )
    head, tail = _head(document), [*_limits(document), *_sdks(document), _footer(document)]
    gated = [item for item in troubles if Level(item.level).reaches(gate)]
    below = [item for item in troubles if not Level(item.level).reaches(gate)]
    told = [
        *(["## What is wrong", *map(_finding, gated)] if gated else []),
        *(["## Below the gate", *map(_brief, below)] if below else []),
    ]
    room = LONGEST_BYTES - sum(_bytes(item) for item in [*head, *tail])
    return "\n\n".join([*head, *_fitting(told, room), *tail]) + "\n"


def _bytes(text: str) -> int:
    """What a block takes, the empty line after it included."""
    return len(text.encode()) + 2


def _fitting(blocks: Sequence[str], room: int) -> list[str]:
    """The first blocks, as many as there is room for, and a sentence that counts the rest."""
    room -= _LONGEST_LINE
    kept: list[str] = []
    for block in blocks:
        room -= _bytes(block)
        if room < 0:
            left = sum(not item.startswith("## ") for item in blocks[len(kept) :])
            return [
                *kept,
                f"**{left:,} more findings are left out here; the JSON and the HTML report have them.**",
            ]
        kept.append(block)
    return kept


def _head(document: Mapping[str, Any]) -> list[str]:
    """The verdict in one line, and the counts by level."""
    said = headline(document)
    lines = [line for line in (*said.details, said.below) if line]
    rows = [
        [level, *(f"{tally.counts[outcome]:,}" for outcome in Outcome)]
        for level, tally in levels(document["checks"])
    ]
    return [
        f"# Conformance by {plain(document['profile']['name'])}: {document['verdict']}",
        f"**{code(document['target']['url'])} {plain(said.says)}.**",
        *([". ".join(map(plain, lines)) + "."] if lines else []),
        *([table(["level", *(_WORDS.get(item, item.value) for item in Outcome)], rows)] if rows else []),
    ]


def _finding(item: Finding) -> str:
    """A broken promise behind its summary: where, what, why, where documented, and how to see it again."""
    first, ids = item.first, [member.id for member in item.members]
    is_one = len(ids) == 1
    name = tagged(ids[0], "code") if is_one else f"{len(ids):,} checks"
    title = tagged(first["title"]) if is_one else tagged(item.reason)
    known = " (known)" if item.known else ""
    head = f"<b>{item.outcome.upper()}</b> {name} {item.level.upper()}{known}: {title} ({_calls(item)})"
    lines = [
        *([] if is_one else [f"- checks: {some(map(code, ids), _MOST_IDS)}"]),
        f"- on {some(map(_place, item.calls), _MOST_CALLS)}",
        *(f"- {name} {code(first[name])}" for name in ("expected", "received") if first[name]),
        *([f"- known: {plain(item.known)}"] if item.known else []),
        *([f"- because {code(item.reason)}"] if is_one and item.reason else []),
        *_sources(first["sources"]),
    ]
    return fold(head, [*lines, *_again(first["curl"])])


def _calls(item: Finding) -> str:
    return "1 call" if len(item.calls) == 1 else f"{len(item.calls):,} calls"


def _place(call: str) -> str:
    return code(call) or "no call"


def _sources(sources: Sequence[Mapping[str, Any]]) -> list[str]:
    """Where it is documented, a line each."""
    lines = []
    for source in sources[:_MOST_SOURCES]:
        section = f', section "{source["section"]}"' if source["section"] else ""
        says = f": {plain(source['says'])}" if source["says"] else ""
        lines.append(f"- documented in {link(source['document'] + section, source['url'])}{says}")
    return lines


def _again(curl: str) -> list[str]:
    """The line that sends it again, if it is one for a page: half of it would be of no use."""
    if not curl:
        return []
    if len(curl) > _LONGEST_LINE:
        return ["", f"The line that sends it again is in the JSON report; it has {len(curl):,} characters."]
    return ["", fenced(curl, "sh")]


def _brief(item: Finding) -> str:
    """What is broken below the gate, in a line."""
    name = code(item.members[0].id) if len(item.members) == 1 else f"{len(item.members):,} checks"
    received = f": received {code(item.first['received'])}" if item.first["received"] else ""
    return f"- {item.outcome.upper()} {name} {item.level.upper()} ({_calls(item)}){received}"


def _limits(document: Mapping[str, Any]) -> list[str]:
    """What was measured of each limit."""
    rows = [
        [
            plain(item["title"]),
            some(map(code, item["operations"]), _MOST_CALLS),
            band(item["at_least"], item["at_most"]),
            _number(item["accepted_up_to"]),
            _number(item["refused_from"]),
        ]
        for item in document.get("limits", [])[:_MOST_ROWS]
    ]
    head = ["limit in bytes", "on", "documented", "accepted up to", "refused from"]
    return ["## Limits", table(head, rows)] if rows else []


def _number(value: int | None) -> str:
    return "not seen" if value is None else f"{value:,}"


def _sdks(document: Mapping[str, Any]) -> list[str]:
    """What the answers would make official SDKs do."""
    found = consequences(document)
    if not found.lines:
        return []
    rows = [
        [f"{plain(line.title)}{'' if line.is_supported else ' (of others)'}", *map(_cell, line.cells)]
        for line in found.lines[:_MOST_ROWS]
    ]
    return ["## What official SDKs would do", table(["SDK", *map(plain, found.conditions)], rows)]


def _cell(cell: Sequence[Consequence]) -> str:
    return ", ".join(dict.fromkeys(f"{item.words} ({plain(item.received)})" for item in cell))


def _footer(document: Mapping[str, Any]) -> str:
    """What the report is of."""
    run = document["run"]
    return (
        f"{plain(document['profile']['title'])} at the gate {run['gate']}: {run['requests']:,} requests in "
        f"{run['duration_s']:.1f} s, {plain(run['started'])}, {document['suite']['name']} "
        f"{plain(document['suite']['version'])}."
    )
