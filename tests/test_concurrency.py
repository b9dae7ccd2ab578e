"""The checks of many requests at once, on targets that can't stand a crowd."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.model import Mishap, Request, Response
from tests.canned import verdicts

if TYPE_CHECKING:
    from tests.canned import Answer

OK = Response(status=200)
BAD = Response(status=400)


def fitting(request: Request) -> Response:
    """The right answer: what does not end as JSON does is refused."""
    return OK if request.body.endswith(b"}") else BAD


def stumbling(answer: Response | Mishap) -> Answer:
    """Answers the fortieth request otherwise."""
    seen: list[Request] = []

    def stumble(request: Request) -> Response | Mishap:
        seen.append(request)
        return answer if len(seen) == 40 else fitting(request)

    return stumble


def test_a_target_that_stands_a_crowd() -> None:
    """All that is asked is kept."""
    found = verdicts("segment", "robustness.concurrency.*", fitting)
    assert [item.outcome.value for item in found] == ["pass"] * 3
    assert {item.level.value for item in found} == {"must"}


@pytest.mark.parametrize("answer", [Response(status=500), BAD, Mishap.CLOSED], ids=str)
@pytest.mark.parametrize("check", ["events", "batches"])
def test_one_of_many_is_refused(check: str, answer: Response | Mishap) -> None:
    """One is enough."""
    (found,) = verdicts("segment", f"robustness.concurrency.{check}", stumbling(answer))
    assert (found.outcome.value, found.expected) == ("fail", "a success")


def test_answers_are_mixed_up() -> None:
    """A valid request that gets the answer of an invalid one, and the other way round."""

    def swapped(request: Request) -> Response:
        seen.append(request)
        return fitting(seen[-2] if len(seen) > 10 else request)

    seen: list[Request] = []
    (found,) = verdicts("segment", "robustness.concurrency.matched", swapped)
    assert found.outcome.value == "fail"


def test_a_target_that_refuses_everything() -> None:
    """Nothing follows from what it does in a crowd."""
    found = verdicts("segment", "robustness.concurrency.*", lambda _: BAD)
    assert {item.outcome.value for item in found} == {"untestable"}
