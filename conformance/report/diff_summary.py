"""A comparison of two servers in sentences, made from its JSON document for all renderers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from conformance.core.text import escape_controls, join_first, truncate
from conformance.report.details import Detail, DetailKind, print_details

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console

SIDES = ("A", "B")
"""The two servers, as the JSON document names them."""
_REACTION_WORDS = {
    "deliver": "counted as delivered", "deliver-anyway": "counted as delivered anyway", "give-up": "given up",
    "retry": "retried", "send-again": "sent again", "follow": "sent to the Location",
    "lose": "counted as delivered anyway",
}  # fmt: skip
_KEPT_BY_WORDS = {
    "A": "A keeps it, B breaks it",
    "B": "A breaks it, B keeps it",
    "neither": "both break it, in different ways",
    "both": "both are allowed by the profile",
}
_VERDICT_WORDS = {"same": ("the same", "bold green"), "different": ("different", "bold red")}
_MAX_ITEMS, _MAX_NAMES, _MAX_SOURCES, _MAX_LENGTH = 8, 3, 2, 300


def diff_headline(document: Mapping[str, Any]) -> str:
    """The verdict in one sentence, without a full stop."""
    servers, name = document["servers"], document["profile"]["name"]
    counts = document["counts"]
    if document["verdict"] == "uncompared":
        return f"nothing was compared: {document['stopped'] or 'no check was answered by both servers'}"
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
    """The numbers of what was compared, in one sentence."""
    numbers = document["compared"]
    return (
        f"compared: {numbers['checks']:,} checks with {numbers['answers']:,} answers from each server, "
        f"{numbers['generated']:,} generated requests"
    )


def diff_remarks(document: Mapping[str, Any]) -> list[str]:
    """What limits the comparison, a sentence each: an early end, dead calls, unstable answers."""
    sentences = []
    if document["stopped"]:
        sentences.append(f"the comparison ended early, and the rest was not compared; {document['stopped']}")
    for side, calls in document["dead"].items():
        if calls:
            sentences.append(f"{side} accepts nothing on {', '.join(calls)}; nothing more was compared there")
    unstable = document["unstable"]
    if unstable:
        check_ids = list(dict.fromkeys(item["id"] for item in unstable))
        sentences.append(
            f"not stable, and not counted as different: the results of {len(unstable)} checks varied "
            f"({join_first(check_ids, _MAX_ITEMS)})"
        )
    if document["unstable_generated"]:
        sentences.append(f"not stable: {document['unstable_generated']} generated requests differed only at times")
    if document["reworded"] and not document["strict"]:
        sentences.append(
            f"{document['reworded']:,} answers differ only in wording, which no SDK reads; --strict counts them"
        )
    return sentences


def describe_kept_by(item: Mapping[str, Any]) -> str:
    """Which side keeps the promise, in words."""
    return _KEPT_BY_WORDS[item["keeps"]]


def describe_changes(item: Mapping[str, Any]) -> list[str]:
    """The ways in which the answers differ, a line each."""
    lines = []
    for way in item["ways"]:
        name = "" if way["in"] == "status" else f"{way['in']}: "
        answers = ", ".join(f"{side} {truncate(way[side], _MAX_LENGTH)}" for side in SIDES)
        calls = join_first(way["calls"], _MAX_ITEMS)
        lines.append(f"{name}{answers}{f' on {calls}' if calls else ''}")
    return lines


def describe_reactions(item: Mapping[str, Any]) -> list[str]:
    """What SDKs do with the two answers, a line for those that do the same. SDKs of the vendor, if it has any."""
    sdks = item["sdks"]
    relevant = [entry for entry in sdks["effects"] if entry["supported"]] or sdks["effects"]
    groups: dict[tuple[str, str], list[str]] = {}
    for entry in relevant:
        groups.setdefault((entry["A"], entry["B"]), []).append(entry["title"])
    differing = {key: names for key, names in groups.items() if key[0] != key[1]}
    if not differing:
        return ["no SDK would notice"]
    condition = "" if sdks["usual"] else "if it sends such a request: "
    return [
        f"{condition}{_REACTION_WORDS[one]} after the answer of A, {_REACTION_WORDS[other]} after that of B "
        f"({join_first(names, _MAX_NAMES)})"
        for (one, other), names in differing.items()
    ]


def describe_details(item: Mapping[str, Any]) -> Iterator[Detail]:
    """All details of a difference."""
    yield Detail(DetailKind.PROMISE, item["title"])
    for text in describe_changes(item):
        yield Detail(DetailKind.CHANGE, text)
    yield Detail(DetailKind.KEPT_BY, describe_kept_by(item))
    if item["message"]:
        yield Detail(DetailKind.REASON, item["message"])
    for text in describe_reactions(item):
        yield Detail(DetailKind.SDKS, text)
    others = [name for name in item["checks"] if name != item["id"]]
    if others:
        yield Detail(DetailKind.OTHER_CHECKS, join_first(others, _MAX_ITEMS))
    if item["generated"]:
        more = f"; among them: {join_first(item['examples'], _MAX_NAMES)}" if item["examples"] else ""
        yield Detail(DetailKind.GENERATED, f"{item['generated']:,} generated requests show it{more}")
    for source in item["sources"][:_MAX_SOURCES]:
        says = f": {source['says']}" if source["says"] else ""
        yield Detail(DetailKind.SOURCE, f"{source['document']}, section {source['section']!r}{says}")
    for side in SIDES:
        if item["curl"][side]:
            yield Detail(DetailKind.CURL_TO_SIDE, item["curl"][side], side)


def print_diff(document: Mapping[str, Any], console: Console, *, quiet: bool = False) -> None:
    """Prints a comparison, the costliest difference first. Quiet leaves the differences and the verdict."""
    for item in document["differences"]:
        style = "bold yellow" if item["keeps"] == "both" else "bold red"
        head = Text.assemble(
            ("\nDIFFERENT", style), f"  {escape_controls(item['id'])}  ", (item["level"].upper(), "bold"),
            "" if item["keeps"] != "both" else " (allowed)",
        )  # fmt: skip
        console.print(head, soft_wrap=True)
        print_details(describe_details(item), console)
    if not quiet:
        for remark in [*diff_remarks(document), describe_scope(document)]:
            console.print(Text(escape_controls(f"\n{remark}")), soft_wrap=True)
    words, style = _VERDICT_WORDS.get(document["verdict"], ("not compared", "bold yellow"))
    console.print(Text.assemble((f"\n{words}: ", style), escape_controls(diff_headline(document))), soft_wrap=True)
