"""Faults with methods, and with what browsers ask before they send."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.targets.conversation import Conversation
from tests.targets.faults.base import (
    MAY,
    SHOULD,
    Fault,
    Predicate,
    accepting,
    always,
    answering,
    at,
    fault,
    should,
    speaking,
)
from tests.targets.judge import Judge
from tests.targets.reading import Head
from tests.targets.wire import Answer, Call, RefusalError

BATCH = "/v1/batch"


def by_method(name: str) -> Predicate:
    """Hold for one method, unless a browser asks with it."""
    return lambda call: call.request.method == name and "origin" not in call.request.headers


def preflight(status: int, when: Predicate = always) -> type[Judge]:
    """Refuse to let a browser ask."""

    class Refusing(Judge):
        """A server that browsers cannot ask."""

        def success(self, call: Call, failures: list[RefusalError]) -> Answer:
            """Answer an accepted call, brokenly."""
            if self.is_preflight(call) and when(call):
                return self.error(call, status, RefusalError("auth", "Invalid or missing writekey"))
            return super().success(call, failures)

    return Refusing


def sharing(change: Callable[[str], dict[str, str]]) -> type[Judge]:
    """Let pages of other origins read answers, with other headers."""

    class Sharing(Judge):
        """A server that shares too much."""

        def share(self, call: Call, answer: Answer) -> Answer:
            """Add the headers."""
            shared = super().share(call, answer)
            origin = call.request.headers.get("origin")
            return shared if origin is None else replace(shared, headers={**shared.headers, **change(origin)})

    return Sharing


def reflected(origin: str) -> dict[str, str]:
    """Trust any origin, together with its cookies."""
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"}


class Talkative(Conversation):
    """A connection on which answers to HEAD have bodies."""

    def render(self, answer: Answer, head: Head, *, closing: bool) -> bytes:
        """Write an answer as bytes, with its body."""
        told = replace(head, request=replace(head.request, method="GET"))
        return super().render(answer, told, closing=closing)


def method_faults() -> Iterator[Fault]:
    """List wrong methods accepted, or crashing the server."""
    for name in ("GET", "PUT", "DELETE", "PATCH"):
        when = by_method(name)
        word = name.lower()
        yield fault(f"{word}-accepted", "robustness errors accept", SHOULD, accepting({"method"}, when))
        yield fault(f"{word}-500", "robustness errors accept", SHOULD, answering({"method"}, 500, when))
    for name in ("HEAD", "OPTIONS"):
        broken = answering({"method"}, 500, by_method(name))
        yield fault(f"{name.lower()}-500", "robustness errors accept", SHOULD, broken)
    yield fault("head-with-body", "robustness", SHOULD, speaking(Talkative))


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    yield from method_faults()
    for status in (401, 403, 500):
        yield fault(f"preflight-{status}", "robustness", SHOULD, preflight(status))
    at_batch = preflight(401, at(BATCH))
    batched = should("seg", "rs", "mr")
    yield fault("preflight-401-at-v1-batch", "robustness batch", batched, at_batch, path=BATCH)
    yield fault("origin-reflected", "robustness", MAY, sharing(reflected))
