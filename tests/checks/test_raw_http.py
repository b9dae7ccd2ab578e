"""The checks of HTTP framing: each on servers that keep the rules, and on servers that break them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from conformance.wire import raw_connection
from tests.support.scripted_checks import (
    BAD,
    CRASHED,
    answer_correctly,
    closing_connection,
    empty_closing_answer,
    is_raw_request,
    no_override,
    run_check,
)
from tests.support.scripted_server import OK, ClientClosedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.scripted_checks import Responder
    from tests.support.scripted_server import ClientConnection, ReceivedRequest

LENGTH, CODING = "content-length", "transfer-encoding"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
BOTH = CHUNKED.replace(b"OK\r\n", b"OK\r\nContent-Length: 2\r\n")
FORBIDDEN = b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok"
OK_AGAIN = OK.replace(b"ok", b"OK")


def has_both(head: ReceivedRequest) -> bool:
    """Whether a request has a length and chunks."""
    return bool(head.values(LENGTH)) and bool(head.values(CODING))


def has_conflict(head: ReceivedRequest) -> bool:
    """Whether a request has two different lengths."""
    return len(set(head.values(LENGTH))) > 1


def without(head: ReceivedRequest, name: str) -> ReceivedRequest:
    """A request but for one of its headers."""
    return replace(head, headers=tuple(pair for pair in head.headers if pair[0].lower() != name))


def has_repeated_header(name: str) -> Callable[[ReceivedRequest], bool]:
    """Whether a request has a header more than once."""
    return lambda head: len(head.values(name)) > 1


def expects_continue(head: ReceivedRequest) -> bool:
    """Whether a client waits before it sends a body."""
    return bool(head.values("expect"))


def answer_when(when: Callable[[ReceivedRequest], bool], answer: bytes) -> Responder:
    """Answers some requests in one way, without a look at their bodies."""

    def move(peer: ClientConnection, head: ReceivedRequest) -> bytes | None:
        if not when(head):
            return None
        peer.read_body(head)
        return answer

    return move


def answer_all(answer: bytes) -> Responder:
    """Answers everything in one way."""
    return answer_when(lambda _: True, answer)


def close_when(when: Callable[[ReceivedRequest], bool]) -> Responder:
    """Hangs up on some requests."""

    def move(_peer: ClientConnection, head: ReceivedRequest) -> None:
        if when(head):
            raise ClientClosedError

    return move


def never_answer_when(when: Callable[[ReceivedRequest], bool]) -> Responder:
    """Never answers some requests."""

    def move(peer: ClientConnection, head: ReceivedRequest) -> None:
        if when(head):
            peer.stay_silent()

    return move


def ignore_length_header(name: str, *, is_last: bool) -> Responder:
    """Ignores one of two headers with a length, and keeps the connection open or closes it."""

    def move(peer: ClientConnection, head: ReceivedRequest) -> bytes | None:
        if not has_both(head):
            return None
        answer = answer_correctly(peer, without(head, name))
        return closing_connection(answer) if is_last else answer

    return move


def use_last_length(peer: ClientConnection, head: ReceivedRequest) -> bytes:
    """Takes the last of several lengths."""
    lengths = head.values(LENGTH)[-1:]
    return answer_correctly(
        peer,
        replace(without(head, LENGTH), headers=(*without(head, LENGTH).headers, *((LENGTH, v) for v in lengths))),
    )


def refuse_and_close_when(when: Callable[[ReceivedRequest], bool], line: str = "400 Bad Request") -> Responder:
    """Refuses without a look at the body, and closes."""
    return lambda _, head: empty_closing_answer(line) if when(head) else None


def has_no_length(head: ReceivedRequest) -> bool:
    """Whether no header announces a body."""
    return head.method == "POST" and not head.values(LENGTH) and not head.values(CODING)


def has_many_headers(head: ReceivedRequest) -> bool:
    """Whether a head is unreasonable."""
    return len(head.headers) > 100 or any(len(value) > 10_000 for _, value in head.headers)


def is_http_1_0(head: ReceivedRequest) -> bool:
    """Whether a request is of HTTP/1.0."""
    return head.version == "HTTP/1.0"


def crashing_on_cut(peer: ClientConnection, head: ReceivedRequest) -> bytes:
    """Fails on JSON that breaks off before the bytes do; alone, as the usual client sends it, it is refused."""
    answer = answer_correctly(peer, head)
    return answer.replace(BAD, CRASHED) if is_raw_request(head) else answer


def crashing_on_any_cut(peer: ClientConnection, head: ReceivedRequest) -> bytes:
    """Fails on all JSON that breaks off."""
    return answer_correctly(peer, head).replace(BAD, CRASHED)


def accept_incomplete_body(peer: ClientConnection, head: ReceivedRequest) -> bytes | None:
    """Accepts a request before its body has arrived."""
    if is_raw_request(head) and not head.values("connection"):
        peer.wait(0.05)
        return closing_connection(OK)
    return None


def chunked_by_hand(head: ReceivedRequest) -> bool:
    """Whether a request in chunks is not from the usual client."""
    return is_raw_request(head) and bool(head.values(CODING))


def answer_pipeline_once(peer: ClientConnection, head: ReceivedRequest) -> bytes:
    """Closes after each answer, and says so."""
    return closing_connection(answer_correctly(peer, head))


def answer_by_position(*answers: bytes | None, controls: int = 0) -> Responder:
    """Answers the first requests of raw connections in turn; None stands for no answer.

    The first `controls` raw connections are answered correctly.
    """
    counts: dict[int, int] = {}

    def move(peer: ClientConnection, head: ReceivedRequest) -> bytes | None:
        if not is_raw_request(head):
            return None
        number = counts[peer.number] = counts.get(peer.number, 0) + 1
        if list(counts).index(peer.number) < controls or number > len(answers):
            return None
        peer.read_body(head)
        answer = answers[number - 1]
        if answer is None:
            peer.stay_silent()
        return answer

    return move


def answer_pipeline(*answers: bytes | None) -> Responder:
    """Answers pipelined requests in turn, after a kept connection and a refusal alone have been answered correctly."""
    return answer_by_position(*answers, controls=2)


def remembering_credentials() -> Responder:
    """Asks for credentials once on each connection."""
    known: set[int] = set()

    def move(peer: ClientConnection, head: ReceivedRequest) -> bytes | None:
        if peer.number in known:
            peer.read_body(head)
            return OK
        if head.values("authorization"):
            known.add(peer.number)
        return None

    return move


ALLOWED_BEHAVIOURS: tuple[tuple[str, Responder], ...] = (
    ("length.too-small", no_override),
    ("length.too-large", no_override),
    ("length.missing", no_override),
    ("length.missing", refuse_and_close_when(has_no_length)),
    ("length.missing", close_when(has_no_length)),
    ("length.doubled", no_override),
    ("length.doubled", refuse_and_close_when(has_repeated_header(LENGTH))),
    ("length.doubled", close_when(has_repeated_header(LENGTH))),
    ("length.conflict", refuse_and_close_when(has_conflict)),
    ("length.conflict", close_when(has_conflict)),
    ("length.with-chunks", refuse_and_close_when(has_both)),
    ("length.with-chunks", ignore_length_header(LENGTH, is_last=True)),
    ("expect.continue", no_override),
    ("chunks.extended", no_override),
    ("headers.host-twice", no_override),
    ("headers.host-twice", refuse_and_close_when(has_repeated_header("host"))),
    ("headers.key-twice", no_override),
    ("headers.flood", no_override),
    ("headers.flood", refuse_and_close_when(has_many_headers, "431 Too Large")),
    ("headers.flood", close_when(has_many_headers)),
    ("version.http-10", no_override),
    ("version.http-10", answer_pipeline_once),
    ("pipelining.order", no_override),
    ("pipelining.order", answer_pipeline_once),
    ("pipelining.order", answer_pipeline(OK, closing_connection(OK))),
    ("connection.credentials", no_override),
    ("framing.accepted", no_override),
    ("framing.accepted", answer_all(CHUNKED)),
    ("framing.accepted", answer_all(b"HTTP/1.1 204 No Content\r\n\r\n")),
    ("framing.refused", no_override),
    ("head.content", no_override),
)


@pytest.mark.parametrize(("check", "move"), ALLOWED_BEHAVIOURS)
def test_a_server_that_may_speak_so(check: str, move: Responder) -> None:
    """Nothing is wrong with it."""
    check_verdict = run_check(f"robustness.{check}", move)
    assert (check_verdict.outcome.value, check_verdict.message) == ("pass", "")


FORBIDDEN_BEHAVIOURS: tuple[tuple[str, Responder, str, str], ...] = (
    ("length.too-small", crashing_on_cut, "should", "must not make the server fail"),
    ("length.too-small", answer_by_position(OK), "should", "cut off by its Content-Length must not be accepted"),
    ("length.too-large", accept_incomplete_body, "should", "ends before its Content-Length must not be accepted"),
    ("length.missing", never_answer_when(has_no_length), "should", "must be answered, as an acceptable request is"),
    ("length.missing", answer_when(has_no_length, CRASHED), "should", "must not make the server fail"),
    ("length.doubled", answer_when(has_repeated_header(LENGTH), CRASHED), "should", "must not make the server fail"),
    ("length.conflict", no_override, "should", "a smaller one must not be accepted"),
    ("length.conflict", use_last_length, "should", "a length and then a"),
    ("length.conflict", answer_when(has_conflict, BAD), "should", "must be closed"),
    ("length.with-chunks", no_override, "should", "covers a second request the connection must be closed"),
    ("length.with-chunks", ignore_length_header(CODING, is_last=False), "should", "must be closed"),
    ("expect.continue", answer_when(expects_continue, OK), "should", "before the body, and was not"),
    ("chunks.extended", answer_when(chunked_by_hand, BAD), "should", "chunks with extensions must be accepted"),
    (
        "headers.host-twice",
        answer_when(has_repeated_header("host"), CRASHED),
        "should",
        "must not make the server fail",
    ),
    (
        "headers.key-twice",
        answer_when(has_repeated_header("authorization"), CRASHED),
        "should",
        "must not make the server fail",
    ),
    ("headers.flood", answer_when(has_many_headers, CRASHED), "must", "must not make the server fail"),
    (
        "version.http-10",
        answer_when(is_http_1_0, empty_closing_answer("505 No")),
        "should",
        "HTTP/1.0 must be accepted",
    ),
    ("version.http-10", answer_all(CHUNKED), "should", "must not be answered in chunks"),
    ("version.http-10", never_answer_when(is_http_1_0), "must", "must be answered, as an acceptable request is"),
    ("pipelining.order", answer_pipeline(OK, BAD, OK), "should", "number 2 of four"),
    ("pipelining.order", answer_pipeline(BAD), "should", "number 1 of four"),
    ("pipelining.order", answer_pipeline(OK, None), "should", "number 2 of four"),
    ("pipelining.order", answer_pipeline(OK, OK, CRASHED), "should", "number 3 of four"),
    (
        "connection.credentials",
        remembering_credentials(),
        "must",
        "after an acceptable request on the same connection",
    ),
    ("framing.accepted", answer_by_position(OK + b"xyz"), "should", "followed by 3 bytes"),
    ("framing.accepted", answer_by_position(OK[:-1] + OK_AGAIN), "should", "followed by"),
    ("framing.accepted", answer_by_position(closing_connection(OK)[:-1]), "should", "closed in the middle"),
    ("framing.accepted", answer_by_position(FORBIDDEN), "should", "followed by 2 bytes"),
    ("framing.accepted", answer_by_position(FORBIDDEN[:-2]), "should", "a 204 has no content"),
    ("framing.accepted", answer_by_position(BOTH), "should", "both a Content-Length"),
    ("framing.refused", answer_by_position(BAD + b"xyz"), "should", "followed by 3 bytes"),
    ("framing.refused", answer_by_position(b"nonsense\r\n\r\n"), "should", "not HTTP"),
    ("head.content", answer_by_position(BAD), "should", "followed by 3 bytes"),
)


@pytest.fixture(autouse=True)
def _short_interim_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks do not wait long for a 100."""
    monkeypatch.setattr(raw_connection, "INTERIM_WAIT_S", 0.1)


