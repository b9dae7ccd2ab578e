"""Bodies whose structure may cost a server more time than their size: nested, of many names, of equal hashes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING

from conformance.core import pointers
from conformance.core.errors import NotApplicable
from conformance.core.model import Parameter
from conformance.profile.facts import MAX_EVENTS_FACT
from conformance.requests.edge_cases import request_with_json_text
from conformance.requests.fields import free_form_pointer

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.requests.call import Call
    from conformance.requests.draft import Draft

_FIELD = "conformance_grown"
_FILL_PERCENT = 85
_DEFAULT_BYTES, _MOST_BATCH_BYTES, _FEWEST_EVENTS = 30_000, 120_000, 100
_BLOCKS, _NAME_BLOCKS = ("Aa", "BB"), 14


@dataclass(frozen=True, slots=True)
class Growth(Parameter):
    """A structure that grows: `make_text` gives JSON of it of about some bytes."""

    make_text: Callable[[int], str]

    def make_draft(self, call: Call, percent: int) -> Draft:
        """An event that is filled with it, up to a share of its limit."""
        return request_with_json_text(call, free_form_pointer(call, _FIELD), self.make_text(_room(call, percent)))


def _room(call: Call, percent: int) -> int:
    """How many bytes one value may have, at a share of most of the limit of an event."""
    layout = call.acceptable_request().layout
    limit = layout.max_event_bytes or layout.max_body_bytes or _DEFAULT_BYTES
    return min(limit, _DEFAULT_BYTES * 2) * _FILL_PERCENT // 100 * percent // 100


def filler_draft(call: Call, percent: int) -> Draft:
    """An event that is filled with one text, to the same share of its limit."""
    return Growth("", "", lambda size: f'"{"a" * size}"').make_draft(call, percent)


def _nested(opening: str, closing: str) -> Callable[[int], str]:
    def make(size: int) -> str:
        depth = size // (len(opening) + len(closing))
        return opening * depth + "0" + closing * depth

    return make


def _names(size: int) -> str:
    members = ",".join(f'"name{number:05}":1' for number in range(size // 14))
    return f"{{{members}}}"


def _equal_hashes(size: int) -> str:
    """Names that have one hash in the languages that add characters times powers of 31."""
    names = islice(product(_BLOCKS, repeat=_NAME_BLOCKS), size // (2 * _NAME_BLOCKS + 5))
    members = ",".join(f'"{"".join(blocks)}":1' for blocks in names)
    return f"{{{members}}}"


def _escapes(size: int) -> str:
    return '"' + "\\u0062" * (size // 6) + '"'


GROWTHS = (
    Growth("nested-objects", "objects in each other", _nested('{"a":', "}")),
    Growth("nested-lists", "lists in each other", _nested("[", "]")),
    Growth("names", "names of properties", _names),
    Growth("equal-hashes", "names of properties with equal hashes", _equal_hashes),
    Growth("escapes", "escapes in a text", _escapes),
)


def many_events(call: Call, percent: int) -> Draft:
    """A batch of small events, up to a share of its limits. Raises NotApplicable for a batch of few events."""
    draft = call.acceptable_request()
    limit = draft.layout.max_body_bytes or _DEFAULT_BYTES
    count = min(limit, _MOST_BATCH_BYTES) * _FILL_PERCENT // 100 // (len(draft.build_request().body) + 1)
    if call.contract.has_fact(MAX_EVENTS_FACT):
        count = min(count, call.contract.max_events)
    if count < _FEWEST_EVENTS:
        raise NotApplicable(f"a batch has room for {count} events, too few to grow")
    return call.batch_of(max(1, count * percent // 100))


def large_batch(call: Call, percent: int) -> Draft:
    """A batch of few large events, about as large as that of many."""
    size = len(many_events(call, percent).build_request().body)
    largest = (call.acceptable_request().layout.max_event_bytes or _DEFAULT_BYTES) * _FILL_PERCENT // 100
    events = [call.baseline_event(call.operation.event_type) for _ in range(max(1, size // largest))]
    where = call.acceptable_request().layout.filler_pointer
    per_event = max(1, size // len(events) - 200)
    return call.acceptable_request().with_events(*(pointers.put(event, where, "a" * per_event) for event in events))
