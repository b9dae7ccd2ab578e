"""Size limits: just within, well within, over; in bytes, in many scripts, in chunks; on every path.

Checks speak of `at_least` and `at_most`, the two readings of a documented limit, never of numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance import expect
from conformance.cases._steps import accepted
from conformance.catalogue import BATCHES, EVENTS, check
from conformance.errors import Silent
from conformance.model import Level
from conformance.profile.facts import Ceiling, Condition

if TYPE_CHECKING:
    from conformance.engine import Steps
    from conformance.payloads import Call, Draft

WIDE = "日"
WITHIN_PERCENT, OVER_PERCENT = 97, 105
"""How far an event inside a batch stays from its limit: servers count it after parsing, in their own spelling."""

BAND: dict[str, Any] = {"fact": "rules.size-band", "cap": Level.MAY, "observes": True}


def _filled(call: Call, size: int, unit: str = "a") -> Draft:
    """A request with a body of exactly so many bytes, made of a character."""
    return call.roomy(size).sized(size, unit)


@check("size.event.within", "An event as large as its limit is accepted.", fact="limits.event", kinds=EVENTS)
@check("size.batch.within", "A batch as large as its limit is accepted.", fact="limits.batch", kinds=BATCHES)
def within(call: Call) -> Steps:
    """A limit that bites too early drops events that the documents allow."""
    size = call.contract.body_limit(call.operation).at_least
    return (yield from accepted(call, _filled(call, size), f"a body of {size:,} bytes, within the limit"))


@check("size.event.half", "An event half as large as its limit is accepted.", fact="limits.event", kinds=EVENTS)
@check("size.batch.half", "A batch half as large as its limit is accepted.", fact="limits.batch", kinds=BATCHES)
def half(call: Call) -> Steps:
    """Half the limit leaves no doubt about who is right."""
    size = call.contract.body_limit(call.operation).at_least // 2
    return (yield from accepted(call, _filled(call, size), f"a body of {size:,} bytes, half the limit"))


@check("size.event.over", "An event over its limit is refused.", fact="limits.event", kinds=EVENTS)
@check("size.batch.over", "A batch over its limit is refused.", fact="limits.batch", kinds=BATCHES)
def over(call: Call) -> Steps:
    """What is documented as too large is refused, so that a client can rely on the limit."""
    limit = call.contract.body_limit(call.operation)
    expect.control((yield _filled(call, limit.at_least // 2)))
    size = limit.at_most + 1
    return expect.status((yield _filled(call, size)), limit, f"a body of {size:,} bytes, over the limit")


@check(
    "size.event.within-wide",
    "An event in characters of three bytes, as large as its limit, is accepted.",
    fact="limits.event",
    kinds=EVENTS,
)
@check(
    "size.batch.within-wide",
    "A batch in characters of three bytes, as large as its limit, is accepted.",
    fact="limits.batch",
    kinds=BATCHES,
)
def within_wide(call: Call) -> Steps:
    """The limit counts bytes on the wire; a server that escapes them first finds most scripts too long."""
    size = call.contract.body_limit(call.operation).at_least
    what = f"a body of {size:,} bytes in characters of three bytes, within the limit"
    return (yield from accepted(call, _filled(call, size, WIDE), what))


@check(
    "size.event.over-wide",
    "An event in characters of three bytes, over its limit, is refused.",
    fact="limits.event",
    kinds=EVENTS,
)
@check(
    "size.batch.over-wide",
    "A batch in characters of three bytes, over its limit, is refused.",
    fact="limits.batch",
    kinds=BATCHES,
)
def over_wide(call: Call) -> Steps:
    """The limit counts bytes on the wire, not characters."""
    limit = call.contract.body_limit(call.operation)
    expect.control((yield _filled(call, limit.at_least // 2, WIDE)))
    size = limit.at_most + 1
    what = f"a body of {size:,} bytes in characters of three bytes, over the limit"
    return expect.status((yield _filled(call, size, WIDE)), limit, what)


@check("size.chunked.accepted", "A body in chunks, without a Content-Length, is accepted.", fact="rules.chunked")
def chunked(call: Call) -> Steps:
    """Clients that stream do not know the length beforehand. A server may insist on one with a 411."""
    expect.chunks_allowed((yield call.event()))
    exchange = yield call.event().chunked()
    expect.length_not_required(exchange)
    return expect.status(exchange, call.contract.answer(Condition.ACCEPTED), "a body in chunks")


@check(
    "size.event.within-chunked",
    "An event in chunks, as large as its limit, is accepted.",
    fact="limits.event",
    kinds=EVENTS,
)
@check(
    "size.batch.within-chunked",
    "A batch in chunks, as large as its limit, is accepted.",
    fact="limits.batch",
    kinds=BATCHES,
)
def within_chunked(call: Call) -> Steps:
    """A body in chunks has the same limit as one with a Content-Length."""
    expect.chunks_allowed((yield call.event()))
    expect.supported((yield call.event().chunked()), "a body in chunks")
    size = call.contract.body_limit(call.operation).at_least
    what = f"a body of {size:,} bytes in chunks, within the limit"
    return (yield from accepted(call, _filled(call, size).chunked(), what))


@check("size.event.over-chunked", "An event in chunks, over its limit, is refused.", fact="limits.event", kinds=EVENTS)
@check("size.batch.over-chunked", "A batch in chunks, over its limit, is refused.", fact="limits.batch", kinds=BATCHES)
def over_chunked(call: Call) -> Steps:
    """A limit that only looks at Content-Length is no limit."""
    expect.chunks_allowed((yield call.event()))
    expect.supported((yield call.event().chunked()), "a body in chunks")
    limit = call.contract.body_limit(call.operation)
    size = limit.at_most + 1
    what = f"a body of {size:,} bytes in chunks, over the limit"
    return expect.status((yield _filled(call, size).chunked()), limit, what)


@check(
    "size.batch-event.within",
    "A batch with an event just within the limit of one event is accepted.",
    fact="limits.batch-event",
    kinds=BATCHES,
)
def batch_event_within(call: Call) -> Steps:
    """In a batch, every event may be as large as alone."""
    size = call.contract.limit(Ceiling.BATCH_EVENT).at_least * WITHIN_PERCENT // 100
    what = f"a batch with an event of {size:,} bytes, within the limit of one event"
    return (yield from accepted(call, call.repeated(2).event_sized(size), what))


@check(
    "size.batch-event.over",
    "A batch with an event over the limit of one event is refused.",
    fact="limits.batch-event",
    kinds=BATCHES,
)
def batch_event_over(call: Call) -> Steps:
    """A batch is no way around the limit of one event."""
    limit = call.contract.limit(Ceiling.BATCH_EVENT)
    expect.control((yield call.repeated(2).event_sized(limit.at_least // 2)))
    size = limit.at_most * OVER_PERCENT // 100
    what = f"a batch with an event of {size:,} bytes, over the limit of one event"
    return expect.status((yield call.repeated(2).event_sized(size)), limit, what)


@check(
    "size.batch-event.over-wide",
    "A batch with an event in characters of three bytes, over the limit of one event, is refused.",
    fact="limits.batch-event",
    kinds=BATCHES,
)
def batch_event_over_wide(call: Call) -> Steps:
    """The limit of one event counts bytes too, not characters."""
    limit = call.contract.limit(Ceiling.BATCH_EVENT)
    expect.control((yield call.repeated(2).event_sized(limit.at_least // 2)))
    size = limit.at_most * OVER_PERCENT // 100
    what = f"a batch with an event of {size:,} bytes in characters of three bytes, over the limit of one event"
    return expect.status((yield call.repeated(2).event_sized(size, WIDE)), limit, what)


@check("size.event.band", "Which reading of KB the limit of an event has is reported.", kinds=EVENTS, **BAND)
@check("size.batch.band", "Which reading of KB the limit of a batch has is reported.", kinds=BATCHES, **BAND)
def band(call: Call) -> Steps:
    """No document says whether its KB has 1000 or 1024 bytes; between the two, either answer is fine."""
    limit = call.contract.body_limit(call.operation)
    if limit.at_least == limit.at_most:
        raise Silent("the limit is stated in bytes; there is only one reading")
    expect.control((yield _filled(call, limit.at_least // 2)))
    size = (limit.at_least + limit.at_most) // 2
    exchange = yield _filled(call, size)
    verb = "accepted" if expect.is_accepted(exchange) else "refused"
    return f"{verb} at {size:,} bytes, between {limit.at_least:,} and {limit.at_most:,}: {exchange.outline}"
