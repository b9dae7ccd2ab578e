"""Shared steps of checks that look into a sink: events with a mark of their own, and what is expected of arrivals."""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING, Any

from conformance.checks import expect
from conformance.core import pointers
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import ID_PREFIX
from conformance.profile.facts import Rule
from conformance.requests.steps import await_arrivals

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from conformance.core.arrivals import Arrival, Arrivals, Change
    from conformance.core.model import Exchange, JsonObject
    from conformance.requests import Call, Draft, Step

_GZIP, _MARK = b"\x1f\x8b", re.compile(rf"{ID_PREFIX}-[0-9a-f]{{8}}-[0-9a-f-]{{27}}")
DELIVERED, ONCE, NOT_KEPT = (f"rules.{rule}" for rule in (Rule.DELIVERED, Rule.DELIVERED_ONCE, Rule.REFUSED_NOT_KEPT))
UNCHANGED, SPELLING = f"rules.{Rule.KEPT_UNCHANGED}", f"rules.{Rule.KEPT_SPELLING}"


def marked_event(call: Call, type_name: str = "") -> tuple[str, JsonObject]:
    """An acceptable event of a type with a mark in its message id (or, without one, in its context), and the mark."""
    event, mark = call.baseline_event(type_name or call.operation.event_type), call.next_message_id()
    where = call.contract.profile.pointers
    if where.message_id:
        return mark, pointers.put(event, where.message_id, mark)
    if where.context is None:
        raise NotApplicable("the events of this dialect have no place for a mark")
    return mark, pointers.put(event, f"{where.context}/{ID_PREFIX}/mark", mark)


def marked_request(call: Call, count: int = 1) -> tuple[tuple[str, ...], Draft]:
    """An acceptable request with `count` marked events on a path for batches, else with one; and the marks."""
    pairs = [marked_event(call) for _ in range(count if call.is_batch else 1)]
    return tuple(mark for mark, _ in pairs), call.acceptable_request().with_events(*(event for _, event in pairs))


def marks_in(call: Call, draft: Draft) -> list[str]:
    """The marks of the events in a draft's body, which may be in gzip; an id of the batch itself is no event's."""
    body = draft.build_request().body
    document = json.loads(gzip.decompress(body) if body.startswith(_GZIP) else body)
    events = pointers.get(document, call.contract.profile.batch.pointer) if call.is_batch else document
    return list(dict.fromkeys(_MARK.findall(json.dumps(events))))


def expect_taken(exchange: Exchange, subject: str) -> None:
    """The request was accepted. Raises NotApplicable if not: other checks judge that."""
    if not expect.is_accepted(exchange):
        raise NotApplicable(f"{subject} is not accepted: {exchange.summary}")


def expect_arrived(
    call: Call, exchange: Exchange, marks: Sequence[str], subject: str
) -> Generator[Step, Exchange, Arrivals]:
    """The events with these marks, which were accepted, arrive once each."""
    arrivals = yield from await_arrivals(*marks)
    missing = [mark for mark in marks if not arrivals.of(mark)]
    if missing:
        raise Deviation(
            f"{subject} must arrive after its success",
            f"{_share(missing, marks)} lost: {missing[0]} was answered {exchange.status}, and is not in the sink"
            f" after {arrivals.waited_s:.1f} s",
            exchange=exchange,
            expected="in the sink",
        )
    doubled = [mark for mark in marks if len(arrivals.of(mark)) > 1]
    if doubled:
        fact, (first, second, *_) = call.contract.fact(ONCE), arrivals.of(doubled[0])
        raise Deviation(
            f"{subject} must arrive once",
            f"{_share(doubled, marks)} doubled: {doubled[0]} is in the sink {len(arrivals.of(doubled[0]))} times, as "
            f"{first.record} and {second.record}",
            exchange=exchange,
            expected="once in the sink",
            level=fact.level,
            sources=fact.sources,
        )
    return arrivals


def expect_absent(
    call: Call, exchange: Exchange, marks: tuple[str, ...], subject: str
) -> Generator[Step, Exchange, None]:
    """What was refused does not arrive, although an event that is sent after it does."""
    (after,), draft = marked_request(call)
    expect.control((yield draft))
    arrivals = yield from await_arrivals(after, absent=marks)
    kept = [mark for mark in marks if arrivals.of(mark)]
    if kept:
        raise Deviation(
            f"{subject} must not be stored",
            f"{_share(kept, marks)} stored though refused: {kept[0]} was answered {exchange.status}, and is in the sink"
            f" as {arrivals.of(kept[0])[0].record}",
            exchange=exchange,
            expected="not in the sink",
        )
    if not arrivals.of(after):
        raise NotApplicable("the event that was sent after it does not arrive either")


def _share(some: Sequence[str], every: Sequence[str]) -> str:
    return f"{len(some):,} of {len(every):,} events" if len(every) > 1 else "the event is"


def changes_of(arrivals: Arrivals, mark: str, event: JsonObject) -> tuple[Arrival, list[Change]]:
    """What arrived first with a mark, and how it differs from an event as it was sent."""
    arrival = arrivals.of(mark)[0]
    return arrival, arrivals.compare(json.dumps(event), arrival.event)


def value_at(event: Any, pointer: str) -> Any:  # noqa: ANN401 - JSON without loss
    """The value at a pointer of a stored event; None without one."""
    return pointers.get(event, pointer) if pointers.has(event, pointer) else None
