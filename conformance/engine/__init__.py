"""The engine: drives many checks at once over one wire. Checks do no I/O; only this does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from conformance.engine.breaker import Breaker
from conformance.engine.sending import LIMITED, Sender, asked_s
from conformance.errors import Deviation, NoAnswer, Silent, Stopped, Untestable
from conformance.model import Exchange, Level, Mishap, Note, Outcome
from conformance.payloads import Conversation, Draft, Volley

if TYPE_CHECKING:
    from conformance.model import JsonObject, Source
    from conformance.payloads import Message

__all__ = ["LIMITED", "Breaker", "Finding", "Sender", "Steps", "Work", "asked_s", "drive", "run"]

Steps: TypeAlias = Generator["Message", Exchange, str | Note | None]
"""A check at work: yields drafts, is sent exchanges, returns a note, in words or with data, or nothing."""

MOST_EXCHANGES = 400


class Work(Protocol):
    """Something that the engine can drive."""

    @property
    def exclusive(self) -> bool:
        """Whether it needs the target to itself."""

    def steps(self) -> Steps:
        """A fresh generator. Raises Silent if the contract does not ask."""


W = TypeVar("W", bound=Work)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What driving one piece of work came to; `sources` where they are others than the work's own."""

    outcome: Outcome
    message: str = ""
    expected: str = ""
    received: str = ""
    level: Level | None = None
    exchanges: tuple[Exchange, ...] = ()
    data: JsonObject | None = None
    sources: tuple[Source, ...] = ()


async def run(works: Iterable[W], sender: Sender, jobs: int, done: Callable[[W, Finding], None]) -> None:
    """Drives all work, `jobs` at a time, in order; exclusive work last, one at a time.

    Each piece has at most one request in flight, so at most `jobs` are. `done` is told every finding.
    Raises Stopped if the target is not to be sent anything any more.
    """
    shared: list[W] = []
    alone: list[W] = []
    for work in works:
        (alone if work.exclusive else shared).append(work)
    queue = iter(shared)

    async def worker() -> None:
        for work in queue:
            done(work, await drive(work, sender))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(jobs, len(shared))):
                group.create_task(worker())
    except ExceptionGroup as found:
        raise found.exceptions[0] from None
    for work in alone:
        done(work, await drive(work, sender))


async def drive(work: Work, sender: Sender) -> Finding:
    """Drives one piece of work to its end."""
    exchanges: list[Exchange] = []
    try:
        note = await _converse(work.steps(), sender, exchanges)
    except Silent as silent:
        return Finding(outcome=Outcome.NOT_APPLICABLE, message=str(silent), exchanges=tuple(exchanges))
    except Deviation as deviation:
        return Finding(
            outcome=Outcome.UNTESTABLE if isinstance(deviation, Untestable) else Outcome.FAIL,
            message=deviation.message,
            expected=deviation.expected,
            received=deviation.received,
            level=deviation.level,
            exchanges=tuple(exchanges),
        )
    except NoAnswer as failure:
        return Finding(
            outcome=Outcome.ERROR, message=str(failure), expected="an answer",
            received=exchanges[-1].outline if exchanges else "", exchanges=tuple(exchanges),
        )  # fmt: skip
    except Stopped:
        raise
    except Exception as fault:  # noqa: BLE001 - our own fault: outcome error, which never counts as judged
        message = f"a fault of the suite, not of the target: {type(fault).__name__}: {fault}"
        return Finding(outcome=Outcome.ERROR, message=message, exchanges=tuple(exchanges))
    if isinstance(note, Note):
        return Finding(outcome=Outcome.PASS, message=note.text, data=note.data, exchanges=tuple(exchanges))
    return Finding(outcome=Outcome.PASS, message=note or "", exchanges=tuple(exchanges))


async def _converse(steps: Steps, sender: Sender, exchanges: list[Exchange]) -> str | Note | None:
    """Sends what a check yields and hands it the exchanges; returns its note."""
    answer: Any = None
    try:
        while True:
            try:
                message = next(steps) if answer is None else steps.send(answer)
            except StopIteration as stop:
                note: str | Note | None = stop.value
                return note
            drafts = (message,) if isinstance(message, Draft) else message.drafts
            if len(exchanges) + len(drafts) > MOST_EXCHANGES:
                raise RuntimeError(f"a check wants more than {MOST_EXCHANGES} exchanges")
            found = await _sent(message, sender)
            exchanges += found
            _unanswered(drafts, found)
            answer = found[0] if isinstance(message, Draft) else found
    finally:
        steps.close()


async def _sent(message: Message, sender: Sender) -> tuple[Exchange, ...]:
    """The exchanges of what a check yields."""
    match message:
        case Volley():
            return await sender.volley(message)
        case Conversation():
            return await sender.converse(message)
        case Draft():
            return (await sender.send(message),)


def _unanswered(drafts: Iterable[Draft], found: Iterable[Exchange]) -> None:
    """Raises NoAnswer where an answer is missing that a check can't do without; waiting once is enough."""
    for draft, exchange in zip(drafts, found, strict=True):
        if exchange.response is None:
            is_silent = exchange.mishap in {Mishap.TIMEOUT, Mishap.UNREACHABLE, Mishap.TLS}
            if not (draft.may_hang if is_silent else draft.may_go_unanswered):
                raise NoAnswer(f"no verdict: {exchange.detail}")
