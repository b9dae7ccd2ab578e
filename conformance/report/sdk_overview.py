"""SDK table for a terminal: what official SDKs would do with this target's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from rich.table import Table
from rich.text import Text

from conformance.core.text import escape_controls, join_first
from conformance.sdks import Reaction
from conformance.sdks.outcomes import ACCEPTED_CONDITION, build_table, can_deliver

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.core.model import Verdict

_ConditionOutcome: TypeAlias = "tuple[str, str, Reaction]"
_HARMFUL_REACTIONS = (Reaction.DELIVER_ANYWAY, Reaction.SEND_AGAIN)
_STYLES = {Reaction.DELIVER: "green", Reaction.DELIVER_ANYWAY: "bold red", Reaction.SEND_AGAIN: "bold yellow"}
_MAX_CALLS = 3


def build_sdk_overview(verdicts: Iterable[Verdict]) -> Table | None:
    """The SDKs that the profile names, and others that would do harm where they are let in; None for none."""
    overview_table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("official SDK", "does", "but"):
        overview_table.add_column(heading, overflow="fold")
    rows: Any = build_table(verdicts)
    for row in sorted(rows, key=lambda item: not item["supported"]):
        outcomes = list(_distinct_outcomes(row))
        if row["supported"] or any(does in _HARMFUL_REACTIONS for _, _, does in outcomes):
            style = "" if row["supported"] else "dim"
            overview_table.add_row(
                Text(row["title"], style=style),
                Text.assemble(*_delivery_pieces(row)),
                Text.assemble(*_harm_pieces(outcomes)),
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


def _delivery_pieces(row: Any) -> Iterator[str | tuple[str, str]]:  # noqa: ANN401 - a report's JSON
    """What it does after the answers to acceptable requests, and where it can't deliver at all, in pieces of a line."""
    reactions: dict[Reaction, None] = {}
    calls_by_reason: dict[tuple[str, Reaction], list[str]] = {}
    for operation in row["operations"]:
        for item in operation["outcomes"]:
            if item["condition"] != ACCEPTED_CONDITION:
                continue
            does = Reaction(item["does"])
            if can_deliver(item):
                reactions[does] = None
            else:
                reason = item.get("blocked") or item["received"] or "no answer"
                calls_by_reason.setdefault((reason, does), []).append(operation["operation"])
    separator = ""
    for reaction in reactions:
        yield separator
        yield reaction.verb, _STYLES.get(reaction, "")
        separator = ", "
    for (reason, does), calls in calls_by_reason.items():
        yield separator
        yield f"can't deliver, {does.verb}", "bold red"
        is_everywhere = len(calls) > 1 and len(calls) == len(row["operations"])
        where = f"on any of its {len(calls)} paths" if is_everywhere else f"on {join_first(calls, _MAX_CALLS)}"
        yield f": {escape_controls(reason)} {where}"
        separator = "; "
    if row.get("unasked"):
        yield f"{separator}not asked: {join_first(row['unasked'], _MAX_CALLS)}, which the profile does not have"


def _harm_pieces(outcomes: Iterable[_ConditionOutcome]) -> Iterator[str | tuple[str, str]]:
    """What it counts as delivered anyway or sends again under other conditions, in pieces of a line."""
    separator = ""
    for harm in _HARMFUL_REACTIONS:
        words = [words for condition, words, does in outcomes if does is harm and condition != ACCEPTED_CONDITION]
        if words:
            yield separator
            yield harm.verb, _STYLES[harm]
            yield f": {', '.join(words)}"
            separator = "; "
