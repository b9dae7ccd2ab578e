"""Faults in batches."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.targets.application import Application
from tests.targets.dialects import Kind
from tests.targets.faults.base import (
    Fault,
    Predicate,
    altering_success,
    any_event,
    events,
    make_fault,
    must,
    refusing,
    should,
    with_parts,
)
from tests.targets.messages import Answer, Call, RefusalError

BATCHED = must("seg", "rs", "mr")
TYPES = {
    "identify": BATCHED,
    "track": BATCHED,
    "page": BATCHED,
    "screen": must("seg", "rs"),
    "group": BATCHED,
    "alias": must("rs", "mr"),
}


def is_batch(call: Call) -> bool:
    """Tell whether a call is a batch."""
    return call.route.kind == "batch"


def in_batch(when: Predicate) -> Predicate:
    """Narrow a predicate to batches."""
    return lambda call: is_batch(call) and when(call)


def has_envelope_field(name: str) -> Predicate:
    """Hold for a batch with a field of this name beside `batch`."""
    return in_batch(lambda call: isinstance(call.value, dict) and name in call.value)


def has_event_field(name: str) -> Predicate:
    """Hold for a batch with a field of this name in an event."""
    return in_batch(any_event(lambda event: name in event))


def kinds_of(call: Call) -> set[object]:
    """Name the types in a batch."""
    return {str(event.get("type")) for event in events(call)}


def has_type(name: object) -> Predicate:
    """Hold for a batch with an event of this type."""
    return in_batch(lambda call: name in kinds_of(call))


def has_event_count(test: Callable[[int], bool]) -> Predicate:
    """Hold for a batch whose count of events passes a test."""
    return in_batch(lambda call: test(len(events(call))))


def refused_faults() -> Iterator[Fault]:
    """List valid batches refused."""
    for name, levels in TYPES.items():
        when = has_type(name)
        yield make_fault(f"batch-with-{name}-refused", "batch", levels, refusing(when))
    counts: dict[str, Callable[[int], bool]] = {
        "large-batch": lambda count: count > 100,
        "several-events": lambda count: count > 1,
        "single-event-batch": lambda count: count == 1,
    }
    for name, test in counts.items():
        when = has_event_count(test)
        yield make_fault(f"{name}-refused", "batch", BATCHED, refusing(when))
    mixed = in_batch(lambda call: len(kinds_of(call)) > 1)
    yield make_fault("mixed-batch-refused", "batch", BATCHED, refusing(mixed))
    yield make_fault("shared-context-refused", "batch", must("seg", "mr"), refusing(has_envelope_field("context")))
    yield make_fault(
        "shared-integrations-refused", "batch", must("seg", "mr"), refusing(has_envelope_field("integrations"))
    )
    yield make_fault("own-context-refused", "batch", BATCHED, refusing(has_event_field("context")))
    yield make_fault("batch-sent-at-refused", "batch", should("seg", "rs"), refusing(has_envelope_field("sentAt")))
    lonely = in_batch(lambda call: not has_envelope_field("context")(call))
    yield make_fault("no-shared-context-refused", "batch", BATCHED, refusing(lonely))
    yield make_fault("batch-success-202", "batch accept", BATCHED, accepted_as(202))


def accepted_as(status: int) -> type[Application]:
    """Accept batches with another status."""
    return altering_success(with_parts(status=status), is_batch)


def lacks_batch(call: Call) -> bool:
    """Tell whether `batch` is missing, rather than of a wrong type."""
    return isinstance(call.value, dict) and "batch" not in call.value


def lacks_type(call: Call) -> bool:
    """Tell whether an event has no type, rather than an unknown one."""
    return any("type" not in event for event in events(call))


def shape_faults() -> Iterator[Fault]:
    """List misshapen batches accepted or crashing."""
    every: tuple[tuple[str, Kind, Predicate], ...] = (
        ("missing-batch", "batch", lacks_batch),
        ("batch-not-array", "batch", lambda call: not lacks_batch(call)),
        ("missing-type", "type", lacks_type),
        ("unknown-type", "type", lambda call: not lacks_type(call)),
    )
    for name, kind, when in every:
        yield make_fault(f"{name}-accepted", "batch", should("rs", "mr"), accepting_items({kind}, when))
        yield make_fault(f"{name}-500", "batch errors", should("seg", "rs", "mr"), crashing({kind}, when))
    yield make_fault("non-object-event-accepted", "batch", should("mr"), accepting_items({"item"}))
    yield make_fault("non-object-event-500", "batch errors", should("seg", "rs", "mr"), crashing({"item"}))
    empty = in_batch(lambda call: isinstance(call.value, dict) and call.value.get("batch") == [])
    yield make_fault("empty-batch-500", "batch errors", should("seg", "rs", "mr"), refusing(empty, 500))


def accepting_items(kinds: set[Kind], when: Predicate = is_batch) -> type[Application]:
    """Overlook these kinds of reason, in a batch or in its events."""

    class ItemAccepting(Application):
        """A server that overlooks something."""

        def check_batch(self, call: Call, value: dict[str, object]) -> list[RefusalError]:
            """Check a batch without what is overlooked."""
            try:
                failures = super().check_batch(call, value)
            except RefusalError as refusal:
                if refusal.kind in kinds and when(call):
                    return []
                raise
            return [failure for failure in failures if failure.kind not in kinds or not when(call)]

    return ItemAccepting


def crashing(kinds: set[Kind], when: Predicate = is_batch) -> type[Application]:
    """Crash for these kinds of reason, in a batch or in one of its events."""

    class Crashing(Application):
        """A server that crashes."""

        def refuse_if_documented(self, kind: Kind, message: str) -> None:
            """Refuse even where the vendor accepts."""
            if kind in kinds:
                raise RefusalError(kind, message)
            super().refuse_if_documented(kind, message)

        def refuse_bad_batch(self, failures: list[RefusalError], count: int) -> list[RefusalError]:
            """Refuse for a single bad event."""
            hit = [failure for failure in failures if failure.kind in kinds]
            if hit:
                raise hit[0]
            return super().refuse_bad_batch(failures, count)

        def answer_refused(self, call: Call, refusal: RefusalError) -> Answer:
            """Answer a refused call, brokenly."""
            if refusal.kind in kinds and when(call):
                return self.answer_error(call, 500, refusal)
            return super().answer_refused(call, refusal)

    return Crashing


class OnlyFirstEventChecked(Application):
    """A server that checks the first event of a batch only, but measures all."""

    def check_batch(self, call: Call, value: dict[str, object]) -> list[RefusalError]:
        """Remember the first event."""
        items = value.get("batch")
        self.first = items[0] if isinstance(items, list) and items else None
        return super().check_batch(call, value)

    def check_item(self, call: Call, item: object) -> None:
        """Check the first event, and only the size of the others."""
        if item is self.first or not isinstance(item, dict):
            super().check_item(call, item)
        else:
            self.check_item_size(call, item)


class PartialError(RefusalError):
    """A batch that is refused because it is partly bad."""


def partly_bad(status: int) -> type[Application]:
    """Answer a partly bad batch with one status, even where the vendor checks no events."""

    class PartlyBad(Application):
        """A server with another answer to partly bad batches."""

        def refuse_if_documented(self, kind: Kind, message: str) -> None:
            """Refuse even where the vendor accepts."""
            if kind in {"identity", "field"}:
                raise RefusalError(kind, message)
            super().refuse_if_documented(kind, message)

        def partly_bad_status(self) -> int:
            """Give the changed status."""
            return status

        def refuse_bad_batch(self, failures: list[RefusalError], count: int) -> list[RefusalError]:
            """Refuse for a single bad event."""
            if 0 < len(failures) < count and status >= 400:
                raise PartialError(failures[0].kind, "Some events failed", tuple(failures))
            return super().refuse_bad_batch(failures, count)

        def answer_refused(self, call: Call, refusal: RefusalError) -> Answer:
            """Answer a refused call, brokenly."""
            if isinstance(refusal, PartialError):
                return self.answer_error(call, status, refusal)
            return super().answer_refused(call, refusal)

    return PartlyBad


def editing_partial_report(change: Callable[[dict[str, object]], object]) -> type[Application]:
    """Change the body of a 207."""

    def changed(_: Call, answer: Answer) -> Answer:
        """Change the body."""
        if answer.status != 207:
            return answer
        return replace(answer, body=json.dumps(change(json.loads(answer.body))).encode())

    return altering_success(changed)


def partial_faults() -> Iterator[Fault]:
    """List wrong answers to partly bad batches."""
    every = ((200, must("mr")), (207, should("seg", "rs")), (400, must("mr")), (500, BATCHED))
    for status, levels in every:
        yield make_fault(f"partly-bad-{status}", "batch", levels, partly_bad(status))
    yield make_fault("first-event-checked-only", "batch", must("mr"), OnlyFirstEventChecked)
    yield make_fault("good-batch-207", "batch", must("mr"), accepted_as(207))
    reports: dict[str, Callable[[dict[str, object]], object]] = {
        "success-true": lambda body: {**body, "Success": True},
        "success-absent": lambda body: {"Errors": body["Errors"]},
        "success-text": lambda body: {**body, "Success": "false"},
        "errors-absent": lambda _: {"Success": False},
        "errors-empty": lambda body: {**body, "Errors": []},
        "errors-object": lambda body: {
            **body,
            "Errors": {"Error": "Bad Request", "Message": "", "Details": ""},
        },
        "errors-texts": lambda body: {**body, "Errors": ["Bad Request"]},
        "lower-case": lambda body: {name.lower(): value for name, value in body.items()},
        "array": lambda body: [body],
    }
    for name, change in reports.items():
        yield make_fault(f"report-{name}", "batch errors", must("mr"), editing_partial_report(change))
    empty = altering_success(lambda _, answer: replace(answer, body=b"") if answer.status == 207 else answer)
    yield make_fault("report-empty", "batch errors", must("mr"), empty)


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    yield from refused_faults()
    yield from shape_faults()
    yield from partial_faults()
