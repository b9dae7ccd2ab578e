"""Requests that make a target go away: they are held against it, and what goes unanswered by chance is not."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from conformance.cases import CHECKS
from conformance.checks.trial import make_trials
from conformance.core.errors import NoResponse, Stopped, Unanswered
from conformance.core.model import Exchange, Level, Outcome, Request, Response, TransportFailure
from conformance.requests import ConcurrentRequests, Conversation, framings
from conformance.requests.raw_writers import write_standard
from conformance.run.engine import run_one
from conformance.run.verdicts import build_verdict
from conformance.wire import Redactor, Wire, parse_target
from tests.run.test_engine import GeneratorTask
from tests.run.test_sending import call, contract
from tests.support.fake_wires import FakeWire, sender_over
from tests.support.function_targets import KEYS
from tests.support.scripted_server import OK

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.requests import Draft
    from conformance.requests.steps import Steps
    from conformance.run.engine import CheckResult
    from conformance.run.sender import Sender

GOOD = Response(status=200)
CLOSED, UNREACHABLE = TransportFailure.CLOSED, TransportFailure.UNREACHABLE
FATAL = b"fatal"
NEVER = 10**9


@dataclass(slots=True)
class MortalTarget:
    """A target that a body with `fatal` in it ends: the next `away` requests are answered by `meanwhile`.

    `odd` answers other requests; None is a success.
    """

    away: int = 3
    at_death: Response | TransportFailure = CLOSED
    meanwhile: Response | TransportFailure = UNREACHABLE
    odd: Callable[[Request], Response | TransportFailure | None] = lambda _: None
    deaths: int = 0
    _missing: int = field(default=0)

    def answer(self, request: Request) -> Response | TransportFailure:
        """The answer, or the lack of one."""
        if self._missing:
            self._missing -= 1
            return self.meanwhile
        if FATAL in request.body:
            self._missing, self.deaths = self.away, self.deaths + 1
            return self.at_death
        return self.odd(request) or GOOD


def fatal_draft() -> Draft:
    """A draft that kills the target."""
    return call().acceptable_request().with_body_bytes(FATAL)


def ready_sender(target: MortalTarget) -> Sender:
    """A sender whose target has accepted a request, in a run."""
    sender = sender_over(FakeWire(target.answer))
    sender.outages.sleep = lambda _: asyncio.sleep(0)
    asyncio.run(sender.send_acceptable(call().acceptable_request()))
    sender.start_over()
    return sender


def failure_of(target: MortalTarget, draft: Draft) -> Unanswered:
    """What a draft is held to have done."""
    with pytest.raises(Unanswered) as caught:
        asyncio.run(ready_sender(target).send(draft))
    return caught.value


@pytest.mark.parametrize(
    "target",
    [
        MortalTarget(),
        MortalTarget(meanwhile=CLOSED),
        MortalTarget(at_death=Response(status=502), meanwhile=Response(status=502)),
        MortalTarget(at_death=Response(status=502), meanwhile=Response(status=503)),
    ],
)
def test_a_request_that_ends_the_target_each_time_is_the_cause(target: MortalTarget) -> None:
    """It is sent again alone until it has done so twice more, and no more often."""
    failure = failure_of(target, fatal_draft())
    assert failure.is_outage
    assert "it was away for a while each time that this was sent alone" in str(failure)
    assert "POST /v1/identify" in str(failure)
    assert target.deaths == 3


def test_a_check_that_judges_closed_connections_does_not_hide_it() -> None:
    """A server may close the connection on some bytes, and may not die of them."""
    writers = (write_standard, framings.write_length_too_large)
    for draft in (fatal_draft().with_raw_writer(writer).allowing_no_answer() for writer in writers):
        assert failure_of(MortalTarget(), draft).is_outage


def test_a_target_that_never_comes_back_is_gone() -> None:
    """The request is the cause, and the run ends with the next one."""
    sender = ready_sender(MortalTarget(away=NEVER))

    async def one_and_another() -> None:
        with pytest.raises(Unanswered, match=r"the target is gone: it has answered nothing for 30 s"):
            await sender.send(fatal_draft())
        await sender.send(call().acceptable_request())

    with pytest.raises(Stopped, match="the target is gone"):
        asyncio.run(one_and_another())
    assert sender.outages.is_blamed


def test_a_target_that_goes_just_after_its_answer_ends_the_run_with_the_last_requests() -> None:
    """Nothing was left unanswered, so none is held to be the cause; the one that was answered last is named first."""
    sender = ready_sender(MortalTarget(away=NEVER, at_death=Response(status=400)))

    async def in_turn() -> None:
        await sender.send(call().acceptable_request())
        assert (await sender.send(fatal_draft())).status == 400
        with pytest.raises(NoResponse, match=r"target is gone: .*; answered just before that, .*: POST /v1/identify "
                           r"with b'fatal', 400; POST /v1/identify with b'\{"):  # fmt: skip
            await sender.send(call().control_request())
        await sender.send(call().acceptable_request())

    with pytest.raises(Stopped, match="with b'fatal', 400"):
        asyncio.run(in_turn())
    assert not sender.outages.is_blamed


def test_of_several_in_flight_the_first_unanswered_one_is_the_cause() -> None:
    """Those that could not even be sent are not, nor are acceptable ones that are sent all the time."""
    sender = ready_sender(MortalTarget(away=NEVER))
    drafts = [call().control_request(), fatal_draft(), *(call().acceptable_request() for _ in range(3))]

    async def all_at_once() -> list[Exchange | BaseException]:
        return await asyncio.gather(*map(sender.send, drafts), return_exceptions=True)

    control, fatal, *others = asyncio.run(all_at_once())
    assert isinstance(control, Exchange)
    assert isinstance(fatal, Unanswered)
    assert {type(item) for item in others} == {NoResponse}


def test_requests_lost_beside_the_cause_are_asked_again() -> None:
    """They are answered once the target is back."""
    sender = ready_sender(MortalTarget(away=12))
    drafts = [fatal_draft(), *(call().acceptable_request() for _ in range(4))]

    async def all_at_once() -> list[Exchange | BaseException]:
        return await asyncio.gather(*map(sender.send, drafts), return_exceptions=True)

    fatal, *others = asyncio.run(all_at_once())
    assert isinstance(fatal, Unanswered)
    assert [item.status for item in others if isinstance(item, Exchange)] == [200] * 4


@pytest.mark.parametrize("failure", [CLOSED, UNREACHABLE, Response(status=502), Response(status=503)])
@pytest.mark.parametrize("times", [1, 4])
def test_what_is_over_is_held_against_nobody(failure: TransportFailure | Response, times: int) -> None:
    """A connection that breaks, a restart by somebody else, a proxy without a server for a moment."""
    numbers = itertools.count()
    target = MortalTarget(odd=lambda _: failure if 0 < next(numbers) <= times else None)
    assert asyncio.run(ready_sender(target).send(call().acceptable_request())).status == 200


def test_a_server_that_drops_every_fifth_connection_is_not_accused() -> None:
    """All checks get their answers, controls that are dropped as well."""
    numbers = itertools.count(1)
    sender = ready_sender(MortalTarget(odd=lambda _: CLOSED if next(numbers) % 5 == 0 else None))

    async def in_turn() -> list[Exchange]:
        return [await sender.send(call().acceptable_request()) for _ in range(60)]

    assert {item.status for item in asyncio.run(in_turn())} == {200}


def test_a_request_that_alone_is_never_answered_breaks_a_promise() -> None:
    """Others are, before and after it; nothing is away."""
    target = MortalTarget(away=0)
    failure = failure_of(target, fatal_draft())
    assert not failure.is_outage
    assert target.deaths == 5
    assert "is not, alone as well: a failure: closed" in str(failure)


def test_a_closed_connection_that_is_legal_is_the_check_s() -> None:
    """Bytes that are no HTTP may be answered so, and are not sent again."""
    target = MortalTarget(away=0)
    draft = fatal_draft().with_raw_writer(framings.write_length_too_large).allowing_no_answer()
    assert asyncio.run(ready_sender(target).send(draft)).failure is CLOSED
    assert target.deaths == 1


def test_a_status_of_a_gateway_is_an_answer_if_it_stays() -> None:
    """It is the check's to judge."""
    target = MortalTarget(away=0, at_death=Response(status=502))
    assert asyncio.run(ready_sender(target).send(fatal_draft())).status == 502


