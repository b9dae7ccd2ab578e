"""Faults in what a payload may say: valid fields refused, required fields unchecked."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from tests.targets.dialects import Kind, Level
from tests.targets.faults.base import (
    MUST,
    Fault,
    Predicate,
    accepting,
    any_event,
    at_levels,
    events,
    make_fault,
    must,
    nested_values,
    refusing,
    should,
)
from tests.targets.fields import is_given
from tests.targets.messages import Call

Event = dict[str, object]
KNOWN = {
    "anonymousId", "batch", "category", "context", "event", "groupId", "hitId", "integrations", "messageId",
    "name", "previousId", "properties", "sentAt", "timestamp", "traits", "type", "userId", "user", "writeKey",
}  # fmt: skip
KNOWN_INSIDE = {
    "age", "artist", "category", "email", "employees", "fileSize", "fileTitle", "fileType", "hasTowel",
    "industry", "label", "name", "nonInteraction", "path", "prop1", "referrer", "relativePosition", "revenue",
    "title", "trait1", "user",
}  # fmt: skip
KNOWN_CONTEXT = {
    "active", "app", "campaign", "device", "direct", "groupId", "ip", "library", "locale", "location",
    "network", "os", "page", "referrer", "screen", "timezone", "traits", "userAgent",
}  # fmt: skip
EXAMPLES = {
    "019mr8mf4r", "identified user id", "user123", "1234qwerty", "assigned_id_or_email",
    "4c59d330-35c7-11e9-8f27-8d1d7d4690e7",
}  # fmt: skip


def time_of(event: Event) -> str:
    """Give an event's time as text, or nothing; SegmentStream calls it sentAt."""
    value = event.get("sentAt") if event.get("type") == "stream" else event.get("timestamp")
    return value if isinstance(value, str) else ""


def is_historical(event: Event) -> bool:
    """Tell whether an event is older than a year."""
    try:
        moment = datetime.fromisoformat(time_of(event))
    except ValueError:
        return False
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware < datetime.now(UTC) - timedelta(days=365)


def has_offset(event: Event) -> bool:
    """Tell whether an event's time has a numeric offset."""
    return time_of(event)[-6:-5] in {"+", "-"} and time_of(event)[-3:-2] == ":"


def digits_of(event: Event) -> int | None:
    """Count the fractional digits of an event's time, or give None without a time."""
    text = time_of(event)
    if not text:
        return None
    _, dot, fraction = text.partition(".")
    return len(fraction[: len(fraction) - len(fraction.lstrip("0123456789"))]) if dot else 0


def free_form_object(event: Event) -> Event:
    """Give the free-form part of an event: its properties, traits or SegmentStream event."""
    name = "event" if event.get("type") == "stream" else "traits" if "traits" in event else "properties"
    inner = event.get(name)
    return inner if isinstance(inner, dict) else {}


def identity(event: Event) -> Event:
    """Give the part of an event that holds its ids."""
    user = free_form_object(event).get("user") if event.get("type") == "stream" else event
    return user if isinstance(user, dict) else {}


def has_only(event: Event, name: str, other: str) -> bool:
    """Tell whether an event has one id and not the other."""
    return is_given(identity(event).get(name)) and not is_given(identity(event).get(other))


def texts(call: Call) -> list[str]:
    """List the strings and the names in a payload."""
    contained = list(nested_values(call.value))
    names = [name for value in contained if isinstance(value, dict) for name in value]
    return [each for each in [*contained, *names] if isinstance(each, str)]


def with_text(test: Callable[[str], bool]) -> Predicate:
    """Hold when a string or a name in the payload passes a test."""
    return lambda call: any(test(text) for text in texts(call))


def has_astral(text: str) -> bool:
    """Tell whether a text has a character of four bytes, such as an emoji."""
    return any(char > "\uffff" for char in text)


def has_unknown_context(event: Event) -> bool:
    """Tell whether the context has a field that no document lists."""
    context = event.get("context")
    return isinstance(context, dict) and not context.keys() <= KNOWN_CONTEXT


def absent(name: str, types: str = "") -> Predicate:
    """Hold when an event (of these types) lacks an optional field, as seen on the wire."""

    def lacks(call: Call) -> bool:
        """Tell whether the field is absent."""
        if call.route.kind == "batch" or not isinstance(call.value, dict):
            return any(name not in event and covers(event) for event in events(call))
        return name not in call.value and covers(events(call)[0])

    def covers(event: Event) -> bool:
        """Tell whether the event is of one of the types."""
        return not types or event.get("type") in types.split()

    return lacks


def in_free_form(test: Callable[[object], bool]) -> Predicate:
    """Hold when a value inside the free-form part of an event passes a test."""
    return any_event(
        lambda event: any(test(each) for value in free_form_object(event).values() for each in nested_values(value))
    )


