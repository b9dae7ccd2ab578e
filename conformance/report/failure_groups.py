"""Checks with the same result, reported as one group: what fails on twelve paths is one finding."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.core.model import Area, Level, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedCheck:
    """A check of a group, with the calls on which it has that result.

    `anchor` is the id of its HTML element, empty if an earlier element of the page has it.
    """

    id: str
    anchor: str
    area: str
    title: str
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Checks with the same result. `first` is one of them, as the report has it, that stands for all."""

    outcome: str
    level: str
    levels: tuple[str, ...]
    reason: str
    members: tuple[GroupedCheck, ...]
    count: int
    first: Mapping[str, Any]
    has_transcript: bool = True

    @property
    def known(self) -> str:
        """The reason of a known deviation; empty if it is none."""
        return describe_known(self.first.get("known"))

    @property
    def path_state(self) -> str:
        """Why nothing is accepted on the calls, where that is the reason; empty otherwise."""
        return str(self.first.get("path_state", ""))

    @property
    def calls(self) -> tuple[str, ...]:
        """The calls of all members, each once."""
        return tuple(sorted({call for member in self.members for call in member.calls}))

    @property
    def areas(self) -> tuple[str, ...]:
        """The areas of all members, each once."""
        return tuple(sorted({member.area for member in self.members}))


def group_failures(checks: Iterable[Mapping[str, Any]]) -> dict[str, tuple[FailureGroup, ...]]:
    """The groups of a report's checks, by outcome; worst outcome and strongest level first."""
    groups: dict[tuple[Hashable, ...], list[Mapping[str, Any]]] = {}
    for item in checks:
        groups.setdefault((item["outcome"], *_GROUP_KEYS[Outcome(item["outcome"])](item)), []).append(item)
    used_anchors: set[str] = set()
    groups_by_outcome: dict[str, tuple[FailureGroup, ...]] = {}
    for outcome in _OUTCOME_ORDER:
        ordered = sorted((group for group in groups.values() if group[0]["outcome"] == outcome), key=_group_order)
        groups_by_outcome[outcome.value] = tuple(_build_group(group, used_anchors) for group in ordered)
    return groups_by_outcome


def _group_order(group: list[Mapping[str, Any]]) -> tuple[int, bool, str, str]:
    """Strongest level first, fuzzing last, then by id. Reasons why checks do not apply: the most frequent first."""
    first = group[0]
    is_reason = first["outcome"] == Outcome.NOT_APPLICABLE
    weight = -len(group) if is_reason else min(Level(item["level"]).rank for item in group)
    return weight, first["area"] == Area.FUZZ, first["id"], first["operation"]


def _build_group(group: list[Mapping[str, Any]], used_anchors: set[str]) -> FailureGroup:
    """A group from its checks. An id that has an anchor on the page gets no other one."""
    if group[0].get("path_state"):
        group = sorted(group, key=lambda item: Level(item["level"]).rank)
    calls: dict[str, list[str]] = {}
    samples = {item["id"]: item for item in group}
    for item in group:
        calls.setdefault(item["id"], []).append(asked_call(item))
    members = tuple(
        GroupedCheck(
            id=name,
            anchor="" if name in used_anchors else name,
            area=samples[name]["area"],
            title=samples[name]["title"],
            calls=tuple(operations),
        )
        for name, operations in calls.items()
    )
    used_anchors.update(calls)
    first = group[0]
    return FailureGroup(
        outcome=first["outcome"], level=first["level"], reason=message_without_call(first), members=members,
        levels=tuple(sorted({item["level"] for item in group})), count=len(group), first=first,
    )  # fmt: skip


def asked_call(check: Mapping[str, Any]) -> str:
    """The call that got the requests of a check, from its JSON form."""
    return str(check.get("asked_on") or check["operation"])


def message_without_call(check: Mapping[str, Any]) -> str:
    """The message of a check without the name of its call, so that messages of several calls compare."""
    call, message = asked_call(check), str(check["message"])
    return re.sub(rf"{re.escape(call)}(?![\w/-])", "the call", message) if call else message


def describe_known(known: Mapping[str, Any] | None) -> str:
    """The reason of a known deviation, with owner, link and end, from its JSON form; empty if there is none."""
    if not known:
        return ""
    details = [known["owner"], known["link"], f"until {known['expires']}" if known["expires"] else ""]
    rest = ", ".join(item for item in details if item)
    return f"{known['reason']} ({rest})" if rest else str(known["reason"])


def _received_status(check: Mapping[str, Any]) -> str:
    """The status with which the received text of a report begins, or the beginning of `no answer`.

    The one place that reads a status out of text: reports have no other key for it.
    """
    return str(check["received"])[: len("400")]


def _answer_key(check: Mapping[str, Any]) -> tuple[Hashable, ...]:
    return check["id"], check["level"], _received_status(check), describe_known(check.get("known"))


def _reason_key(check: Mapping[str, Any]) -> tuple[Hashable, ...]:
    return (
        "" if check.get("path_state") else check["level"],
        message_without_call(check),
        _received_status(check),
        describe_known(check.get("known")),
    )


def _message_key(check: Mapping[str, Any]) -> tuple[Hashable, ...]:
    return check["id"], check["level"], message_without_call(check)


_GROUP_KEYS: dict[Outcome, Callable[[Mapping[str, Any]], tuple[Hashable, ...]]] = {
    Outcome.FAIL: _answer_key,
    Outcome.UNTESTABLE: _reason_key,
    Outcome.ERROR: _answer_key,
    Outcome.OBSERVED: _message_key,
    Outcome.NOT_APPLICABLE: lambda check: (message_without_call(check),),
    Outcome.PASS: _message_key,
}
_OUTCOME_ORDER = (
    Outcome.FAIL,
    Outcome.UNTESTABLE,
    Outcome.ERROR,
    Outcome.OBSERVED,
    Outcome.NOT_APPLICABLE,
    Outcome.PASS,
)
"""The order on the page, so that a link to a check leads to its worst outcome."""
