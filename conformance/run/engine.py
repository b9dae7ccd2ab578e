"""Runs checks concurrently over one wire. Checks do no I/O themselves."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from conformance.core.arrivals import CURRENT_CHECK
from conformance.core.errors import Deviation, NoResponse, NotApplicable, Stopped, Unanswered, Untestable
from conformance.core.model import Exchange, Level, Note, Outcome, TransportFailure
from conformance.requests import ConcurrentRequests, Conversation, Draft
from conformance.requests.steps import AwaitArrivals, FromPage, ReadLedger
from conformance.run.page_sender import send_from_page
from conformance.run.sink_steps import look_into_sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from conformance.core.model import JsonObject, PathState, Source
    from conformance.requests import Step
    from conformance.requests.steps import Steps
    from conformance.run.sender import Sender

MAX_EXCHANGES = 500
"""Of one check; two bursts of rate-limit.refusal.recovers fit."""


class WorkItem(Protocol):
    """Something that the engine can run, such as a trial."""

    @property
    def exclusive(self) -> bool:
        """Whether no other item may run at the same time."""

    def steps(self) -> Steps:
        """A fresh generator. Raises NotApplicable if the contract promises nothing."""


W = TypeVar("W", bound=WorkItem)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The result of running one work item.

    `exchange` is the one that shows a failure or an error; it may be an earlier one, which is not among
    `exchanges`. `subject` names its request, if only the answer is wrong. `level` and `sources` are those of the
    broken promise, if it is not the work item's own. With `is_server_error` the failure is a 5xx, or no answer; with
    `is_outage` all others had none, either, from then on.
    `path_state` is set if nothing is accepted on the path. `span_s` are the times of the monotonic clock at which it
    began and ended; None for what was judged together with others.
    """

    outcome: Outcome
    message: str = ""
    expected: str = ""
    received: str = ""
    level: Level | None = None
    exchanges: tuple[Exchange, ...] = ()
    exchange: Exchange | None = None
    data: JsonObject | None = None
    sources: tuple[Source, ...] = ()
    path_state: PathState | None = None
    is_server_error: bool = False
    is_outage: bool = False
    subject: str = ""
    span_s: tuple[float, float] | None = field(default=None, compare=False)

    @property
    def exchange_index(self) -> int | None:
        """Where `exchange` is in `exchanges`: a reused control may be there twice, and the last one counts."""
        matching = [index for index, item in enumerate(self.exchanges) if item is self.exchange]
        return matching[-1] if matching else None

    @property
    def received_status(self) -> int | None:
        """The status that shows a failure; 0 if there was no response, None if no exchange shows it."""
        return self.exchange.status if self.exchange else None


async def run_all(items: Iterable[W], sender: Sender, jobs: int, on_result: Callable[[W, CheckResult], None]) -> None:
    """Runs all items in order, `jobs` at a time; exclusive items last, one at a time.

    Each item has at most one step in flight. `on_result` is called with every result. Raises Stopped if the
    circuit breaker ends the run.
    """
    shared: list[W] = []
    exclusive: list[W] = []
    for item in items:
        (exclusive if item.exclusive else shared).append(item)
    queue = iter(shared)

    async def worker() -> None:
        for item in queue:
            on_result(item, await run_one(item, sender))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(jobs, len(shared))):
                group.create_task(worker())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    for item in exclusive:
        on_result(item, await run_one(item, sender))


async def run_one(item: WorkItem, sender: Sender) -> CheckResult:
    """Runs one item to its end. Raises Stopped; any other exception becomes the outcome error."""
    start_s = time.monotonic()
    token = CURRENT_CHECK.set(str(getattr(item, "name", "")))
    try:
        result = await _run_item(item, sender)
    finally:
        CURRENT_CHECK.reset(token)
    return replace(result, span_s=(start_s, time.monotonic()))


