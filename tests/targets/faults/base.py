"""What a fault is, and the few ways of breaking one step of a judge."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from tests.targets import credentials
from tests.targets.application import Application
from tests.targets.dialects import DIALECTS, Dialect, Kind, Level
from tests.targets.http_connection import HttpConnection
from tests.targets.messages import Answer, Call, RefusalError
from tests.targets.options import Options

Predicate = Callable[[Call], bool]
ApplicationFactory = Callable[[Dialect, Options], Application]
AnswerEdit = Callable[[Call, Answer], Answer]

MUST: Mapping[str, Level] = MappingProxyType(dict.fromkeys(DIALECTS, "must"))
SHOULD: Mapping[str, Level] = MappingProxyType(dict.fromkeys(DIALECTS, "should"))
MAY: Mapping[str, Level] = MappingProxyType(dict.fromkeys(DIALECTS, "may"))
SHORT_NAMES = {"seg": "segment", "rs": "rudderstack", "mr": "metarouter", "ss": "segmentstream"}


@dataclass(frozen=True)
class Fault:
    """A server that breaks one promise, and what a report on it should say."""

    name: str
    areas: frozenset[str]
    levels: Mapping[str, Level]
    make_application: ApplicationFactory
    path: str | None = None

    @property
    def dialects(self) -> tuple[str, ...]:
        """Name the dialects that make the promise."""
        return tuple(self.levels)


@dataclass(frozen=True)
class BrokenServer:
    """One fault in one dialect."""

    fault: Fault
    dialect: Dialect

    @property
    def name(self) -> str:
        """Name the case, fit for a test's id."""
        return f"{self.dialect.name}-{self.fault.name}"

    @property
    def level(self) -> Level:
        """Give the level of the broken promise."""
        return self.fault.levels[self.dialect.name]

    def application(self, options: Options | None = None) -> Application:
        """Make the broken server."""
        return self.fault.make_application(self.dialect, options or Options())


def make_fault(
    name: str, areas: str, levels: Mapping[str, Level], make: ApplicationFactory, *, path: str | None = None
) -> Fault:
    """Make a fault; the areas are words separated by spaces."""
    return Fault(name, frozenset(areas.split()), levels, make, path)


def at_levels(**levels: Level) -> dict[str, Level]:
    """Name levels by the short names of the dialects: seg, rs, mr, ss."""
    return {SHORT_NAMES[short]: level for short, level in levels.items()}


def must(*shorts: str) -> dict[str, Level]:
    """Name the dialects in which the promise is a MUST."""
    return {SHORT_NAMES[short]: "must" for short in shorts}


def should(*shorts: str) -> dict[str, Level]:
    """Name the dialects in which the promise is a SHOULD."""
    return {SHORT_NAMES[short]: "should" for short in shorts}


def may(*shorts: str) -> dict[str, Level]:
    """Name the dialects that promise nothing, but where a report is due."""
    return {SHORT_NAMES[short]: "may" for short in shorts}


def always(_call: Call) -> bool:
    """Hold for every call."""
    return True


def on_path(path: str, when: Predicate = always) -> Predicate:
    """Narrow a predicate to one path."""
    return lambda call: call.route.path == path and when(call)


def nested_values(value: object) -> Iterator[object]:
    """Walk through a JSON value and everything inside it."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        yield each
        waiting += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()


def events(call: Call) -> list[dict[str, object]]:
    """List the events of a call, of whatever kind."""
    if not isinstance(call.value, dict):
        return []
    if call.route.kind != "batch":
        return [{"type": call.route.type, **call.value}]
    items = call.value.get("batch")
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def any_event(test: Callable[[dict[str, object]], bool]) -> Predicate:
    """Hold when a test holds for one of the call's events."""
    return lambda call: any(test(event) for event in events(call))


def with_parts(status: int | None = None, content_type: str | None = None, body: bytes | None = None) -> AnswerEdit:
    """Make a change that replaces the given parts of an answer."""

    def change(_: Call, answer: Answer) -> Answer:
        """Replace the parts."""
        headers = answer.headers if content_type is None else {"Content-Type": content_type}
        return Answer(status or answer.status, headers, answer.body if body is None else body)

    return change


def refusing(when: Predicate, status: int = 400) -> type[Application]:
    """Refuse what a correct server accepts, when the predicate holds."""

    class Refusing(Application):
        """A server that refuses too much."""

        def answer_accepted(self, call: Call, failures: list[RefusalError]) -> Answer:
            """Answer an accepted call, brokenly."""
            if call.request.method != "OPTIONS" and when(call):
                return self.answer_error(call, status, RefusalError("field", "Request refused"))
            return super().answer_accepted(call, failures)

    return Refusing


