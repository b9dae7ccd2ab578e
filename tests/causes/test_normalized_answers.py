"""Answers in normal form, and what of two answers differs."""

from __future__ import annotations

import pytest

from conformance.causes.normalized_answers import (
    STATUS,
    TRAILING_BYTES,
    WORDING,
    AnswerChange,
    AnswerStatus,
    Facet,
    FacetKind,
    compare_answers,
    find_volatile,
    normalize,
)
from conformance.core.model import Exchange, Request, Response, TransportFailure

OK, REFUSED, CRASHED = AnswerStatus(200), AnswerStatus(400), AnswerStatus(503)
UNANSWERED = AnswerStatus(0, TransportFailure.CLOSED)


def answer(status: int = 200, body: str = "", *headers: tuple[str, str], trailing: bytes = b"") -> Exchange:
    """An exchange with an answer."""
    response = Response(status=status, headers=(("Content-Type", "application/json"), *headers), body=body.encode())
    return Exchange(request=Request(method="POST", path="/"), url="/", response=response, bytes_after_response=trailing)


def changes(first: Exchange, second: Exchange, volatile: frozenset[Facet] = frozenset()) -> list[AnswerChange]:
    """How two answers differ."""
    return list(compare_answers(normalize(first), normalize(second), volatile))


def test_a_status_that_differs_is_the_only_change() -> None:
    """The bodies then differ as a matter of course."""
    assert changes(answer(200, '{"a": 1}'), answer(400, "no")) == [AnswerChange(STATUS, OK, REFUSED)]


def test_no_answer_is_a_status_of_its_own() -> None:
    """It names the failure in words for people, and carries it for everybody else."""
    closed = Exchange(request=Request(method="POST", path="/"), url="/", failure=TransportFailure.CLOSED)
    (change,) = changes(answer(), closed)
    assert change == AnswerChange(STATUS, OK, UNANSWERED)
    assert str(change.second) == "no answer (closed)"
    assert change.is_unanswered


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (OK, REFUSED, AnswerChange(STATUS, OK, REFUSED)),
        (OK, CRASHED, AnswerChange(STATUS, "", CRASHED)),
        (REFUSED, CRASHED, AnswerChange(STATUS, "", CRASHED)),
        (UNANSWERED, REFUSED, AnswerChange(STATUS, UNANSWERED, "")),
        (UNANSWERED, CRASHED, AnswerChange(STATUS, UNANSWERED, CRASHED)),
    ],
)
def test_a_failure_is_one_kind_whatever_the_other_side_answers(
    first: AnswerStatus, second: AnswerStatus, kind: AnswerChange
) -> None:
    """Of two statuses that are no failures, and of two that are, both count."""
    assert AnswerChange(STATUS, first, second).kind == kind


def test_other_facets_are_one_kind_each() -> None:
    """What differs in a body does not matter, nor how."""
    facet = Facet(FacetKind.VALUE, "/id")
    assert AnswerChange(facet, "1", "2").kind == AnswerChange(facet, "3", "4").kind


def test_values_headers_and_wording_are_facets() -> None:
    """Each is named as the report has it."""
    first = answer(200, '{"id": 1, "text": "all is well"}', ("Access-Control-Allow-Origin", "*"))
    second = answer(200, '{"id": 2, "text": "all is good"}', trailing=b"more")
    found = {str(change.facet): change.facet for change in changes(first, second)}
    assert [*found] == ["header access-control-allow-origin", "after the answer", "value /id", "wording"]
    assert found["header access-control-allow-origin"].is_cors_header
    assert found["after the answer"] == TRAILING_BYTES


def test_what_varies_by_itself_does_not_differ() -> None:
    """Values and wording that one server varies are left out; another value is not."""
    volatile = find_volatile(
        normalize(answer(body='{"id": 1, "by": "x", "text": "at one"}')),
        normalize(answer(body='{"id": 2, "by": "x", "text": "at two"}')),
    )
    assert volatile == {Facet(FacetKind.VALUE, "/id"), WORDING}
    (change,) = changes(answer(body='{"id": 3, "by": "x"}'), answer(body='{"id": 4, "by": "y"}'), volatile)
    assert str(change.facet) == "value /by"
