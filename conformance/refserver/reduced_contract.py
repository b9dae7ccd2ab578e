"""A contract with few operations and small batches, so that the whole catalogue runs quickly."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from conformance.contract import Contract
from conformance.core.model import Level, OperationKind
from conformance.profile import load
from conformance.profile.facts import MAX_EVENTS_FACT, LimitKind, MaxEvents, SizeLimit

if TYPE_CHECKING:
    from conformance.profile.facts import Fact
    from conformance.profile.profile import Profile, Route

_LARGEST_EVENTS = 5
"""How many of the largest events fit into a batch."""
_MAX_EVENTS = 320
"""How many events a batch may have: more than any check sends that is not about this limit."""


@cache
def reduced_contract(name: str, operations: tuple[str, ...] = tuple(OperationKind)) -> Contract:
    """A profile's contract with one operation for each kind, event type and path in `operations`, and whole groups.

    For a kind, this is the operation of the event type that batches are made of, or the first.
    """
    profile = load(name)
    return Contract(replace(profile, routes=_reduced_routes(profile, operations), facts=_reduced_facts(profile)))


def _reduced_routes(profile: Profile, operations: tuple[str, ...]) -> tuple[Route, ...]:
    routes = [route for route in profile.routes if route.group is None]
    batch_type = next((route.event_type for route in routes if route.kind is OperationKind.BATCH), routes[0].event_type)
    by_kind = [route for route in routes if route.kind in operations and route.event_type == batch_type]
    first = {route.kind: route for route in reversed(by_kind)}
    chosen = [first[kind] for kind in OperationKind if kind in first]
    singles = {route.event_type: route for route in reversed(routes) if route.kind is OperationKind.EVENT}
    chosen += [singles[word] for word in operations if word in singles]
    chosen += [route for route in routes if route.path in operations]
    chosen += [replace(route, group=None) for route in profile.routes if route.group in operations]
    return tuple(dict.fromkeys(chosen))


def _reduced_facts(profile: Profile) -> dict[str, Fact]:
    """The facts, with a smaller limit for a batch, in both readings of KB.

    A limit of events is added: no vendor documents one, but its checks have to be proved too.
    """
    facts = dict(profile.facts)
    batch, event = (facts.get(f"limits.{limit_kind}") for limit_kind in (LimitKind.BATCH, LimitKind.BATCH_EVENT))
    if isinstance(batch, SizeLimit) and isinstance(event, SizeLimit):
        facts[MAX_EVENTS_FACT] = MaxEvents(
            name=MAX_EVENTS_FACT, level=Level.MUST, sources=batch.sources, expect=batch.expect, count=_MAX_EVENTS
        )
        facts[batch.name] = replace(
            batch, at_least=_LARGEST_EVENTS * event.at_least, at_most=_LARGEST_EVENTS * event.at_most
        )
    return facts
