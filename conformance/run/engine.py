"""The engine: drives many checks at once over one wire. Checks do no I/O; only this does."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from conformance.core.errors import Deviation, NoResponse, NotApplicable, Stopped, Untestable
from conformance.core.model import Exchange, Level, Note, Outcome, TransportFailure
from conformance.requests import ConcurrentRequests, Conversation, Draft

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.core.model import JsonObject, Source
    from conformance.requests import Step
    from conformance.requests.steps import Steps
    from conformance.run.sender import Sender

MAX_EXCHANGES = 400


class WorkItem(Protocol):
    """Something that the engine can drive."""

    @property
    def exclusive(self) -> bool:
        """Whether it needs the target to itself."""

    def steps(self) -> Steps:
        """A fresh generator. Raises Silent if the contract does not ask."""


W = TypeVar("W", bound=WorkItem)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The result of running one work item.

    `exchange` is the one that shows a failure or an error; it may be an earlier one, which is not among
    `exchanges`. `sources` are set if they are not those of the work item.
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
    """Drives all work, `jobs` at a time, in order; exclusive work last, one at a time.

    Each piece has at most one request in flight, so at most `jobs` are. `done` is told every finding.
    Raises Stopped if the target is not to be sent anything any more.
    """
    shared: list[W] = []
    exclusive_items: list[W] = []
    for work in items:
        (exclusive_items if work.exclusive else shared).append(work)
    queue = iter(shared)

    async def worker() -> None:
        for work in queue:
            on_result(work, await run_one(work, sender))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(jobs, len(shared))):
                group.create_task(worker())
    except ExceptionGroup as found:
        raise found.exceptions[0] from None
    for work in exclusive_items:
        on_result(work, await run_one(work, sender))


async def run_one(item: WorkItem, sender: Sender) -> CheckResult:
    """Drives one piece of work to its end."""
    exchanges: list[Exchange] = []
    try:
        note = await _run_steps(item.steps(), sender, exchanges)
    except NotApplicable as silent:
        return CheckResult(outcome=Outcome.NOT_APPLICABLE, message=str(silent), exchanges=tuple(exchanges))
    except Deviation as deviation:
        return CheckResult(
            outcome=Outcome.UNTESTABLE if isinstance(deviation, Untestable) else Outcome.FAIL,
            message=deviation.message,
            expected=deviation.expected,
            received=deviation.received,
            level=deviation.level,
            exchanges=tuple(exchanges),
            exchange=deviation.exchange,
        )
    except NoResponse as failure:
        exchange = failure.exchange or (exchanges[-1] if exchanges else None)
        return CheckResult(
            outcome=Outcome.ERROR, message=str(failure), expected="an answer",
            received=exchange.summary if exchange else "", exchanges=tuple(exchanges), exchange=exchange,
        )  # fmt: skip
    except Stopped:
        raise
    except Exception as fault:  # noqa: BLE001 - our own fault: outcome error, which never counts as judged
        message = f"a fault of the suite, not of the target: {type(fault).__name__}: {fault}"
        return CheckResult(outcome=Outcome.ERROR, message=message, exchanges=tuple(exchanges))
    if isinstance(note, Note):
        return CheckResult(outcome=Outcome.PASS, message=note.text, data=note.data, exchanges=tuple(exchanges))
    return CheckResult(outcome=Outcome.PASS, message=note or "", exchanges=tuple(exchanges))


async def _run_steps(steps: Steps, sender: Sender, exchanges: list[Exchange]) -> str | Note | None:
    """Sends what a check yields and hands it the exchanges; returns its note."""
    answer: Any = None
    try:
        while True:
            try:
                step = next(steps) if answer is None else steps.send(answer)
            except StopIteration as stop:
                note: str | Note | None = stop.value
                return note
            drafts = (step,) if isinstance(step, Draft) else step.drafts
            if len(exchanges) + len(drafts) > MAX_EXCHANGES:
                raise RuntimeError(f"a check wants more than {MAX_EXCHANGES} exchanges")
            step_exchanges = await _send_step(step, sender)
            exchanges += step_exchanges
            _require_responses(drafts, step_exchanges)
            answer = step_exchanges[0] if isinstance(step, Draft) else step_exchanges
    finally:
        steps.close()


async def _send_step(step: Step, sender: Sender) -> tuple[Exchange, ...]:
    """The exchanges of what a check yields."""
    match step:
        case ConcurrentRequests():
            return await sender.send_concurrently(step)
        case Conversation():
            return await sender.send_conversation(step)
        case Draft():
            return (await sender.send(step),)


def _require_responses(drafts: Iterable[Draft], received: Iterable[Exchange]) -> None:
    """Raises NoAnswer where an answer is missing that a check can't do without; waiting once is enough."""
    for draft, exchange in zip(drafts, received, strict=True):
        if exchange.response is None:
            is_silent = exchange.failure in {
                TransportFailure.TIMEOUT,
                TransportFailure.UNREACHABLE,
                TransportFailure.TLS,
            }
            if not (draft.may_time_out if is_silent else draft.may_go_unanswered):
                raise NoResponse(f"no verdict: {exchange.failure_detail}", exchange=exchange)
