"""Faults with methods, and with what browsers ask before they send."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.targets.application import Application
from tests.targets.faults.base import (
    MAY,
    SHOULD,
    Fault,
    Predicate,
    accepting,
    always,
    answering,
    make_fault,
    on_path,
    should,
    with_connection_type,
)
from tests.targets.http_connection import HttpConnection
from tests.targets.http_parser import Head
from tests.targets.messages import Answer, Call, RefusalError

BATCH = "/v1/batch"


def by_method(name: str) -> Predicate:
    """Hold for one method, unless a browser asks with it."""
    return lambda call: call.request.method == name and "origin" not in call.request.headers


def preflight(status: int, when: Predicate = always) -> type[Application]:
    """Refuse to let a browser ask."""

    class Refusing(Application):
        """A server that browsers cannot ask."""

        def answer_accepted(self, call: Call, failures: list[RefusalError]) -> Answer:
            """Answer an accepted call, brokenly."""
            if self.is_preflight(call) and when(call):
                return self.answer_error(call, status, RefusalError("auth", "Invalid or missing writekey"))
            return super().answer_accepted(call, failures)

    return Refusing


def changing_cors_headers(change: Callable[[str], dict[str, str]]) -> type[Application]:
    """Let pages of other origins read answers, with other headers."""

    class CorsChanging(Application):
        """A server that shares too much."""

        def with_cors_headers(self, call: Call, answer: Answer) -> Answer:
            """Add the headers."""
            shared = super().with_cors_headers(call, answer)
            origin = call.request.headers.get("origin")
            return shared if origin is None else replace(shared, headers={**shared.headers, **change(origin)})

    return CorsChanging


def reflected(origin: str) -> dict[str, str]:
    """Trust any origin, together with its cookies."""
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"}


class HeadWithBodyConnection(HttpConnection):
    """A connection on which answers to HEAD have bodies."""

    def render(self, answer: Answer, head: Head, *, closing: bool) -> bytes:
        """Write an answer as bytes, with its body."""
        as_get = replace(head, request=replace(head.request, method="GET"))
        return super().render(answer, as_get, closing=closing)


def method_faults() -> Iterator[Fault]:
    """List wrong methods accepted, or crashing the server."""
    for name in ("GET", "PUT", "DELETE", "PATCH"):
        when = by_method(name)
        word = name.lower()
        yield make_fault(f"{word}-accepted", "robustness errors accept", SHOULD, accepting({"method"}, when))
        yield make_fault(f"{word}-500", "robustness errors accept", SHOULD, answering({"method"}, 500, when))
    for name in ("HEAD", "OPTIONS"):
        broken = answering({"method"}, 500, by_method(name))
        yield make_fault(f"{name.lower()}-500", "robustness errors accept", SHOULD, broken)
    yield make_fault("head-with-body", "robustness", SHOULD, with_connection_type(HeadWithBodyConnection))


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    yield from method_faults()
    for status in (401, 403, 500):
        yield make_fault(f"preflight-{status}", "robustness", SHOULD, preflight(status))
    at_batch = preflight(401, on_path(BATCH))
    batched = should("seg", "rs", "mr")
    yield make_fault("preflight-401-at-v1-batch", "robustness batch", batched, at_batch, path=BATCH)
    yield make_fault("origin-reflected", "robustness", MAY, changing_cors_headers(reflected))
