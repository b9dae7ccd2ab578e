"""The checks of the raw wire: each on servers that may speak so, and on servers that may not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from conformance.wire import raw
from tests.scripted import BAD, CRASHED, fair, is_by_hand, last, status, usual, verdict
from tests.sockets import OK, GoneError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scripted import Move
    from tests.sockets import Peer, Received

LENGTH, CODING = "content-length", "transfer-encoding"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
BOTH = CHUNKED.replace(b"OK\r\n", b"OK\r\nContent-Length: 2\r\n")
FORBIDDEN = b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok"
OK_AGAIN = OK.replace(b"ok", b"OK")


def has_both(head: Received) -> bool:
    """Whether a request has a length and chunks."""
    return bool(head.values(LENGTH)) and bool(head.values(CODING))


def has_conflict(head: Received) -> bool:
    """Whether a request has two different lengths."""
    return len(set(head.values(LENGTH))) > 1


def without(head: Received, name: str) -> Received:
    """A request but for one of its headers."""
    return replace(head, headers=tuple(pair for pair in head.headers if pair[0].lower() != name))


def counted(name: str) -> Callable[[Received], bool]:
    """Whether a request has a header more than once."""
    return lambda head: len(head.values(name)) > 1


def asks(head: Received) -> bool:
    """Whether a client waits before it sends a body."""
    return bool(head.values("expect"))


def refusing(when: Callable[[Received], bool], answer: bytes) -> Move:
    """Answers some requests in one way, whatever their bodies."""

    def move(peer: Peer, head: Received) -> bytes | None:
        if not when(head):
            return None
        peer.rest(head)
        return answer

    return move


def answering(answer: bytes) -> Move:
    """Answers everything in one way."""
    return refusing(lambda _: True, answer)


def dropping(when: Callable[[Received], bool]) -> Move:
    """Hangs up on some requests."""

    def move(_peer: Peer, head: Received) -> None:
        if when(head):
            raise GoneError

    return move


def holding(when: Callable[[Received], bool]) -> Move:
    """Never answers some requests."""

    def move(peer: Peer, head: Received) -> None:
        if when(head):
            peer.hold()

    return move


def overlooking(name: str, *, is_last: bool) -> Move:
    """Overlooks one of two headers that tell a length, and goes on or closes."""

    def move(peer: Peer, head: Received) -> bytes | None:
        if not has_both(head):
            return None
        answer = fair(peer, without(head, name))
        return last(answer) if is_last else answer

    return move


def believing_last(peer: Peer, head: Received) -> bytes:
    """Takes the last of several lengths."""
    lengths = head.values(LENGTH)[-1:]
    return fair(
        peer,
        replace(
            without(head, LENGTH), headers=(*without(head, LENGTH).headers, *((LENGTH, v) for v in lengths))
        ),
    )


def refusing_once(when: Callable[[Received], bool], line: str = "400 Bad Request") -> Move:
    """Refuses without a look at the body, and closes."""
    return lambda _, head: status(line) if when(head) else None


def has_no_length(head: Received) -> bool:
    """Whether nothing says that there is a body."""
    return head.method == "POST" and not head.values(LENGTH) and not head.values(CODING)


def is_flood(head: Received) -> bool:
    """Whether a head is unreasonable."""
    return len(head.headers) > 100 or any(len(value) > 10_000 for _, value in head.headers)


def is_old(head: Received) -> bool:
    """Whether a request is of HTTP/1.0."""
    return head.version == "HTTP/1.0"


def crashing_on_cut(peer: Peer, head: Received) -> bytes:
    """Fails on JSON that breaks off."""
    return fair(peer, head).replace(BAD, CRASHED)


def careless(peer: Peer, head: Received) -> bytes | None:
    """Accepts what is not there yet."""
    if is_by_hand(head) and not head.values("connection"):
        peer.pause(0.05)
        return last(OK)
    return None


def chunked_by_hand(head: Received) -> bool:
    """Whether a request in chunks is not from the usual client."""
    return is_by_hand(head) and bool(head.values(CODING))


def single(peer: Peer, head: Received) -> bytes:
    """Closes after each answer, and says so."""
    return last(fair(peer, head))


def numbered(*answers: bytes | None) -> Move:
    """Answers the first requests of connections that are written by hand in turn; None is never said."""
    seen: dict[int, int] = {}

    def move(peer: Peer, head: Received) -> bytes | None:
        number = seen[peer.number] = seen.get(peer.number, 0) + 1
        if not is_by_hand(head) or number > len(answers):
            return None
        peer.rest(head)
        answer = answers[number - 1]
        if answer is None:
            peer.hold()
        return answer

    return move


FINE: tuple[tuple[str, Move], ...] = (
    ("length.too-small", usual),
    ("length.too-large", usual),
    ("length.missing", usual),
    ("length.missing", refusing_once(has_no_length)),
    ("length.missing", dropping(has_no_length)),
    ("length.doubled", usual),
    ("length.doubled", refusing_once(counted(LENGTH))),
    ("length.doubled", dropping(counted(LENGTH))),
    ("length.conflict", refusing_once(has_conflict)),
    ("length.conflict", dropping(has_conflict)),
    ("length.with-chunks", refusing_once(has_both)),
    ("length.with-chunks", overlooking(LENGTH, is_last=True)),
    ("expect.continue", usual),
    ("chunks.extended", usual),
    ("headers.host-twice", usual),
    ("headers.host-twice", refusing_once(counted("host"))),
    ("headers.key-twice", usual),
    ("headers.flood", usual),
    ("headers.flood", refusing_once(is_flood, "431 Too Large")),
    ("headers.flood", dropping(is_flood)),
    ("version.http-10", usual),
    ("version.http-10", single),
    ("pipelining.order", usual),
    ("pipelining.order", single),
    ("pipelining.order", numbered(OK, last(OK))),
    ("connection.credentials", usual),
    ("framing.accepted", usual),
    ("framing.accepted", answering(CHUNKED)),
    ("framing.accepted", answering(b"HTTP/1.1 204 No Content\r\n\r\n")),
    ("framing.refused", usual),
    ("head.content", usual),
)


@pytest.mark.parametrize(("check", "move"), FINE)
def test_a_server_that_may_speak_so(check: str, move: Move) -> None:
    """Nothing is wrong with it."""
    found = verdict(f"robustness.{check}", move)
    assert (found.outcome.value, found.message) == ("pass", "")


BROKEN: tuple[tuple[str, Move, str, str], ...] = (
    ("length.too-small", crashing_on_cut, "must", "came out as the server's"),
    ("length.too-small", numbered(OK), "should", "cut off by its Content-Length must not be accepted"),
    ("length.too-large", careless, "should", "ends before its Content-Length must not be accepted"),
    ("length.missing", holding(has_no_length), "must", "is never answered"),
    ("length.missing", refusing(has_no_length, CRASHED), "must", "came out as the server's"),
    ("length.doubled", refusing(counted(LENGTH), CRASHED), "must", "came out as the server's"),
    ("length.conflict", usual, "should", "a smaller one must not be accepted"),
    ("length.conflict", believing_last, "should", "a length and then a"),
    ("length.conflict", refusing(has_conflict, BAD), "should", "must be closed"),
    ("length.with-chunks", usual, "should", "covers a second request the connection must be closed"),
    ("length.with-chunks", overlooking(CODING, is_last=False), "should", "must be closed"),
    ("expect.continue", refusing(asks, OK), "should", "before the body, and was not"),
    ("expect.continue", refusing_once(asks, "417 No"), "should", "417"),
    ("chunks.extended", refusing(chunked_by_hand, BAD), "should", "chunks with extensions must be accepted"),
    ("headers.host-twice", refusing(counted("host"), CRASHED), "must", "came out as the server's"),
    ("headers.key-twice", refusing(counted("authorization"), CRASHED), "must", "came out as the server's"),
    ("headers.flood", refusing(is_flood, CRASHED), "must", "came out as the server's"),
    ("version.http-10", refusing(is_old, status("505 No")), "should", "HTTP/1.0 must be accepted"),
    ("version.http-10", answering(CHUNKED), "should", "must not be answered in chunks"),
    ("version.http-10", holding(is_old), "should", "is never answered"),
    ("pipelining.order", numbered(OK, BAD, OK), "should", "number 2 of four"),
    ("pipelining.order", numbered(BAD), "should", "number 1 of four"),
    ("pipelining.order", numbered(OK, None), "should", "number 2 of four"),
    ("pipelining.order", numbered(OK, OK, CRASHED), "should", "number 3 of four"),
    ("connection.credentials", answering(OK), "must", "after an acceptable request on the same connection"),
    ("framing.accepted", numbered(OK + b"xyz"), "should", "followed by 3 bytes"),
    ("framing.accepted", numbered(OK[:-1] + OK_AGAIN), "should", "followed by"),
    ("framing.accepted", numbered(last(OK)[:-1]), "should", "closed in the middle"),
    ("framing.accepted", numbered(FORBIDDEN), "should", "followed by 2 bytes"),
    ("framing.accepted", numbered(FORBIDDEN[:-2]), "should", "a 204 has no content"),
    ("framing.accepted", numbered(BOTH), "should", "both a Content-Length"),
    ("framing.refused", numbered(BAD + b"xyz"), "should", "followed by 3 bytes"),
    ("framing.refused", numbered(b"nonsense\r\n\r\n"), "should", "not HTTP"),
    ("head.content", numbered(BAD), "should", "followed by 3 bytes"),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked to wait long for a 100."""
    monkeypatch.setattr(raw, "INTERIM_S", 0.1)


