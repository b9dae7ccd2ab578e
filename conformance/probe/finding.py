"""The first request that is accepted: which dialect, which path, which way to hand in the key."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance import expect
from conformance.contract import Operation
from conformance.errors import CannotJudge
from conformance.model import Kind
from conformance.payloads.credentials import NOBODY
from conformance.probe.family import Way
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

UNKNOWN_PATH = "/conformance-unknown"
_ORDER = (Kind.EVENT, Kind.BATCH, Kind.WEBHOOK, Kind.PIXEL)
_CLOSER = 6
"""So many paths that are there, and refuse, are looked at more closely."""


@dataclass(slots=True, kw_only=True)
class Scout:
    """Looks for a first request that is accepted. `ways` are all that might carry the key."""

    sender: Sender
    keys: Keys
    families: Sequence[Family]
    ways: Sequence[Way]
    run_id: str
    seen: Counter[str]

    async def find(self) -> Sketch:
        """A sketch of the dialect with its first route. Raises CannotJudge if nothing is accepted."""
        refused: list[tuple[Family, Route]] = []
        for family in self.families:
            unknown = await self._ask(family, replace(self._routes(family)[0], path=UNKNOWN_PATH))
            if unknown.response is None:
                raise CannotJudge(f"{self.sender.wire.target.url} can't be probed: {unknown.detail}")
            for route in self._routes(family):
                exchange = await self._ask(family, route)
                if expect.is_accepted(exchange):
                    return self._sketch(family)
                self.seen[f"{exchange.status or 'no answer'}"] += 1
                if (exchange.status, exchange.outline) != (unknown.status, unknown.outline):
                    refused.append((family, route))
        for family, route in self._nearest(refused):
            if await self._closely(family, route):
                return self._sketch(family)
        told = ", ".join(f"{count} times {status}" for status, count in self.seen.most_common())
        raise CannotJudge(
            f"{self.sender.wire.target.url} accepted none of {self.sender.wire.sent} requests in the dialects "
            f"and on the paths that are known ({told}); check the URL and the write key, or hand in the "
            "profile of a similar server with --profile FILE"
        )

    def _sketch(self, family: Family) -> Sketch:
        return Sketch.of(family)

    @staticmethod
    def _routes(family: Family) -> list[Route]:
        return sorted(family.routes, key=lambda route: _ORDER.index(route.kind))

    def _nearest(self, refused: list[tuple[Family, Route]]) -> list[tuple[Family, Route]]:
        """Paths that are there and refuse, one of each kind first; and those of one dialect in another."""
        paths = {
            route.path for family in self.families for route in family.routes if route.kind is Kind.EVENT
        }
        found = list(refused[:_CLOSER])
        for family in self.families:
            own = {route.path for route in family.routes}
            event = next((route for route in family.routes if route.kind is Kind.EVENT), None)
            if event is not None:
                foreign = [path for path in sorted(paths - own)][:_CLOSER]
                found += [(family, replace(event, path=path)) for path in foreign]
        return found

    async def _ask(self, family: Family, route: Route) -> Exchange:
        """A request with the key wherever it may be."""
        inquiry = self._inquiry(family)
        return await inquiry.ask(generous(inquiry, route, self._first_body()))

    async def _closely(self, family: Family, route: Route) -> bool:
        """Tries a path with every way to hand in the key, and with all fields."""
        inquiry = self._inquiry(family)
        for way in self.ways:
            for draft in drafts(inquiry, route, way):
                if await inquiry.takes(draft):
                    return True
        return False

    def _inquiry(self, family: Family) -> Inquiry:
        return Inquiry(sender=self.sender, keys=self.keys, sketch=Sketch.of(family), run_id=self.run_id)

    def _first_body(self) -> Way:
        return next(way for way in self.ways if way.scheme is Scheme.BODY)


def generous(inquiry: Inquiry, route: Route, body: Way) -> Draft:
    """A request that hands in the key in a header, in the body and in the query, as far as its kind has them."""
    query = Way(scheme=Scheme.QUERY, key="writeKey")
    contract = inquiry.sketch.contract(route, ways=(Way(scheme=Scheme.BASIC), body, query))
    call = inquiry.call(Operation.of(route), contract)
    draft = call.event()
    if route.kind in {Kind.PIXEL, Kind.WEBHOOK}:
        return draft
    both = replace(call.credentials(Scheme.BASIC), body_key=call.credentials(Scheme.BODY).body_key)
    return draft.by(both)


def drafts(inquiry: Inquiry, route: Route, way: Way) -> Iterator[Draft]:
    """Acceptable requests that hand in the key in one way: a small one, and one with all fields."""
    needed = (Way(scheme=Scheme.BODY, key="/writeKey"), Way(scheme=Scheme.QUERY, key="writeKey"))
    known = {item.scheme: item for item in (*needed, way)}
    contract = inquiry.sketch.contract(route, ways=tuple(known.values()))
    call = inquiry.call(Operation.of(route), contract)
    credentials = call.credentials(way.scheme)
    for draft in (call.event(), call.full()):
        yield draft.by(credentials)


def keyless(draft: Draft) -> Draft:
    """The same without any key."""
    return draft.by(NOBODY)
