"""Faults in reading requests: lengths, versions, expectations, pipelines, heads."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.targets.conversation import Conversation
from tests.targets.faults.base import MAY, SHOULD, Fault, Predicate, fault, refusing, should, speaking
from tests.targets.reading import (
    BODY_MAXIMUM,
    BadRequestError,
    Fields,
    Framing,
    Head,
    IncompleteError,
    framing,
    length_of,
    named,
    read_body,
    read_head,
)
from tests.targets.wire import Answer, Call, Request

PIPELINE_SECONDS = 0.02
PIPELINE_MAXIMUM = 16
HANGING_SECONDS = 60

Order = Callable[[list[tuple[Head, Answer]]], list[tuple[Head, Answer]]]


class Unwilling(Conversation):
    """A connection that does not ask for a body."""

    async def permit(self, head: Head, maximum: int) -> None:
        """Wait for the body in silence."""


class Unfulfilling(Conversation):
    """A connection that refuses to ask for a body."""

    async def permit(self, head: Head, maximum: int) -> None:
        """Refuse the expectation."""
        if head.expects_continue:
            raise BadRequestError("cannot continue", 417)
        await super().permit(head, maximum)


def hanging(when: Predicate) -> type[Conversation]:
    """Never answer some requests."""

    class Hanging(Conversation):
        """A connection that falls silent."""

        async def decide(self, request: Request) -> Answer:
            """Find the answer to a whole request, or wait for nothing."""
            if when(Call(request, self.judge.find_route(request))):
                await asyncio.sleep(HANGING_SECONDS)
                return Answer(500, dropped=True)
            return await super().decide(request)

    return Hanging


def framed(frame: Callable[[Fields, str], Framing]) -> type[Conversation]:
    """Find the length of a body in another way."""

    class Framed(Conversation):
        """A connection with another idea of lengths."""

        def framing(self, fields: Fields, version: str) -> Framing:
            """Find the length of a body."""
            return frame(fields, version)

    return Framed


def choosing(index: int) -> Callable[[Fields, str], Framing]:
    """Take the first or the last Content-Length, whatever the others say."""

    def frame(fields: Fields, version: str) -> Framing:
        """Find the length of a body."""
        lengths = named(fields, "content-length")
        if named(fields, "transfer-encoding") or len(lengths) < 2:
            return framing(fields, version)
        return Framing(chunked=False, length=length_of(lengths[index]))

    return frame


def believing(lost: str) -> Callable[[Fields, str], Framing]:
    """Overlook one of the two headers that tell a length, where there are both."""

    def frame(fields: Fields, version: str) -> Framing:
        """Find the length of a body."""
        other = "content-length" if lost == "transfer-encoding" else "transfer-encoding"
        kept = [field for field in fields if field[0] != lost]
        return framing(kept if named(kept, other) else fields, version)

    return frame


class Believing(Conversation):
    """A connection that takes what came of a body for the whole."""

    async def end_incomplete(self, error: IncompleteError) -> None:
        """Answer as if nothing were missing."""
        answer = await self.decide(self.own(error.request))
        await self.answer(Head(error.request, Framing(chunked=False, length=None)), answer, ending=True)


class Careless(Conversation):
    """A connection that accepts what it has not read."""

    async def end_incomplete(self, error: IncompleteError) -> None:
        """Answer with success."""
        request = self.own(error.request)
        call = Call(request, self.judge.find_route(request))
        answer = self.judge.success(call, [])
        await self.answer(Head(request, Framing(chunked=False, length=None)), answer, ending=True)


class Flooded(Conversation):
    """A connection that breaks under too many headers."""

    async def complain(self, error: BadRequestError) -> None:
        """Fail where a correct server refuses."""
        await super().complain(BadRequestError(str(error), 500) if error.status == 431 else error)


def pipelining(order: Order) -> type[Conversation]:
    """Answer pipelined requests in another order, or only some of them."""

    class Pipelining(Conversation):
        """A connection that gathers requests before it answers."""

        async def exchange(self, head: Head) -> bool:
            """Answer this request and those that have come with it."""
            found = [(head, await self.whole(head))]
            while len(found) < PIPELINE_MAXIMUM and (following := await self.following()) is not None:
                found.append((following, await self.whole(following)))
            going = True
            for each, answer in order(found):
                going = await self.answer(each, answer, ending=False) and going
            return going

        async def whole(self, head: Head) -> Answer:
            """Read the rest of a request and find its answer."""
            await self.permit(head, BODY_MAXIMUM)
            return await self.decide(self.own(await read_body(self.reader, head, BODY_MAXIMUM)))

        async def following(self) -> Head | None:
            """Read the head of a request that is already there."""
            try:
                return await asyncio.wait_for(read_head(self.reader, self.framing), PIPELINE_SECONDS)
            except TimeoutError:
                return None

    return Pipelining


class Impatient(Conversation):
    """A connection that ends when the client has ended its half."""

    async def decide(self, request: Request) -> Answer:
        """Find the answer, if the client still talks."""
        await asyncio.sleep(PIPELINE_SECONDS)
        answer = await super().decide(request)
        return replace(answer, dropped=self.reader.at_eof())


def is_old(call: Call) -> bool:
    """Tell whether a request is of HTTP/1.0."""
    return call.request.version == "HTTP/1.0"


def has_extensions(call: Call) -> bool:
    """Tell whether the chunks of a body have extensions."""
    return call.request.extended


def is_unannounced(call: Call) -> bool:
    """Tell whether a POST says nothing of a body."""
    return call.request.method == "POST" and not call.request.announced


def has_repeated(call: Call) -> bool:
    """Tell whether a header came twice."""
    return bool(call.request.repeated)


class ChunkedAnswers(Conversation):
    """A connection that answers HTTP/1.0 in chunks, which it does not know."""

    def render(self, answer: Answer, head: Head, *, closing: bool) -> bytes:
        """Write an answer as bytes."""
        if head.request.version != "HTTP/1.0" or answer.status == 204:
            return super().render(answer, head, closing=closing)
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(answer.body), answer.body)
        headers = {**answer.headers, "Transfer-Encoding": "chunked", "Connection": "close"}
        return self.head_of(answer.status, headers) + body


SPEECHES: dict[str, type[Conversation]] = {
    "expect-417": Unfulfilling,
    "expect-unserved": Unwilling,
    "http-10-hung": hanging(is_old),
    "no-length-hung": hanging(is_unannounced),
    "conflicting-lengths-first": framed(choosing(0)),
    "conflicting-lengths-last": framed(choosing(-1)),
    "length-with-chunked-accepted": framed(believing("content-length")),
    "length-before-chunked": framed(believing("transfer-encoding")),
    "incomplete-body-accepted": Believing,
    "truncated-body-accepted": Careless,
    "header-flood-500": Flooded,
    "pipeline-reversed": pipelining(lambda found: found[::-1]),
    "pipeline-last-only": pipelining(lambda found: found[-1:]),
    "pipeline-first-only": pipelining(lambda found: found[:1]),
}

REFUSALS: tuple[tuple[str, Predicate, tuple[int, ...]], ...] = (
    ("http-10", is_old, (400, 505)),
    ("chunk-extensions", has_extensions, (400, 500)),
    ("repeated-header", has_repeated, (500,)),
)


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    for name, speak in SPEECHES.items():
        yield fault(name, "robustness", SHOULD, speaking(speak))
    for name, when, statuses in REFUSALS:
        for status in statuses:
            yield fault(f"{name}-{status}", "robustness", SHOULD, refusing(when, status))
    worded = should("seg", "rs", "mr")
    yield fault("http-10-answered-in-chunks", "robustness", worded, speaking(ChunkedAnswers))
    yield fault("half-closed-dropped", "robustness", MAY, speaking(Impatient))
