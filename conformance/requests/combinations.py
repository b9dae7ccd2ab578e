"""Combinations: what an acceptable request may have beside each other, from one table of axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.errors import NotApplicable
from conformance.core.model import ID_PREFIX
from conformance.profile.facts import MAX_EVENTS_FACT
from conformance.requests import content_codings
from conformance.requests.covering import covering_rows
from conformance.requests.equal_framings import write_in_pieces
from conformance.requests.fields import identity_pointers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from conformance.requests.call import Call
    from conformance.requests.draft import Draft

_MANY_EVENTS = 201
_LARGE_PERCENT, _LARGE_BYTES = 60, 16_000


@dataclass(frozen=True, slots=True)
class AxisValue:
    """One choice of an axis: a change of an acceptable request, and how messages name it.

    `is_documented`: a request with it is still an acceptable one; the others may be refused for it.
    """

    description: str
    change: Callable[[Call, Draft], Draft]
    is_documented: bool = True
    may_close: bool = False


_USUAL = AxisValue("", lambda _, draft: draft)


def _content_type(description: str, value: str | None, *, is_documented: bool = False) -> AxisValue:
    return AxisValue(description, lambda _, draft: draft.with_content_type(value), is_documented)


def _header(description: str, name: str, value: str, *, is_documented: bool = False) -> AxisValue:
    return AxisValue(description, lambda _, draft: draft.with_header(name, value), is_documented)


def _with_ids(names: Sequence[str]) -> Callable[[Call, Draft], Draft]:
    """The first event names its user by these ids alone."""

    def change(call: Call, draft: Draft) -> Draft:
        known = identity_pointers(call)
        if not set(names) <= known.keys():
            raise NotApplicable("no document gives such an event these ids")
        draft = draft.without_fields(*known.values())
        for name in names:
            draft = draft.with_field(known[name], f"{ID_PREFIX}-{name}")
        return draft

    return change


def _among(before: int, after: int) -> Callable[[Call, Draft], Draft]:
    """A batch in which the event of the draft has others before and after it."""

    def change(call: Call, draft: Draft) -> Draft:
        count = before + 1 + after
        if call.contract.has_fact(MAX_EVENTS_FACT) and count > call.contract.max_events:
            raise NotApplicable(f"a batch may have {call.contract.max_events} events at most")
        others = [call.baseline_event(call.operation.event_type) for _ in range(count - 1)]
        return draft.with_events(*others[:before], *draft.events, *others[before:])

    return change


def _large(_: Call, draft: Draft) -> Draft:
    """A first event that fills most of its limit, not one of an exact size: reports would take it for a measurement."""
    limit = draft.layout.max_event_bytes or draft.layout.max_body_bytes
    count = limit * _LARGE_PERCENT // 100 if limit else _LARGE_BYTES
    return draft.with_field(draft.layout.filler_pointer, "a" * count)


AXES: Mapping[str, tuple[AxisValue, ...]] = {
    "ids": (
        _USUAL,
        AxisValue("an anonymousId alone", _with_ids(["anonymous"])),
        AxisValue("both ids", _with_ids(["user", "anonymous"])),
    ),
    "size": (_USUAL, AxisValue("a large event", _large, may_close=True)),
    "position": (
        _USUAL,
        AxisValue("another event after it", _among(0, 1)),
        AxisValue("another event before it", _among(1, 0)),
        AxisValue("200 events before it", _among(_MANY_EVENTS - 1, 0), may_close=True),
    ),
    "type": (
        _USUAL,
        _content_type("a charset", "application/json; charset=utf-8", is_documented=True),
        _content_type("the type text/plain", "text/plain"),
        _content_type("no type", None),
    ),
    "coding": (
        _USUAL,
        AxisValue("gzip", lambda _, draft: content_codings.with_gzip(draft), is_documented=False),
    ),
    "framing": (
        _USUAL,
        AxisValue("chunks", lambda _, draft: draft.with_chunked_encoding(), is_documented=False, may_close=True),
        AxisValue("a body in a piece of its own", lambda _, draft: draft.with_raw_writer(write_in_pieces),
                  may_close=True),
    ),
    "sender": (
        _USUAL,
        _header("an Origin", "Origin", "https://shop.example"),
        _header("an X-Forwarded-For of the server's own machine", "X-Forwarded-For", "127.0.0.1", is_documented=True),
    ),
}  # fmt: skip
"""The axes of an acceptable request, in the order in which their changes are made; the first value is the usual one."""


@dataclass(frozen=True, slots=True)
class Combination:
    """A value of each axis."""

    values: tuple[AxisValue, ...]

    @property
    def description(self) -> str:
        """What is unusual about it; empty if nothing is."""
        return ", ".join(value.description for value in self.values if value.description)

    @property
    def is_documented(self) -> bool:
        """Whether nothing about it is a reason to refuse it."""
        return all(value.is_documented for value in self.values)

    @property
    def may_close(self) -> bool:
        """Whether a server may close the connection before it has read all of it, so that its refusal is lost."""
        return any(value.may_close for value in self.values)

    def make_draft(self, call: Call) -> Draft:
        """The request. Raises NotApplicable where the dialect or a limit has no room for it."""
        draft = call.acceptable_request()
        for value in self.values:
            draft = value.change(call, draft)
        draft.require_within_limits()
        return draft

    def documented(self, supported: frozenset[str]) -> Combination:
        """The same with the usual value in place of those that are neither documented nor in `supported`."""
        kept = (value if value.is_documented or value.description in supported else _USUAL for value in self.values)
        return Combination(tuple(kept))


def combinations_of_path(call: Call) -> Iterator[Combination]:
    """The combinations that are sent on the path of a call: with the paths as an axis, each pair of values is met.

    All combinations of its kind if the run is thorough.
    """
    paths = [operation for operation in call.contract.operations if operation.kind is call.operation.kind]
    axes = [values for name, values in AXES.items() if call.is_batch or name != "position"]
    own = paths.index(call.operation) if call.operation in paths else 0
    for path, *row in covering_rows((len(paths), *map(len, axes))):
        if path == own or call.is_thorough:
            yield Combination(tuple(values[value] for values, value in zip(axes, row, strict=True)))
