"""Servers that do not get over a refused request, and take it out on the next one."""

from collections.abc import Callable, Iterator

from tests.targets import credentials
from tests.targets.application import Application
from tests.targets.dialects import Dialect, Kind
from tests.targets.faults.base import MUST, Fault, make_fault, must
from tests.targets.faults.payload import with_text
from tests.targets.http_connection import HttpConnection
from tests.targets.http_parser import Head
from tests.targets.messages import Answer, Call, RefusalError, Request
from tests.targets.options import Options

FAILURE_INTERVAL = 10
FAILURES_AFTER_NUL = 20
GARBAGE = b"\x16\x03\x01\x00\xff not HTTP at all\r\n\r\n"
has_nul = with_text(lambda text: "\x00" in text)

Next = Callable[[Application, Call], Answer | None]


class UnreadBodyConnection(HttpConnection):
    """A connection on which a refused body stays, to be read as the next request."""

    async def exchange(self, head: Head) -> bool:
        """Answer for the head alone, and go on as if there were no body."""
        early = self.judge.answer_to_head(self.request_before_body(head))
        if early is not None:
            return await self.send_answer(head, early, ending=False)
        return await super().exchange(head)


def leaving_body_unread(kind: Kind) -> type[Application]:
    """Refuse for the head alone, for one kind of reason."""

    class HeadOnlyRefusing(Application):
        """A server that leaves a refused body unread."""

        connection_type = UnreadBodyConnection

        def answer_to_head(self, request: Request) -> Answer | None:
            """Refuse for the one kind of reason."""
            call = Call(request, self.find_route(request))
            try:
                self.check_head(call)
                self.check_header_key(call)
            except RefusalError as refusal:
                return self.answer_refused(call, refusal) if refusal.kind == kind else None
            return None

        def check_header_key(self, call: Call) -> None:
            """Refuse an unknown key in the header, even where the body may have another."""
            user = credentials.basic_user(call, colonless=True)
            if user is not None and not self.is_known_key(user):
                self.refuse_if_documented("auth", "Invalid or missing writekey")

    return HeadOnlyRefusing


class FailingEveryTenth(Application):
    """A server that fails every tenth request, once it has seen invalid JSON."""

    def __init__(self, dialect: Dialect, options: Options | None = None) -> None:
        super().__init__(dialect, options)
        self.has_seen_invalid_json = False
        self.count = 0

    def answer(self, request: Request) -> Answer:
        """Answer one request, or fail."""
        self.count += self.has_seen_invalid_json
        if self.has_seen_invalid_json and self.count % FAILURE_INTERVAL == 0:
            return crash(self, request)
        return super().answer(request)

    def answer_refused(self, call: Call, refusal: RefusalError) -> Answer:
        """Remember invalid JSON."""
        self.has_seen_invalid_json = self.has_seen_invalid_json or refusal.kind == "json"
        return super().answer_refused(call, refusal)


class FailingAfterNul(Application):
    """A server that is broken for a while, once it has seen a NUL."""

    def __init__(self, dialect: Dialect, options: Options | None = None) -> None:
        super().__init__(dialect, options)
        self.failures_left = 0

    def answer(self, request: Request) -> Answer:
        """Answer one request, or fail."""
        if self.failures_left:
            self.failures_left -= 1
            return crash(self, request)
        return super().answer(request)

    def answer_accepted(self, call: Call, failures: list[RefusalError]) -> Answer:
        """Remember a NUL."""
        if has_nul(call):
            self.failures_left = FAILURES_AFTER_NUL
        return super().answer_accepted(call, failures)


def crash(judge: Application, request: Request) -> Answer:
    """Answer as a crashed server does."""
    call = Call(request, judge.find_route(request))
    return judge.answer_error(call, 500, RefusalError("json", "Internal error"))


def refusing_after_refusal(kinds: set[Kind], status: int) -> type[Application]:
    """Refuse the first request after one refused for these kinds of reason, on the same connection."""

    class RefusingAfterRefusal(Application):
        """A server whose connections remember a refusal."""

        def __init__(self, dialect: Dialect, options: Options | None = None) -> None:
            super().__init__(dialect, options)
            self.refused: set[int] = set()

        def answer(self, request: Request) -> Answer:
            """Answer one request, or refuse it for the one before."""
            if request.connection not in self.refused:
                return super().answer(request)
            self.refused.discard(request.connection)
            call = Call(request, self.find_route(request))
            return self.answer_error(call, status, RefusalError("json", "Request refused"))

        def answer_refused(self, call: Call, refusal: RefusalError) -> Answer:
            """Remember the connection."""
            if refusal.kind in kinds:
                self.refused.add(call.request.connection)
            return super().answer_refused(call, refusal)

    return RefusingAfterRefusal


class RememberingCredentials(Application):
    """A server that asks for a key only until a connection has shown a right one."""

    def __init__(self, dialect: Dialect, options: Options | None = None) -> None:
        super().__init__(dialect, options)
        self.authorised_connections: set[int] = set()

    def is_authorised(self, call: Call) -> bool:
        """Let every call in, on a connection that has let one in."""
        if super().is_authorised(call):
            self.authorised_connections.add(call.request.connection)
        return call.request.connection in self.authorised_connections


class GarbageConnection(HttpConnection):
    """A connection that answers with garbage after a refusal."""

    has_refused = False

    async def send_answer(self, head: Head, answer: Answer, *, ending: bool) -> bool:
        """Send an answer, or garbage."""
        if self.has_refused:
            await self.send(GARBAGE)
            return False
        self.has_refused = answer.status >= 400
        return await super().send_answer(head, answer, ending=ending)


class GarbageAfterRefusal(Application):
    """A server whose connections do not survive a refusal."""

    connection_type = GarbageConnection


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    keyed = must("rs", "mr", "ss")
    yield make_fault("leaves-body-on-credentials", "robustness auth", keyed, leaving_body_unread("auth"))
    yield make_fault("leaves-body-on-size", "robustness size", MUST, leaving_body_unread("size"))
    yield make_fault("leaves-body-on-unknown-path", "robustness errors", MUST, leaving_body_unread("path"))
    yield make_fault("leaves-body-on-wrong-method", "robustness errors", MUST, leaving_body_unread("method"))
    yield make_fault("tenth-after-invalid-json-500", "robustness json", MUST, FailingEveryTenth)
    yield make_fault("after-invalid-json-400", "robustness json", MUST, refusing_after_refusal({"json"}, 400))
    yield make_fault("after-oversized-500", "robustness size", MUST, refusing_after_refusal({"size"}, 500))
    yield make_fault("after-credentials-401", "robustness auth", keyed, refusing_after_refusal({"auth"}, 401))
    yield make_fault("after-unknown-path-404", "robustness errors", MUST, refusing_after_refusal({"path"}, 404))
    yield make_fault("after-refusal-garbage", "robustness", MUST, GarbageAfterRefusal)
    yield make_fault("after-nul-500", "robustness", MUST, FailingAfterNul)
    yield make_fault("credentials-remembered", "robustness auth", keyed, RememberingCredentials)