@pytest.mark.parametrize(("check", "move", "level", "words"), FORBIDDEN_BEHAVIOURS)
def test_a_server_that_may_not_speak_so(check: str, move: Responder, level: str, words: str) -> None:
    """It is named, at the level of the broken promise."""
    check_verdict = run_check(f"robustness.{check}", move)
    assert (check_verdict.outcome.value, check_verdict.level.value) == ("fail", level)
    assert words in check_verdict.message, check_verdict.message


@pytest.mark.parametrize(
    ("check", "move", "outcome", "words"),
    [
        ("length.too-small", crashing_on_any_cut, "not-applicable", "makes the server fail in any case"),
        ("pipelining.order", answer_all(OK), "not-applicable", "is accepted alone, too"),
        ("pipelining.order", answer_by_position(OK, BAD), "untestable", "of which it is the first or the second"),
        ("pipelining.order", answer_by_position(BAD), "untestable", "of which it is the first or the second"),
        ("connection.credentials", answer_all(OK), "not-applicable", "is accepted alone, too"),
    ],
)
def test_what_is_wrong_in_any_case_is_no_matter_of_framing(
    check: str, move: Responder, outcome: str, words: str
) -> None:
    """Where the controls are answered wrongly, another check is about it."""
    check_verdict = run_check(f"robustness.{check}", move)
    assert check_verdict.outcome.value == outcome
    assert words in check_verdict.message, check_verdict.message


