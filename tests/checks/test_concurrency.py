"""The checks of many requests at once, on targets that fail under many requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.core.model import Request, Response, TransportFailure
from tests.support.function_targets import run_checks

if TYPE_CHECKING:
    from tests.support.fake_wires import Answer

OK = Response(status=200)
BAD = Response(status=400)


def correct_target(request: Request) -> Response:
    """A correct target: it refuses bodies that do not end like JSON."""
    return OK if request.body.endswith(b"}") else BAD


def failing_once(answer: Response | TransportFailure) -> Answer:
    """Answers the fortieth request otherwise."""
    received: list[Request] = []

    def stumble(request: Request) -> Response | TransportFailure:
        received.append(request)
        return answer if len(received) == 40 else correct_target(request)

    return stumble


def test_a_target_that_answers_concurrent_requests() -> None:
    """All checks pass."""
    verdicts_by_id = run_checks("segment", "robustness.concurrency.*", correct_target)
    assert [item.outcome.value for item in verdicts_by_id] == ["pass"] * 3
    assert {item.level.value for item in verdicts_by_id} == {"must"}


@pytest.mark.parametrize("answer", [Response(status=500), BAD], ids=str)
@pytest.mark.parametrize("check", ["events", "batches"])
def test_one_of_many_is_refused(check: str, answer: Response) -> None:
    """One is enough."""
    (verdicts_by_id,) = run_checks("segment", f"robustness.concurrency.{check}", failing_once(answer))
    assert (verdicts_by_id.outcome.value, verdicts_by_id.expected) == ("fail", "a success")


@pytest.mark.parametrize("check", ["events", "batches"])
def test_one_connection_that_is_lost_once_is_no_refusal(check: str) -> None:
    """It is sent again alone, and accepted: any network loses one in a while."""
    (verdict,) = run_checks("segment", f"robustness.concurrency.{check}", failing_once(TransportFailure.CLOSED))
    assert verdict.outcome.value == "pass"


def test_answers_are_mixed_up() -> None:
    """A valid request that gets the answer of an invalid one, and the other way round."""

    def swapped(request: Request) -> Response:
        received.append(request)
        return correct_target(received[-2] if len(received) > 10 else request)

    received: list[Request] = []
    (verdicts_by_id,) = run_checks("segment", "robustness.concurrency.matched", swapped)
    assert verdicts_by_id.outcome.value == "fail"


def test_a_target_that_refuses_everything() -> None:
    """If the control is refused, the checks are untestable."""
    verdicts_by_id = run_checks("segment", "robustness.concurrency.*", lambda _: BAD)
    assert {item.outcome.value for item in verdicts_by_id} == {"untestable"}
