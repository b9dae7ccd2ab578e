"""A finding is named by the feature that matters, whatever else is odd about the requests that show it."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from conformance.contract import Contract
from conformance.fuzz.case import Case, Origin, compact_json
from conformance.fuzz.oracle import Oracle
from conformance.fuzz.seed_events import SeedEvents
from conformance.profile import load
from tests.support.campaigns import crashing_on_any, labelled_cases, run_campaign
from tests.support.fuzz_features import events, nested_values
from tests.targets.dialects import DIALECTS
from tests.targets.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.core.model import Json, JsonObject
    from conformance.fuzz.finding import Finding
    from tests.targets.messages import Call

    Test = Callable[[Call], bool]

DIALECT = "rudderstack"
SEEDS = (2, 3, 4)
ODD_PROPERTIES: JsonObject = {
    "emoji": "a\U0001f600b", "long": "ab" * 700, "null": None, "": 0, "nul": "a\0b", "markup": "<b>'it''s'</b>",
    "__proto__": {"x": 1}, "a.b": 1, "big": 2**64 + 1, "fraction": 1.5, "list": [[]], "blank": " ", "empty": "",
    "true": True, "other": "Überprüfung", "time": "2024-03-01T09:30:00Z",
}  # fmt: skip
"""What may be in the free form of an event, all at once."""


def any_value(test: Callable[[object], bool]) -> Test:
    """Whether any value in a body, at any depth, passes a test."""
    return lambda call: any(map(test, nested_values(call.value)))


def any_name(test: Callable[[str], bool]) -> Test:
    """Whether any name in a body passes a test."""
    return lambda call: any(
        test(name) for value in nested_values(call.value) if isinstance(value, dict) for name in value
    )


def any_text(test: Callable[[str], bool]) -> Test:
    """Whether any text in a body passes a test."""
    return any_value(lambda value: isinstance(value, str) and test(value))


def content_type(test: Callable[[str], bool]) -> Test:
    """Whether the content type of a call passes a test."""
    return lambda call: test(call.request.headers.get("content-type", "absent"))


def depth(value: object) -> int:
    """How deep a value is nested."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, inner), default=0)


def has_type_of_kind(kind: type) -> Test:
    """Whether an event of a batch has a type of a kind."""
    return lambda call: (
        call.route.kind == "batch" and any("type" in event and type(event["type"]) is kind for event in events(call))
    )


HEADER_FEATURES: dict[str, Test] = {
    "the Content-Type that is empty": content_type(lambda text: not text),
    "the Content-Type text/plain": content_type(lambda text: text == "text/plain"),
    "the Content-Type with a parameter": content_type(lambda text: "latin" in text),
}
FREE_FORM_FEATURES: dict[str, Test] = {
    "a text beyond U+FFFF, such as an emoji": any_text(lambda text: max(text, default="") > "\uffff"),
    "a long text": any_text(lambda text: len(text) > 300),
    "null": any_value(lambda value: value is None),
    "a text with a NUL": any_text(lambda text: "\0" in text),
    "a text with markup": any_text(lambda text: "<" in text),
    "an empty name": any_name(lambda name: not name),
    "a name like __proto__": any_name(lambda name: name == "__proto__"),
    "a name with a dot or a dollar": any_name(lambda name: "." in name),
    "an integer beyond 64 bits": any_value(lambda value: type(value) is int and value > 2**64),
    "a fraction": any_value(lambda value: type(value) is float and 1 < value < 2),
    "an empty text": any_text(lambda text: not text),
    "a blank text": any_text(lambda text: text == " "),
    "a boolean": any_value(lambda value: value is True),
}
TYPE_FEATURES: dict[str, Test] = {
    "null as /type": has_type_of_kind(type(None)),
    "a number as /type": has_type_of_kind(int),
    "a list as /type": has_type_of_kind(list),
    "an object as /type": has_type_of_kind(dict),
}
DEEP = "deep nesting, anywhere"


def findings_of(test: Test, cases: tuple[Case, ...]) -> list[Finding]:
    """The findings on a target that fails if a test holds."""
    with serve(crashing_on_any(test)(DIALECTS[DIALECT])) as url:
        return run_campaign(url, DIALECT, cases).findings


