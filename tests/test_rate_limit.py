"""The checks of rate limits, on targets that limit well, badly or not at all."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from conformance.cases.rate_limit import BURST
from conformance.model import Mishap, Request, Response, Verdict
from tests.canned import verdicts

if TYPE_CHECKING:
    from tests.canned import Answer

OK = Response(status=200, headers=(("Content-Type", "text/plain"),), body=b"OK")


def limiting(refusal: Response | Mishap, *, after: int = 50, lasting: int | None = None) -> Answer:
    """Refuses what comes after so many requests: for good, or so many times."""
    numbers = itertools.count()

    def answer(_: Request) -> Response | Mishap:
        number = next(numbers)
        over = number >= after and (lasting is None or number < after + lasting)
        return refusal if over else OK

    return answer


def limited(headers: dict[str, str] | None = None, status: int = 429) -> Response:
    """A refusal with headers."""
    return Response(status=status, headers=tuple((headers or {}).items()), body=b"slow down")


GOOD = {"Retry-After": "0", "X-RateLimit-Reset": "0"}


def judged(profile: str, check: str, answer: Answer) -> Verdict:
    """The one verdict of a check."""
    (found,) = verdicts(profile, f"rate-limit.{check}", answer)
    return found


def test_no_limit_is_met() -> None:
    """There is nothing to complain of, and the burst is made once for all checks."""
    sent: list[Request] = []

    def answer(request: Request) -> Response:
        sent.append(request)
        return OK

    found = {item.id: item for item in verdicts("segment", "rate-limit", answer)}
    assert {name: item.outcome.value for name, item in found.items()} == {
        "rate-limit.none.promised": "not-applicable",
        "rate-limit.refusal.headers": "not-applicable",
        "rate-limit.refusal.recovers": "not-applicable",
        "rate-limit.refusal.retry-after": "not-applicable",
        "rate-limit.refusal.status": "pass",
    }
    assert len(sent) == BURST
    assert "no limit was met" in found["rate-limit.refusal.status"].message


@pytest.mark.parametrize("profile", ["segment", "rudderstack", "metarouter"])
def test_a_good_429(profile: str) -> None:
    """It has the documented headers, and the target accepts again."""
    found = verdicts(profile, "rate-limit.refusal.*", limiting(limited(GOOD), lasting=BURST - 50))
    assert {item.outcome.value for item in found} <= {"pass", "not-applicable"}
    assert sum(item.outcome.value == "pass" for item in found) >= 2


@pytest.mark.parametrize(
    ("refusal", "received"),
    [
        (limited(status=503), "503"),
        (limited(status=500), "500"),
        (limited(status=400), "400"),
        (Mishap.CLOSED, "no answer"),
    ],
    ids=str,
)
def test_another_answer_than_429(refusal: Response | Mishap, received: str) -> None:
    """A burst that is refused otherwise is named."""
    found = judged("segment", "refusal.status", limiting(refusal))
    assert (found.outcome.value, found.level.value, found.expected) == ("fail", "must", "429")
    assert found.received.startswith(received)


HEADERS = [
    ({"X-RateLimit-Reset": "1"}, "Retry-After"),
    ({"Retry-After": "1"}, "X-RateLimit-Reset"),
    ({"Retry-After": "soon", "X-RateLimit-Reset": "1"}, "Retry-After"),
    ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT", "X-RateLimit-Reset": "1"}, "Retry-After"),
    ({"Retry-After": "1.5", "X-RateLimit-Reset": "1"}, "Retry-After"),
    ({"Retry-After": "-1", "X-RateLimit-Reset": "1"}, "Retry-After"),
    ({"Retry-After": "1", "X-RateLimit-Reset": "1732180000"}, "X-RateLimit-Reset"),
    ({"Retry-After": "1", "X-RateLimit-Reset": ""}, "X-RateLimit-Reset"),
]


@pytest.mark.parametrize(("headers", "name"), HEADERS, ids=str)
def test_a_429_that_names_no_time(headers: dict[str, str], name: str) -> None:
    """The header that is missing or can't be read is named, at the level of its own promise."""
    found = judged("segment", "refusal.headers", limiting(limited(headers)))
    assert (found.outcome.value, found.level.value) == ("fail", "must")
    assert found.expected.startswith(f"{name}:")


def test_a_header_that_is_only_recommended() -> None:
    """The failure has the weaker level."""
    found = judged("rudderstack", "refusal.headers", limiting(limited()))
    assert (found.outcome.value, found.level.value) == ("fail", "should")


def test_a_target_that_does_not_come_back() -> None:
    """It named a time, and refuses after it."""
    found = judged("segment", "refusal.recovers", limiting(limited(GOOD)))
    assert (found.outcome.value, found.level.value) == ("fail", "should")


def test_a_time_that_is_too_long_to_wait_for() -> None:
    """No verdict is better than a run that never ends."""
    found = judged("segment", "refusal.recovers", limiting(limited({"Retry-After": "900"})))
    assert found.outcome.value == "not-applicable"
    assert "900 s" in found.message


@pytest.mark.parametrize("refusal", [limited(), limited(status=503)], ids=["429", "503"])
def test_a_limit_where_none_was_promised(refusal: Response) -> None:
    """Whatever it is answered with."""
    found = judged("segmentstream", "none.promised", limiting(refusal))
    assert (found.outcome.value, found.level.value) == ("fail", "should")


def test_the_promise_of_no_limit_kept() -> None:
    """A burst is taken."""
    assert judged("segmentstream", "none.promised", lambda _: Response(status=204)).outcome.value == "pass"


def test_a_429_that_came_before_is_looked_at() -> None:
    """The checks do not provoke what the run has met already."""
    answer = limiting(limited(GOOD), after=3, lasting=1)
    found = {item.id: item for item in verdicts("segment", "json.syntax.nan,rate-limit", answer)}
    assert found["rate-limit.refusal.headers"].outcome.value == "pass"
    assert found["rate-limit.refusal.status"].outcome.value == "pass"


@pytest.mark.parametrize("value", ["0", "30", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_retry_after_that_can_be_read(value: str) -> None:
    """A date will do for HTTP; whether it does for the vendor is another check's question."""
    found = judged("metarouter", "refusal.retry-after", limiting(limited({"Retry-After": value})))
    assert found.outcome.value == "pass"


@pytest.mark.parametrize("value", ["soon", "1.5", "-1", "", "1732180000123"])
def test_a_retry_after_that_can_not_be_read(value: str) -> None:
    """It fails in every profile, for HTTP says how it is written."""
    found = judged("metarouter", "refusal.retry-after", limiting(limited({"Retry-After": value})))
    assert (found.outcome.value, found.level.value) == ("fail", "should")


def test_a_429_without_a_retry_after() -> None:
    """HTTP does not ask for one."""
    found = judged("metarouter", "refusal.retry-after", limiting(limited()))
    assert found.outcome.value == "not-applicable"
