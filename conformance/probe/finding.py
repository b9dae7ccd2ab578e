"""The first request that is accepted: which dialect, which path, which way to hand in the key."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance import expect
from conformance.contract import Operation
from conformance.errors import CannotJudge
from conformance.model import Kind
from conformance.payloads.credentials import NOBODY
from conformance.payloads.strays import UNKNOWN_PATH
from conformance.probe.family import PREFIXES, Way, moved
from conformance.probe.inquiry import Inquiry
from conformance.probe.sketch import Sketch
from conformance.profile.facts import Scheme

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine import Sender
    from conformance.model import Exchange
    from conformance.payloads import Draft, Keys
    from conformance.probe.family import Family
    from conformance.profile.facts import Route

_ORDER = (Kind.EVENT, Kind.BATCH, Kind.WEBHOOK, Kind.PIXEL)
_NAMES = re.compile(r"[0-9a-f-]{8,}|\d+", re.IGNORECASE)
"""What differs from answer to answer: ids, times, numbers."""
_CLOSER = 6
"""So many paths that are there, and refuse, are looked at more closely in each dialect."""
_QUERY = Way(scheme=Scheme.QUERY, key="writeKey")
_BASIC = Way(scheme=Scheme.BASIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """How a first request was accepted: with the key in these ways at once, with all fields or with few."""

    ways: tuple[Way, ...]
    is_full: bool = False

    def draft(self, inquiry: Inquiry, route: Route) -> Draft:
        """A request of that kind to a route."""
        known = {way.scheme: way for way in (_BASIC, _QUERY, *self.ways)}
        contract = inquiry.sketch.contract(route, ways=tuple(known.values()))
        call = inquiry.call(Operation.of(route), contract)
        draft = call.full() if self.is_full else call.event()
        if route.kind in {Kind.PIXEL, Kind.WEBHOOK}:
            return draft
        credentials = NOBODY
        for way in self.ways:
            found = call.credentials(way.scheme)
            credentials = replace(
                credentials,
                headers=(*credentials.headers, *found.headers),
                body_key=credentials.body_key or found.body_key,
                query=(*credentials.query, *found.query),
            )
        return draft.by(credentials)


@dataclass(slots=True, kw_only=True)
class Scout:
    """Looks for a first request that is accepted. `ways` are all that might carry the key."""

    sender: Sender
    keys: Keys
    families: Sequence[Family]
    ways: Sequence[Way]
    run_id: str
    seen: Counter[str] = field(default_factory=Counter)

    async def find(self) -> tuple[Sketch, Entrance]:
        """An empty sketch of the dialect, and how to get in. Raises CannotJudge if nothing is accepted."""
        body = next(way for way in self.ways if way.scheme is Scheme.BODY)
        usual = Entrance(ways=(_BASIC, body))
        await self._refuses_something(usual)
        refused: list[tuple[Family, Route]] = []
        elsewhere = [moved(family, prefix) for prefix in PREFIXES for family in self.families]
        for family, routes in (
            *((family, _routes(family)) for family in self.families),
            *((family, _telling(family)) for family in elsewhere if family.routes),
        ):
            if family in elsewhere and refused:
                break
            found = await self._walk(family, routes, usual)
            if found is None:
                return Sketch.of(family), usual
            refused += [(family, route) for route in found]
        for family, route in self._nearest(refused):
            for entrance in self._entrances(usual):
                if expect.is_accepted(await self._ask(family, route, entrance)):
                    return Sketch.of(family), entrance
        raise self._nothing()

    async def _walk(self, family: Family, routes: Sequence[Route], usual: Entrance) -> list[Route] | None:
        """The routes that are there, and refuse; None as soon as one accepts."""
        unknown = await self._ask(family, replace(routes[0], path=UNKNOWN_PATH), usual)
        refused = []
        for route in routes:
            exchange = await self._ask(family, route, usual)
            if expect.is_accepted(exchange):
                return None
            self.seen[f"{exchange.status or 'no answer'}"] += 1
            if not is_alike(exchange, unknown):
                refused.append(route)
        return refused

    async def _refuses_something(self, entrance: Entrance) -> None:
        """Raises CannotJudge where what is no request at all is accepted, or nothing is answered."""
        family = self.families[0]
        inquiry = self._inquiry(family)
        route = replace(_routes(family)[0], path=UNKNOWN_PATH)
        draft = entrance.draft(inquiry, route).by(NOBODY).verbatim(b"conformance")
        exchange = await inquiry.ask(draft)
        url = self.sender.wire.target.url
        if exchange.response is None:
            raise CannotJudge(f"{url} can't be probed: {exchange.detail}")
        if expect.is_accepted(exchange):
            raise CannotJudge(
                f"{url} accepts whatever it is sent ({exchange.outline}): a body that is no JSON, without a "
                "key, on a path that nobody knows; nothing can be told apart there"
            )

    def _nothing(self) -> CannotJudge:
        told = ", ".join(f"{status} ({count} times)" for status, count in self.seen.most_common())
        return CannotJudge(
            f"{self.sender.wire.target.url} accepted none of {self.sender.wire.sent} requests in the known "
            f"dialects, on the known paths; it answered {told}. Check the URL and the write key, or hand "
            "in the profile of a similar server with --profile FILE"
        )

    def _entrances(self, usual: Entrance) -> Iterator[Entrance]:
        """Ways in, the likeliest first: all at once with all fields, and each way alone."""
        yield usual
        yield replace(usual, is_full=True)
        for way in self.ways:
            for is_full in (False, True):
                yield Entrance(ways=(way,), is_full=is_full)

    def _nearest(self, refused: list[tuple[Family, Route]]) -> list[tuple[Family, Route]]:
        """Paths that are there and refuse: with their own events, and with those of other dialects."""
        found = refused[:_CLOSER]
        for family in self.families:
            events = {route.type: route for route in family.routes if route.kind is Kind.EVENT}
            first = next(iter(events.values()), None)
            for own, route in refused[:_CLOSER]:
                if own is not family and first is not None and route.kind is Kind.EVENT:
                    found.append((family, replace(events.get(route.type, first), path=route.path)))
        return found

    async def _ask(self, family: Family, route: Route, entrance: Entrance) -> Exchange:
        inquiry = self._inquiry(family)
        return await inquiry.ask(entrance.draft(inquiry, route))

    def _inquiry(self, family: Family) -> Inquiry:
        return Inquiry(sender=self.sender, keys=self.keys, sketch=Sketch.of(family), run_id=self.run_id)


def is_alike(one: Exchange, other: Exchange) -> bool:
    """Whether two paths are answered in the same way, but for its path, times and ids."""
    return _likeness(one) == _likeness(other)


def _likeness(exchange: Exchange) -> tuple[int, str]:
    words = [exchange.request.method, *exchange.request.path.strip("/").split("/")]
    told = re.sub(rf"/*\b({'|'.join(map(re.escape, words))})\b", "", exchange.outline)
    return exchange.status, _NAMES.sub("", told)


def _telling(family: Family) -> list[Route]:
    """A few routes, by which others are known to be there."""
    kinds = {kind: [route for route in family.routes if route.kind is kind] for kind in _ORDER}
    return [*kinds[Kind.EVENT][:2], *kinds[Kind.BATCH][:1]] or [*family.routes[:1]]


def _routes(family: Family) -> list[Route]:
    return sorted(family.routes, key=lambda route: _ORDER.index(route.kind))
