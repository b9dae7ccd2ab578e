"""Correct servers that limit events, requests or bytes: nothing fails on them, whatever the limit counts."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from conformance.contract import Contract
from conformance.profile import load
from conformance.requests import Call, Keys
from conformance.requests.rate_limits import equal_control
from tests.selfcheck.test_independent_servers import report_of_run
from tests.targets.dialects import DIALECTS
from tests.targets.messages import Answer, Request
from tests.targets.options import KEY
from tests.targets.server import serve
from tests.targets.weight_limiter import Limit, LimitedApplication

LIMITS = {
    "events": (Limit(310, 1), "batch.count.*,batch.types.*"),
    "events-without-a-time": (Limit(310, 1.5, hint="none"), "batch.count.*"),
    "events-with-a-date": (Limit(310, 1, hint="date"), "batch.count.*"),
    "events-503": (Limit(310, 1, status=503), "batch.count.*"),
    "events-by-key": (Limit(310, 1, scope="key"), "batch.count.*,auth.credentials.missing"),
    "requests-by-path": (Limit(4, 0.5, unit="requests", scope="path"), "batch.types.*,json.syntax.truncated"),
    "bytes": (Limit(5_000_000, 1, unit="bytes"), "size.batch.within,size.batch.over,size.batch.over-wide"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_nothing_fails_because_of_a_limit(name: str) -> None:
    """What is refused for its weight is waited for, not judged."""
    limit, select = LIMITS[name]
    target = LimitedApplication(DIALECTS["rudderstack"], limit)
    with serve(target) as url:
        report = report_of_run(url, "rudderstack", select)
    assert target.refused
    assert [(item.name, item.message) for item in report.problems()] == []
    assert report.exit_code == 0


def test_what_never_fits_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of 300 does not fit into 200, and neither does an acceptable one as heavy."""
    monkeypatch.setattr("conformance.run.sender.MAX_TRIES", 2)
    with serve(LimitedApplication(DIALECTS["rudderstack"], Limit(200, 0.2, hint="none"))) as url:
        report = report_of_run(url, "rudderstack", "batch.count.many")
    (problem,) = report.problems()
    assert (problem.outcome, problem.level) == ("error", "must")
    assert "this is not its rate limit" in problem.message or "longer than this run waits" in problem.message
    assert report.exit_code == 3


class RefusesEmoji(LimitedApplication):
    """A server that answers 429 to what it does not understand."""

    def answer(self, request: Request) -> Answer:
        """Refuse a character, at any rate."""
        if "\U0001f600".encode() in request.body:
            return Answer(429, {"Retry-After": "1"}, b"Too many requests")
        return super().answer(request)


def test_a_429_for_the_content_still_fails() -> None:
    """Where acceptable requests of the same weight are accepted all the time, it is no matter of rate."""
    with serve(RefusesEmoji(DIALECTS["rudderstack"], Limit(10_000, 1))) as url:
        report = report_of_run(url, "rudderstack", "accept.text.emoji")
    assert {(item.outcome, item.received_status) for item in report.problems()} == {("fail", 429)}


def batch_call() -> Call:
    """A call to a batch path."""
    contract = Contract(load("rudderstack"))
    operation = next(item for item in contract.operations if item.kind == "batch")
    return Call(contract=contract, operation=operation, keys=Keys(write_key=KEY))


@pytest.mark.parametrize("count", [2, 101, 300])
def test_a_control_is_as_heavy_as_what_it_stands_for(count: int) -> None:
    """As many events and at least as many bytes, with the same credentials, to the same path."""
    call = batch_call()
    draft = call.batch_of(count).with_filler("日")
    control = equal_control(draft, call.acceptable_request())
    assert control is not None
    request, heavy = control.build_request(), draft.build_request()
    assert len(json.loads(request.body)["batch"]) == count == heavy.event_count
    assert len(request.body) >= len(heavy.body)
    assert (request.path, request.headers[0]) == (heavy.path, heavy.headers[0])


def test_nothing_is_as_heavy_as_what_is_too_large() -> None:
    """No acceptable request stands for a body over its limit, one with a wrong method or one to another path."""
    call = batch_call()
    control = call.acceptable_request()
    size = call.contract.body_size_limit(call.operation).at_most + 1
    assert equal_control(call.request_with_room_for(size).with_body_size(size), control) is None
    assert equal_control(replace(control, method="PUT"), control) is None
    assert equal_control(replace(control, path="/elsewhere"), control) is None
