"""What pages of other sites may send and read, and redirects: each fault is named, and what is correct passes."""

from __future__ import annotations

import itertools
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


def pages_target(
    status: int, *, allows: bool = True, exposes: str = "", after: int = 40
) -> Callable[[Request], Response]:
    """Answers requests of pages with a status, once there were some."""
    count = itertools.count()

    def answer(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status=204, headers=(ANY, HEADERS))
        if "Origin" not in {name for name, _ in request.headers}:
            return Response(status=204)
        if next(count) < after:
            return Response(status=204, headers=(ANY,))
        exposed = (("Access-Control-Expose-Headers", exposes),) if exposes else ()
        allowed = (ANY,) if allows else ()
        return Response(status=status, headers=(("Retry-After", "1"), *exposed, *allowed), body=b"slow down")

    return answer


@pytest.mark.parametrize(("allows", "outcome"), [(True, "pass"), (False, "fail")])
def test_a_429_that_a_page_may_not_read_is_named(allows: bool, outcome: str) -> None:  # noqa: FBT001 - a parameter
    """One is looked for in the burst that is sent anyway."""
    verdict = judge("cors.limited", pages_target(429, allows=allows))
    assert verdict.outcome == outcome
    assert ("has no Access-Control-Allow-Origin" in verdict.message) is not allows


@pytest.mark.parametrize(
    ("exposes", "outcome"), [("", "fail"), ("X-Other", "fail"), ("retry-after", "pass"), ("*", "pass")]
)
def test_a_hidden_retry_after_is_named(exposes: str, outcome: str) -> None:
    """Scripts read only the headers that are exposed."""
    verdict = judge("cors.retry-after", pages_target(429, exposes=exposes))
    assert (verdict.outcome, verdict.level) == (outcome, "should")


def test_where_no_429_is_seen_nothing_is_judged() -> None:
    """None is provoked beyond the burst."""
    for check in ("cors.limited", "cors.retry-after", "cors.failed"):
        assert judge(check, pages_target(429, after=10_000)).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(("allows", "outcome"), [(True, "pass"), (False, "fail")])
def test_a_5xx_that_a_page_may_not_read_is_named(allows: bool, outcome: str) -> None:  # noqa: FBT001 - a parameter
    """If another check has seen one; none is provoked."""
    verdicts = {
        item.id: item
        for item in run_checks("segmentstream", "robustness.cors.*", pages_target(500, allows=allows, after=0))
    }
    assert verdicts["robustness.cors.failed"].outcome == outcome


def test_pages_of_an_official_sdk_are_judged_without_a_preflight_too() -> None:
    """Beacons need none; where no SDK runs in browsers, a target may let no page in."""
    answer = target(preflight=(), answers=lambda _: ())
    outcomes = outcomes_of(run_checks("segment", "robustness.cors.accepted", answer))
    assert outcomes == {"fail"}
