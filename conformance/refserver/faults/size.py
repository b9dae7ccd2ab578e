"""Faults in the limits of size: too tight, too wide, of the wrong measure, or with a hole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conformance.model import Kind
from conformance.profile.facts import Ceiling
from conformance.refserver.faults.fault import Fault, has
from conformance.refserver.faults.twists import (
    BATCH,
    EVENT,
    accepting,
    answering,
    crashing,
    refuse,
    refusing,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.model import JsonObject
    from conformance.refserver.change import Sight, Twist
    from conformance.refserver.faults.twists import When
    from conformance.refserver.replies import Reply

_BATCHES = has(Kind.BATCH)


def _limit(sight: Sight) -> int:
    """The limit of the whole body, in bytes; none on other paths than those of events and batches."""
    operation = sight.decision.operation
    found = sight.server.limit_of(operation) if operation else None
    return found.at_most if found else 0


def _over(when: When) -> When:
    """Holds for a body that is too large, of the kind that is meant."""
    return lambda sight: when(sight) and len(sight.incoming.body) > _limit(sight) > 0


def _event_over(sight: Sight) -> bool:
    """Whether a batch is within its limit, and an event in it is not."""
    return (
        BATCH(sight) and sight.refusal == "limits.batch-event" and len(sight.incoming.body) <= _limit(sight)
    )


def _chunked(sight: Sight) -> bool:
    return "transfer-encoding" in sight.incoming.headers


def _characters(sight: Sight) -> bool:
    return len(sight.text) <= _limit(sight)


def _unescaped(sight: Sight) -> bool:
    return "\\u" in sight.text and len(json.dumps(sight.document, ensure_ascii=False)) <= _limit(sight)


def _larger(part: float) -> When:
    """Holds for a body that is larger than a part of its limit."""
    return lambda sight: len(sight.incoming.body) > part * _limit(sight) > 0


def _escaped(sight: Sight) -> bool:
    """Whether a body would be too large if all beyond ASCII were escaped."""
    text = sight.text
    return EVENT(sight) and len(text) + 5 * sum(char > "\x7f" for char in text) > _limit(sight)


def _weighing(measure: Callable[[JsonObject], int]) -> Callable[[Sight], list[int]]:
    return lambda sight: [measure(event) for event in sight.events]


def _bytes(event: JsonObject) -> int:
    return len(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"))


def _letters(event: JsonObject) -> int:
    return len(json.dumps(event, ensure_ascii=False, separators=(",", ":")))


def _ascii(event: JsonObject) -> int:
    return len(json.dumps(event, separators=(",", ":")))


def _event_limit(sight: Sight) -> int:
    return sight.contract.limit(Ceiling.BATCH_EVENT).at_most if BATCH(sight) else 0


def _event_larger(part: float, measure: Callable[[JsonObject], int] = _bytes) -> When:
    """Holds for a batch with an event that is larger than a part of its limit."""
    return lambda sight: (
        BATCH(sight) and max(_weighing(measure)(sight), default=0) > part * _event_limit(sight)
    )


def _too_large(when: When, ceiling: Ceiling) -> Twist:
    """Refuses as too large what is not."""

    def twist(sight: Sight) -> Reply | None:
        if not sight.is_accepted or not when(sight):
            return None
        return refuse(sight, sight.contract.limit(ceiling).expect[0])

    return twist


FAULTS = (
    Fault("event-limit-absent", "Has no limit for an event.", "real gateways enforce only that of batches",
          "size.event.over size.event.over-wide size.event.over-escaped size.event.over-chunked",
          accepting("limits.event", when=_over(EVENT))),
    Fault("event-limit-absent-on-one-path", "Has no limit for an event on one path of several.",
          "limits are configured by route", "size.event.over",
          accepting("limits.event", when=lambda sight: sight.is_further), _BATCHES, also=("identify",)),
    Fault("batch-limit-absent", "Has no limit for a batch.", "memory is cheap, until it is not",
          "size.batch.over size.batch.over-wide size.batch.over-escaped size.batch.over-chunked",
          accepting("limits.batch", when=BATCH), _BATCHES),
    Fault("batch-event-limit-absent", "Has no limit for an event in a batch.",
          "a batch is a way around the limit of one event",
          "size.batch-event.over size.batch-event.over-wide",
          accepting("limits.batch-event", when=_event_over), _BATCHES),
    Fault("first-event-weighed", "Weighs only the first event of a batch.", "a loop that ends too early",
          "size.batch-event.over",
          accepting("limits.batch-event", when=lambda sight: _event_over(sight)
              and _bytes(sight.events[0]) <= _event_limit(sight)), _BATCHES),
    Fault("characters-counted", "Counts characters, not bytes.", "a string's length is at hand",
          "size.event.over-wide",
          accepting("limits.event", when=lambda sight: EVENT(sight) and _characters(sight))),
    Fault("characters-counted-in-batches", "Counts a batch's characters, not its bytes.",
          "the same, elsewhere", "size.batch.over-wide",
          accepting("limits.batch", when=lambda sight: BATCH(sight) and _characters(sight)), _BATCHES),
    Fault("event-characters-counted", "Counts the characters of an event in a batch, not its bytes.",
          "the same, elsewhere", "size.batch-event.over-wide",
          accepting("limits.batch-event", when=lambda sight: _event_over(sight)
              and max(_weighing(_letters)(sight)) <= _event_limit(sight)), _BATCHES),
    Fault("weighed-after-reading", "Weighs what it has read and written again, without the escapes.",
          "the limit holds for an object in memory, not for the body", "size.event.over-escaped",
          accepting("limits.event", when=lambda sight: EVENT(sight) and _unescaped(sight))),
    Fault("batch-weighed-after-reading", "Weighs a batch without the escapes in it.", "the same, for batches",
          "size.batch.over-escaped",
          accepting("limits.batch", when=lambda sight: BATCH(sight) and _unescaped(sight)), _BATCHES),
    Fault("escapes-counted", "Weighs text beyond ASCII as if it were escaped.", "a serializer's default",
          "size.event.within-wide", _too_large(_escaped, Ceiling.EVENT)),
    Fault("chunks-unweighed", "Believes the Content-Length, and weighs nothing where there is none.",
          "a check of a header, not of a body", "size.event.over-chunked size.batch.over-chunked",
          accepting("limits.event", "limits.batch", when=_over(_chunked))),
    Fault("chunks-refused", "Refuses bodies in chunks.", "proxies of the older kind", "size.chunked.accepted",
          refusing(_chunked)),
    Fault("chunks-crash", "Fails on bodies in chunks.", "a length is read that is not there",
          "size.chunked.accepted robustness.length.with-chunks", crashing(when=_chunked)),
    Fault("event-limit-tight", "Refuses events of 96 % of their limit.",
          "headers count too, somebody thought",
          "size.event.within size.event.within-wide size.event.within-chunked",
          _too_large(lambda sight: EVENT(sight) and _larger(0.94)(sight), Ceiling.EVENT)),
    Fault("event-limit-half", "Refuses events of half their limit.",
          "a proxy's default in front of the server", "size.event.within size.event.half",
          _too_large(lambda sight: EVENT(sight) and _larger(0.4)(sight), Ceiling.EVENT)),
    Fault("chunks-weighed-twice", "Counts the frames of chunks, too, and more than once.",
          "a length is added in two places", "size.event.within-chunked size.batch.within-chunked",
          refusing(lambda sight: _chunked(sight) and _larger(0.5)(sight), 413)),
    Fault("batch-limit-tight", "Refuses batches of 96 % of their limit.",
          "headers count too, somebody thought",
          "size.batch.within size.batch.within-wide size.batch.within-chunked",
          _too_large(lambda sight: BATCH(sight) and _larger(0.94)(sight), Ceiling.BATCH), _BATCHES),
    Fault("batch-limit-is-event-limit", "Holds batches to the limit of one event.",
          "one limit for all routes", "size.batch.within size.batch.half",
          _too_large(lambda sight: BATCH(sight) and len(sight.events) < 50
              and len(sight.incoming.body) > _event_limit(sight), Ceiling.BATCH), _BATCHES),
    Fault("batch-event-limit-tight", "Refuses events of a batch that are within their limit.",
          "each is weighed with what surrounds it", "size.batch-event.within size.batch-event.within-wide",
          _too_large(_event_larger(0.9), Ceiling.BATCH_EVENT), _BATCHES),
    Fault("batch-events-escaped", "Weighs events of a batch as if all beyond ASCII were escaped.",
          "a serializer's default", "size.batch-event.within-wide",
          _too_large(_event_larger(1, _ascii), Ceiling.BATCH_EVENT), _BATCHES),
    Fault("event-limit-decimal", "Reads KB as 1000 bytes.", "no document says which; people want to know",
          "size.event.band",
          _too_large(lambda sight: EVENT(sight)
              and len(sight.incoming.body) > sight.contract.limit(Ceiling.EVENT).at_least, Ceiling.EVENT)),
    Fault("batch-limit-decimal", "Reads the KB of batches as 1000 bytes.", "people want to know",
          "size.batch.band",
          _too_large(lambda sight: BATCH(sight)
              and len(sight.incoming.body) > sight.contract.limit(Ceiling.BATCH).at_least, Ceiling.BATCH),
          _BATCHES),
    Fault("oversized-422", "Answers what is too large with 422.", "SDKs know the documented status",
          "size.event.over size.event.over-wide", answering(422, "limits.event", when=EVENT)),
    Fault("oversized-crash", "Fails on what is too large.", "a proxy gives up, and SDKs send it again",
          "size.event.over errors.status.size", crashing("limits.event", when=_over(EVENT))),
    Fault("oversized-batch-crash", "Fails on a batch that is too large.", "memory runs out",
          "size.batch.over errors.status.size", crashing("limits.batch", when=_over(BATCH)), _BATCHES),
)  # fmt: skip
