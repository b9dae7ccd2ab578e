"""The causes of a report as commands to a GitHub job, which shows them as annotations of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.core.model import Level
from conformance.core.text import escape_controls, truncate
from conformance.report.scan_results import broken_items, place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.report.scan_results import Place

_MAX_SHOWN = 10
"""A job shows ten annotations of each kind for a step."""
_MAX_LENGTH = 1000


def render_annotations(document: Mapping[str, Any]) -> str:
    """An error for each cause at the gate, and a warning for each below it; what is known has none.

    A job shows ten of a kind: if there are more, the tenth counts the rest. A line of a target can't be a command.
    """
    gate, place = Level(document["run"]["gate"]), place_of(document)
    items = [item for item in broken_items(document) if not item.get("known")]
    gated = [item for item in items if Level(item["level"]).is_at_least(gate)]
    below = [item for item in items if not Level(item["level"]).is_at_least(gate)]
    lines = [*_commands("error", gated, place), *_commands("warning", below, place)]
    return "".join(f"{line}\n" for line in lines)


def _commands(kind: str, items: Sequence[Mapping[str, Any]], place: Place) -> Iterable[str]:
    """The commands for items, at most ten of them."""
    shown = items if len(items) <= _MAX_SHOWN else items[: _MAX_SHOWN - 1]
    for item in shown:
        calls = item.get("calls") or [item["operation"]]
        text = f"{item['message'] or item['title']} ({item['id']}, {len(calls):,} call{'s' if len(calls) > 1 else ''})"
        yield _command(kind, place, f"Conformance, {item['level'].upper()}", text)
    if len(items) > len(shown):
        yield _command(kind, place, "Conformance", f"and {len(items) - len(shown):,} more; the job's summary has all")


def _command(kind: str, place: Place, title: str, text: str) -> str:
    """A command in one line, in which nothing of its texts is syntax."""
    properties = {"file": place.path, "line": str(place.line), "title": title}
    named = ",".join(f"{name}={_escape_property(value)}" for name, value in properties.items())
    return f"::{kind} {named}::{_escape(truncate(escape_controls(text), _MAX_LENGTH))}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(escape_controls(text)).replace(":", "%3A").replace(",", "%2C")
