"""SDK table for a terminal: what official SDKs would do with this target's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from rich.table import Table
from rich.text import Text

from conformance.sdks import Reaction
from conformance.sdks.outcomes import ACCEPTED_CONDITION, build_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.core.model import Verdict

_ConditionOutcome: TypeAlias = "tuple[str, str, Reaction]"
_HARMFUL_REACTIONS = (Reaction.LOSE, Reaction.SEND_AGAIN)
_STYLES = {Reaction.DELIVER: "green", Reaction.LOSE: "bold red", Reaction.SEND_AGAIN: "bold yellow"}


def build_sdk_overview(verdicts: Iterable[Verdict]) -> Table | None:
    """The SDKs that the profile names, and others that would lose events or send them again; None for none."""
    overview_table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("official SDK", "does", "but"):
        overview_table.add_column(heading, overflow="fold")
    rows: Any = build_table(verdicts)
    for row in sorted(rows, key=lambda item: not item["supported"]):
        outcomes = list(_distinct_outcomes(row))
        if row["supported"] or any(does in _HARMFUL_REACTIONS for _, _, does in outcomes):
            style = "" if row["supported"] else "dim"
            overview_table.add_row(
                Text(row["title"], style=style), _accepted_reaction(outcomes), Text.assemble(*_harm_pieces(outcomes))
            )
    return overview_table if overview_table.row_count else None


def _distinct_outcomes(row: Any) -> Iterable[_ConditionOutcome]:  # noqa: ANN401 - a report's JSON
    """Condition, description and reaction of each outcome of an SDK, each once."""
    outcomes = (
        (item["condition"], item["words"], Reaction(item["does"]))
        for operation in row["operations"]
        for item in operation["outcomes"]
    )
    return dict.fromkeys(outcomes)


def _accepted_reaction(outcomes: Iterable[_ConditionOutcome]) -> Text:
    """The reactions to the answer to an acceptable request; paths may differ."""
    reactions = [does for condition, _, does in outcomes if condition == ACCEPTED_CONDITION]
    return Text(", ").join(Text(item.verb, style=_STYLES.get(item, "")) for item in reactions)


def _harm_pieces(outcomes: Iterable[_ConditionOutcome]) -> Iterator[str | tuple[str, str]]:
    """What it loses or sends again under other conditions, in pieces of a line."""
    separator = ""
    for harm in _HARMFUL_REACTIONS:
        words = [words for condition, words, does in outcomes if does is harm and condition != ACCEPTED_CONDITION]
        if words:
            yield separator
            yield harm.verb, _STYLES[harm]
            yield f": {', '.join(words)}"
            separator = "; "