def test_a_server_that_does_not_meet_an_expectation() -> None:
    """417 is legal (RFC 9110, sections 10.1.1 and 15.5.18), and the report says so."""
    check_verdict = run_check("robustness.expect.continue", refuse_and_close_when(expects_continue, "417 No"))
    assert (check_verdict.outcome.value, check_verdict.message[:16]) == ("pass", "refused with 417")


def test_a_server_that_takes_the_rest_of_a_body_for_a_request() -> None:
    """A success stores an event that nobody sent; a 5xx is a crash."""
    check_verdict = run_check("robustness.length.too-small", no_override, closing_connection(OK))
    assert (check_verdict.level.value, check_verdict.message[:18]) == ("should", "the rest of a body")
    assert run_check("robustness.length.too-small", no_override, closing_connection(CRASHED)).level.value == "should"
    assert run_check("robustness.length.too-small", no_override, empty_closing_answer("505 No")).outcome.value == "pass"


def test_a_server_that_waits_for_the_rest_of_a_body() -> None:
    """It has accepted nothing, so no promise is broken; the run says what it does."""

    def waiting(peer: ClientConnection, head: ReceivedRequest) -> None:
        if is_raw_request(head):
            peer.stay_silent()

    check_verdict = run_check("robustness.length.too-large", waiting)
    assert (check_verdict.outcome.value, check_verdict.message[:25]) == ("pass", "the target waits for the ")