TIMES: tuple[tuple[str, Mapping[str, Level], Callable[[Event], bool]], ...] = (
    ("historical-timestamp", MUST, is_historical),
    ("absent-timestamp", MUST, lambda event: time_of(event) == ""),
    ("offset-timestamp", at_levels(seg="must", rs="should", mr="must", ss="must"), has_offset),
    ("fractional-timestamp", MUST, lambda event: (digits_of(event) or 0) > 0),
    ("microsecond-timestamp", at_levels(seg="must", rs="should", mr="must", ss="must"),
     lambda event: (digits_of(event) or 0) > 3),
    ("whole-second-timestamp", at_levels(seg="must", rs="should", mr="must", ss="must"),
     lambda event: digits_of(event) == 0),
)  # fmt: skip

FIELDS: tuple[tuple[str, Mapping[str, Level], Predicate], ...] = (
    ("anonymous-only", MUST, any_event(lambda event: has_only(event, "anonymousId", "userId"))),
    ("user-only", MUST, any_event(lambda event: has_only(event, "userId", "anonymousId"))),
    ("both-ids", MUST, any_event(lambda event: {"userId", "anonymousId"} <= identity(event).keys())),
    ("null-anonymous-id", should("seg", "rs"),
     any_event(lambda event: "anonymousId" in event and event["anonymousId"] is None)),
    ("extra-field", at_levels(seg="must", rs="should", mr="must", ss="should"),
     any_event(lambda event: not event.keys() <= KNOWN)),
    ("extra-property", MUST, any_event(lambda event: not free_form_object(event).keys() <= KNOWN_INSIDE)),
    ("extra-context", should("seg", "rs", "mr", "ss"),
     any_event(has_unknown_context)),
    ("context-absent", MUST, absent("context")),
    ("integrations-absent", MUST, absent("integrations")),
    ("properties-absent", must("seg", "rs", "mr"), absent("properties", "track page screen")),
    ("traits-absent", must("seg", "rs", "mr"), absent("traits", "identify group")),
    ("message-id-absent", must("seg", "rs"), absent("messageId")),
    ("hit-id-absent", must("ss"), absent("hitId")),
    ("number", MUST, in_free_form(lambda value: isinstance(value, int | float) and not isinstance(value, bool))),
    ("boolean", MUST, in_free_form(lambda value: isinstance(value, bool))),
    ("nested-object", MUST, in_free_form(lambda value: isinstance(value, dict))),
    ("nested-array", MUST, in_free_form(lambda value: isinstance(value, list))),
    ("null-property", MUST, in_free_form(lambda value: value is None)),
    ("empty-properties", must("seg", "rs", "mr"), any_event(lambda event: event.get("properties") == {})),
    ("documented-example", MUST, with_text(lambda text: text in EXAMPLES)),
    ("impossible-address", must("ss"), lambda call: "123.22.334.55" in call.text),
    ("irregular-timestamp", must("seg"), any_event(lambda event: "-2-" in time_of(event))),
    ("page-without-name", must("seg", "mr"), absent("name", "page")),
    ("pretty-json", MUST, lambda call: "\n" in call.text.strip()),
    ("unicode", MUST, lambda call: not call.text.isascii()),
    ("emoji", MUST, with_text(has_astral)),
    ("escaped-text", MUST, lambda call: "\\u" in call.text),
)  # fmt: skip


TEXTS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("unicode", lambda text: not text.isascii()),
    ("emoji", has_astral),
    ("nul", lambda text: "\x00" in text),
)


def on_type(name: str) -> Predicate:
    """Hold on the paths of one type."""
    return lambda call: call.route.type == name


def typeless(call: Call) -> bool:
    """Hold for a single call that does not repeat its type in the body."""
    return call.route.kind == "event" and isinstance(call.value, dict) and "type" not in call.value


def refused_faults() -> Iterator[Fault]:
    """List valid payloads refused, or crashing the server."""
    for name, levels, test in TIMES:
        yield make_fault(f"{name}-refused", "accept payload", levels, refusing(any_event(test)))
    for name, levels, when in FIELDS:
        yield make_fault(f"{name}-refused", "accept payload", levels, refusing(when))
    yield make_fault("type-absent-refused", "accept payload", must("seg", "rs"), refusing(typeless))
    for name, test_text in TEXTS:
        broken = refusing(with_text(test_text), 500)
        yield make_fault(f"{name}-500", "accept payload errors json", MUST, broken)


def required_faults() -> Iterator[Fault]:
    """List required fields that go unchecked."""
    identity_kinds: set[Kind] = {"identity"}
    levels = at_levels(rs="may", mr="should", ss="should")
    yield make_fault("identity-unchecked", "payload accept", levels, accepting(identity_kinds))
    for name, path_type in (("event", "track"), ("group-id", "group"), ("previous-id", "alias")):
        broken = accepting({"field"}, on_type(path_type))
        yield make_fault(f"{name}-unchecked", "payload accept", at_levels(rs="may", mr="should"), broken)
    yield make_fault("event-object-unchecked", "payload accept", should("ss"), accepting({"field"}))


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    yield from refused_faults()
    yield from required_faults()
