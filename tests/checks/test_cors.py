"""What pages of other sites may send and read, and redirects: each fault is named, and what is correct passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.core.model import Outcome, Response
from tests.support.function_targets import outcomes_of, run_checks

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.core.model import Request, Verdict

ANY = ("Access-Control-Allow-Origin", "*")
HEADERS = ("Access-Control-Allow-Headers", "Authorization, Content-Type")


def target(
    *, preflight: tuple[tuple[str, str], ...] = (ANY, HEADERS), answers: Callable[[int], tuple[tuple[str, str], ...]]
) -> Callable[[Request], Response]:
    """A server that accepts what has credentials and JSON of less than 60 KB; `answers` are the headers by status."""

    def answer(request: Request) -> Response:
        names = {name for name, _ in request.headers}
        if request.method == "OPTIONS":
            return Response(status=204, headers=preflight)
        status = 401 if "Authorization" not in names else 400 if not request.body.endswith(b"}") else 204
        status = 400 if len(request.body) > 60_000 else status
        return Response(status=status, headers=answers(status) if "Origin" in names else ())

    return answer


def judge(check: str, answer: Callable[[Request], Response]) -> Verdict:
    """The only verdict of a check in a profile with one path."""
    (verdict,) = run_checks("segmentstream", f"robustness.{check}", answer)
    return verdict


@pytest.mark.parametrize("check", ["cors.headers", "cors.accepted", "cors.refused", "cors.wildcard"])
def test_a_permissive_server_passes(check: str) -> None:
    """One that allows any origin, with every answer."""
    assert judge(check, target(answers=lambda _: (ANY,))).outcome is Outcome.PASS


@pytest.mark.parametrize("check", ["cors.headers", "cors.accepted", "cors.refused", "cors.wildcard"])
def test_a_server_for_no_pages_is_not_judged(check: str) -> None:
    """No document says that pages may send."""
    assert judge(check, target(preflight=(), answers=lambda _: ())).outcome is Outcome.NOT_APPLICABLE


def test_headers_that_are_not_allowed_are_named() -> None:
    """A page can't send Authorization to it."""
    verdict = judge("cors.headers", target(preflight=(ANY, (HEADERS[0], "x-example")), answers=lambda _: (ANY,)))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.level == "should"
    assert "does not name authorization, content-type" in verdict.message


@pytest.mark.parametrize(("check", "status"), [("cors.accepted", 204), ("cors.refused", 401), ("cors.refused", 400)])
def test_answers_that_a_page_may_not_read_are_named(check: str, status: int) -> None:
    """By the request that was answered so."""
    verdict = judge(check, target(answers=lambda item: () if item == status else (ANY,)))
    assert verdict.outcome is Outcome.FAIL
    assert f"has no {ANY[0]}" in verdict.message
    assert verdict.received.startswith(str(status))


def test_any_origin_with_credentials_is_named() -> None:
    """With successes alone, too."""
    pair = (ANY, ("Access-Control-Allow-Credentials", "true"))
    verdict = judge("cors.wildcard", target(answers=lambda status: pair if status == 204 else (ANY,)))
    assert verdict.outcome is Outcome.FAIL
    assert "the answer to an acceptable request must not have" in verdict.message


@pytest.mark.parametrize(
    ("status", "outcome"), [(301, "fail"), (303, "fail"), (308, "pass"), (404, "pass"), (204, "pass")]
)
def test_redirects_that_lose_a_body_are_named(status: int, outcome: str) -> None:
    """Those after which clients may send a GET."""

    def answer(request: Request) -> Response:
        return Response(status=204 if request.path == "/track" else status, headers=(("Location", "/track"),))

    assert outcomes_of(run_checks("segmentstream", "robustness.path.redirected", answer)) == {outcome}
