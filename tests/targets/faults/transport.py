"""Faults in reading requests: lengths, versions, expectations, pipelines, heads."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.targets.faults.base import MAY, SHOULD, Fault, Predicate, make_fault, refusing, should, with_connection_type
from tests.targets.http_connection import HttpConnection
from tests.targets.http_parser import (
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
from tests.targets.messages import Answer, Call, Request

PIPELINE_SECONDS = 0.02
PIPELINE_MAXIMUM = 16
HANGING_SECONDS = 60

Order = Callable[[list[tuple[Head, Answer]]], list[tuple[Head, Answer]]]


class NoContinueConnection(HttpConnection):
    """A connection that does not ask for a body."""

    async def send_continue(self, head: Head, maximum: int) -> None:
        """Wait for the body in silence."""


class ExpectationFailedConnection(HttpConnection):
    """A connection that refuses to ask for a body."""

    async def send_continue(self, head: Head, maximum: int) -> None:
        """Refuse the expectation."""
        if head.expects_continue:
            raise BadRequestError("cannot continue", 417)
        await super().send_continue(head, maximum)


def never_answering(when: Predicate) -> type[HttpConnection]:
    """Never answer some requests."""

    class Hanging(HttpConnection):
        """A connection that falls silent."""

        async def answer_for(self, request: Request) -> Answer:
            """Find the answer to a whole request, or wait for nothing."""
            if when(Call(request, self.judge.find_route(request))):
                await asyncio.sleep(HANGING_SECONDS)
                return Answer(500, dropped=True)
            return await super().answer_for(request)

    return Hanging


def with_framing(frame: Callable[[Fields, str], Framing]) -> type[HttpConnection]:
    """Find the length of a body in another way."""

    class Framed(HttpConnection):
        """A connection with another idea of lengths."""

        def framing(self, fields: Fields, version: str) -> Framing:
            """Find the length of a body."""
            return frame(fields, version)

    return Framed


def use_length_at(index: int) -> Callable[[Fields, str], Framing]:
    """Take the first or the last Content-Length, whatever the others say."""

    def frame(fields: Fields, version: str) -> Framing:
        """Find the length of a body."""
        lengths = named(fields, "content-length")
        if named(fields, "transfer-encoding") or len(lengths) < 2:
            return framing(fields, version)
        return Framing(chunked=False, length=length_of(lengths[index]))

    return frame


def ignore_length_header(lost: str) -> Callable[[Fields, str], Framing]:
    """Overlook one of the two headers that tell a length, where there are both."""

    def frame(fields: Fields, version: str) -> Framing:
        """Find the length of a body."""
        other = "content-length" if lost == "transfer-encoding" else "transfer-encoding"
        kept = [field for field in fields if field[0] != lost]
        return framing(kept if named(kept, other) else fields, version)

    return frame


class IncompleteAcceptingConnection(HttpConnection):
    """A connection that takes what came of a body for the whole."""

    async def end_incomplete(self, error: IncompleteError) -> None:
        """Answer as if nothing were missing."""
        answer = await self.answer_for(self.numbered_request(error.request))
        await self.send_answer(Head(error.request, Framing(chunked=False, length=None)), answer, ending=True)


class UnreadAcceptingConnection(HttpConnection):
    """A connection that accepts what it has not read."""

    async def end_incomplete(self, error: IncompleteError) -> None:
        """Answer with success."""
        request = self.numbered_request(error.request)
        call = Call(request, self.judge.find_route(request))
        answer = self.judge.answer_accepted(call, [])
        await self.send_answer(Head(request, Framing(chunked=False, length=None)), answer, ending=True)


class ManyHeadersFailingConnection(HttpConnection):
    """A connection that breaks under too many headers."""

    async def send_bad_request(self, error: BadRequestError) -> None:
        """Fail where a correct server refuses."""
        await super().send_bad_request(BadRequestError(str(error), 500) if error.status == 431 else error)


def pipelining(order: Order) -> type[HttpConnection]:
    """Answer pipelined requests in another order, or only some of them."""

    class Pipelining(HttpConnection):
        """A connection that gathers requests before it answers."""

        async def exchange(self, head: Head) -> bool:
            """Answer this request and those that have come with it."""
            pending = [(head, await self.whole(head))]
            while len(pending) < PIPELINE_MAXIMUM and (following := await self.following()) is not None:
                pending.append((following, await self.whole(following)))
            going = True
            for each, answer in order(pending):
                going = await self.send_answer(each, answer, ending=False) and going
            return going

        async def whole(self, head: Head) -> Answer:
            """Read the rest of a request and find its answer."""
            await self.send_continue(head, BODY_MAXIMUM)
            return await self.answer_for(self.numbered_request(await read_body(self.reader, head, BODY_MAXIMUM)))

        async def following(self) -> Head | None:
            """Read the head of a request that is already there."""
            try:
                return await asyncio.wait_for(read_head(self.reader, self.framing), PIPELINE_SECONDS)
            except TimeoutError:
                return None

    return Pipelining


class HalfCloseEndingConnection(HttpConnection):
    """A connection that ends when the client has ended its half."""

    async def answer_for(self, request: Request) -> Answer:
        """Find the answer, if the client still talks."""
        await asyncio.sleep(PIPELINE_SECONDS)
        answer = await super().answer_for(request)
        return replace(answer, dropped=self.reader.at_eof())


def is_http_1_0(call: Call) -> bool:
    """Tell whether a request is of HTTP/1.0."""
    return call.request.version == "HTTP/1.0"


def has_extensions(call: Call) -> bool:
    """Tell whether the chunks of a body have extensions."""
    return call.request.extended


def is_post_without_length(call: Call) -> bool:
    """Tell whether a POST says nothing of a body."""
    return call.request.method == "POST" and not call.request.announced


def has_repeated(call: Call) -> bool:
    """Tell whether a header came twice."""
    return bool(call.request.repeated)


class ChunkedAnswers(HttpConnection):
    """A connection that answers HTTP/1.0 in chunks, which it does not know."""

    def render(self, answer: Answer, head: Head, *, closing: bool) -> bytes:
        """Write an answer as bytes."""
        if head.request.version != "HTTP/1.0" or answer.status == 204:
            return super().render(answer, head, closing=closing)
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(answer.body), answer.body)
        headers = {**answer.headers, "Transfer-Encoding": "chunked", "Connection": "close"}
        return self.head_of(answer.status, headers) + body


SPEECHES: dict[str, type[HttpConnection]] = {
    "expect-417": ExpectationFailedConnection,
    "expect-unserved": NoContinueConnection,
    "http-10-hung": never_answering(is_http_1_0),
    "no-length-hung": never_answering(is_post_without_length),
    "conflicting-lengths-first": with_framing(use_length_at(0)),
    "conflicting-lengths-last": with_framing(use_length_at(-1)),
    "length-with-chunked-accepted": with_framing(ignore_length_header("content-length")),
    "length-before-chunked": with_framing(ignore_length_header("transfer-encoding")),
    "incomplete-body-accepted": IncompleteAcceptingConnection,
    "truncated-body-accepted": UnreadAcceptingConnection,
    "header-flood-500": ManyHeadersFailingConnection,
    "pipeline-reversed": pipelining(lambda found: found[::-1]),
    "pipeline-last-only": pipelining(lambda found: found[-1:]),
    "pipeline-first-only": pipelining(lambda found: found[:1]),
}

REFUSALS: tuple[tuple[str, Predicate, tuple[int, ...]], ...] = (
    ("http-10", is_http_1_0, (400, 505)),
    ("chunk-extensions", has_extensions, (400, 500)),
    ("repeated-header", has_repeated, (500,)),
)


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    for name, speak in SPEECHES.items():
        yield make_fault(name, "robustness", SHOULD, with_connection_type(speak))
    for name, when, statuses in REFUSALS:
        for status in statuses:
            yield make_fault(f"{name}-{status}", "robustness", SHOULD, refusing(when, status))
    worded = should("seg", "rs", "mr")
    yield make_fault("http-10-answered-in-chunks", "robustness", worded, with_connection_type(ChunkedAnswers))
    yield make_fault("half-closed-dropped", "robustness", MAY, with_connection_type(HalfCloseEndingConnection))
