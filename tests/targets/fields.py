"""The documented types of the fields of an event."""

from collections.abc import Iterator

Event = dict[str, object]

TEXTS = (
    "userId",
    "anonymousId",
    "groupId",
    "previousId",
    "messageId",
    "hitId",
    "name",
    "timestamp",
    "sentAt",
)
OBJECTS = ("context", "integrations", "properties", "traits")


def is_given(value: object) -> bool:
    """Tell whether a field has a value: null and the empty string are none."""
    return value is not None and value != ""


def inner(value: object) -> Event:
    """Give an object, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def holder_of(event: Event, kind: str) -> Event:
    """Give the part of an event that holds its ids."""
    return inner(inner(event.get("event")).get("user")) if kind == "stream" else event


def fields_of_wrong_type(event: Event, kind: str) -> Iterator[str]:
    """Name the fields of a wrong type; null stands for an absent field."""
    every: list[tuple[Event, str, type]] = [(event, name, str) for name in TEXTS]
    every += [(event, name, dict) for name in OBJECTS]
    every.append((event, "event", dict if kind == "stream" else str))
    if kind == "stream":
        every += [(holder_of(event, kind), name, str) for name in TEXTS[:2]]
    for holder, name, wanted in every:
        if holder.get(name) is not None and not isinstance(holder[name], wanted):
            yield name