@pytest.mark.parametrize("is_conversation", [False, True])
def test_requests_that_are_sent_together_may_be_the_cause(is_conversation: bool) -> None:  # noqa: FBT001 - a parameter
    """A burst, and a conversation over one connection."""
    sender = ready_sender(MortalTarget())
    drafts = tuple(item.allowing_no_answer() for item in (call().acceptable_request(), fatal_draft()))
    burst, conversation = ConcurrentRequests(drafts=drafts), Conversation(drafts=drafts)
    sent = sender.send_conversation(conversation) if is_conversation else sender.send_concurrently(burst)
    with pytest.raises(Unanswered, match="away for a while"):
        asyncio.run(sent)


def test_where_nothing_was_accepted_nothing_can_be_told() -> None:
    """No acceptable request could show that the target is there."""
    sender = sender_over(FakeWire(MortalTarget().answer))
    assert asyncio.run(sender.send(fatal_draft())).failure is CLOSED


def result_of(target: MortalTarget) -> CheckResult:
    """The result of a check that sends the fatal request."""

    def steps() -> Steps:
        yield fatal_draft()
        return None

    return asyncio.run(run_one(GeneratorTask(steps), ready_sender(target)))


def test_the_check_fails_with_the_request_that_shows_it() -> None:
    """As the answer that there is not."""
    result = result_of(MortalTarget())
    assert (result.outcome, result.is_outage, result.is_server_error) == (Outcome.FAIL, True, True)
    assert result.exchange is not None
    assert result.exchange.request.body == FATAL
    assert result.exchange_index == 0


def test_no_path_makes_an_outage_less_than_a_must() -> None:
    """After it, acceptable requests on all paths went unanswered."""
    observing = next(item for item in CHECKS if item.max_level is Level.MAY)
    path = next(item for item in contract().operations if item.level is Level.SHOULD)
    trial = replace(make_trials(contract(), KEYS, [observing])[0], operation=path)
    result = result_of(MortalTarget())
    verdict = build_verdict(trial, result)
    assert (verdict.outcome, verdict.level) == (Outcome.FAIL, Level.MUST)
    assert verdict.sources == contract().fact("rules.no-server-error").sources
    assert build_verdict(trial, replace(result, is_outage=False)).level is not Level.MUST


def test_a_connection_that_dies_under_a_request_is_closed_even_if_no_other_is_to_be_had() -> None:
    """So that it is known which request the target has read."""

    async def twice() -> Exchange:
        async def die_with_the_second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
            await reader.readuntil(b"\r\n\r\n")
            server.close()
            writer.transport.abort()

        server = await asyncio.start_server(die_with_the_second, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Wire(target=parse_target(url), redactor=Redactor({}), deadline_s=5) as wire:
            await wire.exchange(Request(method="GET", path="/"))
            return await wire.exchange(Request(method="GET", path="/"))

    assert asyncio.run(twice()).failure is CLOSED