def accepting(kinds: set[Kind], when: Predicate = always) -> type[Application]:
    """Accept what a correct server refuses for one of these kinds of reason."""

    class Accepting(Application):
        """A server that accepts too much."""

        def answer_refused(self, call: Call, refusal: RefusalError) -> Answer:
            """Answer a refused call, brokenly."""
            if refusal.kind in kinds and when(call):
                return self.answer_accepted(call, [])
            return super().answer_refused(call, refusal)

    return Accepting


def answering(kinds: set[Kind], status: int, when: Predicate = always) -> ApplicationFactory:
    """Refuse for these kinds of reason with another status, even where the vendor would accept."""

    class Answering(Application):
        """A server that refuses with another status."""

        def refuse_if_documented(self, call_kind: Kind, message: str) -> None:
            """Refuse even where the vendor accepts."""
            if call_kind in kinds:
                raise RefusalError(call_kind, message)
            super().refuse_if_documented(call_kind, message)

        def answer_refused(self, call: Call, refusal: RefusalError) -> Answer:
            """Answer a refused call, brokenly."""
            if refusal.kind not in kinds or not when(call):
                return super().answer_refused(call, refusal)
            return self.answer_error(call, status, refusal)

    return Answering


def crashing_on(when: Predicate, status: int = 500, *, dropped: bool = False) -> type[Application]:
    """Crash over a text that the predicate knows, whether a correct server accepts it or not."""

    class Crashing(Application):
        """A server that crashes."""

        def crash(self, call: Call) -> Answer:
            """Answer as a crashed server does."""
            answer = self.answer_error(call, status, RefusalError("json", "Internal error"))
            return replace(answer, dropped=dropped)

        def answer_accepted(self, call: Call, failures: list[RefusalError]) -> Answer:
            """Answer an accepted call, brokenly."""
            hit = call.request.method != "OPTIONS" and when(call)
            return self.crash(call) if hit else super().answer_accepted(call, failures)

        def answer_refused(self, call: Call, refusal: RefusalError) -> Answer:
            """Answer a refused call, brokenly."""
            hit = call.text and refusal.kind not in {"auth", "size"} and when(call)
            return self.crash(call) if hit else super().answer_refused(call, refusal)

    return Crashing


def with_connection_type(speak: type[HttpConnection]) -> type[Application]:
    """Judge correctly, and speak HTTP in another way."""

    class Speaking(Application):
        """A server with a broken HTTP."""

        connection_type = speak

    return Speaking


def altering(change: AnswerEdit, kinds: set[Kind] | None = None, when: Predicate = always) -> type[Application]:
    """Change the answers to refused calls; None stands for every kind of reason."""

    class Altering(Application):
        """A server with altered answers."""

        def answer_refused(self, call: Call, refusal: RefusalError) -> Answer:
            """Answer a refused call, brokenly."""
            answer = super().answer_refused(call, refusal)
            hit = (kinds is None or refusal.kind in kinds) and when(call)
            return change(call, answer) if hit else answer

    return Altering


def altering_success(change: AnswerEdit, when: Predicate = always) -> type[Application]:
    """Change the answers to accepted calls."""

    class Altering(Application):
        """A server with altered answers."""

        def answer_accepted(self, call: Call, failures: list[RefusalError]) -> Answer:
            """Answer an accepted call, brokenly."""
            answer = super().answer_accepted(call, failures)
            return change(call, answer) if call.request.method != "OPTIONS" and when(call) else answer

    return Altering


def accepting_keys(matches: Callable[[str, str], bool]) -> type[Application]:
    """Compare keys in a wrong way: `matches(own, shown)`."""

    class KeyAccepting(Application):
        """A server with a hole."""

        def is_known_key(self, key: str) -> bool:
            """Compare keys."""
            return super().is_known_key(key) or matches(self.options.key, key)

    return KeyAccepting


def authorising(opens: Callable[[Call, Options], bool]) -> type[Application]:
    """Let a call in that shows no known key, when the predicate holds."""

    class Authorising(Application):
        """A server with a hole."""

        def is_authorised(self, call: Call) -> bool:
            """Let calls in."""
            return super().is_authorised(call) or opens(call, self.options)

    return Authorising


def has_no_credentials(call: Call) -> bool:
    """Tell whether a call shows no credentials at all."""
    nothing = "authorization" not in call.request.headers and not credentials.body_keys(call)
    return nothing and "writeKey" not in call.request.query
