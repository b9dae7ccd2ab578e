"""The engine with given exchanges: the result of each way to end, and the order of checks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeAlias, cast

import pytest

from conformance.cases import CHECKS
from conformance.checks import expect
from conformance.checks.check import EVENTS, Check
from conformance.checks.trial import make_trials
from conformance.contract import Contract
from conformance.core.errors import Deviation, NoResponse, NotApplicable, Untestable
from conformance.core.model import Area, Exchange, Level, OperationKind, Outcome, Request, Response, TransportFailure
from conformance.profile import load
from conformance.requests import Call, Draft, Keys
from conformance.requests.steps import send_concurrently
from conformance.run import engine
from conformance.run.engine import MAX_EXCHANGES, CheckResult
from tests.support.fake_wires import FakeWire, sender_over

if TYPE_CHECKING:
    from conformance.requests import Step
    from conformance.requests.steps import Steps
    from conformance.run.sender import Sender

StepsWithoutNote: TypeAlias = Generator[Draft, Exchange, None]
"""A check at work that never has a note."""

KEYS = Keys(write_key="Key-12345")
REFUSAL = Exchange(request=Request(method="POST", path="/"), response=Response(status=400))
MISHAP = Exchange(
    request=Request(method="POST", path="/"), failure=TransportFailure.CLOSED, failure_detail="it was closed"
)
OK = Exchange(request=Request(method="POST", path="/"), response=Response(status=200, body=b"ok"))


@cache
def contract() -> Contract:
    """A vendor's contract."""
    return Contract(load("segment"))


def draft() -> Draft:
    """An acceptable request."""
    return Call(contract=contract(), operation=contract().operations[0], keys=KEYS).acceptable_request()


@dataclass(slots=True, eq=False)
class GeneratorTask:
    """A piece of work from a function that makes its generator."""

    make: Callable[[], Steps]
    exclusive: bool = False

    def steps(self) -> Steps:
        """The generator."""
        return self.make()


def sender(*exchanges: Exchange) -> Sender:
    """A sender that gets these exchanges, the last one again and again."""
    return sender_over(FakeWire.in_turn(*(exchanges or (OK,))))


def drive(make: Callable[[], Steps], *exchanges: Exchange) -> CheckResult:
    """The result of a generator that gets these exchanges."""
    return asyncio.run(engine.run_one(GeneratorTask(make), sender(*exchanges)))


def only_draft(message: Step) -> Draft:
    """A message that is one draft."""
    assert isinstance(message, Draft)
    return message


def steps_raising(error: Exception) -> Callable[[], Steps]:
    """Work that sends one request and then raises."""

    def steps() -> Steps:
        yield draft()
        raise error

    return steps


def test_a_check_can_be_driven_by_hand() -> None:
    """It yields a control, gets an acceptance, yields the spoilt twin, and judges its answer."""
    (item,) = [item for item in CHECKS if item.id == "json.syntax.truncated"]
    trial = make_trials(contract(), KEYS, [item])[0]
    steps = trial.steps()
    control = only_draft(next(steps)).build_request()
    spoilt = only_draft(steps.send(OK)).build_request()
    assert spoilt.body == control.body[:-1]
    with pytest.raises(StopIteration) as ended:
        steps.send(REFUSAL)
    assert ended.value.value is None


def test_a_check_driven_by_hand_sees_a_deviation() -> None:
    """The same, with an acceptance where a refusal is promised."""
    (item,) = [item for item in CHECKS if item.id == "json.syntax.truncated"]
    steps = make_trials(contract(), KEYS, [item])[0].steps()
    next(steps)
    steps.send(OK)
    with pytest.raises(Deviation, match="must be answered with 400, and was answered with 200 'ok'") as caught:
        steps.send(OK)
    assert (caught.value.expected, caught.value.received) == ("400", "200 'ok'")


def test_a_check_that_ends_has_passed() -> None:
    """What it returns is a note; the exchanges are kept in order."""

    def steps() -> Steps:
        first = yield draft()
        second = yield draft()
        return f"{first.status} and {second.status}"

    result = drive(steps, OK, REFUSAL)
    assert (result.outcome, result.message) == (Outcome.PASS, "200 and 400")
    assert result.exchanges == (OK, REFUSAL)


def test_a_check_that_sends_nothing_may_pass() -> None:
    """It has an opinion without asking."""

    def steps() -> Steps:
        yield from list[Draft]()
        return "as expected"

    assert drive(steps) == CheckResult(outcome=Outcome.PASS, message="as expected")


def test_a_deviation_fails() -> None:
    """With message, expected, received, its own level, and what was exchanged."""
    error = Deviation("it must be refused", "was not", exchange=OK, expected="400", level=Level.MAY)
    assert drive(steps_raising(error)) == CheckResult(
        outcome=Outcome.FAIL,
        message="it must be refused, and was not",
        expected="400",
        received="200 'ok'",
        level=Level.MAY,
        exchanges=(OK,),
        exchange=OK,
    )


