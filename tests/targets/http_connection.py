"""One connection of a server, in steps that a broken server overrides one at a time."""

import asyncio
from contextlib import suppress
from dataclasses import replace

from tests.targets.answers import REASONS
from tests.targets.application import Application
from tests.targets.behaviour import Behaviour
from tests.targets.http_parser import (
    BODY_MAXIMUM,
    BadRequestError,
    Fields,
    Framing,
    Head,
    IncompleteError,
    framing,
    has_both,
    named,
    read_body,
    read_head,
)
from tests.targets.messages import Answer, Request

SMALL_PIECE_BYTES = 7
CHUNK = 5
PIECE = 64 * 1024
DRAIN_SECONDS = 1
DRAIN_PIECES = 200


class HttpConnection:
    """The requests and answers of one connection."""

    def __init__(
        self,
        judge: Application,
        behaviour: Behaviour,
        number: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.judge = judge
        self.behaviour = behaviour
        self.number = number
        self.reader = reader
        self.writer = writer

    async def run(self) -> None:
        """Answer requests until one side has had enough."""
        patience: float | None = None
        going = True
        while going:
            try:
                head = await asyncio.wait_for(read_head(self.reader, self.framing), patience)
                if head is None:
                    return
                going = await self.exchange(head)
            except BadRequestError as error:
                await self.send_bad_request(error)
                return
            except IncompleteError as error:
                await self.end_incomplete(error)
                return
            if self.behaviour.idle_ms is not None:
                patience = self.behaviour.idle_ms / 1000

    def framing(self, fields: Fields, version: str) -> Framing:
        """Find the length of a body."""
        if self.behaviour.repeated_length_refused and len(named(fields, "content-length")) > 1:
            raise BadRequestError("repeated Content-Length")
        if self.behaviour.both_lengths_read and has_both(fields):
            fields = [field for field in fields if field[0] != "content-length"]
            return replace(framing(fields, version), closes=True)
        return framing(fields, version)

    async def exchange(self, head: Head) -> bool:
        """Read the rest of one request, answer it, and tell whether the connection goes on."""
        request = self.request_before_body(head)
        early = self.answer_to_head(request)
        if early is not None:
            return await self.answer_early(head, early)
        if self.behaviour.length_required and request.method == "POST" and not head.framing.is_known:
            raise BadRequestError("Content-Length is needed", 411)
        maximum = self.max_body_bytes(request)
        await self.send_continue(head, maximum)
        request = self.numbered_request(await read_body(self.reader, head, maximum))
        ending = head.framing.closes or request.length > maximum
        return await self.send_answer(head, await self.answer_for(request), ending=ending)

    def numbered_request(self, request: Request) -> Request:
        """Number a request and take the path prefix away; a path without it becomes an unknown one."""
        prefix = self.behaviour.prefix
        path = request.path.removeprefix(prefix) if request.path.startswith(prefix + "/") else ""
        return replace(request, path=path, connection=self.number)

    def request_before_body(self, head: Head) -> Request:
        """Give what is known of a request before its body."""
        return replace(self.numbered_request(head.request), length=head.framing.length or 0)

    def answer_to_head(self, request: Request) -> Answer | None:
        """Refuse a request for its head alone, where the server does so."""
        return self.judge.answer_to_head(request) if self.behaviour.early_heads else None

    async def send_continue(self, head: Head, maximum: int) -> None:
        """Ask for the body, if the client waits for that."""
        if head.expects_continue and (head.framing.length or 0) <= maximum:
            await self.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def max_body_bytes(self, request: Request) -> int:
        """Tell how much of the body is worth reading."""
        limit = self.judge.wire_limit(request) if self.behaviour.early_refusal else None
        return BODY_MAXIMUM if limit is None else limit

    async def answer_for(self, request: Request) -> Answer:
        """Find the answer to a whole request."""
        if self.behaviour.delay_ms:
            await asyncio.sleep(self.behaviour.delay_ms / 1000)
        return await self.judge.handle(request)

    async def answer_early(self, head: Head, answer: Answer) -> bool:
        """Send an answer without having read the body, and end the connection if there is one."""
        going = await self.send_answer(head, answer, ending=head.framing.chunked or bool(head.framing.length))
        if not going:
            await self.drain()
        return going

    async def send_answer(self, head: Head, answer: Answer, *, ending: bool) -> bool:
        """Send an answer, and tell whether the connection goes on."""
        if answer.dropped:
            return False
        behaviour = self.behaviour
        closing = ending or behaviour.close or behaviour.http10 or not head.keeps_alive
        closing = closing or (behaviour.close_refused and answer.status >= 400)
        await self.send(self.render(answer, head, closing=closing))
        return not closing

    def render(self, answer: Answer, head: Head, *, closing: bool) -> bytes:
        """Write an answer as bytes."""
        behaviour = self.behaviour
        headers = dict(answer.headers)
        body = answer.body
        if answer.status == 204:
            body = b""
        elif behaviour.chunked and not behaviour.http10 and head.request.version == "HTTP/1.1":
            headers["Transfer-Encoding"] = "chunked"
            body = chunked(body)
        else:
            headers["Content-Length"] = str(len(body))
        if closing and behaviour.announces(refused=answer.status >= 400):
            headers["Connection"] = "close"
        return self.head_of(answer.status, headers) + (b"" if head.request.method == "HEAD" else body)

    def head_of(self, status: int, headers: dict[str, str]) -> bytes:
        """Write the status line and the headers."""
        lines = [f"{'HTTP/1.0' if self.behaviour.http10 else 'HTTP/1.1'} {status} {REASONS[status]}"]
        lower = self.behaviour.lower_case
        lines += [f"{name.lower() if lower else name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    async def send_bad_request(self, error: BadRequestError) -> None:
        """Refuse what is no request, and end the connection so that the answer arrives."""
        body = str(error).encode()
        headers = {"Content-Type": "text/plain", "Content-Length": str(len(body)), "Connection": "close"}
        await self.send(self.head_of(error.status, headers) + body)
        await self.drain()

    async def end_incomplete(self, _error: IncompleteError) -> None:
        """Refuse a body that ended too early, in words or in silence."""
        if not self.behaviour.silent_incomplete:
            await self.send_bad_request(BadRequestError("incomplete body"))

    async def drain(self) -> None:
        """End the own half and swallow what still comes, for a while."""
        with suppress(OSError, NotImplementedError, TimeoutError):
            if self.writer.can_write_eof():
                self.writer.write_eof()
            async with asyncio.timeout(DRAIN_SECONDS):
                for _ in range(DRAIN_PIECES):
                    if not await self.reader.read(PIECE):
                        return

    async def send(self, data: bytes) -> None:
        """Send bytes, in one piece or in many."""
        step = SMALL_PIECE_BYTES if self.behaviour.dribble else max(1, len(data))
        for start in range(0, len(data), step):
            self.writer.write(data[start : start + step])
            await self.writer.drain()
            if self.behaviour.dribble:
                await asyncio.sleep(0.001)


def chunked(body: bytes) -> bytes:
    """Write a body as small chunks."""
    pieces = [body[start : start + CHUNK] for start in range(0, len(body), CHUNK)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])
