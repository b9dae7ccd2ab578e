"""Findings: one defect is one finding, with a request that is easy to understand."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from conformance.core.errors import UsageError
from conformance.fuzz.finding import Certainty, load_finding, save_finding
from conformance.fuzz.judge import FailureKind
from tests.support.campaigns import crashing_on_any, labelled_cases, run_campaign
from tests.support.fuzz_features import events, nested_values
from tests.targets.application import Application
from tests.targets.dialects import DIALECTS
from tests.targets.messages import Answer
from tests.targets.options import variants
from tests.targets.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.targets.dialects import Kind
    from tests.targets.messages import Call, Request

    Test = Callable[[Call], bool]

DIALECT = "rudderstack"
COUNT = 2_400


def has_field_of_type(name: str, kind: type) -> Test:
    """Whether a field of an event has a type."""
    return lambda call: any(type(event.get(name)) is kind for event in events(call))


def _null_traits(call: Call) -> bool:
    return any("traits" in event and event["traits"] is None for event in events(call))


def _number_as_timestamp(call: Call) -> bool:
    return any(type(event.get("timestamp")) in {int, float} for event in events(call))


def _empty_name(call: Call) -> bool:
    return any(isinstance(event.get("properties"), dict) and "" in event["properties"] for event in events(call))


def _big_integer(call: Call) -> bool:
    return any(type(item) is int and not -(2**63) <= item < 2**63 for item in nested_values(call.value))


def _null_event(call: Call) -> bool:
    value: Any = call.value
    event_list = value.get("batch") if isinstance(value, dict) else None
    return call.route.kind == "batch" and isinstance(event_list, list) and None in event_list


DEFECTS: dict[str, tuple[Test, str]] = {
    "a number as /timestamp": (_number_as_timestamp, '"timestamp":0'),
    "a list as /properties": (has_field_of_type("properties", list), '"properties":[]'),
    "null as /traits": (_null_traits, '"traits":null'),
    "a boolean as /userId": (has_field_of_type("userId", bool), '"userId":true'),
    "a text as /context": (has_field_of_type("context", str), '"context":""'),
    "an empty name in the free form of an event": (_empty_name, '"properties":{"":'),
    "an integer beyond 64 bits, anywhere": (_big_integer, ":18446744073709551616"),
    "null as an event of a batch": (_null_event, '{"batch":[null]}'),
}


@pytest.mark.parametrize("reason", DEFECTS)
def test_one_defect_is_one_finding(reason: str) -> None:
    """Its request is the smallest that shows the defect, and its reason names the cause."""
    test, text = DEFECTS[reason]
    with serve(crashing_on_any(test)(DIALECTS[DIALECT])) as url:
        result = run_campaign(url, DIALECT, labelled_cases(DIALECT, COUNT))
    (finding,) = result.findings
    assert (finding.failure_kind, finding.certainty) == (FailureKind.SERVER_ERROR, Certainty.CONFIRMED)
    assert finding.reason == reason
    assert text in finding.case.body.decode()
    assert len(finding.case.body) < 130
    assert "curl" in finding.curl


def test_many_defects_are_as_many_findings() -> None:
    """No defect hides another, and a second run has the same findings."""
    target = crashing_on_any(*(test for test, _ in DEFECTS.values()))
    with serve(target(DIALECTS[DIALECT])) as url:
        first = run_campaign(url, DIALECT, labelled_cases(DIALECT, COUNT))
        second = run_campaign(url, DIALECT, labelled_cases(DIALECT, COUNT))
    assert sorted(item.reason for item in first.findings) == sorted(DEFECTS)
    assert sorted(item.id for item in first.findings) == sorted(item.id for item in second.findings)


def test_a_finding_is_kept_by_its_id() -> None:
    """It is loaded as it was saved."""
    with serve(crashing_on_any(DEFECTS["null as /traits"][0])(DIALECTS[DIALECT])) as url:
        (finding,) = run_campaign(url, DIALECT, labelled_cases(DIALECT, COUNT)[:1_200]).findings
    path = save_finding(finding)
    assert path is not None
    again = load_finding(finding.id)
    assert again.as_json() | {"curl": finding.curl} == finding.as_json()
    assert again.id == finding.id
    with pytest.raises(UsageError, match="no finding has the id"):
        load_finding("../etc")
    others = [replace(finding, preceding=(finding.case,)), replace(finding, reason="\ud800")]
    assert len({finding.id, *(item.id for item in others)}) == 1 + len(others)
    for item in others:
        save_finding(item)
        assert load_finding(item.id).id == item.id
    path.with_name("0123456789.json").write_bytes(path.read_bytes())
    with pytest.raises(UsageError, match=f"not the finding 0123456789: its content has the id {finding.id}"):
        load_finding("0123456789")


class FailingOnce(Application):
    """Fails once, and never again."""

    def answer(self, request: Request) -> Answer:
        """The five-hundredth answer is a 500."""
        self.count = getattr(self, "count", 0) + 1
        return Answer(500) if self.count == 500 else super().answer(request)


def test_a_failure_that_does_not_reproduce_is_flaky() -> None:
    """It is reported all the same."""
    with serve(FailingOnce(DIALECTS[DIALECT])) as url:
        (finding,) = run_campaign(url, DIALECT, labelled_cases(DIALECT, COUNT)[:700]).findings
    assert finding.certainty is Certainty.FLAKY
    assert "flaky" in finding.title


class FailingAfterTrigger(Application):
    """Answers every request with 500 after a certain one."""

    is_failing = False

    def answer(self, request: Request) -> Answer:
        """The first context that is a text is the last valid request."""
        if b'"context":"conformance"' in request.body:
            self.is_failing = True
        return Answer(500) if self.is_failing else super().answer(request)


def test_a_target_that_is_down_is_noticed() -> None:
    """A control request after the generated ones fails."""
    with serve(FailingAfterTrigger(DIALECTS[DIALECT])) as url:
        (finding,) = run_campaign(url, DIALECT, labelled_cases(DIALECT, COUNT)[:1_000]).findings
    assert (finding.failure_kind, finding.dedup_key) == (FailureKind.BREAKS_LATER_REQUESTS, "target")
    assert finding.preceding


class FailingAfterCount(Application):
    """Answers 500 to null traits, and to everything after the three-hundredth request."""

    def answer(self, request: Request) -> Answer:
        """Counts the requests."""
        self.count = getattr(self, "count", 0) + 1
        return Answer(500) if self.count > 300 or b'"traits":null' in request.body else super().answer(request)


def test_failures_before_the_target_went_down_are_not_lost() -> None:
    """They can't be sent again, and their titles say so."""
    with serve(FailingAfterCount(DIALECTS[DIALECT])) as url:
        findings = run_campaign(url, DIALECT, labelled_cases(DIALECT, COUNT)[:1_000]).findings
    assert {item.certainty for item in findings if item.failure_kind is FailureKind.SERVER_ERROR} == {
        Certainty.UNEXAMINED
    }
    assert any("not sent again" in item.title for item in findings)
    assert [item.failure_kind for item in findings].count(FailureKind.BREAKS_LATER_REQUESTS) == 1


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("variant", ["default", "strict-types"])
def test_a_correct_server_has_no_findings(dialect: str, variant: str) -> None:
    """A server may answer as it likes where the contract leaves that open."""
    cases = labelled_cases(dialect, 700, seed=7)
    with serve(Application(DIALECTS[dialect], variants(DIALECTS[dialect])[variant])) as url:
        result = run_campaign(url, dialect, cases)
    assert [(item.title, item.case.body) for item in result.findings] == []
    assert sum(result.judged_by_call.values()) == len(cases)


