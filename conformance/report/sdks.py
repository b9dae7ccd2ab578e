"""What the target would make of SDKs, for a terminal: a line for each that its user should know of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from rich.table import Table
from rich.text import Text

from conformance.sdks import Reaction
from conformance.sdks.table import ACCEPTED, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.model import Verdict

_Outcome: TypeAlias = "tuple[str, str, Reaction]"
_HARM = (Reaction.LOSE, Reaction.SEND_AGAIN)
_STYLES = {Reaction.DELIVER: "green", Reaction.LOSE: "bold red", Reaction.SEND_AGAIN: "bold yellow"}


def overview(verdicts: Iterable[Verdict]) -> Table | None:
    """The SDKs that the profile names, and others that would lose events or send them again."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("official SDK", "does", "but"):
        shown.add_column(heading, overflow="fold")
    rows: Any = table(verdicts)
    for row in sorted(rows, key=lambda item: not item["supported"]):
        outcomes = list(_outcomes(row))
        if row["supported"] or any(does in _HARM for _, _, does in outcomes):
            style = "" if row["supported"] else "dim"
            shown.add_row(Text(row["title"], style=style), _first(outcomes), Text.assemble(*_harm(outcomes)))
    return shown if shown.row_count else None


def _outcomes(row: Any) -> Iterable[_Outcome]:  # noqa: ANN401 - a report's JSON
    """Condition, words and reaction of everything that an SDK was asked about, each once."""
    found = (
        (item["condition"], item["words"], Reaction(item["does"]))
        for operation in row["operations"]
        for item in operation["outcomes"]
    )
    return dict.fromkeys(found)


def _first(outcomes: Iterable[_Outcome]) -> Text:
    """What it does with the answer to an acceptable request; one path may differ from another."""
    does = [does for condition, _, does in outcomes if condition == ACCEPTED]
    return Text(", ").join(Text(item.words, style=_STYLES.get(item, "")) for item in does)


def _harm(outcomes: Iterable[_Outcome]) -> Iterator[str | tuple[str, str]]:
    """What it loses or sends again of all else, in pieces of a line."""
    separator = ""
    for harm in _HARM:
        words = [words for condition, words, does in outcomes if does is harm and condition != ACCEPTED]
        if words:
            yield separator
            yield harm.words, _STYLES[harm]
            yield f": {', '.join(words)}"
            separator = "; "
