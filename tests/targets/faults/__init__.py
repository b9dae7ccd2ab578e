"""The registry of broken servers."""

from collections.abc import Iterator

from tests.targets.dialects import DIALECTS
from tests.targets.faults import (
    accept,
    auth,
    batch,
    coding,
    concurrency,
    content,
    errors,
    framing,
    identity,
    payload,
    pixel,
    rate,
    recovery,
    robustness,
    sdk,
    size,
    syntax,
    transport,
    web,
)
from tests.targets.faults.base import BrokenServer, Fault

__all__ = ["BrokenServer", "Fault", "broken_servers", "faults"]

AREAS = (
    accept, auth, syntax, content, size, batch, errors, payload,
    recovery, concurrency, coding, rate, robustness, web, transport, framing, identity, pixel, sdk,
)  # fmt: skip


def faults() -> Iterator[Fault]:
    """List every fault."""
    for area in AREAS:
        yield from area.faults()


def broken_servers() -> Iterator[BrokenServer]:
    """List every pair of a fault and a dialect that makes the broken promise."""
    for each in faults():
        for name in each.dialects:
            yield BrokenServer(each, DIALECTS[name])
