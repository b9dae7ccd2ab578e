"""A contract with few operations and small batches, under which a whole catalogue runs in a moment."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from conformance.contract import Contract
from conformance.model import Kind, Level
from conformance.profile import load
from conformance.profile.facts import BATCH_EVENTS, Ceiling, Crowd, Limit

if TYPE_CHECKING:
    from conformance.profile.facts import Fact, Profile, Route

_EVENTS = 5
"""A batch has room for so many of the largest events."""
_CROWD = 320
"""A batch may have so many events, more than any check sends that is about something else."""


@cache
def reduced(name: str, words: tuple[str, ...] = tuple(Kind)) -> Contract:
    """A profile's contract with one operation for each of the kinds, event types and paths that are named.

    Of a kind it is the operation of the type that batches are made of, or the first.
    """
    profile = load(name)
    return Contract(replace(profile, routes=_routes(profile, words), facts=_facts(profile)))


def _routes(profile: Profile, words: tuple[str, ...]) -> tuple[Route, ...]:
    routes = [route for route in profile.routes if route.include is None]
    usual = next((route.type for route in routes if route.kind is Kind.BATCH), routes[0].type)
    by_kind = [route for route in routes if route.kind in words and route.type == usual]
    first = {route.kind: route for route in reversed(by_kind)}
    chosen = [first[kind] for kind in Kind if kind in first]
    singles = {route.type: route for route in reversed(routes) if route.kind is Kind.EVENT}
    chosen += [singles[word] for word in words if word in singles]
    chosen += [route for route in routes if route.path in words]
    return tuple(dict.fromkeys(chosen))


def _facts(profile: Profile) -> dict[str, Fact]:
    """The facts, with a smaller limit of whole batches; both readings of its KB stay.

    With a limit of events, too: no vendor's documents have one, and its checks are to be proved all the same.
    """
    facts = dict(profile.facts)
    batch, event = (facts.get(f"limits.{ceiling}") for ceiling in (Ceiling.BATCH, Ceiling.BATCH_EVENT))
    if isinstance(batch, Limit) and isinstance(event, Limit):
        facts[BATCH_EVENTS] = Crowd(
            name=BATCH_EVENTS, level=Level.MUST, sources=batch.sources, expect=batch.expect, count=_CROWD
        )
        facts[batch.name] = replace(batch, at_least=_EVENTS * event.at_least, at_most=_EVENTS * event.at_most)
    return facts
