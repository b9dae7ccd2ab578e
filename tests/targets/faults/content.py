"""Faults with the headers that describe a body."""

from collections.abc import Iterator

from tests.targets.faults.base import SHOULD, Fault, make_fault, refusing, should
from tests.targets.messages import Call


def has_charset(call: Call) -> bool:
    """Tell whether a Content-Type names a charset."""
    return "charset" in call.request.headers.get("content-type", "").lower()


def has_no_charset(call: Call) -> bool:
    """Tell whether a Content-Type is plain application/json."""
    return call.request.headers.get("content-type", "").strip().lower() == "application/json"


def is_packed(call: Call) -> bool:
    """Tell whether a body is packed with gzip."""
    return call.request.headers.get("content-encoding", "").strip().lower() == "gzip"


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    for status in (400, 415, 500):
        yield make_fault(f"charset-{status}", "content-type", SHOULD, refusing(has_charset, status))
    yield make_fault("charset-needed", "content-type accept", SHOULD, refusing(has_no_charset, 415))
    yield make_fault("gzip-refused", "content-type payload accept", should("rs"), refusing(is_packed, 415))
