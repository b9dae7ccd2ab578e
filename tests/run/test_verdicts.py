"""Verdicts: which exchange they show, and the command that shows a failure again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, cast

from conformance.cases import CHECKS
from conformance.checks import expect
from conformance.checks.check import EVENTS, Check
from conformance.checks.trial import make_trials
from conformance.contract import Contract
from conformance.core.model import Area, Exchange, Outcome, Request, Response, Verdict
from conformance.profile import load
from conformance.requests import Keys, PreflightResult
from conformance.run.engine import run_one
from conformance.run.sender import Sender
from conformance.run.verdicts import build_verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.requests import Call
    from conformance.requests.steps import Steps
    from conformance.wire import Wire

REQUEST = Request(method="POST", path="/v1/track")
KEYS = Keys(write_key="Key-12345")
ACCEPTED = Response(status=200)
FAILED = Response(status=500, body=b"oops")
AMBIGUOUS = Response(status=200, headers=(("Content-Length", "0"), ("Transfer-Encoding", "chunked")))


class ScriptedWire:
    """A wire without a network that answers each request with the next of some responses."""

    def __init__(self, responses: Sequence[Response]) -> None:
        self._responses = iter(responses)

    async def exchange(self, request: Request) -> Exchange:
        """An exchange with the next response."""
        return Exchange(request=request, url=f"http://target{request.path}", response=next(self._responses))


@cache
def contract() -> Contract:
    """A vendor's contract."""
    return Contract(load("segment"))


def sender(responses: Sequence[Response]) -> Sender:
    """A sender over a scripted wire."""
    return Sender(wire=cast("Wire", ScriptedWire(responses)))


def verdict_on(responses: Sequence[Response], judged: int) -> Verdict:
    """The verdict of a check that sends a request for each response, and then judges one of them."""

    def steps(call: Call) -> Steps:
        exchanges: list[Exchange] = []
        for number in range(len(responses)):
            exchange = yield replace(call.acceptable_request(), path=f"/request/{number}")
            exchanges.append(exchange)
        expect.no_server_error(exchanges[judged], "it")
        expect.well_framed(exchanges[judged], "it")
        return None

    check = Check(
        id="robustness.test.verdict", area=Area.ROBUSTNESS, title="It holds.", why="A test.",
        fact="answers.accepted", kinds=EVENTS, steps=steps, module=__name__,
    )  # fmt: skip
    trial = make_trials(contract(), KEYS, [check])[0]
    return build_verdict(trial, asyncio.run(run_one(trial, sender(responses))))


def shown_paths(verdict: Verdict) -> list[str]:
    """The paths of the exchanges that a verdict shows."""
    return [cast("dict[str, str]", item["request"])["url"] for item in verdict.exchanges]


def test_a_failure_shows_the_exchange_that_it_is_about() -> None:
    """Also where later responses look just the same."""
    verdict = verdict_on([FAILED, FAILED, FAILED], judged=1)
    assert (verdict.outcome, verdict.received_status) == (Outcome.FAIL, 500)
    assert shown_paths(verdict) == ["http://target/request/0", "http://target/request/1"]
    assert verdict.curl.endswith("http://target/request/1")


def test_a_failure_shows_its_exchange_whatever_is_wrong_with_it() -> None:
    """What was received may say more than a summary of the response."""
    verdict = verdict_on([ACCEPTED, AMBIGUOUS, ACCEPTED], judged=1)
    assert verdict.received == "200 with an empty body; it has both a Content-Length and a Transfer-Encoding"
    assert shown_paths(verdict)[-1] == "http://target/request/1"


def test_a_failure_shows_a_few_exchanges_before_it() -> None:
    """The last twelve, and none after it."""
    verdict = verdict_on([*[ACCEPTED] * 14, FAILED, *[ACCEPTED] * 3], judged=14)
    assert shown_paths(verdict) == [f"http://target/request/{number}" for number in range(3, 15)]


def test_a_passed_check_shows_nothing() -> None:
    """Nobody asks for it."""
    verdict = verdict_on([ACCEPTED, FAILED], judged=0)
    assert (verdict.outcome, verdict.exchanges, verdict.curl) == (Outcome.PASS, (), "")
    assert verdict.received_status is None


def test_what_accepts_nothing_shows_how_it_refused() -> None:
    """The exchange is one of the preflight; the check itself sends nothing."""
    refusal = Exchange(request=REQUEST, response=Response(status=404, body=b"no"))
    (trial, *_) = make_trials(contract(), KEYS, [item for item in CHECKS if item.id == "json.syntax.truncated"])
    assert trial.operation is not None
    trial = replace(trial, preflight=PreflightResult(dead={trial.operation: refusal}))
    verdict = build_verdict(trial, asyncio.run(run_one(trial, sender([]))))
    assert (verdict.outcome, verdict.received, verdict.received_status) == (Outcome.UNTESTABLE, "404 'no'", 404)
    assert verdict.exchanges == ()
