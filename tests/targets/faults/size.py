"""Faults in the limits of size."""

import json
from collections.abc import Callable, Iterator, Mapping

from tests.targets.application import Application
from tests.targets.body_decoding import compact
from tests.targets.dialects import DIALECTS, Dialect, Level, Scope
from tests.targets.faults.base import (
    MUST,
    ApplicationFactory,
    Fault,
    Predicate,
    always,
    answering,
    make_fault,
    must,
    on_path,
    refusing,
)
from tests.targets.messages import Call, RefusalError

Limit = Callable[[Dialect], int | None]
BATCHED = must("seg", "rs", "mr")
SCOPES: dict[Scope, tuple[Mapping[str, Level], str]] = {
    "event": (MUST, "size"),
    "batch": (BATCHED, "size batch"),
    "item": (BATCHED, "size batch"),
}


def limiting(scope: Scope, new: Limit, when: Predicate = always) -> type[Application]:
    """Change one limit."""

    class Limiting(Application):
        """A server with another limit."""

        def limit(self, asked: Scope, call: Call) -> int | None:
            """Give the changed limit."""
            return new(self.dialect) if asked == scope and when(call) else super().limit(asked, call)

    return Limiting


def measuring(count: Callable[[str], int]) -> type[Application]:
    """Measure bodies by their text instead of their bytes."""

    class Measuring(Application):
        """A server that measures wrongly."""

        def measure(self, call: Call) -> int:
            """Count the text."""
            return count(call.body.decode(errors="replace"))

    return Measuring


def measuring_items(count: Callable[[object], int]) -> type[Application]:
    """Measure the events of a batch in a wrong way."""

    class Measuring(Application):
        """A server that measures wrongly."""

        def measure_item(self, item: object) -> int:
            """Count the event."""
            return count(item)

    return Measuring


def escaped_length(text: str) -> int:
    """Count a text as if every character outside ASCII were escaped."""
    return sum(1 if char < "\x80" else 6 if char <= "\uffff" else 12 for char in text)


def unescaped_length(text: str) -> int:
    """Count a text after parsing it and writing it again."""
    try:
        return len(compact(json.loads(text)))
    except (ValueError, RecursionError):
        return len(text.encode())


class ChunkedUnmeasured(Application):
    """A server that trusts Content-Length alone."""

    def check_size(self, call: Call) -> None:
        """Measure only what was announced."""
        if not call.request.chunked:
            super().check_size(call)


class FirstItemMeasured(Application):
    """A server that measures the first event of a batch only."""

    def check_batch(self, call: Call, value: dict[str, object]) -> list[RefusalError]:
        """Remember the first event."""
        items = value.get("batch")
        self.first = items[0] if isinstance(items, list) and items else None
        return super().check_batch(call, value)

    def check_item_size(self, call: Call, item: dict[str, object]) -> None:
        """Measure the first event."""
        if item is self.first:
            super().check_item_size(call, item)


def factor(scope: Scope, kilobyte: int, percent: float) -> Limit:
    """Make a limit of so many percent of a reading."""

    def limit(dialect: Dialect) -> int | None:
        """Give the changed limit."""
        size = dialect.sizes.get(scope)
        return None if size is None else int(size.in_bytes(kilobyte) * percent / 100)

    return limit


def limit_faults() -> Iterator[Fault]:
    """List limits that are absent, too small or too large."""
    for scope, (levels, areas) in SCOPES.items():
        yield make_fault(f"{scope}-limit-absent", areas, levels, limiting(scope, lambda _: None))
        yield make_fault(f"{scope}-limit-small", areas, levels, limiting(scope, factor(scope, 1000, 96.5)))
        yield make_fault(f"{scope}-limit-large", areas, levels, limiting(scope, factor(scope, 1024, 105.5)))
    smaller = limiting("batch", factor("event", 1024, 100))
    yield make_fault("batch-limit-is-event-limit", "size batch", BATCHED, smaller)
    larger = limiting("event", factor("batch", 1024, 100))
    yield make_fault("event-limit-is-batch-limit", "size", BATCHED, larger)
    yield make_fault("first-event-measured-only", "size batch", BATCHED, FirstItemMeasured)


def path_faults() -> Iterator[Fault]:
    """Lift the limit on one path."""
    for dialect in DIALECTS.values():
        for route in dialect.routes:
            if len(dialect.routes) == 1 or route.kind not in {"event", "batch"}:
                continue
            scope: Scope = "batch" if route.kind == "batch" else "event"
            path = route.path
            broken = limiting(scope, lambda _: None, on_path(path))
            name = f"limit-absent-at{path.replace('/', '-')}"
            yield make_fault(name, SCOPES[scope][1], {dialect.name: route.level}, broken, path=path)


def measure_faults() -> Iterator[Fault]:
    """List wrong ways to measure."""
    yield make_fault("characters-counted", "size", MUST, measuring(len))
    yield make_fault("escaped-length-counted", "size", MUST, measuring(escaped_length))
    yield make_fault("unescaped-length-counted", "size", MUST, measuring(unescaped_length))
    characters = measuring_items(lambda item: len(compact(item).decode("utf-8", "surrogatepass")))
    yield make_fault("event-characters-counted", "size batch", BATCHED, characters)
    escaped = measuring_items(lambda item: len(json.dumps(item, separators=(",", ":"))))
    yield make_fault("event-escaped-length-counted", "size batch", BATCHED, escaped)


def chunked(call: Call) -> bool:
    """Tell whether a body came in chunks."""
    return call.request.chunked


def chunked_faults() -> Iterator[Fault]:
    """List faults with bodies of unannounced length."""
    yield make_fault("chunked-unmeasured", "size", MUST, ChunkedUnmeasured)
    for status in (400, 500):
        yield make_fault(
            f"chunked-{status}", "size accept", dict.fromkeys(DIALECTS, "should"), refusing(chunked, status)
        )


def status_faults() -> Iterator[Fault]:
    """List wrong statuses for what is too large."""
    every: dict[int, Mapping[str, Level]] = {
        400: must("mr"), 403: MUST, 413: must("seg", "ss"), 422: MUST, 431: MUST, 500: MUST,
    }  # fmt: skip
    for status, levels in every.items():
        yield make_fault(f"oversized-{status}", "size", levels, oversized(status, "event"))
    for status in (422, 500):
        yield make_fault(f"oversized-batch-{status}", "size batch", BATCHED, oversized(status, "batch"))
    yield make_fault("oversized-with-200", "size errors", MUST, answering({"size"}, 200))


def oversized(status: int, kind: str) -> ApplicationFactory:
    """Answer what is too large with a status, on single calls or on batches."""
    return answering({"size"}, status, lambda call: (call.route.kind == "batch") == (kind == "batch"))


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    yield from limit_faults()
    yield from path_faults()
    yield from measure_faults()
    yield from chunked_faults()
    yield from status_faults()
