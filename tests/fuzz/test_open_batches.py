"""Where the oracle leaves the answer to a batch open, and where, right beside that, it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from conformance.contract import Contract
from conformance.core.model import Level
from conformance.fuzz.case import Case, Origin
from conformance.fuzz.oracle import Oracle
from conformance.profile import load
from conformance.profile.facts import MAX_EVENTS_FACT, ExpectedResponse, MaxEvents

if TYPE_CHECKING:
    from conformance.profile.profile import Profile

OPEN = ""
VALID: dict[str, Any] = {"type": "track", "messageId": "m", "userId": "a", "event": "b"}
NAMES_NOBODY = {"type": "track", "messageId": "m", "event": "b"}
UNCLEAR = {**VALID, "userid": "c"}
OF_4_KB = {**VALID, "properties": {f"text{number}": "x" * 1_000 for number in range(4)}}
WITH_LONG_TEXTS = {**VALID, "properties": {f"text{number}": "x" * 2_001 for number in range(2)}}
BATCH_EMPTY, PARTLY_BAD = "answers.batch-empty", "answers.batch-partly-bad"
PROFILES = {name: load(name) for name in ("rudderstack", "metarouter")}


def expected_facts(body: object, profile: Profile) -> str:
    """What the oracle expects of a batch, in words; empty if the answer is open."""
    data = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
    case = Case(call="POST /v1/batch", origin=Origin.MUTATOR, about="a test", body=data)
    return " ".join(name.removeprefix("answers.") for name in Oracle(Contract(profile)).expected_facts(case))


def of_size(size: int) -> dict[str, Any]:
    """An event of `size` bytes in which every text is short."""
    texts = {f"text{number}": "x" * 1_000 for number in range(size // 1_100)}
    event = {**VALID, "properties": {**texts, "rest": ""}}
    missing = size - len(json.dumps(event, separators=(",", ":")))
    texts["more"] = "x" * (missing // 2)
    event["properties"] = {**texts, "rest": ""}
    missing = size - len(json.dumps(event, separators=(",", ":")))
    event["properties"] = {**texts, "rest": "x" * missing}
    return event


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([VALID] * 200, "accepted"),
        ([VALID] * 201, OPEN),
        ([VALID, UNCLEAR], OPEN),
        ([UNCLEAR, VALID], OPEN),
        ([NAMES_NOBODY], "identity-missing"),
        ([NAMES_NOBODY, UNCLEAR], OPEN),
        ([VALID, NAMES_NOBODY], "batch-partly-bad identity-missing"),
        ([None, VALID], "batch-event-not-object batch-partly-bad"),
        ([NAMES_NOBODY] * 2, "identity-missing"),
        ([None, NAMES_NOBODY], "batch-event-not-object identity-missing"),
    ],
)
def test_one_open_event_leaves_the_batch_open(events: list[object], expected: str) -> None:
    """Invalid events do not; nor do valid ones, up to a number that no server minds."""
    assert expected_facts({"batch": events}, PROFILES["rudderstack"]) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"type": "nonsense"}, "batch-type-unknown"),
        ({"type": "TRACK"}, OPEN),
        ({"type": " track "}, OPEN),
        ({"type": ""}, OPEN),
        ({"type": None}, OPEN),
        ({"type": 7}, OPEN),
        ({"type": "nonsense", "context": {"size": 2**64}}, OPEN),
    ],
)
def test_a_type_that_is_almost_right_leaves_a_batch_open(changes: dict[str, object], expected: str) -> None:
    """An unknown one has its documented answer."""
    assert expected_facts({"batch": [{**VALID, **changes}]}, PROFILES["metarouter"]) == expected


@pytest.mark.parametrize(("event_type", "expected"), [("page", "accepted"), ("screen", OPEN)])
def test_a_type_that_is_not_documented_in_batches_leaves_a_batch_open(event_type: str, expected: str) -> None:
    """Even if it is documented elsewhere, as screens are."""
    event = {"type": event_type, "messageId": "m", "userId": "a"}
    assert expected_facts({"batch": [event]}, PROFILES["metarouter"]) == expected


def test_a_type_under_another_name_leaves_a_batch_open() -> None:
    """Some servers ignore the case of names; a type that is absent has the documented answer."""
    without_type = {name: value for name, value in VALID.items() if name != "type"}
    assert expected_facts({"batch": [without_type]}, PROFILES["rudderstack"]) == "batch-type-missing"
    assert expected_facts({"batch": [{**without_type, "Type": "track"}]}, PROFILES["rudderstack"]) == OPEN
    assert expected_facts({"batch": [{**without_type, "context": {"size": 2**64}}]}, PROFILES["rudderstack"]) == OPEN


@pytest.mark.parametrize(
    ("envelope", "expected"),
    [
        ({}, "accepted"),
        ({"context": {"ip": "192.0.2.1"}}, "accepted"),
        ({"context": {"": 1}}, OPEN),
        ({"context": "text"}, OPEN),
        ({"timestamp": "2024-03-01T09:30:00Z"}, "accepted"),
        ({"timestamp": "yesterday"}, OPEN),
        ({"timestamp": 0}, OPEN),
        ({"conformance": 1}, OPEN),
        ({"conformance": "2024-03-01T09:30:00Z"}, OPEN),
    ],
)
def test_only_documented_fields_beside_the_events_are_expected(envelope: dict[str, object], expected: str) -> None:
    """Any other field, or value of one, leaves the batch open."""
    assert expected_facts({"batch": [VALID], **envelope}, PROFILES["metarouter"]) == expected


def test_an_undocumented_field_leaves_a_batch_without_events_open() -> None:
    """A server may look for the events elsewhere."""
    assert expected_facts({}, PROFILES["rudderstack"]) == "batch-missing"
    assert expected_facts({"events": [VALID]}, PROFILES["rudderstack"]) == OPEN


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (31_040, "accepted"),
        (31_041, OPEN),
        (34_406, OPEN),
        (34_407, "limits.batch-event"),
    ],
)
def test_an_event_near_its_limit_leaves_a_batch_open(size: int, expected: str) -> None:
    """A server measures it as it writes it: 97 % of 32,000 bytes fit, 105 % of 32,768 bytes do not."""
    event = of_size(size)
    assert len(json.dumps(event, separators=(",", ":"))) == size
    assert expected_facts({"batch": [event]}, PROFILES["rudderstack"]) == expected


def test_a_long_text_leaves_a_batch_open_only_below_the_limit() -> None:
    """An event over its limit is rejected whatever it says."""
    long, over = ({**VALID, "properties": {"text": "x" * size}} for size in (2_001, 40_000))
    assert expected_facts({"batch": [long]}, PROFILES["rudderstack"]) == OPEN
    assert expected_facts({"batch": [over]}, PROFILES["rudderstack"]) == "limits.batch-event"


def test_a_name_twice_leaves_a_batch_open() -> None:
    """Parsers keep the first, the last, or reject it."""
    once = json.dumps({"batch": [VALID]}).encode()
    assert expected_facts(once, PROFILES["rudderstack"]) == "accepted"
    twice = once[:-1] + b', "batch": [' + json.dumps(VALID).encode() + b"]}"
    assert expected_facts(twice, PROFILES["rudderstack"]) == OPEN


@pytest.mark.parametrize(
    ("event", "count", "expected"),
    [
        (OF_4_KB, 100, "accepted"),
        (OF_4_KB, 200, "limits.batch"),
        (WITH_LONG_TEXTS, 100, OPEN),
        (WITH_LONG_TEXTS, 200, "limits.batch"),
        ({**OF_4_KB, "userid": "c"}, 100, OPEN),
        ({**OF_4_KB, "userid": "c"}, 200, "json-invalid limits.batch"),
    ],
)
def test_a_batch_over_its_limit_is_not_open(event: dict[str, object], count: int, expected: str) -> None:
    """It is rejected whatever it says; if an event is open, a server may also reject the JSON."""
    assert expected_facts({"batch": [event] * count}, PROFILES["metarouter"]) == expected


@pytest.mark.parametrize(
    ("level", "expected"), [(Level.MUST, "batch-empty"), (Level.SHOULD, "batch-empty"), (Level.MAY, OPEN), (None, OPEN)]
)
def test_an_optional_answer_leaves_a_batch_open(level: Level | None, expected: str) -> None:
    """So does an answer that the profile does not state."""
    facts = dict(PROFILES["rudderstack"].facts)
    stated = facts.pop(BATCH_EMPTY)
    if level is not None:
        facts[BATCH_EMPTY] = replace(stated, level=level)
    assert expected_facts({"batch": []}, replace(PROFILES["rudderstack"], facts=facts)) == expected


@pytest.mark.parametrize(
    ("events", "expected"),
    [([VALID, NAMES_NOBODY], OPEN), ([NAMES_NOBODY] * 2, OPEN), ([NAMES_NOBODY], "identity-missing")],
)
def test_several_events_stay_open_without_an_answer_to_partly_bad_batches(events: list[object], expected: str) -> None:
    """A single invalid event does not need it."""
    facts = {name: fact for name, fact in PROFILES["rudderstack"].facts.items() if name != PARTLY_BAD}
    assert expected_facts({"batch": events}, replace(PROFILES["rudderstack"], facts=facts)) == expected


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([NAMES_NOBODY], "identity-missing"),
        ([NAMES_NOBODY] * 2, "batch-partly-bad identity-missing"),
        ([VALID, NAMES_NOBODY], "batch-partly-bad identity-missing"),
    ],
)
def test_a_multi_status_may_answer_a_batch_of_invalid_events(events: list[object], expected: str) -> None:
    """A 207 lists the events one by one, even if all of them are invalid."""
    profile = PROFILES["metarouter"]
    stated = profile.facts[PARTLY_BAD]
    assert isinstance(stated, ExpectedResponse)
    assert 207 in stated.statuses
    assert expected_facts({"batch": events}, profile) == expected


def test_too_many_events_do_not_leave_a_batch_open() -> None:
    """Their number is a limit like any other."""
    profile = PROFILES["rudderstack"]
    limit = MaxEvents(name=MAX_EVENTS_FACT, level=Level.MUST, sources=(), expect=(400,), count=3)
    limited = replace(profile, facts={**profile.facts, MAX_EVENTS_FACT: limit})
    assert expected_facts({"batch": [VALID] * 3}, limited) == "accepted"
    assert expected_facts({"batch": [VALID] * 4}, limited) == MAX_EVENTS_FACT
    assert expected_facts({"batch": [VALID] * 4}, profile) == "accepted"