def ignoring_fault(kind: str) -> type[Application]:
    """A server that accepts one kind of invalid request."""

    class FaultIgnoring(Application):
        """A server that is correct otherwise."""

        def refuse_if_documented(self, kind_: Kind, message: str) -> None:
            """Refuses all other kinds."""
            if kind_ != kind:
                super().refuse_if_documented(kind_, message)

    return FaultIgnoring


@pytest.mark.parametrize(
    ("dialect", "kind", "reason"),
    [
        (DIALECT, "auth", "credentials"),
        ("metarouter", "identity", "names nobody"),
        (DIALECT, "size", ""),
        (DIALECT, "shape", "as body"),
    ],
)
def test_accepting_an_invalid_request_is_a_finding(dialect: str, kind: str, reason: str) -> None:
    """Only where the contract says that the request is rejected."""
    with serve(ignoring_fault(kind)(DIALECTS[dialect])) as url:
        findings = run_campaign(url, dialect, labelled_cases(dialect, COUNT)).findings
    assert {item.failure_kind for item in findings} == {FailureKind.WRONGLY_ACCEPTED}
    assert all(reason in item.reason for item in findings)


class _FailsOnDeepBodies(Application):
    """A correct target whose parser gives up on what is nested deeper than it can read."""

    def answer(self, request: Request) -> Answer:
        """Answers a body that is nested deeper with a 500."""
        return Answer(500, {}, b"") if request.body.count(b"[[") > 300 else super().answer(request)


def test_what_is_nested_deeper_than_we_can_read_is_a_finding() -> None:
    """The suite survives its own request."""
    cases = [case for case in labelled_cases(DIALECT, COUNT) if case.body.count(b"[[") > 300]
    deepest = max(cases, key=lambda case: case.body.count(b"[["))
    assert deepest.body.count(b"[[") > sys.getrecursionlimit() / 2
    with serve(_FailsOnDeepBodies(DIALECTS[DIALECT])) as url:
        result = run_campaign(url, DIALECT, [*labelled_cases(DIALECT, 10), deepest])
    assert {item.received for item in result.findings} == {"500 with an empty body"}
