"""Faults over odd input: rare JSON, wrong types, and gzip that is none or too much."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from conformance.refserver.faults.fault import Fault, states, supports
from conformance.refserver.faults.twists import (
    BATCH,
    CRASH,
    EVENT,
    accept,
    accepting,
    answering,
    crashing,
    posted,
    refusing,
)
from conformance.refserver.protocol import Protocol
from conformance.refserver.replies import SILENCE

if TYPE_CHECKING:
    from conformance.model import Json
    from conformance.refserver.change import Sight, Twist
    from conformance.refserver.faults.twists import When

_ENCODING = "answers.encoding-invalid"
_DEEP = re.compile(r'(?:\[|\{"a":){60}')
_DEEPER = re.compile(r'(?:\[|\{"a":){400}')
_NUL = r"\\u0000"


def _spelled(pattern: str | re.Pattern[str], when: When = posted) -> When:
    """Holds for bodies in whose text a pattern is found."""
    found = re.compile(pattern)
    return lambda sight: when(sight) and found.search(sight.text) is not None


def _crash(pattern: str | re.Pattern[str], when: When = posted) -> Twist:
    return crashing(when=_spelled(pattern, when))


def _doubled(sight: Sight) -> bool:
    """Whether an object in the JSON has a key twice."""
    found: list[bool] = []

    def pairs(items: list[tuple[str, Json]]) -> None:
        found.append(len({name for name, _ in items}) < len(items))

    try:
        json.loads(sight.text, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return False
    return any(found)


def _wide(sight: Sight) -> bool:
    return any(isinstance(value, dict) and len(value) > 300 for value in sight.values())


def _typed(name: str, *wrong: type) -> When:
    """Holds where a field that the profile points at has a value of a wrong type."""
    return lambda sight: any(
        isinstance(value, wrong) for value in sight.each(getattr(sight.contract.profile.pointers, name))
    )


def _free(sight: Sight) -> bool:
    """Whether the free-form object of an event is a list."""
    operation = sight.decision.operation
    where = sight.contract.event(operation.type).open if operation else None
    return any(isinstance(value, list) for value in sight.each(where))


def _nested(sight: Sight) -> bool:
    """Whether an object at the top of an event has a list where a text is meant."""
    inner = (value for event in sight.events for value in event.values() if isinstance(value, dict))
    return any(["conformance"] in value.values() for value in inner)


def _coded(sight: Sight) -> bool:
    return "content-encoding" in sight.incoming.headers


def _packed(sight: Sight) -> bool:
    return sight.incoming.headers.get("content-encoding", "").lower() in {"gzip", "x-gzip"}


def _bomb(sight: Sight) -> bool:
    """Whether a small body in gzip unpacks to too much."""
    return _packed(sight) and sight.refusal.startswith("limits.") and len(sight.incoming.body) < 100_000


def _broken_off(sight: Sight) -> bool:
    """Whether a body begins as gzip does, and goes on as gzip for a while."""
    body = sight.incoming.body
    return _packed(sight) and body[:2] == b"\x1f\x8b" and body[10:13] != b"\xff\xff\xff"


class Dropping(Protocol):
    """Hangs up on JSON that is nested very deep."""

    def data_received(self, data: bytes) -> None:
        """Looks at what comes before it is read."""
        if b"[" * 1500 in data or b'{"a":' * 1500 in data:
            self.transport.abort()
            return
        super().data_received(data)


FAULTS = (
    Fault("nul-crash", "Fails on a NUL in a text.", "databases refuse it, and nobody asked them",
          "robustness.input.nul robustness.input.common", _crash(_NUL)),
    Fault("nul-crash-in-batches", "Fails on a NUL in a batch.", "each path has a store of its own",
          "robustness.input.common", _crash(_NUL, BATCH), states("answers.batch-missing"), also=("batch",)),
    Fault("nul-silence", "Never answers an event with a NUL in an id.", "a worker dies, and nobody notices",
          "robustness.input.nul",
          lambda sight: SILENCE if EVENT(sight) and "conformance\\u0000odd" in sight.text else None),
    Fault("half-pair-crash", "Fails on half a surrogate pair.", "it can't be written as UTF-8",
          "robustness.input.surrogates robustness.input.common", _crash(r'\\ud83d"|"\\ude00|odd\\udc00')),
    Fault("bom-crash", "Fails on a byte order mark.", "parsers raise what nobody catches",
          "robustness.input.bom", crashing(when=lambda sight: sight.incoming.body[:3] == b"\xef\xbb\xbf")),
    Fault("deep-crash", "Fails on JSON nested a hundred levels deep.", "recursion has a limit",
          "robustness.input.depth-100 robustness.input.depth-1000 robustness.input.depth-10000",
          _crash(_DEEP)),
    Fault("deeper-crash", "Fails on JSON nested a thousand levels deep.", "recursion has a limit",
          "robustness.input.depth-1000 robustness.input.depth-10000", _crash(_DEEPER)),
    Fault("deepest-dropped", "Hangs up on JSON nested thousands of levels deep.",
          "a stack overflow takes the process with it", "robustness.input.depth-10000", Dropping),
    Fault("double-keys-crash", "Fails on an object with a key twice.",
          "strict parsers raise what nobody catches", "robustness.input.duplicate-keys",
          crashing(when=_doubled)),
    Fault("large-integers-crash", "Fails on integers beyond 64 bits.", "columns have a width",
          "robustness.input.integers", _crash(r":-?\d{19,}")),
    Fault("exponents-crash", "Fails on numbers beyond the range of doubles.",
          "they become infinite on the way", "robustness.input.exponents", _crash(r"e-?4\d\d[,}]")),
    Fault("empty-key-crash", "Fails on an empty key.", "columns are named by keys",
          "robustness.input.empty-key", _crash(r'[{,]"":')),
    Fault("long-key-crash", "Fails on a key of a thousand characters.", "columns are named by keys",
          "robustness.input.long-key", _crash(r'"k{900}')),
    Fault("wide-crash", "Fails on an object with hundreds of keys.",
          "tables have so many columns and no more", "robustness.input.wide", crashing(when=_wide)),
    Fault("number-id-crash", "Fails on a number for an id.", "a method of texts is called on it",
          "robustness.types.main", crashing(when=_typed("user", int, float))),
    Fault("list-id-crash", "Fails on a list for an id.", "it can't be the key of a dictionary",
          "robustness.types.main", crashing(when=_typed("user", list, dict))),
    Fault("free-list-crash", "Fails where the free-form object is a list.", "a list has no keys",
          "robustness.types.main", crashing(when=_free)),
    Fault("list-context-crash", "Fails where the context is a list.", "a list has no keys",
          "robustness.types.common", crashing(when=_typed("context", list))),
    Fault("number-time-crash", "Fails on a number for a timestamp.", "clients with clocks in seconds exist",
          "robustness.types.common", crashing(when=_typed("timestamp", int, float))),
    Fault("nonsense-time-crash", "Fails on a timestamp that is none.", "a date parser raises",
          "robustness.types.common", _crash("yesterday, or")),
    Fault("inner-types-crash", "Fails on wrong types inside an event's objects.",
          "enrichment reaches in without looking", "robustness.types.nested", crashing(when=_nested)),
    Fault("gzip-refused", "Refuses gzip.", "it may, and people want to know", "robustness.gzip.accepted",
          refusing(_coded, 415)),
    Fault("gzip-refused-in-batches", "Refuses gzip in batches.", "the vendor's own SDKs send it",
          "sdk.*-python-2-1-*.accepted sdk.*-node-3-0-*.accepted",
          refusing(lambda sight: BATCH(sight) and _coded(sight), 415), supports("*-python-2-1-*"),
          also=("batch",)),
    Fault("gzip-crash", "Fails on every body in gzip.", "compressed bytes reach the JSON parser as text",
          "robustness.gzip.status robustness.gzip.accepted", crashing(when=_packed)),
    Fault("corrupt-gzip-crash", "Fails on gzip that is none.", "the decompressor raises",
          "robustness.gzip.status robustness.gzip.corrupt robustness.gzip.truncated",
          crashing(_ENCODING, when=_packed)),
    Fault("corrupt-gzip-taken", "Accepts gzip that is none.", "the body is unpacked later, in a queue",
          "robustness.gzip.corrupt robustness.gzip.truncated", accepting(_ENCODING, when=_packed)),
    Fault("truncated-gzip-taken", "Takes gzip that breaks off, as far as it goes.",
          "streams have no end to check", "robustness.gzip.truncated",
          accepting(_ENCODING, when=_broken_off)),
    Fault("corrupt-gzip-422", "Answers gzip that is none with 422.", "a validator's default status",
          "robustness.gzip.corrupt robustness.gzip.truncated", answering(422, _ENCODING, when=_packed)),
    Fault("bomb-taken", "Accepts what unpacks to any size.", "limits are looked at on the wire alone",
          "robustness.gzip.bomb", lambda sight: accept(sight) if _bomb(sight) else None),
    Fault("bomb-crash", "Fails on what unpacks to megabytes.", "memory runs out",
          "robustness.gzip.bomb robustness.gzip.bomb-status", lambda sight: CRASH if _bomb(sight) else None),
    Fault("coding-crash", "Fails on a content coding that it does not know.", "a table of decoders has a gap",
          "robustness.gzip.status", crashing(_ENCODING, when=lambda sight: not _packed(sight))),
)  # fmt: skip
