"""Size limits: just within, well within, over; in bytes, in many spellings, in chunks; on every path.

Checks speak of `at_least` and `at_most`, the two readings of a documented limit, never of numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from conformance import expect
from conformance.cases._steps import accepted
from conformance.catalogue import BATCHES, EVENTS, check
from conformance.errors import Silent
from conformance.model import Level
from conformance.payloads import Draft
from conformance.profile.facts import Ceiling

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.engine import Steps
    from conformance.model import Exchange
    from conformance.payloads import Call
    from conformance.profile.facts import Limit

WIDE = "日"
WITHIN_PERCENT, OVER_PERCENT = 97, 105
"""How far an event in a batch stays from its limit: servers count it after parsing, in their spelling."""

EVENT: dict[str, Any] = {"fact": "limits.event", "kinds": EVENTS}
BATCH: dict[str, Any] = {"fact": "limits.batch", "kinds": BATCHES}
BATCH_EVENT: dict[str, Any] = {"fact": "limits.batch-event", "kinds": BATCHES}
BAND: dict[str, Any] = {"fact": "rules.size-band", "cap": Level.MAY, "observes": True}


_FREE = partial(expect.supported, what="a free-form property")
_WIDE = partial(expect.supported, what="text beyond ASCII")
_ESCAPED = partial(expect.supported, what="text written with JSON escapes")


def _plain(draft: Draft) -> Draft:
    return draft


@dataclass(frozen=True, slots=True)
class Filling:
    """A way to fill a body: with a character, spelled and sent in some way.

    `supported` looks at the answer to a small body of the same kind, the control; `percent` is the share
    of the limit to fill.
    """

    slug: str
    words: str
    unit: str = "a"
    dress: Callable[[Draft], Draft] = _plain
    supported: Callable[[Exchange], None] = _FREE
    percent: int = 100

    def small(self, call: Call) -> Draft:
        """The control: a small body of the same kind."""
        return self.dress(call.event().filled(self.unit))

    def of(self, call: Call, size: int) -> Draft:
        """A body of exactly so many bytes, or what else its limit counts."""
        counted = call.contract.body_limit(call.operation).unit
        return self.dress(call.roomy(size)).sized(size, self.unit, counted)


WITHIN = (
    Filling("within", "as large as its limit"),
    Filling("half", "half as large as its limit", percent=50),
    Filling("within-wide", "as large as its limit, in characters of three bytes,", WIDE, supported=_WIDE),
    Filling("within-chunked", "as large as its limit, in chunks,", dress=Draft.chunked,
            supported=expect.chunks_supported),
)  # fmt: skip

OVER = (
    Filling("over", "over its limit"),
    Filling("over-wide", "over its limit, in characters of three bytes,", WIDE, supported=_WIDE),
    Filling("over-escaped", "over its limit, written with JSON escapes,", WIDE, Draft.escaped, _ESCAPED),
    Filling("over-chunked", "over its limit, in chunks,", dress=Draft.chunked,
            supported=expect.chunks_supported),
)  # fmt: skip


def _units(limit: Limit) -> str:
    """What a limit counts, in words."""
    return limit.unit.replace("-", " ")


@check("size.event.{slug}", "An event {words} is accepted.", forms=WITHIN, **EVENT)
@check("size.batch.{slug}", "A batch {words} is accepted.", forms=WITHIN, **BATCH)
def within(call: Call, filling: Filling) -> Steps:
    """A limit that bites too early drops what the documents allow. It counts the bytes on the wire."""
    filling.supported((yield filling.small(call)))
    limit = call.contract.body_limit(call.operation)
    size = limit.at_least * filling.percent // 100
    what = f"a body of {size:,} {_units(limit)}, {filling.words.rstrip(',')},"
    return (yield from accepted([(what, filling.of(call, size))]))


@check("size.event.{slug}", "An event {words} is refused.", forms=OVER, **EVENT)
@check("size.batch.{slug}", "A batch {words} is refused.", forms=OVER, **BATCH)
def over(call: Call, filling: Filling) -> Steps:
    """A client can rely on a limit only if it holds however the body is spelled and sent."""
    limit = call.contract.body_limit(call.operation)
    if filling.dress is Draft.chunked and not limit.holds_in_chunks:
        raise Silent("the limit does not hold for a body in chunks")
    filling.supported((yield filling.small(call)))
    size = limit.at_most + 1
    what = f"a body of {size:,} {_units(limit)}, {filling.words.rstrip(',')},"
    return expect.status((yield filling.of(call, size)), limit, what)


@check("size.chunked.accepted", "A small body in chunks, without a Content-Length, is accepted.",
       fact="rules.chunked")  # fmt: skip
def chunked(call: Call) -> Steps:
    """Clients that stream do not know the length beforehand. A server may insist on one with a 411."""
    expect.chunks_allowed((yield call.event()))
    exchange = yield call.event().chunked()
    expect.length_not_required(exchange)
    expect.accepted(exchange, "a body in chunks")
    return None


@dataclass(frozen=True, slots=True)
class EventFilling:
    """A way to fill one event of a batch."""

    slug: str
    words: str
    unit: str = "a"


EVENT_WITHIN = (
    EventFilling("within", "within the limit of one event"),
    EventFilling("within-wide", "within the limit of one event, in characters of three bytes,", WIDE),
)
EVENT_OVER = (
    EventFilling("over", "over the limit of one event"),
    EventFilling("over-wide", "over the limit of one event, in characters of three bytes,", WIDE),
)


@check(
    "size.batch-event.{slug}", "A batch with an event {words} is accepted.", forms=EVENT_WITHIN, **BATCH_EVENT
)
def batch_event_within(call: Call, filling: EventFilling) -> Steps:
    """In a batch, every event may be as large as alone."""
    expect.supported((yield call.repeated(2).filled(filling.unit)), "such text")
    limit = call.contract.limit(Ceiling.BATCH_EVENT)
    size = limit.at_least * WITHIN_PERCENT // 100
    what = f"a batch with an event of {size:,} {_units(limit)}, {filling.words.rstrip(',')},"
    return (yield from accepted([(what, call.repeated(2).event_sized(size, filling.unit, limit.unit))]))


@check(
    "size.batch-event.{slug}", "A batch with an event {words} is refused.", forms=EVENT_OVER, **BATCH_EVENT
)
def batch_event_over(call: Call, filling: EventFilling) -> Steps:
    """A batch is no way around the limit of one event, wherever in it the event stands."""
    limit = call.contract.limit(Ceiling.BATCH_EVENT)
    expect.supported((yield call.repeated(2).filled(filling.unit)), "such text")
    size = limit.at_most * OVER_PERCENT // 100
    what = f"a batch with an event of {size:,} {_units(limit)}, {filling.words.rstrip(',')},"
    draft = call.repeated(2).event_sized(size, filling.unit, limit.unit)
    expect.status((yield draft), limit, f"{what} first in it,")
    return expect.status((yield draft.reversed()), limit, f"{what} last in it,")


@check("size.event.band", "Which reading of KB the limit of an event has is reported.", kinds=EVENTS, **BAND)
@check("size.batch.band", "Which reading of KB the limit of a batch has is reported.", kinds=BATCHES, **BAND)
def band(call: Call) -> Steps:
    """No document says whether its KB has 1000 or 1024 bytes; between the two, either answer is fine."""
    limit = call.contract.body_limit(call.operation)
    if limit.at_least == limit.at_most:
        raise Silent("the limit is stated in bytes; there is only one reading")
    expect.control((yield call.control()))
    size = (limit.at_least + limit.at_most) // 2
    exchange = yield call.roomy(size).sized(size, counted=limit.unit)
    verb = "accepted" if expect.is_accepted(exchange) else "refused"
    between = f"between {limit.at_least:,} and {limit.at_most:,}"
    return f"{verb} at {size:,} {_units(limit)}, {between}: {exchange.outline}"