def test_a_refused_control_is_untestable() -> None:
    """It is no failure, for nothing was shown."""
    error = Untestable("it must be accepted", "was not", exchange=REFUSAL, expected="a success", received="400")
    result = drive(steps_raising(error))
    assert (result.outcome, result.expected, result.received) == (Outcome.UNTESTABLE, "a success", "400")
    assert (result.exchange, result.exchange_index, result.received_status) == (REFUSAL, None, 400)


def test_a_silent_contract_is_not_applicable() -> None:
    """With the reason, whether it is silent before or after the first request."""
    result = drive(steps_raising(NotApplicable("nobody says so")))
    assert (result.outcome, result.message) == (Outcome.NOT_APPLICABLE, "nobody says so")

    def steps() -> Steps:
        raise NotApplicable("nobody says so")

    assert drive(steps) == CheckResult(outcome=Outcome.NOT_APPLICABLE, message="nobody says so")


def test_a_request_that_can_t_be_made_is_not_applicable() -> None:
    """A draft may turn out impossible only when it is written down, as one that is too small."""

    def steps() -> StepsWithoutNote:
        yield draft().with_body_size(3)

    result = drive(steps)
    assert result.outcome is Outcome.NOT_APPLICABLE
    assert "can't be as small as 3 bytes" in result.message


@pytest.mark.parametrize("error", [KeyError("oops"), AssertionError("oops"), RecursionError("oops")])
def test_a_fault_of_ours_is_an_error(error: Exception) -> None:
    """Whatever else a check raises says nothing about the target, and is never a failure."""
    result = drive(steps_raising(error))
    assert result.outcome is Outcome.ERROR
    assert result.message.startswith(f"a fault of the suite, not of the target: {type(error).__name__}: ")
    assert "oops" in result.message


@pytest.mark.parametrize("error", [ValueError("oops"), StopIteration()])
def test_a_fault_in_writing_a_request_down_is_an_error(error: Exception) -> None:
    """Even one that looks like the end of a generator."""

    def respell(_: bytes) -> bytes:
        raise error

    def steps() -> StepsWithoutNote:
        yield draft().with_json_bytes(respell)

    result = drive(steps)
    assert result.outcome is Outcome.ERROR
    assert result.exchanges == ()


def test_a_fault_before_the_first_step_is_an_error() -> None:
    """Making the generator may fail, too."""

    def steps() -> Steps:
        raise ValueError("oops")

    assert drive(steps).outcome is Outcome.ERROR
    assert drive(lambda: cast("Steps", next(iter(())))).outcome is Outcome.ERROR


def test_no_answer_is_an_error() -> None:
    """The check hears nothing of it; the finding says what went wrong."""
    exchanges: list[Exchange] = []

    def steps() -> StepsWithoutNote:
        exchanges.append((yield draft()))

    result = drive(steps, MISHAP)
    assert (result.outcome, result.message) == (Outcome.ERROR, "no verdict: it was closed")
    assert (result.expected, result.received) == ("an answer", "no answer (it was closed)")
    assert result.exchanges == (MISHAP,)
    assert (result.exchange_index, result.received_status) == (0, 0)
    assert exchanges == []


def test_an_error_is_about_the_request_without_a_response() -> None:
    """Of several at once it need not be the last."""

    def steps() -> Steps:
        yield from send_concurrently(draft(), draft(), draft())
        return None

    result = drive(steps, OK, MISHAP, OK)
    assert (result.outcome, result.received) == (Outcome.ERROR, "no answer (it was closed)")
    assert (len(result.exchanges), result.exchange_index) == (3, 1)


def test_a_check_may_judge_that_there_is_no_answer() -> None:
    """A draft that may go unanswered brings the mishap back to its check."""

    def steps() -> StepsWithoutNote:
        exchange = yield draft().allowing_no_answer()
        expect.no_server_error(exchange, "it")

    assert drive(steps, MISHAP).outcome is Outcome.FAIL


def test_a_check_may_give_up_for_want_of_an_answer() -> None:
    """That is an error, as it is when the engine gives up."""
    result = drive(steps_raising(NoResponse("no verdict: silence")))
    assert (result.outcome, result.message) == (Outcome.ERROR, "no verdict: silence")

    def steps() -> Steps:
        raise NoResponse("no verdict: silence")

    assert drive(steps).outcome is Outcome.ERROR


def test_a_check_without_end_is_stopped() -> None:
    """At the bound it is a fault of ours."""

    def steps() -> Steps:
        while True:
            yield draft()

    result = drive(steps)
    assert result.outcome is Outcome.ERROR
    assert f"more than {MAX_EXCHANGES} exchanges" in result.message
    assert len(result.exchanges) == MAX_EXCHANGES


