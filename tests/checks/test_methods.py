"""Wrong methods: each is tried, all wrong answers are named, and a path may have a GET of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.model import Response
from tests.support.function_targets import run_checks

if TYPE_CHECKING:
    from conformance.core.model import Request


def answer_by_method(statuses: dict[str, int]) -> list[tuple[str, str]]:
    """The outcomes and messages where methods other than POST are answered with these statuses."""

    def answer(request: Request) -> Response:
        return Response(status=200 if request.method == "POST" else statuses.get(request.method, 405))

    verdicts = run_checks("segment", "robustness.method.wrong", answer)
    return [(verdict.outcome.value, verdict.message) for verdict in verdicts]


def test_all_methods_that_succeed_are_named() -> None:
    """The first one does not end the check."""
    for outcome, message in answer_by_method({"PUT": 200, "DELETE": 200, "PATCH": 200}):
        assert outcome == "fail"
        assert all(f"{method} in place of POST" in message for method in ("PUT", "DELETE", "PATCH"))


def test_a_get_of_its_own() -> None:
    """It may refuse a request without data with 400."""
    assert {outcome for outcome, _ in answer_by_method({"GET": 400})} == {"pass"}
    assert {outcome for outcome, _ in answer_by_method({"PUT": 400})} == {"fail"}


def test_a_page_of_its_own() -> None:
    """A path may show people a page on GET; what says success as for an event, or to another method, still misleads."""
    page = Response(status=200, headers=(("Content-Type", "text/html"),), body=b"<h1>How to send events</h1>")

    def outcome(method: str, success: Response) -> set[str]:
        verdicts = run_checks(
            "segment",
            "robustness.method.wrong",
            lambda request: (
                page if request.method == method else success if request.method == "POST" else Response(status=405)
            ),
        )
        return {verdict.outcome.value for verdict in verdicts}

    assert outcome("GET", Response(status=200)) == {"pass"}
    assert outcome("PUT", Response(status=200)) == {"fail"}
    assert outcome("GET", page) == {"fail"}