@pytest.mark.parametrize(("check", "move", "level", "words"), BROKEN)
def test_a_server_that_may_not_speak_so(check: str, move: Move, level: str, words: str) -> None:
    """It is named, at the level of what it breaks."""
    found = verdict(f"robustness.{check}", move)
    assert (found.outcome.value, found.level.value) == ("fail", level)
    assert words in found.message, found.message


def test_a_server_that_takes_the_rest_of_a_body_for_a_request() -> None:
    """A success for it stores what nobody sent; a 5xx is a crash over it."""
    found = verdict("robustness.length.too-small", usual, last(OK))
    assert (found.level.value, found.message[:19]) == ("should", "what follows a body")
    assert verdict("robustness.length.too-small", usual, last(CRASHED)).level.value == "must"
    assert verdict("robustness.length.too-small", usual, status("505 No")).outcome.value == "pass"


def test_a_server_that_waits_for_the_rest_of_a_body() -> None:
    """It has accepted nothing, so no promise is broken; the run says what it does."""

    def waiting(peer: Peer, head: Received) -> None:
        if is_by_hand(head):
            peer.hold()

    found = verdict("robustness.length.too-large", waiting)
    assert (found.outcome.value, found.message[:25]) == ("pass", "the target goes on waitin")


def test_a_server_that_says_its_last_word_and_does_not_close() -> None:
    """After an answer that is the last of its connection, nobody waits for another."""

    def lingering(peer: Peer, head: Received) -> bytes | None:
        if not has_conflict(head):
            return None
        peer.say(last(BAD))
        peer.hold()
        return None

    assert verdict("robustness.length.conflict", lingering).outcome.value == "pass"


def test_a_server_that_knows_no_chunks() -> None:
    """Then nothing can be said about their extensions."""
    found = verdict(
        "robustness.chunks.extended", lambda _, head: status("411 L") if head.values(CODING) else None
    )
    assert found.outcome.value == "not-applicable"


def test_a_server_that_closes_after_each_answer() -> None:
    """Then no connection has credentials to remember."""
    assert verdict("robustness.connection.credentials", single).outcome.value == "not-applicable"


@pytest.mark.parametrize(
    ("move", "note"), [(usual, "answered with 200"), (dropping(is_by_hand), "not answered: closed")]
)
def test_a_client_that_ends_its_side(move: Move, note: str) -> None:
    """What becomes of it is a note, and no failure."""
    found = verdict("robustness.connection.half-closed", move)
    assert (found.outcome.value, found.message) == ("observed", note)
