"""The checks of recovery: connections that get over a refusal, and connections that do not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.scripted_checks import (
    BAD,
    CRASHED,
    UNAUTHORIZED,
    answer_correctly,
    closing_connection,
    empty_closing_answer,
    is_raw_request,
    no_override,
    run_check,
)
from tests.support.scripted_server import OK, ClientClosedError

if TYPE_CHECKING:
    from tests.support.scripted_checks import Responder
    from tests.support.scripted_server import ClientConnection, ReceivedRequest

REFUSAL_KINDS = ("json", "credentials", "method", "key", "path", "size", "gzip", "utf8")


def has_no_key(head: ReceivedRequest) -> bool:
    """Whether a request has no credentials."""
    return not head.values("authorization")


def is_bad(answer: bytes) -> bool:
    """Whether an answer is a refusal."""
    return answer in {BAD, UNAUTHORIZED}


def close_after_refusal(peer: ClientConnection, head: ReceivedRequest) -> bytes:
    """Closes after a refusal, and says so."""
    answer = answer_correctly(peer, head)
    return closing_connection(answer) if is_bad(answer) else answer


def close_after_refusal_unannounced(peer: ClientConnection, head: ReceivedRequest) -> bytes:
    """Closes after a refusal without a word."""
    answer = answer_correctly(peer, head)
    if is_bad(answer):
        peer.send(answer)
        raise ClientClosedError
    return answer


def refuse_leaving_body_unread(_peer: ClientConnection, head: ReceivedRequest) -> bytes | None:
    """Refuses for the head alone, and leaves the body where it is."""
    return UNAUTHORIZED if has_no_key(head) else None


def refuse_early_and_close(_peer: ClientConnection, head: ReceivedRequest) -> bytes | None:
    """Refuses for the head alone, and closes."""
    return closing_connection(UNAUTHORIZED) if has_no_key(head) else None


def fail_after_refusal(answer: bytes | None) -> Responder:
    """Answers the next request after a refusal in another way, or never."""
    refused_connections: set[int] = set()

    def move(peer: ClientConnection, head: ReceivedRequest) -> bytes:
        correct_answer = answer_correctly(peer, head)
        if peer.number in refused_connections:
            if answer is None:
                peer.stay_silent()
                raise ClientClosedError
            return answer
        if is_bad(correct_answer) and is_raw_request(head):
            refused_connections.add(peer.number)
        return correct_answer

    return move


def fail_on_new_connections() -> Responder:
    """Fails on every new connection once it has refused something."""
    refused: list[int] = []

    def move(peer: ClientConnection, head: ReceivedRequest) -> bytes:
        correct_answer = answer_correctly(peer, head)
        if refused and peer.number not in refused:
            return CRASHED
        if is_bad(correct_answer):
            refused.append(peer.number)
        return correct_answer

    return move


@pytest.mark.parametrize("check", REFUSAL_KINDS)
@pytest.mark.parametrize(
    "move", [no_override, close_after_refusal, close_after_refusal_unannounced, refuse_early_and_close]
)
def test_a_server_that_gets_over_it(check: str, move: Responder) -> None:
    """It may go on with the connection, or close it, with a word or without."""
    assert run_check(f"robustness.recovery.{check}", move).outcome.value == "pass"


def test_a_body_that_is_left_on_the_connection() -> None:
    """It is read as the next request, and the next request is lost."""
    check_verdict = run_check("robustness.recovery.credentials", refuse_leaving_body_unread)
    assert (check_verdict.outcome.value, check_verdict.level.value) == ("fail", "must")
    assert "on the same connection, after missing credentials," in check_verdict.message
    assert check_verdict.curl.endswith("--select robustness.recovery.credentials")


LATE = "robustness.recovery.late-credentials"


@pytest.mark.parametrize("move", [no_override, close_after_refusal, refuse_early_and_close])
def test_a_body_that_comes_late_may_be_read_or_cut_off(move: Responder) -> None:
    """A server reads it before it answers, or after, or closes."""
    assert run_check(LATE, move).outcome.value == "pass"


def test_a_body_that_comes_late_is_not_read_as_a_request() -> None:
    """The next request would get the answer to it."""
    check_verdict = run_check(LATE, refuse_leaving_body_unread)
    assert (check_verdict.outcome.value, check_verdict.level.value) == ("fail", "must")
    assert "after missing credentials with a body that came late," in check_verdict.message


@pytest.mark.parametrize("answer", [BAD, CRASHED, b"\x16\x03\x01 nonsense\r\n\r\n", None], ids=str)
def test_a_connection_that_does_not_get_over_it(answer: bytes | None) -> None:
    """The next request is refused, crashes, gets nonsense, or is never answered."""
    check_verdict = run_check("robustness.recovery.json", fail_after_refusal(answer))
    assert (check_verdict.outcome.value, check_verdict.level.value) == ("fail", "must")
    assert "on the same connection, after invalid JSON," in check_verdict.message


def test_a_server_that_does_not_get_over_it() -> None:
    """Other connections suffer as well."""
    check_verdict = run_check("robustness.recovery.json", fail_on_new_connections())
    assert check_verdict.outcome.value == "fail"
    assert "on a new connection, after invalid JSON," in check_verdict.message


def fail_every_nth(nth: int, when: bytes) -> Responder:
    """Fails on each n-th request after one with some bytes in it, over all connections."""
    count = [-1]

    def move(peer: ClientConnection, head: ReceivedRequest) -> bytes:
        request = peer.read_body(head)
        is_first = count[0] < 0 and (when in request.body or not is_json(request.body))
        count[0] += count[0] >= 0 or is_first
        if count[0] > 0 and count[0] % nth == 0:
            return CRASHED
        return OK if is_json(request.body) else BAD

    return move


def is_json(body: bytes) -> bool:
    """Whether a body is JSON."""
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def fail_every_nth_and_close(nth: int) -> Responder:
    """The same, closing after each answer."""
    move = fail_every_nth(nth, b"nothing")

    def close(peer: ClientConnection, head: ReceivedRequest) -> bytes:
        return closing_connection(move(peer, head) or b"")

    return close


@pytest.mark.parametrize(
    ("check", "move", "outcome"),
    [
        ("series", fail_every_nth(10, b"nothing"), "fail"),
        ("series", fail_every_nth_and_close(10), "fail"),
        ("series", no_override, "pass"),
        ("series", close_after_refusal, "pass"),
        ("series-odd", fail_every_nth(4, rb"\u0000"), "fail"),
        ("series-odd", no_override, "pass"),
    ],
)
def test_what_comes_out_only_some_requests_later(check: str, move: Responder, outcome: str) -> None:
    """On one connection or on many."""
    assert run_check(f"robustness.recovery.{check}", move).outcome.value == outcome


def test_a_server_that_goes_down_for_good() -> None:
    """Whatever is sent after the refusal is hung up on: that is the same as a failure."""
    bodies: list[bytes] = []

    def dying(peer: ClientConnection, head: ReceivedRequest) -> bytes:
        if bodies:
            raise ClientClosedError
        correct_answer = answer_correctly(peer, head)
        if is_bad(correct_answer):
            bodies.append(correct_answer)
        return correct_answer

    check_verdict = run_check("robustness.recovery.json", dying)
    assert (check_verdict.outcome.value, check_verdict.expected) == ("fail", "an answer")


def test_a_server_that_only_speaks_once_in_a_while() -> None:
    """It refuses acceptable requests before any bad one was sent: that is no matter of recovery."""
    refused = empty_closing_answer("503 Later")
    check_verdict = run_check("robustness.recovery.json", lambda _, head: refused if is_raw_request(head) else None)
    assert check_verdict.outcome.value == "untestable"
    assert check_verdict.message.startswith("an acceptable request, over a connection of which it is the first")


def test_dropped_connections_are_reported() -> None:
    """The request was sent again, which nobody but the wire has seen."""
    drops: list[int] = []

    def drop_the_second(peer: ClientConnection, head: ReceivedRequest) -> bytes | None:
        drops.append(peer.number)
        if drops.count(peer.number) == 2 and not is_raw_request(head):
            peer.read_body(head)
            raise ClientClosedError
        return None

    dropped = run_check("robustness.connection.dropped", drop_the_second)
    assert dropped.outcome.value == "observed"
    assert "requests over kept connections had no answer, and were sent again" in dropped.message
    kept = run_check("robustness.connection.dropped", no_override)
    assert (kept.outcome.value, kept.message) == ("observed", "no kept connection was closed without an answer")