def test_a_check_may_take_as_many_exchanges_as_there_are() -> None:
    """The bound itself is within bounds."""

    def steps() -> StepsWithoutNote:
        for _ in range(MAX_EXCHANGES):
            yield draft()

    assert drive(steps).outcome is Outcome.PASS


@pytest.mark.parametrize("exchanges", [(MISHAP,), (OK,)])
def test_a_check_is_closed_at_its_end(exchanges: tuple[Exchange, ...]) -> None:
    """Whatever happens, what it wanted to tidy up is tidied up."""
    closed: list[bool] = []

    def steps() -> Steps:
        try:
            while True:
                yield draft()
        finally:
            closed.append(True)

    generator = steps()
    drive(lambda: generator, *exchanges)
    assert closed == [True]


def tasks(count: int, *, exclusive: bool = False) -> list[GeneratorTask]:
    """Pieces of work of three requests each."""

    def steps() -> StepsWithoutNote:
        for _ in range(3):
            yield draft()

    return [GeneratorTask(steps, exclusive=exclusive) for _ in range(count)]


@pytest.mark.parametrize("jobs", [1, 3, 8, 50])
def test_no_more_than_jobs_are_in_flight(jobs: int) -> None:
    """And no fewer, while there is work."""
    wire, results = FakeWire.in_turn(OK), list[CheckResult]()
    works = tasks(20)
    asyncio.run(engine.run_all(works, sender_over(wire), jobs, lambda _, finding: results.append(finding)))
    assert wire.max_in_flight == min(jobs, 20)
    assert [finding.outcome for finding in results] == [Outcome.PASS] * 20
    assert len(wire.sent) == 60


def test_every_piece_of_work_is_told_once() -> None:
    """In their order where one runs at a time."""
    works, finished = tasks(5), list[GeneratorTask]()
    asyncio.run(engine.run_all(iter(works), sender(), 1, lambda work, _: finished.append(work)))
    assert finished == works


def test_exclusive_work_comes_last_and_alone() -> None:
    """It starts when everything else has ended, and one by one."""
    alone = tasks(3, exclusive=True)
    works = [alone[0], *tasks(4), alone[1], *tasks(4), alone[2]]
    wire, finished = FakeWire.in_turn(OK), list[GeneratorTask]()
    busy: list[int] = []

    def watched(work: GeneratorTask) -> Callable[[], Steps]:
        make = work.make

        def steps() -> Steps:
            busy.append(wire.in_flight)
            return make()

        return steps

    for work in alone:
        work.make = watched(work)
    asyncio.run(engine.run_all(works, sender_over(wire), 8, lambda work, _: finished.append(work)))
    assert finished[-3:] == alone
    assert busy == [0, 0, 0]


def test_nothing_to_do_is_done_at_once() -> None:
    """No work, no finding."""
    finished: list[GeneratorTask] = []
    asyncio.run(engine.run_all(list[GeneratorTask](), sender(), 8, lambda work, _: finished.append(work)))
    assert finished == []


def test_a_check_that_only_observes_has_not_passed() -> None:
    """Its finding is an observation; the trial says so."""

    def steps(call: Call) -> Steps:
        yield call.acceptable_request()
        return "seen"

    item = Check(
        id="size.test.observed", area=Area.SIZE, title="It is observed.", why="To see.", fact="limits.event",
        kinds=EVENTS, steps=steps, module=__name__, observes=True,
    )  # fmt: skip
    trial = make_trials(contract(), KEYS, [item])[0]
    result = asyncio.run(engine.run_one(trial, sender()))
    assert (result.outcome, result.message) == (Outcome.PASS, "seen")
    assert trial.to_check_outcome(result.outcome) is Outcome.OBSERVED
    assert trial.to_check_outcome(Outcome.FAIL) is Outcome.FAIL


def test_a_trial_without_an_operation_is_not_applicable() -> None:
    """The profile has nothing to try the check on."""
    (trial, *_) = make_trials(contract(), KEYS, [item for item in CHECKS if item.area == "pixel"])
    result = asyncio.run(engine.run_one(trial, sender()))
    assert result == CheckResult(outcome=Outcome.NOT_APPLICABLE, message="the profile has no pixel operation")


def test_trials_of_a_kind_are_made_for_each_operation() -> None:
    """One check on every path that it applies to."""
    (item,) = [item for item in CHECKS if item.id == "json.syntax.truncated"]
    posted = [
        operation for operation in contract().operations if operation.kind in {OperationKind.EVENT, OperationKind.BATCH}
    ]
    assert [trial.operation for trial in make_trials(contract(), KEYS, [item])] == posted
