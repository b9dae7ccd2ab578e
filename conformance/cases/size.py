"""Size limits: just within, well within, over; in bytes, in many spellings, in chunks; on every path.

Checks speak of `at_least` and `at_most`, the two readings of a documented limit, never of numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from conformance.cases._steps import expect_all_accepted
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import BATCHES, EVENTS
from conformance.core.errors import NotApplicable
from conformance.core.model import Level
from conformance.profile.facts import LimitKind
from conformance.requests import Draft

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.core.model import Exchange
    from conformance.profile.facts import SizeLimit
    from conformance.requests import Call
    from conformance.requests.steps import Steps

THREE_BYTE_CHARACTER = "日"
WITHIN_PERCENT, OVER_PERCENT = 97, 105
"""How far an event in a batch stays from its limit: servers count it after parsing, in their spelling."""

EVENT_OPTIONS: dict[str, Any] = {"fact": "limits.event", "kinds": EVENTS}
BATCH_OPTIONS: dict[str, Any] = {"fact": "limits.batch", "kinds": BATCHES}
BATCH_EVENT_OPTIONS: dict[str, Any] = {"fact": "limits.batch-event", "kinds": BATCHES}
SIZE_BAND_OPTIONS: dict[str, Any] = {"fact": "rules.size-band", "max_level": Level.MAY, "observes": True}


_require_free_form = partial(expect.require_supported, subject="a free-form property")
_require_non_ascii = partial(expect.require_supported, subject="text beyond ASCII")
_require_escapes = partial(expect.require_supported, subject="text written with JSON escapes")


def _unchanged(draft: Draft) -> Draft:
    return draft


@dataclass(frozen=True, slots=True)
class BodyFilling:
    """A way to fill a body: with a character, spelled and sent in some way.

    `supported` looks at the answer to a small body of the same kind, the control; `percent` is the share
    of the limit to fill.
    """

    slug: str
    description: str
    character: str = "a"
    transform: Callable[[Draft], Draft] = _unchanged
    require_supported: Callable[[Exchange], None] = _require_free_form
    percent_of_limit: int = 100

    def small_draft(self, call: Call) -> Draft:
        """The control: a small body of the same kind."""
        return self.transform(call.acceptable_request().with_filler(self.character))

    def sized_draft(self, call: Call, size: int) -> Draft:
        """A body of exactly so many bytes, or what else its limit counts."""
        counted = call.contract.body_size_limit(call.operation).unit
        return self.transform(call.request_with_room_for(size)).with_body_size(size, self.character, counted)


WITHIN_LIMIT = (
    BodyFilling("within", "as large as its limit"),
    BodyFilling("half", "half as large as its limit", percent_of_limit=50),
    BodyFilling(
        "within-wide",
        "as large as its limit, in characters of three bytes,",
        THREE_BYTE_CHARACTER,
        require_supported=_require_non_ascii,
    ),
    BodyFilling(
        "within-chunked",
        "as large as its limit, in chunks,",
        transform=Draft.with_chunked_encoding,
        require_supported=expect.require_chunks_supported,
    ),
)

OVER_LIMIT = (
    BodyFilling("over", "over its limit"),
    BodyFilling(
        "over-wide",
        "over its limit, in characters of three bytes,",
        THREE_BYTE_CHARACTER,
        require_supported=_require_non_ascii,
    ),
    BodyFilling(
        "over-escaped",
        "over its limit, written with JSON escapes,",
        THREE_BYTE_CHARACTER,
        Draft.with_ascii_escapes,
        _require_escapes,
    ),
    BodyFilling(
        "over-chunked",
        "over its limit, in chunks,",
        transform=Draft.with_chunked_encoding,
        require_supported=expect.require_chunks_supported,
    ),
)


def _unit_name(limit: SizeLimit) -> str:
    """What a limit counts, in words."""
    return limit.unit.replace("-", " ")


@check("size.event.{slug}", "An event {description} is accepted.", parameters=WITHIN_LIMIT, **EVENT_OPTIONS)
@check("size.batch.{slug}", "A batch {description} is accepted.", parameters=WITHIN_LIMIT, **BATCH_OPTIONS)
def within_limit(call: Call, filling: BodyFilling) -> Steps:
    """A limit that bites too early drops what the documents allow. It counts the bytes on the wire."""
    filling.require_supported((yield filling.small_draft(call)))
    limit = call.contract.body_size_limit(call.operation)
    size = limit.at_least * filling.percent_of_limit // 100
    subject = f"a body of {size:,} {_unit_name(limit)}, {filling.description.rstrip(',')},"
    return (yield from expect_all_accepted([(subject, filling.sized_draft(call, size))]))


@check("size.event.{slug}", "An event {description} is refused.", parameters=OVER_LIMIT, **EVENT_OPTIONS)
@check("size.batch.{slug}", "A batch {description} is refused.", parameters=OVER_LIMIT, **BATCH_OPTIONS)
def over_limit(call: Call, filling: BodyFilling) -> Steps:
    """A client can rely on a limit only if it holds however the body is spelled and sent."""
    limit = call.contract.body_size_limit(call.operation)
    if filling.transform is Draft.with_chunked_encoding and not limit.applies_to_chunked:
        raise NotApplicable("the limit does not hold for a body in chunks")
    filling.require_supported((yield filling.small_draft(call)))
    size = limit.at_most + 1
    subject = f"a body of {size:,} {_unit_name(limit)}, {filling.description.rstrip(',')},"
    return expect.status((yield filling.sized_draft(call, size)), limit, subject)


@check("size.chunked.accepted", "A small body in chunks, without a Content-Length, is accepted.",
       fact="rules.chunked")  # fmt: skip
def chunked_accepted(call: Call) -> Steps:
    """Clients that stream do not know the length beforehand. A server may insist on one with a 411."""
    expect.require_http_1_1((yield call.acceptable_request()))
    exchange = yield call.acceptable_request().with_chunked_encoding()
    expect.require_length_optional(exchange)
    expect.accepted(exchange, "a body in chunks")
    return None


@dataclass(frozen=True, slots=True)
class EventFilling:
    """A way to fill one event of a batch."""

    slug: str
    description: str
    character: str = "a"


EVENT_WITHIN_LIMIT = (
    EventFilling("within", "within the limit of one event"),
    EventFilling("within-wide", "within the limit of one event, in characters of three bytes,", THREE_BYTE_CHARACTER),
)
EVENT_OVER_LIMIT = (
    EventFilling("over", "over the limit of one event"),
    EventFilling("over-wide", "over the limit of one event, in characters of three bytes,", THREE_BYTE_CHARACTER),
)


@check(
    "size.batch-event.{slug}",
    "A batch with an event {description} is accepted.",
    parameters=EVENT_WITHIN_LIMIT,
    **BATCH_EVENT_OPTIONS,
)
def batch_event_within_limit(call: Call, filling: EventFilling) -> Steps:
    """In a batch, every event may be as large as alone."""
    expect.require_supported((yield call.batch_of(2).with_filler(filling.character)), "such text")
    limit = call.contract.size_limit(LimitKind.BATCH_EVENT)
    size = limit.at_least * WITHIN_PERCENT // 100
    subject = f"a batch with an event of {size:,} {_unit_name(limit)}, {filling.description.rstrip(',')},"
    return (
        yield from expect_all_accepted(
            [(subject, call.batch_of(2).with_event_size(size, filling.character, limit.unit))]
        )
    )


@check(
    "size.batch-event.{slug}",
    "A batch with an event {description} is refused.",
    parameters=EVENT_OVER_LIMIT,
    **BATCH_EVENT_OPTIONS,
)
def batch_event_over_limit(call: Call, filling: EventFilling) -> Steps:
    """A batch is no way around the limit of one event, wherever in it the event stands."""
    limit = call.contract.size_limit(LimitKind.BATCH_EVENT)
    expect.require_supported((yield call.batch_of(2).with_filler(filling.character)), "such text")
    size = limit.at_most * OVER_PERCENT // 100
    subject = f"a batch with an event of {size:,} {_unit_name(limit)}, {filling.description.rstrip(',')},"
    draft = call.batch_of(2).with_event_size(size, filling.character, limit.unit)
    expect.status((yield draft), limit, f"{subject} first in it,")
    return expect.status((yield draft.with_events_reversed()), limit, f"{subject} last in it,")


@check(
    "size.event.band", "Which reading of KB the limit of an event has is reported.", kinds=EVENTS, **SIZE_BAND_OPTIONS
)
@check(
    "size.batch.band", "Which reading of KB the limit of a batch has is reported.", kinds=BATCHES, **SIZE_BAND_OPTIONS
)
def size_band(call: Call) -> Steps:
    """No document says whether its KB has 1000 or 1024 bytes; between the two, either answer is fine."""
    limit = call.contract.body_size_limit(call.operation)
    if limit.at_least == limit.at_most:
        raise NotApplicable("the limit is stated in bytes; there is only one reading")
    expect.control((yield call.control_request()))
    size = (limit.at_least + limit.at_most) // 2
    exchange = yield call.request_with_room_for(size).with_body_size(size, size_unit=limit.unit)
    verb = "accepted" if expect.is_accepted(exchange) else "refused"
    between = f"between {limit.at_least:,} and {limit.at_most:,}"
    return f"{verb} at {size:,} {_unit_name(limit)}, {between}: {exchange.summary}"
