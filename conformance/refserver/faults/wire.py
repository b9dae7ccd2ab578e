"""Faults on the wire: lengths, chunks, versions, pipelines, framing, and what stays on a connection."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.refserver.application import Manner
from conformance.refserver.change import Change
from conformance.refserver.faults import keys
from conformance.refserver.faults.fault import Fault, refuses
from conformance.refserver.faults.lines import (
    BAD,
    abandoning,
    blurting,
    head,
    hearing,
    lengths,
    relengthen,
    trailing,
    unheaded,
)
from conformance.refserver.faults.twists import CRASH, accepting, crashing, posted, refused, refusing
from conformance.refserver.protocol import Protocol

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

    from conformance.refserver.change import Sight, Twist
    from conformance.refserver.replies import Reply

_EXTENDED = re.compile(rb"\r\n[0-9a-f]+;")
_START = re.compile(rb"(?=POST /\S* HTTP/1\.1\r\n)")
_MANY, _LONG_BYTES = 200, 30_000
_USUAL = frozenset({b"accept"})
"""What clients send that are no bare sockets; the others hear what is too much."""


def _read_on(data: bytes) -> bytes:
    """A request that is longer than it says, with the length that it has."""
    body = data.partition(b"\r\n\r\n")[2]
    is_longer = lengths(data) and 0 < lengths(data)[0] < len(body) and b"HTTP/1." not in body
    return relengthen(data, len(body)) if is_longer else data


def _without_second_length(data: bytes) -> bytes:
    return unheaded(data, b"content-length", 1)


def _without_chunks(data: bytes) -> bytes:
    return unheaded(data, b"transfer-encoding") if lengths(data) else data


def _without_question(data: bytes) -> bytes:
    return unheaded(data, b"expect")


def _reversed(data: bytes) -> bytes:
    """Requests that came at once, the last one first."""
    return b"".join(reversed(_START.split(data)))


def _is_alike(data: bytes) -> bool:
    """Whether a length is given twice, alike."""
    return len(lengths(data)) == 2 and len(set(lengths(data))) == 1


def _is_flood(data: bytes) -> bool:
    return head(data).count(b"\r\n") > _MANY or (b"HTTP/1.1\r\n" in data and len(head(data)) > _LONG_BYTES)


def _unlengthened(sight: Sight) -> bool:
    headers = sight.incoming.headers
    return sight.incoming.method == "POST" and not {"content-length", "transfer-encoding"} & headers.keys()


def _after(*facts: str) -> Twist:
    """Fails on the second request of a connection whose first one was refused by one of these facts."""
    is_bad = refused(*facts)

    def twist(sight: Sight) -> Reply | None:
        session = sight.incoming.session
        is_poisoned = session.marks["poison"] > 0
        session.marks["poison"] = int(session.answered == 0 and posted(sight) and is_bad(sight))
        return CRASH if is_poisoned else None

    return twist


def _later(count: int, *facts: str, text: str = "") -> Twist:
    """Fails on a later request of a connection that was opened right after some request, the count-th."""
    is_bad = refused(*facts)

    def twist(sight: Sight) -> Reply | None:
        session = sight.incoming.session
        if session.answered == 0:
            session.marks["poison"] = sight.memory["bad"]
        sight.memory["bad"] = int(text in sight.text if text else is_bad(sight))
        return CRASH if session.marks["poison"] and session.answered == count - 1 else None

    return twist


def _remembering(sight: Sight) -> bool:
    """Whether a request without a key comes on a connection that has carried one."""
    is_first = sight.incoming.session.answered == 0
    return not is_first and keys.is_bare(sight) and keys.inside(sight) is None


class Finishing(Protocol):
    """Takes the end of the client's side for the end of its request."""

    def eof_received(self) -> bool:  # type: ignore[override] # as of the protocol above it
        """Reads what there is as if it were whole."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and cycle.more_body:
            cycle.more_body = False
            cycle.message_event.set()
        return super().eof_received()


class Leaving(Protocol):
    """Hangs up when the client ends its side, whatever is still to be answered."""

    def eof_received(self) -> bool:  # type: ignore[override] # as of the protocol above it
        """Answers nothing any more."""
        return False


def _recovering(name: str, what: str, why: str, *facts: str) -> Fault:
    """A server that does not get over a kind of refusal."""
    return Fault(f"poisoned-by-{name}", f"Fails on what follows {what} on a connection.", why,
                 f"robustness.recovery.{name}", _after(*facts))  # fmt: skip


FAULTS = (
    Fault("length-ignored", "Reads on behind the Content-Length.", "it takes whatever has come",
          "robustness.length.too-small", hearing(_read_on)),
    Fault("incomplete-accepted", "Takes a body that breaks off for whole.",
          "the end of a connection ends the body", "robustness.length.too-large", Finishing),
    Fault("lengthless-crash", "Fails on a request without a length.", "a header that is not there",
          "robustness.length.missing", crashing(when=_unlengthened)),
    Fault("double-length-crash", "Fails on a length that is given twice.", "a list is not a number",
          "robustness.length.doubled", blurting(_is_alike)),
    Fault("first-length-believed", "Believes the first of two lengths.", "who believes the other disagrees",
          "robustness.length.conflict", hearing(_without_second_length)),
    Fault("length-before-chunks", "Believes a length where there are chunks, too.",
          "a proxy that believes the chunks disagrees", "robustness.length.with-chunks",
          hearing(_without_chunks)),
    Fault("question-ignored", "Waits for a body that waits for an answer.", "many HTTP libraries ask first",
          "robustness.expect.continue", hearing(_without_question)),
    Fault("question-refused", "Refuses clients that ask before they send.",
          "417 is what a careful server says", "robustness.expect.continue",
          refusing(lambda sight: "expect" in sight.incoming.headers, 417)),
    Fault("extensions-refused", "Refuses chunks with extensions.", "who does not know them is to ignore them",
          "robustness.chunks.extended", blurting(_EXTENDED.search, BAD)),
    Fault("second-host-crash", "Fails on a second Host.", "a list is not a name",
          "robustness.headers.host-twice", blurting(lambda data: head(data).lower().count(b"\r\nhost:") > 1)),
    Fault("joined-keys-crash", "Fails on credentials with a comma in them.", "two headers are joined to one",
          "robustness.headers.key-twice",
          blurting(lambda data: head(data).lower().count(b"\r\nauthorization:") > 1)),
    Fault("flood-crash", "Fails on hundreds of headers, or on a long one.", "a buffer is full",
          "robustness.headers.flood", blurting(_is_flood)),
    Fault("old-version-refused", "Refuses HTTP/1.0.", "health checks and old proxies speak it",
          "robustness.version.http-10", refusing(lambda sight: sight.incoming.version == "1.0", 505)),
    Fault("pipeline-reversed", "Answers pipelined requests in another order.",
          "each goes to a worker of its own", "robustness.pipelining.order", hearing(_reversed)),
    Fault("half-closed-left", "Hangs up when the client ends its side.", "shell scripts do before they read",
          "robustness.connection.half-closed", Change(protocol=Leaving, manner=Manner(delay_s=0.02))),
    Fault("connection-remembered", "Takes one key for all that follows on its connection.",
          "behind a proxy, one connection carries the requests of many", "robustness.connection.credentials",
          accepting("answers.credentials-missing", when=_remembering), refuses("answers.credentials-missing"),
          spills="requests without a key come on connections that have carried one"),
    Fault("bytes-after-success", "Says more than its head announces, after success.", "a line break too many",
          "robustness.framing.accepted",
          trailing(b"\n\n", lambda headers, status: status < 300 and not headers & _USUAL)),
    Fault("bytes-after-refusal", "Says more than its head announces, after a refusal.",
          "a line break too many", "robustness.framing.refused",
          trailing(b"0\r\n", lambda headers, status: status == 400 and not headers & _USUAL)),
    Fault("head-with-content", "Answers HEAD with content.",
          "what follows the head is taken for the next answer", "robustness.head.content",
          trailing(b"wrong method", lambda headers, status: status == 405 and not headers & _USUAL)),
    Fault("body-left-at-unknown-paths", "Leaves the body of a request to an unknown path on the connection.",
          "it is refused before it is read", "robustness.recovery.path",
          abandoning(lambda data: b"/conformance-unknown HTTP" in head(data))),
    Fault("body-left-of-wrong-methods", "Leaves the body of a wrong method on the connection.",
          "it is refused before it is read", "robustness.recovery.method",
          abandoning(lambda data: head(data).startswith(b"PUT "))),
    Fault("body-left-in-gzip", "Leaves a body on the connection that is no gzip.",
          "it gives up in the middle", "robustness.recovery.gzip",
          abandoning(lambda data: b"gzip" in head(data) and b"\xff" * 9 in data)),
    _recovering("json", "invalid JSON", "a parser keeps its state", "answers.json-invalid"),
    _recovering("credentials", "missing credentials", "a guard keeps its answer",
          "answers.credentials-missing"),
    _recovering("method", "a wrong method", "a router keeps its state", "answers.method-wrong"),
    _recovering("key", "an unknown key", "a cache of sources keeps the miss", "answers.credentials-unknown"),
    _recovering("path", "an unknown path", "a router keeps its state", "answers.path-unknown"),
    _recovering("size", "a body over the limit", "a buffer stays full", "limits.event"),
    _recovering("gzip", "corrupt gzip", "a decompressor keeps its state", "answers.encoding-invalid"),
    _recovering("utf8", "a body that is not UTF-8", "a decoder keeps its state", "answers.json-not-utf8"),
    Fault("tenth-crash", "Fails on the tenth request after invalid JSON.",
          "a pool of workers, one of them ill", "robustness.recovery.series",
          _later(10, "answers.json-invalid")),
    Fault("third-crash", "Fails on the third request after a NUL.",
          "a transaction that was never rolled back", "robustness.recovery.series-odd",
          _later(3, text="\\u0000")),
)  # fmt: skip
