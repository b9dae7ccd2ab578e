"""The checks of recovery: connections that get over a refusal, and connections that do not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.scripted import BAD, CRASHED, UNAUTHORIZED, fair, is_by_hand, last, status, usual, verdict
from tests.sockets import OK, GoneError

if TYPE_CHECKING:
    from tests.scripted import Move
    from tests.sockets import Peer, Received

FORMS = ("json", "credentials", "method", "key", "path", "size", "gzip", "utf8")


def has_no_key(head: Received) -> bool:
    """Whether a request has no credentials."""
    return not head.values("authorization")


def is_bad(answer: bytes) -> bool:
    """Whether an answer is a refusal."""
    return answer in {BAD, UNAUTHORIZED}


def closing(peer: Peer, head: Received) -> bytes:
    """Closes after a refusal, and says so."""
    answer = fair(peer, head)
    return last(answer) if is_bad(answer) else answer


def hanging_up(peer: Peer, head: Received) -> bytes:
    """Closes after a refusal without a word."""
    answer = fair(peer, head)
    if is_bad(answer):
        peer.say(answer)
        raise GoneError
    return answer


def leaving(_peer: Peer, head: Received) -> bytes | None:
    """Refuses for the head alone, and leaves the body where it is."""
    return UNAUTHORIZED if has_no_key(head) else None


def hasty(_peer: Peer, head: Received) -> bytes | None:
    """Refuses for the head alone, and closes."""
    return last(UNAUTHORIZED) if has_no_key(head) else None


def grudging(answer: bytes | None) -> Move:
    """Answers the next request after a refusal in another way, or never."""
    spoilt: set[int] = set()

    def move(peer: Peer, head: Received) -> bytes:
        found = fair(peer, head)
        if peer.number in spoilt:
            if answer is None:
                peer.hold()
                raise GoneError
            return answer
        if is_bad(found) and is_by_hand(head):
            spoilt.add(peer.number)
        return found

    return move


def remembering() -> Move:
    """Fails on every new connection once it has refused something."""
    refused: list[int] = []

    def move(peer: Peer, head: Received) -> bytes:
        found = fair(peer, head)
        if refused and peer.number not in refused:
            return CRASHED
        if is_bad(found):
            refused.append(peer.number)
        return found

    return move


@pytest.mark.parametrize("check", FORMS)
@pytest.mark.parametrize("move", [usual, closing, hanging_up, hasty])
def test_a_server_that_gets_over_it(check: str, move: Move) -> None:
    """It may go on with the connection, or close it, with a word or without."""
    assert verdict(f"robustness.recovery.{check}", move).outcome.value == "pass"


def test_a_body_that_is_left_on_the_connection() -> None:
    """It is read as the next request, and the next request is lost."""
    found = verdict("robustness.recovery.credentials", leaving)
    assert (found.outcome.value, found.level.value) == ("fail", "must")
    assert "on the same connection, after missing credentials," in found.message
    assert found.curl.endswith("--select robustness.recovery.credentials")


@pytest.mark.parametrize("answer", [BAD, CRASHED, b"\x16\x03\x01 nonsense\r\n\r\n", None], ids=str)
def test_a_connection_that_does_not_get_over_it(answer: bytes | None) -> None:
    """The next request is refused, crashes, gets nonsense, or is never answered."""
    found = verdict("robustness.recovery.json", grudging(answer))
    assert (found.outcome.value, found.level.value) == ("fail", "must")
    assert "on the same connection, after invalid JSON," in found.message


def test_a_server_that_does_not_get_over_it() -> None:
    """Other connections suffer as well."""
    found = verdict("robustness.recovery.json", remembering())
    assert found.outcome.value == "fail"
    assert "on a new connection, after invalid JSON," in found.message


def every(nth: int, when: bytes) -> Move:
    """Fails on each n-th request after one with some bytes in it, over all connections."""
    count = [-1]

    def move(peer: Peer, head: Received) -> bytes:
        found = peer.rest(head)
        is_first = count[0] < 0 and (when in found.body or not is_json(found.body))
        count[0] += count[0] >= 0 or is_first
        if count[0] > 0 and count[0] % nth == 0:
            return CRASHED
        return OK if is_json(found.body) else BAD

    return move


def is_json(body: bytes) -> bool:
    """Whether a body is JSON."""
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def always_closing(nth: int) -> Move:
    """The same, closing after each answer."""
    move = every(nth, b"nothing")

    def close(peer: Peer, head: Received) -> bytes:
        return last(move(peer, head) or b"")

    return close


@pytest.mark.parametrize(
    ("check", "move", "outcome"),
    [
        ("series", every(10, b"nothing"), "fail"),
        ("series", always_closing(10), "fail"),
        ("series", usual, "pass"),
        ("series", closing, "pass"),
        ("series-odd", every(4, rb"\u0000"), "fail"),
        ("series-odd", usual, "pass"),
    ],
)
def test_what_comes_out_only_some_requests_later(check: str, move: Move, outcome: str) -> None:
    """On one connection or on many."""
    assert verdict(f"robustness.recovery.{check}", move).outcome.value == outcome


def test_a_server_that_goes_down_for_good() -> None:
    """Whatever is sent after the refusal is hung up on: that is the same as a failure."""
    seen: list[bytes] = []

    def dying(peer: Peer, head: Received) -> bytes:
        if seen:
            raise GoneError
        found = fair(peer, head)
        if is_bad(found):
            seen.append(found)
        return found

    found = verdict("robustness.recovery.json", dying)
    assert (found.outcome.value, found.expected) == ("fail", "a success")


def test_a_server_that_only_speaks_once_in_a_while() -> None:
    """A refusal of everything else than the control says nothing of recovery but that there is none."""
    refused = status("503 Later")
    found = verdict("robustness.recovery.json", lambda _, head: refused if is_by_hand(head) else None)
    assert found.outcome.value == "fail"
