"""Servers that do not get over a refused request, and take it out on the next one."""

from collections.abc import Callable, Iterator

from tests.targets import credentials
from tests.targets.conversation import Conversation
from tests.targets.dialects import Dialect, Kind
from tests.targets.faults.base import MUST, Fault, fault, must
from tests.targets.faults.payload import with_text
from tests.targets.judge import Judge
from tests.targets.options import Options
from tests.targets.reading import Head
from tests.targets.wire import Answer, Call, RefusalError, Request

TENTH = 10
BROKEN = 20
GARBAGE = b"\x16\x03\x01\x00\xff not HTTP at all\r\n\r\n"
has_nul = with_text(lambda text: "\x00" in text)

Next = Callable[[Judge, Call], Answer | None]


class Leaving(Conversation):
    """A connection on which a refused body stays, to be read as the next request."""

    async def exchange(self, head: Head) -> bool:
        """Answer for the head alone, and go on as if there were no body."""
        early = self.judge.glance(self.announced(head))
        if early is not None:
            return await self.answer(head, early, ending=False)
        return await super().exchange(head)


def leaving(kind: Kind) -> type[Judge]:
    """Refuse for the head alone, for one kind of reason."""

    class Hurried(Judge):
        """A server that leaves a refused body unread."""

        conversation = Leaving

        def glance(self, request: Request) -> Answer | None:
            """Refuse for the one kind of reason."""
            call = Call(request, self.find_route(request))
            try:
                self.check_head(call)
                self.check_header_key(call)
            except RefusalError as refusal:
                return self.refuse(call, refusal) if refusal.kind == kind else None
            return None

        def check_header_key(self, call: Call) -> None:
            """Refuse an unknown key in the header, even where the body may have another."""
            user = credentials.basic_user(call, colonless=True)
            if user is not None and not self.known_key(user):
                self.complain("auth", "Invalid or missing writekey")

    return Hurried


class Tenth(Judge):
    """A server that fails every tenth request, once it has seen invalid JSON."""

    def __init__(self, dialect: Dialect, options: Options | None = None) -> None:
        super().__init__(dialect, options)
        self.seen = False
        self.count = 0

    def answer(self, request: Request) -> Answer:
        """Answer one request, or fail."""
        self.count += self.seen
        if self.seen and self.count % TENTH == 0:
            return crash(self, request)
        return super().answer(request)

    def refuse(self, call: Call, refusal: RefusalError) -> Answer:
        """Remember invalid JSON."""
        self.seen = self.seen or refusal.kind == "json"
        return super().refuse(call, refusal)


class Poisoned(Judge):
    """A server that is broken for a while, once it has seen a NUL."""

    def __init__(self, dialect: Dialect, options: Options | None = None) -> None:
        super().__init__(dialect, options)
        self.left = 0

    def answer(self, request: Request) -> Answer:
        """Answer one request, or fail."""
        if self.left:
            self.left -= 1
            return crash(self, request)
        return super().answer(request)

    def success(self, call: Call, failures: list[RefusalError]) -> Answer:
        """Remember a NUL."""
        if has_nul(call):
            self.left = BROKEN
        return super().success(call, failures)


def crash(judge: Judge, request: Request) -> Answer:
    """Answer as a crashed server does."""
    call = Call(request, judge.find_route(request))
    return judge.error(call, 500, RefusalError("json", "Internal error"))


def grudging(kinds: set[Kind], status: int) -> type[Judge]:
    """Refuse the first request after one refused for these kinds of reason, on the same connection."""

    class Grudging(Judge):
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
            return self.error(call, status, RefusalError("json", "Request refused"))

        def refuse(self, call: Call, refusal: RefusalError) -> Answer:
            """Remember the connection."""
            if refusal.kind in kinds:
                self.refused.add(call.request.connection)
            return super().refuse(call, refusal)

    return Grudging


class Trusting(Judge):
    """A server that asks for a key only until a connection has shown a right one."""

    def __init__(self, dialect: Dialect, options: Options | None = None) -> None:
        super().__init__(dialect, options)
        self.trusted: set[int] = set()

    def is_authorised(self, call: Call) -> bool:
        """Let every call in, on a connection that has let one in."""
        if super().is_authorised(call):
            self.trusted.add(call.request.connection)
        return call.request.connection in self.trusted


class Garbling(Conversation):
    """A connection that answers with garbage after a refusal."""

    spoiled = False

    async def answer(self, head: Head, answer: Answer, *, ending: bool) -> bool:
        """Send an answer, or garbage."""
        if self.spoiled:
            await self.send(GARBAGE)
            return False
        self.spoiled = answer.status >= 400
        return await super().answer(head, answer, ending=ending)


class Garbled(Judge):
    """A server whose connections do not survive a refusal."""

    conversation = Garbling


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    keyed = must("rs", "mr", "ss")
    yield fault("leaves-body-on-credentials", "robustness auth", keyed, leaving("auth"))
    yield fault("leaves-body-on-size", "robustness size", MUST, leaving("size"))
    yield fault("leaves-body-on-unknown-path", "robustness errors", MUST, leaving("path"))
    yield fault("leaves-body-on-wrong-method", "robustness errors", MUST, leaving("method"))
    yield fault("tenth-after-invalid-json-500", "robustness json", MUST, Tenth)
    yield fault("after-invalid-json-400", "robustness json", MUST, grudging({"json"}, 400))
    yield fault("after-oversized-500", "robustness size", MUST, grudging({"size"}, 500))
    yield fault("after-credentials-401", "robustness auth", keyed, grudging({"auth"}, 401))
    yield fault("after-unknown-path-404", "robustness errors", MUST, grudging({"path"}, 404))
    yield fault("after-refusal-garbage", "robustness", MUST, Garbled)
    yield fault("after-nul-500", "robustness", MUST, Poisoned)
    yield fault("credentials-remembered", "robustness auth", keyed, Trusting)
