"""Correct servers that limit events, requests or bytes: nothing fails on them, whatever the limit counts."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from conformance.cases import CHECKS
from conformance.checks.check import Tier
from conformance.checks.trial import Trial, make_trials
from conformance.contract import Contract
from conformance.core.errors import NoResponse
from conformance.core.model import Request as SentRequest
from conformance.core.model import Response
from conformance.fuzz.check_results import check_result
from conformance.profile import load
from conformance.requests import Call, Keys
from conformance.requests.rate_limits import equal_control
from tests.selfcheck.test_independent_servers import report_of_run
from tests.support.campaigns import labelled_cases, run_campaign
from tests.support.fake_wires import FakeWire, sender_over
from tests.targets.application import Application
from tests.targets.dialects import DIALECTS
from tests.targets.http_connection import HttpConnection
from tests.targets.messages import Answer, Request
from tests.targets.options import KEY
from tests.targets.server import serve
from tests.targets.weight_limiter import Limit, LimitedApplication

if TYPE_CHECKING:
    from conformance.run.sender import Sender

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


def test_a_series_over_one_connection_is_paced() -> None:
    """A limit of five requests in half a second has never room for twelve in a row."""
    target = LimitedApplication(DIALECTS["segmentstream"], Limit(5, 0.5, unit="requests"))
    with serve(target) as url:
        report = report_of_run(url, "segmentstream", "robustness.recovery.series")
    assert [(item.name, item.message) for item in report.problems()] == []


class CountedConnection(HttpConnection):
    """One of three connections; more are put off without a look at what they bring."""

    count = 0

    async def run(self) -> None:
        """Count the connection while it is open."""
        if CountedConnection.count == 3:
            self.writer.write(
                b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy"
            )
            return
        CountedConnection.count += 1
        try:
            await super().run()
        finally:
            CountedConnection.count -= 1


def test_a_limit_of_connections_is_left_room_for_new_ones() -> None:
    """Those that this client keeps open count, too."""
    target = Application(DIALECTS["segmentstream"])
    target.connection_type = CountedConnection
    with serve(target) as url:
        report = report_of_run(url, "segmentstream", "json.syntax.*,robustness.chunks.*,robustness.connection.*")
    assert [(item.name, item.message) for item in report.problems()] == []


def test_what_never_fits_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of 300 does not fit into 200, and neither does an acceptable one as heavy."""
    monkeypatch.setattr("conformance.run.rate_limit_waits.MAX_TRIES", 2)
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


class Window:
    """A limit of so many events in a time that it does not name, on a clock that only waiting moves."""

    def __init__(self, room: int, length_s: float) -> None:
        self.room, self.length_s = room, length_s
        self.now_s = self.opened_s = 0.0
        self.taken = 0

    async def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.now_s += seconds

    def answer(self, request: SentRequest) -> Response:
        """Answer one request, if there is room for it."""
        if self.now_s >= self.opened_s + self.length_s:
            self.opened_s, self.taken = self.now_s, 0
        fits = self.taken + request.event_count <= self.room
        self.taken += request.event_count if fits else 0
        return Response(status=200 if fits else 429)


def sender_in(window: Window) -> Sender:
    """A sender whose waits pass at once."""
    sender = sender_over(FakeWire(window.answer))
    sender.waits.sleep = window.sleep
    return sender


@pytest.mark.parametrize("length_s", [0.5, 7, 20, 40])
def test_the_time_of_a_limit_is_learned(length_s: float) -> None:
    """Without Retry-After, ten windows take hardly longer than ten windows."""
    window = Window(300, length_s)
    sender = sender_in(window)

    async def send_all() -> set[int]:
        return {(await sender.send(batch_call().batch_of(100))).status for _ in range(33)}

    assert asyncio.run(send_all()) == {200}
    assert sender.waited_s <= 13 * max(length_s, 1)


def test_what_is_as_heavy_as_what_never_fits_is_tried_once() -> None:
    """A limit of a few bytes does not cost a minute for each large body."""
    window = Window(100, 5)
    sender = sender_in(window)
    waits = []
    for count in (101, 101, 150):
        before_s = window.now_s
        with pytest.raises(NoResponse, match="kept answering 429"):
            asyncio.run(sender.send(batch_call().batch_of(count)))
        waits.append(window.now_s - before_s)
    assert waits[0] > 60
    assert waits[1:] == [1, 1]
    assert asyncio.run(sender.send(batch_call().batch_of(99))).status == 200


LIMITED_FUZZ = {"429": Limit(150, 1, "requests"), "503": Limit(150, 1, "requests", hint="seconds", status=503)}


@pytest.mark.parametrize("status", LIMITED_FUZZ)
def test_generated_requests_are_put_off_too(status: str) -> None:
    """A 503 that names a time is no crash, and no sign that the target is down."""
    target = LimitedApplication(DIALECTS["segmentstream"], LIMITED_FUZZ[status])
    with serve(target) as url:
        result = run_campaign(url, "segmentstream", labelled_cases("segmentstream", 250))
    assert target.refused
    assert [(item.title, item.received) for item in result.findings] == []
    assert sum(result.judged_by_call.values()) == 250


def test_generated_requests_that_never_fit_are_no_verdict() -> None:
    """A limit that lets nothing pass is not blamed for refusing valid requests."""
    target = LimitedApplication(DIALECTS["segmentstream"], Limit(0, 100, "requests"))
    with serve(target) as url:
        result = run_campaign(url, "segmentstream", labelled_cases("segmentstream", 10))
    assert (result.findings, result.untestable) == ([], set())
    assert list(result.put_off) == ["POST /track"]
    assert check_result(fuzz_trial(), result).outcome == "error"


def fuzz_trial() -> Trial:
    """A check of generated requests."""
    contract = Contract(load("segmentstream"))
    trials = make_trials(contract, Keys(write_key=KEY), CHECKS, frozenset(Tier))
    return next(item for item in trials if item.check.area == "fuzz")


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