def odd_cases(call: str, content_type: str = "application/json") -> tuple[Case, ...]:
    """Ordinary requests, and one with everything that is odd, in its first event and in its headers."""
    contract = Contract(load(DIALECT))
    operation = next(item for item in contract.operations if str(item) == call)
    seed_events = SeedEvents.for_operation(contract, operation)
    event: Json = {**seed_events.minimal_event, "properties": ODD_PROPERTIES, "context": {"x": ODD_PROPERTIES}}
    body = compact_json(seed_events.wrap_events(event, *[seed_events.full_event] * (call == "POST /v1/batch")))
    odd = Case(call=call, origin=Origin.MUTATOR, about="everything odd", body=body, content_type=content_type)
    oracle = Oracle(contract)
    return tuple(
        case._replace(expected_facts=oracle.expected_facts(case)) for case in (odd, seed_events.control_case())
    )


@pytest.mark.parametrize(
    ("name", "call"),
    [*itertools.product(FREE_FORM_FEATURES, ("POST /v1/track", "POST /v1/batch"))],
)
def test_one_of_many_features_is_named(name: str, call: str) -> None:
    """All features are in one request, and it has an odd type beside; the smallest request has only one."""
    test = FREE_FORM_FEATURES[name]
    (finding,) = findings_of(test, odd_cases(call, content_type="text/plain"))
    assert finding.title in {f"{name}{place}: server error" for place in (", anywhere", " in the free form of an event",
                             " as /context/*", " as /context/*/*")}  # fmt: skip
    assert finding.case.content_type == "application/json"
    assert len(finding.case.body) < 900


@pytest.mark.parametrize("name", HEADER_FEATURES)
@pytest.mark.parametrize("call", ["POST /v1/track", "POST /v1/batch"])
def test_a_header_is_named_although_the_body_is_odd(name: str, call: str) -> None:
    """The smallest request has the ordinary body."""
    media_type = {"empty": "", "plain": "text/plain"}.get(name.rpartition(" ")[2].rpartition("/")[2])
    media_type = "application/json; charset=latin-1" if media_type is None else media_type
    (finding,) = findings_of(HEADER_FEATURES[name], odd_cases(call, content_type=media_type))
    assert finding.title == f"{name}: server error"
    assert "emoji" not in finding.case.body.decode()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", TYPE_FEATURES)
def test_the_type_of_a_type_is_named(name: str, seed: int) -> None:
    """Not what an event of another type would need beside."""
    (finding,) = findings_of(TYPE_FEATURES[name], labelled_cases(DIALECT, 2_000, seed))
    assert finding.title == f"{name}: server error"
    (event,) = json.loads(finding.case.body)["batch"]
    assert event.keys() == {"type", "userId", "event"}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "name", ["an integer beyond 64 bits", "an empty name", "a text with a NUL", "a long text", "a name like __proto__"]
)
def test_generated_requests_are_named_alike(name: str, seed: int) -> None:
    """Whatever the seed, one defect is one finding, and the smallest request has nothing else that is odd."""
    (finding,) = findings_of(FREE_FORM_FEATURES[name], labelled_cases(DIALECT, 2_000, seed))
    assert finding.title == f"{name}, anywhere: server error"


def test_depth_is_named() -> None:
    """Nested values may hold anything."""
    cases = tuple(
        case._replace(
            body=case.body.replace(b'"list":[[]]', b'"list":' + b"[" * 80 + b'"\xf0\x9f\x98\x80"' + b"]" * 80)
        )
        for case in odd_cases("POST /v1/track")
    )
    (finding,) = findings_of(lambda call: depth(call.value) > 70, cases)
    assert finding.title == f"{DEEP}: server error"


def test_a_wrongly_accepted_request_has_one_fault() -> None:
    """Of two broken rules, each alone is accepted: the smallest request breaks one, and quotes its document."""
    dialect = "metarouter"
    contract = Contract(load(dialect))
    track = next(operation for operation in contract.operations if operation.event_type == "track")
    seed_events = SeedEvents.for_operation(contract, track)
    event: dict[str, Any] = {"messageId": "conformance-two-faults", "type": "track", "context": {}}
    case = Case(call=seed_events.call, origin=Origin.MUTATOR, about="two faults", body=compact_json(event))
    labelled = case._replace(expected_facts=Oracle(contract).expected_facts(case))
    assert len(labelled.expected_facts) > 1

    class Gullible(crashing_on_any()):  # type: ignore[misc] # the class is made by a function
        """Accepts every object."""

        def check_event(self, event: dict[str, object], kind: str) -> None:
            """Accepts it."""

    with serve(Gullible(DIALECTS[dialect])) as url:
        (finding,) = run_campaign(url, dialect, [labelled]).findings
    assert len(finding.facts) == 1
