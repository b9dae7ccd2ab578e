"""Servers that cannot do several things at once."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.targets.dialects import Dialect
from tests.targets.faults.base import MUST, Fault, fault
from tests.targets.judge import Judge
from tests.targets.options import Options
from tests.targets.wire import Answer, Call, RefusalError, Request

OVERLAP_SECONDS = 0.03


def crowded(count: int, status: int, *, dropped: bool = False) -> type[Judge]:
    """Refuse a request that finds itself the so-manieth in flight."""

    class Crowded(Judge):
        """A server with room for a few."""

        def __init__(self, dialect: Dialect, options: Options | None = None) -> None:
            super().__init__(dialect, options)
            self.flying = 0

        async def handle(self, request: Request) -> Answer:
            """Answer one request, if there is room."""
            self.flying += 1
            full = self.flying >= count
            try:
                await asyncio.sleep(OVERLAP_SECONDS)
            finally:
                self.flying -= 1
            if not full:
                return self.answer(request)
            call = Call(request, self.find_route(request))
            answer = self.error(call, status, RefusalError("json", "Too many things at once"))
            return replace(answer, dropped=dropped)

    return Crowded


@dataclass(eq=False)
class Flight:
    """One request in flight, and its answer."""

    answer: Answer


class Mixed(Judge):
    """A server that mixes up the answers of requests in flight."""

    def __init__(self, dialect: Dialect, options: Options | None = None) -> None:
        super().__init__(dialect, options)
        self.flying: list[Flight] = []

    async def handle(self, request: Request) -> Answer:
        """Answer one request, or another one; best with an answer that differs."""
        own = Flight(self.answer(request))
        self.flying.append(own)
        try:
            await asyncio.sleep(OVERLAP_SECONDS)
            others = [each.answer for each in self.flying if each is not own]
        finally:
            await asyncio.sleep(0)
            self.flying.remove(own)
        different = [answer for answer in others if answer.status != own.answer.status]
        return (different or others or [own.answer])[0]


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    yield fault("eight-in-flight-500", "robustness", MUST, crowded(8, 500))
    yield fault("over-twelve-in-flight-400", "robustness", MUST, crowded(13, 400))
    yield fault("over-twelve-in-flight-dropped", "robustness", MUST, crowded(13, 500, dropped=True))
    yield fault("answers-mixed", "robustness", MUST, Mixed)
