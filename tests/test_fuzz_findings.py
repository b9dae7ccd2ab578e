"""Findings: one defect is one finding, whose request a person understands at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conformance.errors import UsageError
from conformance.fuzz.finding import Certainty, store, stored
from conformance.fuzz.judge import Fault
from tests.fuzzing import campaign, crashing, made
from tests.targets.dialects import DIALECTS
from tests.targets.judge import Judge
from tests.targets.options import variants
from tests.targets.server import serve
from tests.targets.wire import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.targets.dialects import Kind
    from tests.targets.wire import Call, Request

    Test = Callable[[Call], bool]

DIALECT = "rudderstack"
COUNT = 2_400


def events(call: Call) -> list[dict[str, Any]]:
    """The events of a call that are objects."""
    value: Any = call.value
    if not isinstance(value, dict):
        return []
    listed = value.get("batch") if call.route.kind == "batch" else [value]
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def inside(value: object) -> Iterator[object]:
    """A value and all values in it."""
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        yield from inside(item)


def has(name: str, kind: type) -> Test:
    """Whether a field of an event is of a kind."""
    return lambda call: any(type(event.get(name)) is kind for event in events(call))


def _null_traits(call: Call) -> bool:
    return any("traits" in event and event["traits"] is None for event in events(call))


def _number_of_time(call: Call) -> bool:
    return any(type(event.get("timestamp")) in {int, float} for event in events(call))


def _empty_name(call: Call) -> bool:
    return any(
        isinstance(event.get("properties"), dict) and "" in event["properties"] for event in events(call)
    )


def _huge(call: Call) -> bool:
    return any(type(item) is int and not -(2**63) <= item < 2**63 for item in inside(call.value))


def _null_event(call: Call) -> bool:
    value: Any = call.value
    listed = value.get("batch") if isinstance(value, dict) else None
    return call.route.kind == "batch" and isinstance(listed, list) and None in listed


DEFECTS: dict[str, tuple[Test, str]] = {
    "a number as /timestamp": (_number_of_time, '"timestamp":0'),
    "a list as /properties": (has("properties", list), '"properties":[]'),
    "null as /traits": (_null_traits, '"traits":null'),
    "a boolean as /userId": (has("userId", bool), '"userId":true'),
    "a text as /context": (has("context", str), '"context":""'),
    "an empty name in the free form of an event": (_empty_name, '"properties":{"":'),
    "an integer beyond 64 bits, anywhere": (_huge, ":18446744073709551616"),
    "null as an event of a batch": (_null_event, '{"batch":[null]}'),
}


@pytest.mark.parametrize("words", DEFECTS)
def test_one_defect_is_one_finding(words: str) -> None:
    """Its request is the smallest that shows it, and its words say what it is about."""
    test, text = DEFECTS[words]
    with serve(crashing(test)(DIALECTS[DIALECT])) as url:
        result = campaign(url, DIALECT, made(DIALECT, COUNT))
    (finding,) = result.findings
    assert (finding.fault, finding.certainty) == (Fault.SERVER_ERROR, Certainty.CONFIRMED)
    assert finding.reason == words
    assert text in finding.case.body.decode()
    assert len(finding.case.body) < 130
    assert "curl" in finding.curl


def test_many_defects_are_as_many_findings() -> None:
    """Nothing that is one defect hides another, and the same run finds the same."""
    target = crashing(*(test for test, _ in DEFECTS.values()))
    with serve(target(DIALECTS[DIALECT])) as url:
        first = campaign(url, DIALECT, made(DIALECT, COUNT))
        second = campaign(url, DIALECT, made(DIALECT, COUNT))
    assert sorted(item.reason for item in first.findings) == sorted(DEFECTS)
    assert sorted(item.id for item in first.findings) == sorted(item.id for item in second.findings)


def test_a_finding_is_kept_by_its_id() -> None:
    """What was stored comes back, to be sent again."""
    with serve(crashing(DEFECTS["null as /traits"][0])(DIALECTS[DIALECT])) as url:
        (finding,) = campaign(url, DIALECT, made(DIALECT, COUNT)[:1_200]).findings
    assert store(finding) is not None
    again = stored(finding.id)
    assert again.as_json() | {"curl": finding.curl} == finding.as_json()
    assert again.id == finding.id
    with pytest.raises(UsageError, match="no finding is called"):
        stored("../etc")


class Moody(Judge):
    """Fails once, and never again."""

    failed = False

    def answer(self, request: Request) -> Answer:
        """The five-hundredth answer is a 500."""
        self.count = getattr(self, "count", 0) + 1
        return Answer(500) if self.count == 500 else super().answer(request)


def test_what_does_not_come_again_is_reported_as_flaky() -> None:
    """It is never dropped: somebody may know what it was."""
    with serve(Moody(DIALECTS[DIALECT])) as url:
        (finding,) = campaign(url, DIALECT, made(DIALECT, COUNT)[:700]).findings
    assert finding.certainty is Certainty.FLAKY
    assert "flaky" in finding.title


class Sulking(Judge):
    """Takes nothing more once it has seen a certain thing."""

    is_over = False

    def answer(self, request: Request) -> Answer:
        """Everything fails after the first context that is a text."""
        if b'"context":"conformance"' in request.body:
            self.is_over = True
        return Answer(500) if self.is_over else super().answer(request)


def test_a_target_that_is_broken_is_noticed() -> None:
    """A control after the generated requests is no longer accepted."""
    with serve(Sulking(DIALECTS[DIALECT])) as url:
        (finding,) = campaign(url, DIALECT, made(DIALECT, COUNT)[:1_000]).findings
    assert (finding.fault, finding.kind) == (Fault.BROKEN, "target")
    assert finding.before


class Dying(Judge):
    """Fails on null traits, and answers nothing but failures after the three-hundredth request."""

    def answer(self, request: Request) -> Answer:
        """Lives for so many requests."""
        self.count = getattr(self, "count", 0) + 1
        return (
            Answer(500) if self.count > 300 or b'"traits":null' in request.body else super().answer(request)
        )


def test_what_was_seen_before_the_target_broke_is_not_lost() -> None:
    """It can't be sent again, and says so."""
    with serve(Dying(DIALECTS[DIALECT])) as url:
        found = campaign(url, DIALECT, made(DIALECT, COUNT)[:1_000]).findings
    assert {item.certainty for item in found if item.fault is Fault.SERVER_ERROR} == {Certainty.UNEXAMINED}
    assert any("not sent again" in item.title for item in found)
    assert [item.fault for item in found].count(Fault.BROKEN) == 1


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("variant", ["default", "strict-types"])
def test_a_correct_server_is_left_in_peace(dialect: str, variant: str) -> None:
    """Whatever the contract leaves open, a server may do either."""
    cases = made(dialect, 700, seed=7)
    with serve(Judge(DIALECTS[dialect], variants(DIALECTS[dialect])[variant])) as url:
        result = campaign(url, dialect, cases)
    assert [(item.title, item.case.body) for item in result.findings] == []
    assert sum(result.judged.values()) == len(cases)


def taking(kind: str) -> type[Judge]:
    """A server that does not mind a kind of fault."""

    class Taking(Judge):
        """A correct server but for that."""

        def complain(self, kind_: Kind, message: str) -> None:
            """Says nothing of it."""
            if kind_ != kind:
                super().complain(kind_, message)

    return Taking


@pytest.mark.parametrize(
    ("kind", "words"),
    [("auth", "credentials"), ("identity", "nobody's event"), ("size", ""), ("shape", "as body")],
)
def test_what_must_be_refused_and_is_taken_is_a_finding(kind: str, words: str) -> None:
    """The oracle knows which requests are at fault, and says so only where the contract does."""
    with serve(taking(kind)(DIALECTS[DIALECT])) as url:
        found = campaign(url, DIALECT, made(DIALECT, COUNT)).findings
    assert {item.fault for item in found} == {Fault.TAKEN}
    assert all(words in item.reason for item in found)
