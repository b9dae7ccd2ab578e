"""The checks of rate limits, on targets that limit well, badly or not at all."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from conformance.cases._bursts import BURST_SIZE
from conformance.contract import Contract
from conformance.core.model import Request, Response, TransportFailure, Verdict
from conformance.profile import load
from conformance.profile.facts import ResponseKind
from conformance.refserver.replies import build_reply
from tests.support.function_targets import run_checks

if TYPE_CHECKING:
    from tests.support.fake_wires import Answer

OK = Response(status=200, headers=(("Content-Type", "text/plain"),), body=b"OK")


def rate_limiting_target(
    refusal: Response | TransportFailure, *, after: int = 50, lasting: int | None = None
) -> Answer:
    """Refuses the requests after a number of them: for good, or a number of times."""
    numbers = itertools.count()

    def answer(_: Request) -> Response | TransportFailure:
        number = next(numbers)
        over = number >= after and (lasting is None or number < after + lasting)
        return refusal if over else OK

    return answer


def answer_429(headers: dict[str, str] | None = None, status: int = 429) -> Response:
    """A refusal with headers."""
    return Response(status=status, headers=tuple((headers or {}).items()), body=b"slow down")


def documented_429(profile: str) -> Response:
    """A refusal with the documented headers, body and type."""
    shape = Contract(load(profile)).response_body(ResponseKind.ERROR)
    reply = build_reply(429, shape, "slow down", headers=GOOD_HEADERS)
    headers = (*reply.headers.items(), ("Content-Type", reply.media_type or "text/plain"))
    return Response(status=429, headers=headers, body=reply.body)


GOOD_HEADERS = {"Retry-After": "0", "X-RateLimit-Reset": "0"}


def run_check(profile: str, check: str, answer: Answer) -> Verdict:
    """The one verdict of a check."""
    (verdict,) = run_checks(profile, f"rate-limit.{check}", answer)
    return verdict


def test_no_limit_is_met() -> None:
    """No check fails, and one burst serves all checks."""
    sent: list[Request] = []

    def answer(request: Request) -> Response:
        sent.append(request)
        return OK

    verdicts_by_id = {item.id: item for item in run_checks("segment", "rate-limit", answer)}
    assert {name: item.outcome.value for name, item in verdicts_by_id.items()} == {
        "rate-limit.none.promised": "not-applicable",
        "rate-limit.recommended.reached": "observed",
        "rate-limit.refusal.body": "not-applicable",
        "rate-limit.refusal.headers": "not-applicable",
        "rate-limit.refusal.headers-agree": "not-applicable",
        "rate-limit.refusal.recovers": "not-applicable",
        "rate-limit.refusal.retry-after": "not-applicable",
        "rate-limit.refusal.status": "pass",
    }
    assert len(sent) == BURST_SIZE
    assert "reached no limit" in verdicts_by_id["rate-limit.refusal.status"].message


@pytest.mark.parametrize("profile", ["segment", "rudderstack", "metarouter"])
def test_a_good_429(profile: str) -> None:
    """It has the documented headers, and the target accepts again."""
    check_verdicts = run_checks(
        profile, "rate-limit.refusal.*", rate_limiting_target(documented_429(profile), lasting=BURST_SIZE - 50)
    )
    assert {item.outcome.value for item in check_verdicts} <= {"pass", "not-applicable"}
    assert sum(item.outcome.value == "pass" for item in check_verdicts) >= 2


@pytest.mark.parametrize("profile", ["segment", "rudderstack", "metarouter"])
def test_a_check_that_sends_both_bursts_itself(profile: str) -> None:
    """Alone, the check of recovery has nobody else's burst to look at."""
    target = rate_limiting_target(answer_429(GOOD_HEADERS), lasting=BURST_SIZE - 50)
    verdict = run_check(profile, "refusal.recovers", target)
    assert (verdict.outcome.value, verdict.message) == ("pass", "accepted again since the 429, and in another burst")


@pytest.mark.parametrize(
    ("refusal", "received"),
    [
        (answer_429(status=503), "503"),
        (answer_429(status=500), "500"),
        (answer_429(status=400), "400"),
        (TransportFailure.CLOSED, "no answer"),
    ],
    ids=str,
)
def test_another_answer_than_429(refusal: Response | TransportFailure, received: str) -> None:
    """A burst that is refused otherwise is named."""
    verdict = run_check("segment", "refusal.status", rate_limiting_target(refusal))
    assert (verdict.outcome.value, verdict.level.value, verdict.expected) == ("fail", "must", "429")
    assert verdict.received.startswith(received)


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
    verdict = run_check("segment", "refusal.headers", rate_limiting_target(answer_429(headers)))
    assert (verdict.outcome.value, verdict.level.value) == ("fail", "must")
    assert verdict.expected.startswith(f"{name}:")


