"""What a comparison keeps of the answers of two servers, however large they are."""

from __future__ import annotations

import json
from dataclasses import replace

from conformance.causes.normalized_answers import FacetKind, normalize
from conformance.core.model import Exchange, Outcome, Request, Response
from conformance.diff.kept_answers import KeptAnswers
from conformance.report.transcript import transcript_json
from conformance.run.engine import CheckResult

REQUEST = Request(method="POST", path="/")
ROOM_BYTES = 1_000_000
LARGE = json.dumps({"message": "m" * 100_000}).encode()


def answer(body: bytes, *headers: tuple[str, str]) -> Exchange:
    """An exchange with an answer."""
    return Exchange(request=REQUEST, response=Response(status=200, headers=headers, body=body))


def kept_bytes(exchange: Exchange) -> int:
    """The bytes of an answer."""
    response = exchange.response
    assert response is not None
    return len(response.body) + sum(len(name) + len(value) for name, value in response.headers)


def test_answers_are_kept_whole_as_long_as_there_is_room_for_them() -> None:
    """Of those that come later there is the beginning, with the length that it had."""
    kept = KeptAnswers(frozenset(), ROOM_BYTES)
    large, flooded = answer(LARGE), answer(b"ok", *((f"x-{number}", "y" * 1_000) for number in range(200)))
    results = [
        kept.keep(CheckResult(outcome=Outcome.PASS, exchanges=(replace(large), replace(flooded)))) for _ in range(100)
    ]
    whole, cut = results[0].exchanges[0], results[-1].exchanges[0]
    assert whole == large
    assert transcript_json(cut) == transcript_json(large)
    assert sum(kept_bytes(item) for result in results for item in result.exchanges) < ROOM_BYTES + 200 * 2_048
    assert {kept.normalize(item) == normalize(large) for item in (whole, cut)} == {True}


def test_small_answers_are_always_kept() -> None:
    """They are what every server gives."""
    kept = KeptAnswers(frozenset(), 0)
    small = answer(b'{"ok": true}', ("content-type", "application/json"))
    assert kept.keep(CheckResult(outcome=Outcome.PASS, exchanges=(small,))).exchanges[0] is small


def test_the_exchange_that_shows_a_failure_stays_where_it_is() -> None:
    """A control may be there twice, and the failure may be shown by one that is not there."""
    kept, control, last = KeptAnswers(frozenset(), 0), answer(LARGE), answer(LARGE)
    result = CheckResult(outcome=Outcome.FAIL, exchanges=(control, last, control), exchange=last)
    assert kept.keep(result).exchange_index == result.exchange_index == 1
    elsewhere = kept.keep(replace(result, exchange=answer(LARGE)))
    assert elsewhere.exchange_index is None
    assert elsewhere.exchange is not None
    assert kept_bytes(elsewhere.exchange) == 1_024


def test_a_normal_form_is_short_whatever_the_answer() -> None:
    """A body with thousands of values and long names, and headers that all matter."""
    names = {f"{number}{'n' * 900}": {str(inner): inner for inner in range(24)} for number in range(24)}
    body = json.dumps({"list": [names], "names": names}).encode()
    headers = [(f"Access-Control-{number}-{'h' * 900}", ", ".join(map(str, range(900)))) for number in range(200)]
    normalized = normalize(answer(body, *headers))
    assert len(normalized.values) == 64
    assert sum(len(pointer) + len(value) for pointer, value in normalized.values.items()) < 20_000
    assert sum(len(facet.name) + len(value) for facet, value in normalized.facets.items()) < 20_000
    assert sum(facet.kind is FacetKind.HEADER for facet in normalized.facets) == 24
