"""A report as Markdown, short enough for a comment on a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.core.model import Level, Outcome
from conformance.core.text import format_range, join_first
from conformance.profile.size_unit import describe_unit
from conformance.report.cause_view import view_causes
from conformance.report.document import UNVERIFIED_SENTENCE
from conformance.report.failure_groups import group_failures
from conformance.report.markdown.causes import cause_block, cause_line, stopped_block
from conformance.report.markdown.delivery import delivery_blocks
from conformance.report.markdown.markup import (
    MAX_COMMENT_BYTES,
    block_size,
    code_block,
    details_block,
    escape_markdown,
    html_inline,
    inline_code,
    markdown_link,
    markdown_table,
    take_fitting,
)
from conformance.report.sdk_table import build_sdk_table
from conformance.report.tallies import report_headline, tallies_by_level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.report.cause_view import CauseOverview
    from conformance.report.failure_groups import FailureGroup
    from conformance.report.sdk_table import SdkReaction

_MAX_LINE_LENGTH = 2000
_MAX_CALLS, _MAX_SOURCES, _MAX_IDS, _MAX_ROWS = 12, 6, 12, 30
_PROBLEM_ORDER = (Outcome.FAIL, Outcome.UNTESTABLE, Outcome.ERROR)
_OUTCOME_WORDS = {Outcome.PASS: "kept", Outcome.FAIL: "broken", Outcome.ERROR: "no verdict"}


def render_markdown(document: Mapping[str, Any]) -> str:
    """The page of one report, given as its JSON document; findings that do not fit are counted."""
    overview = view_causes(document)
    head, tail = (
        _head_blocks(document),
        [*_limit_blocks(document), *_sdk_blocks(document), *delivery_blocks(document), _footer_line(document)],
    )
    head += stopped_block(overview) if overview else []
    room = MAX_COMMENT_BYTES - _MAX_LINE_LENGTH - sum(map(block_size, [*head, *tail]))
    sections = _sections(document, overview)
    blocks: list[str] = []
    omitted_count = 0
    for heading, rendered in sections:
        if not rendered:
            continue
        kept = [] if omitted_count else take_fitting([heading, *rendered], room, block_size)
        blocks += kept
        room -= sum(map(block_size, kept))
        omitted_count += len(rendered) - max(len(kept) - 1, 0)
    if omitted_count:
        blocks.append(f"**{omitted_count:,} more findings are left out here; the JSON and the HTML report have them.**")
    return "\n\n".join([*head, *blocks, *tail]) + "\n"


def _sections(document: Mapping[str, Any], overview: CauseOverview | None) -> list[tuple[str, list[str]]]:
    """The headings with their blocks: causes, and the failures that none explains."""
    gate = Level(document["run"]["gate"])
    groups_by_outcome = group_failures(overview.unexplained if overview else document["checks"])
    problems = sorted(
        (item for outcome in _PROBLEM_ORDER for item in groups_by_outcome[outcome]),
        key=lambda item: Level(item.level).rank,
    )
    gated = [item for item in problems if Level(item.level).is_at_least(gate)]
    below = [item for item in problems if not Level(item.level).is_at_least(gate)]
    causes = overview.gated if overview else ()
    others = [*overview.below, *overview.known] if overview else []
    return [
        ("## What is wrong", [*map(cause_block, causes), *map(_group_block, gated)]),
        ("## Below the gate", [*map(cause_line, others), *map(_group_line, below)]),
    ]


def _head_blocks(document: Mapping[str, Any]) -> list[str]:
    """The verdict in one line, and the counts by level."""
    verdict_headline = report_headline(document)
    lines = [line for line in (*verdict_headline.details, verdict_headline.below_gate) if line]
    rows = [
        [level, *(f"{tally.counts[outcome]:,}" for outcome in Outcome)]
        for level, tally in tallies_by_level(document["checks"])
    ]
    return [
        f"# Conformance by {escape_markdown(document['profile']['name'])}: {document['verdict']}",
        f"**{inline_code(document['target']['url'])} {escape_markdown(verdict_headline.sentence)}.**",
        *([". ".join(map(escape_markdown, lines)) + "."] if lines else []),
        *(
            [markdown_table(["level", *(_OUTCOME_WORDS.get(item, item.value) for item in Outcome)], rows)]
            if rows
            else []
        ),
    ]


def _group_block(item: FailureGroup) -> str:
    """A finding: a summary, and details in its fold; a path on which nothing is accepted has only one line."""
    if item.path_state:
        return _group_line(item)
    first, ids = item.first, [member.id for member in item.members]
    is_one = len(ids) == 1
    name = html_inline(ids[0], "code") if is_one else f"{len(ids):,} checks"
    title = html_inline(first["title"]) if is_one else html_inline(item.reason)
    known = " (known)" if item.known else ""
    head = f"<b>{item.outcome.upper()}</b> {name} {item.level.upper()}{known}: {title} ({_count_calls(item)})"
    lines = [
        *([] if is_one else [f"- checks: {join_first(map(inline_code, ids), _MAX_IDS)}"]),
        f"- on {join_first(map(_call_code, item.calls), _MAX_CALLS)}",
        *(f"- {name} {inline_code(first[name])}" for name in ("expected", "received") if first[name]),
        *([f"- known: {escape_markdown(item.known)}"] if item.known else []),
        *([f"- because {inline_code(item.reason)}"] if is_one and item.reason else []),
        *_source_lines(first["sources"]),
    ]
    return details_block(head, [*lines, *_curl_blocks(first["curl"])])


def _count_calls(item: FailureGroup) -> str:
    return "1 call" if len(item.calls) == 1 else f"{len(item.calls):,} calls"


def _call_code(call: str) -> str:
    return inline_code(call) or "no call"


def _source_lines(sources: Sequence[Mapping[str, Any]]) -> list[str]:
    """The places where it is documented, a line each."""
    lines = []
    for source in sources[:_MAX_SOURCES]:
        section = f', section "{source["section"]}"' if source["section"] else ""
        says = f": {escape_markdown(source['says'])}" if source["says"] else ""
        lines.append(f"- documented in {markdown_link(source['document'] + section, source['url'])}{says}")
    return lines


def _curl_blocks(curl: str) -> list[str]:
    """The curl command, unless it is too long for a page: half of it would be of no use."""
    if not curl:
        return []
    if len(curl) > _MAX_LINE_LENGTH:
        return ["", f"The curl command is in the JSON report; it has {len(curl):,} characters."]
    return ["", code_block(curl, "sh")]


def _group_line(item: FailureGroup) -> str:
    """A finding below the gate, in one line."""
    name = inline_code(item.members[0].id) if len(item.members) == 1 else f"{len(item.members):,} checks"
    if item.path_state:
        calls = join_first(map(_call_code, item.calls), _MAX_CALLS)
        return f"- {item.outcome.upper()} {name} {item.level.upper()} on {calls}: nothing is accepted there"
    received = f": received {inline_code(item.first['received'])}" if item.first["received"] else ""
    return f"- {item.outcome.upper()} {name} {item.level.upper()} ({_count_calls(item)}){received}"


def _limit_blocks(document: Mapping[str, Any]) -> list[str]:
    """A table of the limits, documented and measured."""
    rows = [
        [
            escape_markdown(f"{item['title']}, in {describe_unit(item['unit'])}"),
            join_first(map(inline_code, item["operations"]), _MAX_CALLS),
            format_range(item["at_least"], item["at_most"]),
            _format_measured(item["accepted_up_to"]),
            _format_measured(item["refused_from"]),
        ]
        for item in document.get("limits", [])[:_MAX_ROWS]
    ]
    head = ["limit", "on", "documented", "accepted up to", "refused from"]
    return ["## Limits", markdown_table(head, rows)] if rows else []


def _format_measured(value: int | None) -> str:
    return "not seen" if value is None else f"{value:,}"


def _sdk_blocks(document: Mapping[str, Any]) -> list[str]:
    """A table of what official SDKs would do with the answers."""
    sdk_table = build_sdk_table(document)
    if not sdk_table.rows:
        return []
    rows = [
        [f"{escape_markdown(line.title)}{'' if line.is_supported else ' (of others)'}", *map(_cell, line.cells)]
        for line in sdk_table.rows[:_MAX_ROWS]
    ]
    return [
        "## What official SDKs would do",
        markdown_table(["SDK", *map(escape_markdown, sdk_table.conditions)], rows),
    ]


def _cell(cell: Sequence[SdkReaction]) -> str:
    return ", ".join(dict.fromkeys(f"{item.words} ({escape_markdown(item.received)})" for item in cell))


def _footer_line(document: Mapping[str, Any]) -> str:
    """Profile, gate, cost, start and suite of the run."""
    run = document["run"]
    warning = f"{UNVERIFIED_SENTENCE} " if "insecure" in run else ""
    warning += f"{escape_markdown(run['reading'])} " if "reading" in run else ""
    return (
        f"{warning}{escape_markdown(document['profile']['title'])} at the gate {run['gate']}: {run['requests']:,} "
        f"requests in {run['duration_s']:.1f} s, {escape_markdown(run['started'])}, {document['suite']['name']} "
        f"{escape_markdown(document['suite']['version'])}."
    )
