"""Faults with ids, null fields, and what is deep or wide."""

from collections.abc import Callable, Iterator

from conformance.core.statuses import SERVER_ERROR
from tests.targets.application import Application
from tests.targets.body_decoding import is_nested_deeper
from tests.targets.dialects import Dialect
from tests.targets.faults.base import (
    MAY,
    MUST,
    SHOULD,
    Fault,
    Predicate,
    any_event,
    at_levels,
    crashing_on,
    events,
    make_fault,
    may,
    nested_values,
    refusing,
    should,
)
from tests.targets.faults.payload import free_form_object, identity
from tests.targets.faults.robustness import field_of
from tests.targets.fields import Event, holder_of, is_given
from tests.targets.messages import Answer, Call, RefusalError
from tests.targets.options import Options

IDS = ("userId", "anonymousId")
OPTIONAL = (
    "anonymousId", "context", "integrations", "timestamp", "sentAt", "messageId", "properties", "traits",
    "name",
)  # fmt: skip
LONGEST_ID = 99
DEEP = 20
WIDE = 200


def has_null(name: str) -> Callable[[Event], bool]:
    """Hold for an event with a field that is there and null."""
    holds = {"messageId": "hitId", "timestamp": "sentAt"}

    def test(event: Event) -> bool:
        """Tell whether the field is null."""
        holder = identity(event) if name in IDS else event
        there = holds.get(name, name) if event.get("type") == "stream" else name
        return there in holder and holder[there] is None

    return test


def has_null_option(call: Call) -> bool:
    """Tell whether an optional field is null, in one of the events."""
    return any(has_null(name)(event) for event in events(call) for name in OPTIONAL)


def has_empty_user(event: Event) -> bool:
    """Tell whether an empty userId is beside an anonymousId."""
    return identity(event).get("userId") == "" and is_given(identity(event).get("anonymousId"))


def has_null_user(event: Event) -> bool:
    """Tell whether a null userId is beside an anonymousId."""
    return has_null("userId")(event) and is_given(identity(event).get("anonymousId"))


def has_longest_id(event: Event) -> bool:
    """Tell whether an event's messageId is as long as it may be."""
    text = field_of(event, "messageId")
    return isinstance(text, str) and len(text) == LONGEST_ID


def is_wide(event: Event) -> bool:
    """Tell whether an object in an event has many fields."""
    return any(isinstance(value, dict) and len(value) >= WIDE for value in nested_values(free_form_object(event)))


def is_deep(event: Event) -> bool:
    """Tell whether an event is nested deeply."""
    return is_nested_deeper(event, DEEP - 1)


def lenient(test: Callable[[object], bool]) -> type[Application]:
    """Take an id for given that is there, but says nothing."""

    class Lenient(Application):
        """A server that looks for names instead of values."""

        def check_identity(self, event: dict[str, object], kind: str) -> None:
            """Refuse an event without an id of any kind."""
            holder = holder_of(event, kind)
            if not any(name in holder and test(holder[name]) for name in IDS):
                super().check_identity(event, kind)

    return Lenient


def repeating(status: int) -> type[Application]:
    """Refuse a messageId that was accepted before."""

    class Repeating(Application):
        """A server that takes a retry for a mistake."""

        def __init__(self, dialect: Dialect, options: Options | None = None) -> None:
            super().__init__(dialect, options)
            self.seen: set[str] = set()

        def answer_accepted(self, call: Call, failures: list[RefusalError]) -> Answer:
            """Answer an accepted call, or refuse a repeated one."""
            message_ids = {text for event in events(call) if isinstance(text := field_of(event, "messageId"), str)}
            if message_ids & self.seen:
                return self.answer_error(call, status, RefusalError("field", "messageId is known"))
            self.seen |= message_ids
            return super().answer_accepted(call, failures)

    return Repeating


def has_object(name: str) -> Predicate:
    """Hold when an event has an object of this name."""
    return any_event(lambda event: isinstance(event.get(name), dict))


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    nulls = at_levels(seg="should", rs="should", mr="may", ss="may")
    yield make_fault("empty-user-id-refused", "payload", MAY, refusing(any_event(has_empty_user)))
    yield make_fault("null-user-id-refused", "payload", MAY, refusing(any_event(has_null_user)))
    nobody = should("rs", "mr", "ss")
    yield make_fault("null-ids-accepted", "payload", nobody, lenient(lambda value: value is None))
    yield make_fault("empty-ids-accepted", "payload", may("rs", "mr", "ss"), lenient(lambda value: value == ""))
    longest = at_levels(seg="must", rs="may", mr="may", ss="may")
    yield make_fault("message-id-99-refused", "payload", longest, refusing(any_event(has_longest_id)))
    for status in (409, 500):
        levels = at_levels(seg="must", rs="must" if status >= SERVER_ERROR else "should", mr="must", ss="must")
        yield make_fault(f"repeated-message-id-{status}", "payload", levels, repeating(status))
    yield make_fault("null-optional-refused", "payload", nulls, refusing(has_null_option))
    yield make_fault("null-optional-500", "payload robustness", SHOULD, crashing_on(has_null_option))
    yield make_fault("deep-properties-refused", "payload", SHOULD, refusing(any_event(is_deep)))
    yield make_fault("wide-properties-refused", "payload", SHOULD, refusing(any_event(is_wide)))
    yield make_fault("integrations-refused", "payload accept", MUST, refusing(has_object("integrations")))
    yield make_fault("context-refused", "payload accept", MUST, refusing(has_object("context")))