def test_a_header_that_is_only_recommended() -> None:
    """The failure has the weaker level."""
    verdict = run_check("rudderstack", "refusal.headers", rate_limiting_target(answer_429()))
    assert (verdict.outcome.value, verdict.level.value) == ("fail", "may")


def test_a_date_where_no_document_asks_for_seconds() -> None:
    """HTTP has both in Retry-After."""
    target = rate_limiting_target(answer_429({"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}))
    assert run_check("rudderstack", "refusal.headers", target).outcome.value == "pass"
    assert run_check("segment", "refusal.headers", target).outcome.value == "fail"


OVERLOADED = Response(status=503, headers=(("Retry-After", "1"),))


@pytest.mark.parametrize("profile", ["segment", "segmentstream", "rudderstack"])
def test_a_limit_of_requests_at_once(profile: str) -> None:
    """A 503 with Retry-After is one line, a SHOULD that cites HTTP."""
    verdict = run_check(profile, "refusal.status", rate_limiting_target(OVERLOADED))
    assert (verdict.outcome.value, verdict.level.value) == ("fail", "should")
    assert all(source.document.startswith("RFC") for source in verdict.sources)
    if profile == "segmentstream":
        verdict = run_check(profile, "none.promised", rate_limiting_target(OVERLOADED))
        assert verdict.outcome.value == "not-applicable"


def test_a_target_that_does_not_come_back() -> None:
    """The target refuses after the time that it named."""
    verdict = run_check("segment", "refusal.recovers", rate_limiting_target(answer_429(GOOD_HEADERS)))
    assert (verdict.outcome.value, verdict.level.value) == ("fail", "should")


def test_a_time_that_is_too_long_to_wait_for() -> None:
    """No verdict is better than a run that never ends."""
    verdict = run_check("segment", "refusal.recovers", rate_limiting_target(answer_429({"Retry-After": "900"})))
    assert verdict.outcome.value == "not-applicable"
    assert "900 s" in verdict.message


@pytest.mark.parametrize("refusal", [answer_429(), answer_429(status=503)], ids=["429", "503"])
def test_a_limit_where_none_was_promised(refusal: Response) -> None:
    """Any refusal of a burst breaks the promise; a 503 is no answer that the document has at all."""
    verdict = run_check("segmentstream", "none.promised", rate_limiting_target(refusal))
    level = "must" if refusal.status == 503 else "should"
    assert (verdict.outcome.value, verdict.level.value) == ("fail", level)


def test_the_promise_of_no_limit_kept() -> None:
    """A burst is accepted."""
    assert run_check("segmentstream", "none.promised", lambda _: Response(status=204)).outcome.value == "pass"


def test_a_429_that_came_before_is_looked_at() -> None:
    """After a 429 earlier in the run, the checks send no burst."""
    answer = rate_limiting_target(answer_429(GOOD_HEADERS), after=3, lasting=1)
    verdicts_by_id = {item.id: item for item in run_checks("segment", "json.syntax.nan,rate-limit", answer)}
    assert verdicts_by_id["rate-limit.refusal.headers"].outcome.value == "pass"
    assert verdicts_by_id["rate-limit.refusal.status"].outcome.value == "pass"


@pytest.mark.parametrize("value", ["0", "30", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_retry_after_that_can_be_read(value: str) -> None:
    """A date will do for HTTP; whether it does for the vendor is another check's question."""
    verdict = run_check("metarouter", "refusal.retry-after", rate_limiting_target(answer_429({"Retry-After": value})))
    assert verdict.outcome.value == "pass"


@pytest.mark.parametrize("value", ["soon", "1.5", "-1", "", "1732180000123"])
def test_a_retry_after_that_can_not_be_read(value: str) -> None:
    """It fails in every profile, since HTTP defines the format."""
    verdict = run_check("metarouter", "refusal.retry-after", rate_limiting_target(answer_429({"Retry-After": value})))
    assert (verdict.outcome.value, verdict.level.value) == ("fail", "should")


def test_a_429_without_a_retry_after() -> None:
    """HTTP does not ask for one."""
    verdict = run_check("metarouter", "refusal.retry-after", rate_limiting_target(answer_429()))
    assert verdict.outcome.value == "not-applicable"
