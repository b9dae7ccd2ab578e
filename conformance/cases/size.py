"""Size limits: bodies within and over them; in bytes and wider characters, escaped and in chunks; on every path.

Checks ask the limit which sizes must be accepted and which refused, and have no numbers of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from conformance.cases._steps import accepted_or_refused, expect_accepted
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import BATCHES, EVENTS
from conformance.core.errors import NotApplicable
from conformance.core.model import Level, Parameter
from conformance.profile.facts import LimitKind
from conformance.requests import Draft

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.checks.check import CheckOptions
    from conformance.core.model import Exchange
    from conformance.profile.facts import SizeLimit
    from conformance.requests import Call
    from conformance.requests.steps import Steps

THREE_BYTE_CHARACTER = "日"

EVENT, BATCH, BATCH_EVENT = (f"limits.{kind}" for kind in (LimitKind.EVENT, LimitKind.BATCH, LimitKind.BATCH_EVENT))
SIZE_BAND = "rules.size-band"
SIZE_BAND_OPTIONS: CheckOptions = {"max_level": Level.MAY, "observes": True}

_require_free_form = partial(expect.require_supported, subject="a free-form property")
_require_non_ascii = partial(expect.require_supported, subject="text beyond ASCII")
_require_escapes = partial(expect.require_supported, subject="text written with JSON escapes")


def _unchanged(draft: Draft) -> Draft:
    return draft


@dataclass(frozen=True, slots=True)
class Filling(Parameter):
    """A way to pad a body or an event to a size: a character, and how it is written and sent.

    `require_supported` judges the answer to a small request of the same kind, the control; `percent_of_limit` is the
    share of the limit to fill.
    """

    character: str = "a"
    transform: Callable[[Draft], Draft] = _unchanged
    require_supported: Callable[[Exchange], None] = _require_free_form
    percent_of_limit: int = 100

    @property
    def is_plain(self) -> bool:
        """Whether it is of single bytes with a length: what it fails by, any other way to write it fails by, too."""
        return self.character == "a" and self.transform is _unchanged

    def small_draft(self, call: Call) -> Draft:
        """The control: a small body of the same kind."""
        return self.transform(call.acceptable_request().with_filler(self.character))

    def sized_draft(self, call: Call, size: int) -> Draft:
        """A body of exactly this size, in the unit of its limit."""
        unit = call.contract.body_size_limit(call.operation).unit
        return self.transform(call.request_with_room_for(size)).with_body_size(size, self.character, unit)


def _wide(slug: str, description: str) -> Filling:
    return Filling(
        slug,
        f"{description} and made of three-byte characters",
        THREE_BYTE_CHARACTER,
        require_supported=_require_non_ascii,
    )


def _chunked(slug: str, description: str) -> Filling:
    return Filling(
        slug,
        f"{description} and sent in chunks",
        transform=Draft.with_chunked_encoding,
        require_supported=expect.require_chunks_supported,
    )


WITHIN_LIMIT = (
    Filling("within", "as large as its limit"),
    Filling("half", "half as large as its limit", percent_of_limit=50),
    _wide("within-wide", "as large as its limit"),
    _chunked("within-chunked", "as large as its limit"),
)
OVER_LIMIT = (
    Filling("over", "over its limit"),
    _wide("over-wide", "over its limit"),
    Filling(
        "over-escaped",
        "over its limit and written with JSON escapes",
        THREE_BYTE_CHARACTER,
        Draft.with_ascii_escapes,
        _require_escapes,
    ),
    _chunked("over-chunked", "over its limit"),
)


def _require_plain_accepted(exchange: Exchange) -> None:
    """A plain body of the same size was accepted. Raises NotApplicable if not: that is not a matter of its kind."""
    if not expect.is_accepted(exchange):
        raise NotApplicable(f"a plain body of the same size is refused, too: {exchange.summary}")


def _plain_answer(exchange: Exchange, limit: SizeLimit) -> SizeLimit:
    """The answers to a body over its limit that are not a matter of its kind: those documented, or that to a plain one.

    Raises NotApplicable if a plain body of the same size was accepted.
    """
    if expect.is_accepted(exchange):
        raise NotApplicable(f"a plain body of the same size is accepted, too: {exchange.summary}")
    return replace(limit, expect=(*limit.expect, exchange.status))


@check("size.event.{slug}", "An event {description} is accepted.", fact=EVENT, kinds=EVENTS, parameters=WITHIN_LIMIT)
@check("size.batch.{slug}", "A batch {description} is accepted.", fact=BATCH, kinds=BATCHES, parameters=WITHIN_LIMIT)
def within_limit(call: Call, filling: Filling) -> Steps:
    """A limit that applies too early drops events that the documents allow. It counts the bytes on the wire."""
    filling.require_supported((yield filling.small_draft(call)))
    limit = call.contract.body_size_limit(call.operation)
    size = limit.largest_accepted * filling.percent_of_limit // 100
    if not filling.is_plain:
        _require_plain_accepted((yield WITHIN_LIMIT[0].sized_draft(call, size)))
    subject = f"a body of {limit.format_size(size)}, {filling.description},"
    return (yield from expect_accepted(call, subject, filling.sized_draft(call, size)))


@check("size.event.{slug}", "An event {description} is refused.", fact=EVENT, kinds=EVENTS, parameters=OVER_LIMIT)
@check("size.batch.{slug}", "A batch {description} is refused.", fact=BATCH, kinds=BATCHES, parameters=OVER_LIMIT)
def over_limit(call: Call, filling: Filling) -> Steps:
    """A client can rely on a limit only if it holds for every way to write and send a body."""
    limit = call.contract.body_size_limit(call.operation)
    if filling.transform is Draft.with_chunked_encoding and not limit.applies_to_chunked:
        raise NotApplicable("the limit does not apply to a body in chunks")
    filling.require_supported((yield filling.small_draft(call)))
    size = limit.smallest_refused
    answer = limit
    if not filling.is_plain:
        answer = _plain_answer((yield OVER_LIMIT[0].sized_draft(call, size)), limit)
    subject = f"a body of {limit.format_size(size)}, {filling.description},"
    return expect.status((yield filling.sized_draft(call, size)), answer, subject)


@check("size.chunked.accepted", "A small body in chunks, without a Content-Length, is accepted.",
       fact="rules.chunked")  # fmt: skip
def chunked_accepted(call: Call) -> Steps:
    """Clients that stream do not know the length in advance. A server may insist on one with a 411."""
    expect.require_http_1_1((yield call.acceptable_request()))
    exchange = yield call.acceptable_request().with_chunked_encoding()
    expect.require_length_optional(exchange)
    expect.accepted(exchange, "a body in chunks")
    return None


EVENT_WITHIN_LIMIT = (
    Filling("within", "within the limit of one event"),
    _wide("within-wide", "within the limit of one event"),
)
EVENT_OVER_LIMIT = (
    Filling("over", "over the limit of one event"),
    _wide("over-wide", "over the limit of one event"),
)


@check("size.batch-event.{slug}", "A batch with an event {description} is accepted.",
       fact=BATCH_EVENT, kinds=BATCHES, parameters=EVENT_WITHIN_LIMIT)  # fmt: skip
def batch_event_within_limit(call: Call, filling: Filling) -> Steps:
    """In a batch, every event may be as large as in a request of its own."""
    filling.require_supported((yield call.batch_of(2).with_filler(filling.character)))
    limit = call.contract.size_limit(LimitKind.BATCH_EVENT)
    size = limit.largest_accepted
    if not filling.is_plain:
        _require_plain_accepted((yield call.batch_of(2).with_event_size(size, size_unit=limit.unit)))
    subject = f"a batch with an event of {limit.format_size(size)}, {filling.description},"
    draft = call.batch_of(2).with_event_size(size, filling.character, limit.unit)
    return (yield from expect_accepted(call, subject, draft))


@check("size.batch-event.{slug}", "A batch with an event {description} is refused.",
       fact=BATCH_EVENT, kinds=BATCHES, parameters=EVENT_OVER_LIMIT)  # fmt: skip
def batch_event_over_limit(call: Call, filling: Filling) -> Steps:
    """A batch must not get around the limit of one event, at any position of the event."""
    limit = call.contract.size_limit(LimitKind.BATCH_EVENT)
    filling.require_supported((yield call.batch_of(2).with_filler(filling.character)))
    size = limit.smallest_refused
    answer = limit
    if not filling.is_plain:
        answer = _plain_answer((yield call.batch_of(2).with_event_size(size, size_unit=limit.unit)), limit)
    event = f"event has {limit.format_size(size)}, {filling.description},"
    draft = call.batch_of(2).with_event_size(size, filling.character, limit.unit)
    expect.status((yield draft), answer, f"a batch whose first {event}")
    return expect.status((yield draft.with_events_reversed()), answer, f"a batch whose last {event}")


@check("size.event.band", "The reading of KB in the limit of an event is reported.",
       fact=SIZE_BAND, kinds=EVENTS, **SIZE_BAND_OPTIONS)  # fmt: skip
@check("size.batch.band", "The reading of KB in the limit of a batch is reported.",
       fact=SIZE_BAND, kinds=BATCHES, **SIZE_BAND_OPTIONS)  # fmt: skip
def size_band(call: Call) -> Steps:
    """No document says whether a KB has 1000 or 1024 bytes; between the two readings, any answer is fine."""
    limit = call.contract.body_size_limit(call.operation)
    if limit.at_least == limit.at_most:
        raise NotApplicable(f"the limit is stated in {limit.unit.words}; there is only one reading")
    expect.control((yield call.control_request()))
    size = (limit.at_least + limit.at_most) // 2
    exchange = yield call.request_with_room_for(size).with_body_size(size, size_unit=limit.unit)
    between = f"between {limit.at_least:,} and {limit.at_most:,}"
    return f"{accepted_or_refused(exchange)} at {limit.format_size(size)}, {between}: {exchange.summary}"
