"""Servers that cannot do several things at once."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.targets.application import Application
from tests.targets.dialects import Dialect
from tests.targets.faults.base import MUST, Fault, make_fault
from tests.targets.messages import Answer, Call, RefusalError, Request
from tests.targets.options import Options

OVERLAP_SECONDS = 0.03


def limiting_concurrency(count: int, status: int, *, dropped: bool = False) -> type[Application]:
    """Refuse a request that finds itself the so-manieth in flight."""

    class ConcurrencyLimited(Application):
        """A server with room for a few."""

        def __init__(self, dialect: Dialect, options: Options | None = None) -> None:
            super().__init__(dialect, options)
            self.in_flight = 0

        async def handle(self, request: Request) -> Answer:
            """Answer one request, if there is room."""
            self.in_flight += 1
            full = self.in_flight >= count
            try:
                await asyncio.sleep(OVERLAP_SECONDS)
            finally:
                self.in_flight -= 1
            if not full:
                return self.answer(request)
            call = Call(request, self.find_route(request))
            answer = self.answer_error(call, status, RefusalError("json", "Too many things at once"))
            return replace(answer, dropped=dropped)

    return ConcurrencyLimited


@dataclass(eq=False)
class PendingAnswer:
    """One request in flight, and its answer."""

    answer: Answer


class MixedAnswers(Application):
    """A server that mixes up the answers of requests in flight."""

    def __init__(self, dialect: Dialect, options: Options | None = None) -> None:
        super().__init__(dialect, options)
        self.pending: list[PendingAnswer] = []

    async def handle(self, request: Request) -> Answer:
        """Answer one request, or another one; best with an answer that differs."""
        own = PendingAnswer(self.answer(request))
        self.pending.append(own)
        try:
            await asyncio.sleep(OVERLAP_SECONDS)
            others = [each.answer for each in self.pending if each is not own]
        finally:
            await asyncio.sleep(0)
            self.pending.remove(own)
        different = [answer for answer in others if answer.status != own.answer.status]
        return (different or others or [own.answer])[0]


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    yield make_fault("eight-in-flight-500", "robustness", MUST, limiting_concurrency(8, 500))
    yield make_fault("over-twelve-in-flight-400", "robustness", MUST, limiting_concurrency(13, 400))
    yield make_fault("over-twelve-in-flight-dropped", "robustness", MUST, limiting_concurrency(13, 500, dropped=True))
    yield make_fault("answers-mixed", "robustness", MUST, MixedAnswers)
