"""What a comparison of two servers has to say, in sentences, for every renderer of its JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from conformance.core.text import escape_controls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

UNNOTICED = "unnoticed"
_REACTION_WORDS = {
    "deliver": "delivered", "give-up": "given up", "retry": "retried", "send-again": "sent again",
    "lose": "lost",
}  # fmt: skip
_KEPT_BY_WORDS = {
    "A": "A keeps it, B breaks it",
    "B": "A breaks it, B keeps it",
    "neither": "both break it, in different ways",
    "both": "both are allowed by the profile",
}
_VERDICT_WORDS = {"same": ("the same", "bold green"), "different": ("different", "bold red")}
_MAX_ITEMS, _MAX_NAMES, _MAX_LENGTH = 8, 3, 300


def diff_headline(document: Mapping[str, Any]) -> str:
    """The verdict in one sentence, without a full stop."""
    servers, name = document["servers"], document["profile"]["name"]
    counts = document["counts"]
    if document["verdict"] == "uncompared":
        return f"nothing can be said: {document['stopped'] or 'no check had an answer of both'}"
    total = len(document["differences"])
    if not total:
        return f"{servers['A']} (A) and {servers['B']} (B) answer the same, by the profile {name}"
    parts = [
        f"{counts[word]} {says}"
        for word, says in (
            ("A", "that B breaks"), ("B", "that A breaks"), ("neither", "that both break"),
            ("both", "that the profile allows"),
        )
        if counts[word]
    ]  # fmt: skip
    number = f"{total} difference{'s' if total > 1 else ''}"
    return f"{number} from A {servers['A']} to B {servers['B']}, by the profile {name}: {', '.join(parts)}"


def describe_scope(document: Mapping[str, Any]) -> str:
    """What was compared, in one sentence."""
    numbers = document["compared"]
    return (
        f"compared: {numbers['checks']:,} checks with {numbers['answers']:,} answers of either, "
        f"{numbers['generated']:,} generated requests"
    )


def diff_remarks(document: Mapping[str, Any]) -> list[str]:
    """What else there is to know, a sentence each."""
    sentences = []
    if document["stopped"]:
        sentences.append(f"the comparison ended early, and nothing can be said of the rest; {document['stopped']}")
    for side, calls in document["dead"].items():
        if calls:
            sentences.append(f"{side} accepts nothing on {', '.join(calls)}; nothing more was compared there")
    unstable = document["unstable"]
    if unstable:
        check_ids = list(dict.fromkeys(item["id"] for item in unstable))
        more = f" and {len(check_ids) - _MAX_ITEMS} more" if len(check_ids) > _MAX_ITEMS else ""
        sentences.append(
            f"not stable, and no difference: {len(unstable)} checks did not come to the same each time "
            f"({', '.join(check_ids[:_MAX_ITEMS])}{more})"
        )
    if document["unstable_generated"]:
        sentences.append(f"not stable: {document['unstable_generated']} generated requests did not differ each time")
    if document["reworded"] and not document["strict"]:
        sentences.append(
            f"{document['reworded']:,} answers say the same in other words, which no SDK reads; --strict counts them"
        )
    return sentences


def describe_kept_by(item: Mapping[str, Any]) -> str:
    """Who keeps the promise, with its level."""
    return _KEPT_BY_WORDS[item["keeps"]]


def describe_changes(item: Mapping[str, Any]) -> list[str]:
    """How the answers differ, a line each."""
    lines = []
    for way in item["ways"]:
        name = "" if way["in"] == "status" else f"{way['in']}: "
        calls = join_first(way["calls"], _MAX_ITEMS)
        on = f" on {calls}" if calls else ""
        lines.append(f"{name}A {_truncate(way['A'])}, B {_truncate(way['B'])}{on}")
    return lines


def describe_reactions(item: Mapping[str, Any]) -> list[str]:
    """What SDKs make of it, a line for those that do the same; those that the profile names come first."""
    sdks = item["sdks"]
    relevant = [entry for entry in sdks["effects"] if entry["supported"]] or sdks["effects"]
    groups: dict[tuple[str, str], list[str]] = {}
    for entry in relevant:
        groups.setdefault((entry["A"], entry["B"]), []).append(entry["title"])
    differing = {key: names for key, names in groups.items() if key[0] != key[1]}
    if not differing:
        return ["no SDK would notice"]
    condition = "" if sdks["usual"] else "if it sends such: "
    return [
        f"{condition}{_REACTION_WORDS[one]} by A, {_REACTION_WORDS[other]} by B ({join_first(names, _MAX_NAMES)})"
        for (one, other), names in differing.items()
    ]


def join_first(words: Sequence[str], limit: int) -> str:
    """The first few of many words."""
    remainder = f" and {len(words) - limit} more" if len(words) > limit else ""
    return ", ".join(words[:limit]) + remainder


def detail_lines(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a person wants to know of a difference, each with a word for what it is."""
    yield "promise", item["title"]
    for text in describe_changes(item):
        yield "differs", text
    yield "verdict", describe_kept_by(item)
    if item["message"]:
        yield "because", item["message"]
    for text in describe_reactions(item):
        yield "SDKs", text
    others = [name for name in item["checks"] if name != item["id"]]
    if others:
        yield "also", join_first(others, _MAX_ITEMS)
    if item["generated"]:
        more = f"; among them: {join_first(item['examples'], _MAX_NAMES)}" if item["examples"] else ""
        yield "fuzz", f"{item['generated']:,} generated requests show it{more}"
    for source in item["sources"][:2]:
        says = f": {source['says']}" if source["says"] else ""
        yield "source", f"{source['document']}, section {source['section']!r}{says}"
    for side in ("A", "B"):
        if item["curl"][side]:
            yield f"ask {side}", item["curl"][side]


def print_diff(document: Mapping[str, Any], console: Console, *, quiet: bool = False) -> None:
    """Prints a comparison: the costliest difference first. Quiet leaves the differences and the verdict."""
    for item in document["differences"]:
        style = "bold yellow" if item["keeps"] == "both" else "bold red"
        head = Text.assemble(
            ("\nDIFFERENT", style), f"  {escape_controls(item['id'])}  ", (item["level"].upper(), "bold"),
            "" if item["keeps"] != "both" else " (allowed)",
        )  # fmt: skip
        console.print(head, soft_wrap=True)
        table = Table.grid(padding=(0, 1))
        table.add_column(style="dim", justify="right", min_width=9)
        table.add_column(overflow="fold")
        details = list(detail_lines(item))
        for name, text in details:
            if not name.startswith("ask"):
                table.add_row(name, Text(escape_controls(text)))
        console.print(Padding(table, (0, 0, 0, 2)))
        for name, text in details:
            if name.startswith("ask"):
                console.print(Text(f"      {name} {escape_controls(text)}", style="dim"), soft_wrap=True)
    if not quiet:
        for remark in [*diff_remarks(document), describe_scope(document)]:
            console.print(Text(escape_controls(f"\n{remark}")), soft_wrap=True)
    words, style = _VERDICT_WORDS.get(document["verdict"], ("not compared", "bold yellow"))
    console.print(Text.assemble((f"\n{words}: ", style), escape_controls(diff_headline(document))), soft_wrap=True)


def _truncate(words: str) -> str:
    return words if len(words) <= _MAX_LENGTH else f"{words[:_MAX_LENGTH]}..."