async def _run_item(item: WorkItem, sender: Sender) -> CheckResult:
    """The result of one item, without its times."""
    exchanges: list[Exchange] = []
    try:
        note = await _run_steps(item.steps(), sender, exchanges)
    except NotApplicable as reason:
        return CheckResult(
            outcome=Outcome.NOT_APPLICABLE, message=str(reason), exchanges=tuple(exchanges),
            path_state=reason.path_state,
        )  # fmt: skip
    except Deviation as deviation:
        return CheckResult(
            outcome=Outcome.UNTESTABLE if isinstance(deviation, Untestable) else Outcome.FAIL,
            message=deviation.message,
            expected=deviation.expected,
            received=deviation.received,
            level=deviation.level,
            sources=deviation.sources,
            is_server_error=deviation.is_server_error,
            subject=deviation.subject,
            exchanges=_with_own(exchanges, None if isinstance(deviation, Untestable) else deviation.exchange),
            exchange=deviation.exchange,
            path_state=deviation.path_state if isinstance(deviation, Untestable) else None,
        )
    except NoResponse as failure:
        return _unanswered(failure, exchanges)
    except Stopped:
        raise
    except Exception as error:  # noqa: BLE001 - our own fault: outcome error, which never counts as judged
        message = f"a fault of the suite, not of the target: {type(error).__name__}: {error}"
        return CheckResult(outcome=Outcome.ERROR, message=message, exchanges=tuple(exchanges))
    if isinstance(note, Note):
        return CheckResult(outcome=Outcome.PASS, message=note.text, data=note.data, exchanges=tuple(exchanges))
    return CheckResult(outcome=Outcome.PASS, message=note or "", exchanges=tuple(exchanges))


def _with_own(exchanges: Sequence[Exchange], own: Exchange | None) -> tuple[Exchange, ...]:
    """The exchanges of a check with the one that shows its failure, also if another check has asked for that before."""
    is_new = own is not None and all(item is not own for item in exchanges)
    return (*exchanges, own) if is_new and own else tuple(exchanges)


def _unanswered(failure: NoResponse, exchanges: Sequence[Exchange]) -> CheckResult:
    """The result of a check without an answer: a failure where that is held against the target, else an error."""
    is_failure = isinstance(failure, Unanswered)
    exchange = failure.exchange or (exchanges[-1] if exchanges else None)
    is_new = is_failure and exchange is not None and exchange not in exchanges
    return CheckResult(
        outcome=Outcome.FAIL if is_failure else Outcome.ERROR,
        message=str(failure),
        expected="an answer",
        received=exchange.summary if exchange else "",
        exchanges=(*exchanges, exchange) if is_new and exchange else tuple(exchanges),
        exchange=exchange,
        is_server_error=is_failure,
        is_outage=isinstance(failure, Unanswered) and failure.is_outage,
    )


async def _run_steps(steps: Steps, sender: Sender, exchanges: list[Exchange]) -> str | Note | None:
    """Sends every step of a check and hands back its exchanges; returns the note of the check."""
    reply: Any = None
    try:
        while True:
            try:
                step = next(steps) if reply is None else steps.send(reply)
            except StopIteration as stop:
                note: str | Note | None = stop.value
                return note
            if isinstance(step, (AwaitArrivals, ReadLedger)):
                reply = await look_into_sink(sender.sink, step)
                continue
            drafts = (step,) if isinstance(step, Draft) else step.drafts
            if len(exchanges) + len(drafts) > MAX_EXCHANGES:
                raise RuntimeError(f"a check has more than {MAX_EXCHANGES} exchanges")
            step_exchanges = await _send_step(step, sender)
            exchanges += step_exchanges
            _require_responses(drafts, step_exchanges)
            reply = step_exchanges[0] if isinstance(step, Draft) else step_exchanges
    finally:
        steps.close()


async def _send_step(step: Step, sender: Sender) -> tuple[Exchange, ...]:
    """Sends one step; returns an exchange for each of its drafts."""
    match step:
        case ConcurrentRequests():
            return await sender.send_concurrently(step)
        case Conversation():
            return await sender.send_conversation(step)
        case FromPage():
            return (await send_from_page(step, sender),)
        case Draft():
            return (await sender.send(step),)
        case AwaitArrivals() | ReadLedger():
            raise TypeError("a step that sends nothing")


def _require_responses(drafts: Iterable[Draft], exchanges: Iterable[Exchange]) -> None:
    """Raises NoResponse if a response is missing that the draft does not allow to be missing."""
    for draft, exchange in zip(drafts, exchanges, strict=True):
        if exchange.response is None:
            is_silent = exchange.failure in {
                TransportFailure.TIMEOUT,
                TransportFailure.UNREACHABLE,
                TransportFailure.TLS,
            }
            if not (draft.may_time_out if is_silent else draft.may_go_unanswered):
                raise NoResponse(f"no verdict: {exchange.failure_detail}", exchange=exchange)
