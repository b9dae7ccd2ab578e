"""Refusals that shut out official SDKs: their headers and the fields that only they send."""

from collections.abc import Iterator

from tests.targets import credentials
from tests.targets.faults.base import Fault, Predicate, any_event, at_levels, make_fault, refusing, should
from tests.targets.messages import Call


def is_typed(name: str) -> Predicate:
    """Hold for a Content-Type, with or without parameters."""
    return lambda call: call.request.headers.get("content-type", "").partition(";")[0].strip().lower() == name


def is_short(call: Call) -> bool:
    """Tell whether the path has one letter."""
    return len(call.route.path.rpartition("/")[2]) == 1


def is_plain_and_short(call: Call) -> bool:
    """Tell whether a call is as browsers send it."""
    return is_short(call) and is_typed("text/plain")(call)


def on_top(name: str) -> Predicate:
    """Hold for a field beside the batch, or of a single event."""
    return lambda call: isinstance(call.value, dict) and name in call.value


def has(name: str) -> Predicate:
    """Hold when an event has a field."""
    return any_event(lambda event: name in event)


def is_retry(call: Call) -> bool:
    """Tell whether a call says that it is sent again."""
    return "x-retry-count" in call.request.headers


def has_two_keys(call: Call) -> bool:
    """Tell whether a call shows its key in the header and in the body."""
    return bool(credentials.basic_user(call, colonless=True)) and bool(credentials.body_keys(call))


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    form = refusing(is_typed("application/x-www-form-urlencoded"), 415)
    yield make_fault("form-type-refused", "sdk content-type", should("rs"), form)
    plain = refusing(is_plain_and_short, 415)
    yield make_fault("text-plain-refused", "sdk content-type", should("seg"), plain)
    dated = at_levels(seg="should", rs="should", mr="must")
    yield make_fault("sent-at-refused", "sdk batch payload", dated, refusing(on_top("sentAt")))
    yield make_fault("metadata-refused", "sdk payload", should("seg"), refusing(has("_metadata")))
    original = refusing(has("originalTimestamp"))
    yield make_fault("original-timestamp-refused", "sdk payload", should("rs"), original)
    yield make_fault("retry-count-refused", "sdk", should("seg"), refusing(is_retry))
    yield make_fault("two-keys-refused", "sdk auth", should("seg"), refusing(has_two_keys, 401))
