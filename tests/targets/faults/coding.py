"""Faults with packed bodies: gzip, bombs, and codings that nobody knows."""

from collections.abc import Iterator

from tests.targets.application import Application
from tests.targets.body_decoding import coding
from tests.targets.faults.base import (
    SHOULD,
    Fault,
    accepting,
    answering,
    crashing_on,
    make_fault,
    on_path,
    refusing,
    should,
)
from tests.targets.faults.content import is_packed
from tests.targets.messages import Call

MAGIC = b"\x1f\x8b"


class Unmeasured(Application):
    """A server that measures packed bodies only."""

    def measure(self, call: Call) -> int:
        """Count the bytes as received."""
        return call.request.length


def has_magic(call: Call) -> bool:
    """Tell whether a body at least begins as gzip does."""
    return call.request.body.startswith(MAGIC)


def lacks_magic(call: Call) -> bool:
    """Tell whether a body is something else than gzip."""
    return not has_magic(call)


def has_grown(call: Call) -> bool:
    """Tell whether a body became larger when it was unpacked."""
    return len(call.body) > len(call.request.body)


def is_unknown(call: Call) -> bool:
    """Tell whether a body has a coding other than gzip."""
    return coding(call) not in {"", "gzip", "x-gzip"}


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    yield make_fault("inflated-unmeasured", "robustness size", SHOULD, Unmeasured)
    yield make_fault("inflated-500", "robustness size errors", SHOULD, answering({"size"}, 500, has_grown))
    for name, when in (("corrupt-gzip", has_magic), ("plain-labelled-gzip", lacks_magic)):
        yield make_fault(f"{name}-500", "robustness errors", SHOULD, answering({"encoding"}, 500, when))
    corrupt = accepting({"encoding"}, has_magic)
    yield make_fault("corrupt-gzip-accepted", "robustness", SHOULD, corrupt)
    yield make_fault("gzip-500", "robustness errors payload", SHOULD, crashing_on(is_packed))
    broken = answering({"coding"}, 500, is_unknown)
    yield make_fault("unknown-coding-500", "robustness errors", SHOULD, broken)
    at_batch = refusing(on_path("/v1/batch", is_packed), 415)
    yield make_fault("gzip-refused-at-v1-batch", "sdk content-type batch", should("rs"), at_batch, path="/v1/batch")
