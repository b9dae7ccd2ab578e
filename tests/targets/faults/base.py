"""What a fault is, and the few ways of breaking one step of a judge."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from tests.targets import credentials
from tests.targets.conversation import Conversation
from tests.targets.dialects import DIALECTS, Dialect, Kind, Level
from tests.targets.judge import Judge
from tests.targets.options import Options
from tests.targets.wire import Answer, Call, RefusalError

Predicate = Callable[[Call], bool]
Maker = Callable[[Dialect, Options], Judge]
Change = Callable[[Call, Answer], Answer]

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
    make: Maker
    path: str | None = None

    @property
    def dialects(self) -> tuple[str, ...]:
        """Name the dialects that make the promise."""
        return tuple(self.levels)


@dataclass(frozen=True)
class Case:
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

    def judge(self, options: Options | None = None) -> Judge:
        """Make the broken server."""
        return self.fault.make(self.dialect, options or Options())


def fault(
    name: str, areas: str, levels: Mapping[str, Level], make: Maker, *, path: str | None = None
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


def at(path: str, when: Predicate = always) -> Predicate:
    """Narrow a predicate to one path."""
    return lambda call: call.route.path == path and when(call)


def values(value: object) -> Iterator[object]:
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


def with_parts(
    status: int | None = None, content_type: str | None = None, body: bytes | None = None
) -> Change:
    """Make a change that replaces the given parts of an answer."""

    def change(_: Call, answer: Answer) -> Answer:
        """Replace the parts."""
        headers = answer.headers if content_type is None else {"Content-Type": content_type}
        return Answer(status or answer.status, headers, answer.body if body is None else body)

    return change


def refusing(when: Predicate, status: int = 400) -> type[Judge]:
    """Refuse what a correct server accepts, when the predicate holds."""

    class Refusing(Judge):
        """A server that refuses too much."""

        def success(self, call: Call, failures: list[RefusalError]) -> Answer:
            """Answer an accepted call, brokenly."""
            if call.request.method != "OPTIONS" and when(call):
                return self.error(call, status, RefusalError("field", "Request refused"))
            return super().success(call, failures)

    return Refusing


def accepting(kinds: set[Kind], when: Predicate = always) -> type[Judge]:
    """Accept what a correct server refuses for one of these kinds of reason."""

    class Accepting(Judge):
        """A server that accepts too much."""

        def refuse(self, call: Call, refusal: RefusalError) -> Answer:
            """Answer a refused call, brokenly."""
            if refusal.kind in kinds and when(call):
                return self.success(call, [])
            return super().refuse(call, refusal)

    return Accepting


def answering(kinds: set[Kind], status: int, when: Predicate = always) -> Maker:
    """Refuse for these kinds of reason with another status, even where the vendor would accept."""

    class Answering(Judge):
        """A server that refuses with another status."""

        def complain(self, call_kind: Kind, message: str) -> None:
            """Refuse even where the vendor accepts."""
            if call_kind in kinds:
                raise RefusalError(call_kind, message)
            super().complain(call_kind, message)

        def refuse(self, call: Call, refusal: RefusalError) -> Answer:
            """Answer a refused call, brokenly."""
            if refusal.kind not in kinds or not when(call):
                return super().refuse(call, refusal)
            return self.error(call, status, refusal)

    return Answering


def crashing_on(when: Predicate, status: int = 500, *, dropped: bool = False) -> type[Judge]:
    """Crash over a text that the predicate knows, whether a correct server accepts it or not."""

    class Crashing(Judge):
        """A server that crashes."""

        def crash(self, call: Call) -> Answer:
            """Answer as a crashed server does."""
            answer = self.error(call, status, RefusalError("json", "Internal error"))
            return replace(answer, dropped=dropped)

        def success(self, call: Call, failures: list[RefusalError]) -> Answer:
            """Answer an accepted call, brokenly."""
            hit = call.request.method != "OPTIONS" and when(call)
            return self.crash(call) if hit else super().success(call, failures)

        def refuse(self, call: Call, refusal: RefusalError) -> Answer:
            """Answer a refused call, brokenly."""
            hit = call.text and refusal.kind not in {"auth", "size"} and when(call)
            return self.crash(call) if hit else super().refuse(call, refusal)

    return Crashing


def speaking(speak: type[Conversation]) -> type[Judge]:
    """Judge correctly, and speak HTTP in another way."""

    class Speaking(Judge):
        """A server with a broken HTTP."""

        conversation = speak

    return Speaking


def altering(change: Change, kinds: set[Kind] | None = None, when: Predicate = always) -> type[Judge]:
    """Change the answers to refused calls; None stands for every kind of reason."""

    class Altering(Judge):
        """A server with altered answers."""

        def refuse(self, call: Call, refusal: RefusalError) -> Answer:
            """Answer a refused call, brokenly."""
            answer = super().refuse(call, refusal)
            hit = (kinds is None or refusal.kind in kinds) and when(call)
            return change(call, answer) if hit else answer

    return Altering


def altering_success(change: Change, when: Predicate = always) -> type[Judge]:
    """Change the answers to accepted calls."""

    class Altering(Judge):
        """A server with altered answers."""

        def success(self, call: Call, failures: list[RefusalError]) -> Answer:
            """Answer an accepted call, brokenly."""
            answer = super().success(call, failures)
            return change(call, answer) if call.request.method != "OPTIONS" and when(call) else answer

    return Altering


def hole(matches: Callable[[str, str], bool]) -> type[Judge]:
    """Compare keys in a wrong way: `matches(own, shown)`."""

    class Hole(Judge):
        """A server with a hole."""

        def known_key(self, key: str) -> bool:
            """Compare keys."""
            return super().known_key(key) or matches(self.options.key, key)

    return Hole


def hole_when(opens: Callable[[Call, Options], bool]) -> type[Judge]:
    """Let a call in that shows no known key, when the predicate holds."""

    class Hole(Judge):
        """A server with a hole."""

        def is_authorised(self, call: Call) -> bool:
            """Let calls in."""
            return super().is_authorised(call) or opens(call, self.options)

    return Hole


def shows_nothing(call: Call) -> bool:
    """Tell whether a call shows no credentials at all."""
    nothing = "authorization" not in call.request.headers and not credentials.body_keys(call)
    return nothing and "writeKey" not in call.request.query