def test_a_server_that_says_its_last_word_and_does_not_close() -> None:
    """After an answer that closes the connection, the checks wait for no other."""

    def lingering(peer: ClientConnection, head: ReceivedRequest) -> bytes | None:
        if not has_conflict(head):
            return None
        peer.send(closing_connection(BAD))
        peer.stay_silent()
        return None

    assert run_check("robustness.length.conflict", lingering).outcome.value == "pass"


def test_a_server_that_knows_no_chunks() -> None:
    """Then nothing can be said about their extensions."""
    check_verdict = run_check(
        "robustness.chunks.extended", lambda _, head: empty_closing_answer("411 L") if head.values(CODING) else None
    )
    assert check_verdict.outcome.value == "not-applicable"


def test_a_server_that_closes_after_each_answer() -> None:
    """Then no connection has credentials to remember."""
    assert run_check("robustness.connection.credentials", answer_pipeline_once).outcome.value == "not-applicable"


@pytest.mark.parametrize(
    ("move", "note"), [(no_override, "answered with 200"), (close_when(is_raw_request), "not answered: closed")]
)
def test_a_client_that_ends_its_side(move: Responder, note: str) -> None:
    """The outcome is a note, not a failure."""
    check_verdict = run_check("robustness.connection.half-closed", move)
    assert (check_verdict.outcome.value, check_verdict.message) == ("observed", note)
