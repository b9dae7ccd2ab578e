"""The oracle: the facts that apply to a request, or none where the contract leaves the answer open."""

from __future__ import annotations

import asyncio
import json

import pytest

from conformance.contract import Contract
from conformance.fuzz.case import Auth, Case, CaseReader, Origin, case_to_line, compact_json
from conformance.fuzz.oracle import Oracle
from conformance.fuzz.shrinker import Shrinker
from conformance.profile import load

TRACK, BATCH = "POST /v1/track", "POST /v1/batch"
ORACLES = {name: Oracle(Contract(load(name))) for name in ("rudderstack", "segment", "metarouter")}
VALID_EVENT = b'{"userId":"conformance-user","event":"conformance"}'


def case(body: bytes, call: str = TRACK, auth: Auth = Auth.VALID, coding: str = "") -> Case:
    """A case with a body."""
    return Case(call=call, origin=Origin.MUTATOR, about="a test", body=body, auth=auth, coding=coding)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (VALID_EVENT, "accepted"),
        (b'{"userId":"a","event":"b","properties":{"":1}}', ""),
        (b'{"userId":"a","event":"b","properties":{"x":[1,null,{"y":true}]}}', "accepted"),
        (b'{"userId":"a","event":"b","timestamp":"2024-03-01T09:30:00Z"}', "accepted"),
        (b'{"userId":"a","event":"b","timestamp":"yesterday"}', ""),
        (b'{"userId":"a","event":"b","timestamp":0}', ""),
        (b'{"userId":"a","event":"b","context":"text"}', ""),
        (b'{"userId":"a","event":"b","userid":"c"}', ""),
        (b'{"userId":"a","userId":"a","event":"b"}', ""),
        (b'\xef\xbb\xbf{"userId":"a","event":"b"}', ""),
        (b'{"event":"b"}', "identity-missing"),
        (b'{"event":"b","userId":null}', ""),
        (b'{"event":"b","userId":7}', ""),
        (b'{"event":"b","UserID":"a"}', ""),
        (b"{", "json-invalid"),
        (b"", "json-invalid"),
        (b'{"userId":"a","event":NaN}', "json-invalid"),
        (b'{"userId":"a","event":"\xff"}', "json-invalid json-not-utf8"),
        (b"[]", "json-not-object"),
        (b"[" * 3_000, ""),
    ],
)
def test_events_are_labelled(body: bytes, expected: str) -> None:
    """Accepted, refused under a condition, or open."""
    expectation = ORACLES["rudderstack"].expected_facts(case(body))
    assert " ".join(name.removeprefix("answers.") for name in expectation) == expected


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([{"type": "track", "userId": "a", "event": "b"}], "accepted"),
        ([{"type": "track", "event": "b"}], "identity-missing"),
        ([{"type": "Track", "userId": "a", "event": "b"}], ""),
        ([{"type": "nonsense", "userId": "a"}], "batch-type-unknown"),
        ([{"userId": "a", "event": "b"}], "batch-type-missing"),
        ([None], "batch-event-not-object"),
        ([], ""),
        (None, "batch-missing batch-not-array"),
        ("text", "batch-not-array"),
    ],
)
def test_batches_are_labelled(events: object, expected: str) -> None:
    """By their list, and by every event in it."""
    expectation = ORACLES["rudderstack"].expected_facts(case(json.dumps({"batch": events}).encode(), BATCH))
    assert " ".join(name.removeprefix("answers.") for name in expectation) == expected


def test_sizes_and_credentials_are_labelled() -> None:
    """A body over its limit is refused; one between two readings of its limit is open."""
    oracle = ORACLES["rudderstack"]
    large, between = (VALID_EVENT[:-1] + b',"conformance":"%b"}' % (b"a" * size) for size in (40_000, 32_300))
    assert oracle.expected_facts(case(large)) == ("limits.event",)
    assert oracle.expected_facts(case(between)) == ()
    assert oracle.expected_facts(case(VALID_EVENT, auth=Auth.NONE)) == ("answers.credentials-missing",)
    assert oracle.expected_facts(case(b"nonsense", coding="gzip")) == ("answers.encoding-invalid",)
    assert oracle.expected_facts(case(VALID_EVENT, coding="gzip")) == ()


def test_a_lenient_contract_leaves_more_open() -> None:
    """A request that a vendor may answer with a success need not be rejected."""
    expectation = ORACLES["segment"].expected_facts(case(b'{"event":"b"}'))
    answer = ORACLES["segment"].answer_for_fact(expectation[0])
    assert answer is not None
    assert set(answer.statuses) == {200, 400}


@pytest.mark.parametrize(
    "item",
    [
        case(VALID_EVENT), case(b"{", auth=Auth.NONE), case(b"\xff\xfe"), case(b'{"a": 1}'),
        case(b'{"a":"%b"}' % (b"x" * 50_000)), case(compact_json({"a": "\ud800"})),
        case('{"ä":"\u2028"}'.encode()),
    ],
    ids=["json", "text", "bytes", "spaced", "long", "surrogate", "beyond-ascii"],
)  # fmt: skip
def test_a_case_is_read_from_its_line(item: Case) -> None:
    """Byte by byte; and the line is readable JSON."""
    text = case_to_line(item)
    assert CaseReader().read(text.encode()) == item
    assert json.loads(text)["call"] == TRACK
    assert len(text) < 400


def shrink_body(body: bytes, word: bytes) -> bytes:
    """The smallest body with a word in it, by a shrinker."""

    async def fails(item: Case) -> bool:
        return word in item.body

    return asyncio.run(Shrinker(fails, 500).shrink(case(body), VALID_EVENT)).body


def test_a_shrunk_body_is_the_control_but_for_the_cause() -> None:
    """Fields that don't matter are gone, or as in the control; the others are as small as possible."""
    body = compact_json({"userId": "x", "context": {"a": {"b": [1, "needle", 3]}}, "traits": {}, "other": 1})
    assert json.loads(shrink_body(body, b"needle")) == {
        "userId": "conformance-user",
        "event": "conformance",
        "context": {"a": {"b": ["needle"]}},
    }


def test_a_body_that_is_not_json_is_cut() -> None:
    """Piece by piece."""
    assert shrink_body(b'{"userId":"a", needle, "event":' + b"x" * 500, b"needle") == b"needle"
