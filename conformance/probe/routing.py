"""Routes: which calls, batches, pixels and webhooks there are, and which types a batch carries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance import expect
from conformance.contract import Operation
from conformance.model import Kind, Level, Source
from conformance.payloads.strays import UNKNOWN_PATH
from conformance.probe.family import SOURCE, moved, tail
from conformance.probe.finding import is_alike

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from conformance.model import Exchange
    from conformance.probe.family import Family
    from conformance.probe.finding import Entrance
    from conformance.probe.inquiry import Inquiry
    from conformance.profile.facts import Route

_ABSENT = frozenset({404, 405, 410, 501})


@dataclass(slots=True, kw_only=True)
class Routing:
    """Asks for each route that is known anywhere, in the way in which a first request was accepted."""

    inquiry: Inquiry
    families: Sequence[Family]
    entrance: Entrance

    async def learn(self) -> None:
        """Finds the routes."""
        sketch = self.inquiry.sketch
        candidates = self._candidates()
        unknown = {kind: await self._unknown(kind, candidates) for kind in Kind}
        await self._look(candidates, unknown)
        await self._look(self._beside({route.path for route in candidates}), unknown)
        for kind, other in unknown.items():
            if other is not None and expect.is_accepted(other):
                sketch.remark(
                    f"an unknown path accepts a {kind} as well ({other.outline}): which paths there "
                    "really are can't be told"
                )
        await self._types()

    async def _look(self, candidates: Iterable[Route], unknown: Mapping[Kind, Exchange | None]) -> None:
        """Keeps the routes that accept a request, and tells of those that are there and don't."""
        for route in candidates:
            exchange = await self._best(route, unknown[route.kind])
            if expect.is_accepted(exchange):
                self._found(route, exchange)
            elif not _is_absent(exchange, unknown[route.kind]):
                self.inquiry.sketch.remark(
                    f"{Operation.of(route)} is there, and refuses an acceptable request: {exchange.outline}; "
                    "the profile leaves it out"
                )

    def _beside(self, asked: Container[str]) -> list[Route]:
        """Where only another dialect's path was found: its own paths, beginning as that one does."""
        own = self.inquiry.sketch.family
        found = [route.path for route in self.inquiry.sketch.routes]
        if not found or {route.path for route in own.routes} & {*found}:
            return []
        ends = {tail(route.path) for route in own.routes}
        prefix = next((path.removesuffix(end) for path in found for end in ends if path.endswith(end)), "")
        return [route for route in moved(own, prefix).routes if route.path not in asked]

    async def _best(self, route: Route, unknown: Exchange | None) -> Exchange:
        """The answer to a small event, or to one with all fields where the small one is refused."""
        exchange = await self.inquiry.ask(self.entrance.draft(self.inquiry, route))
        if expect.is_accepted(exchange) or _is_absent(exchange, unknown) or self.entrance.is_full:
            if self.entrance.is_full:
                self.inquiry.sketch.full.add(route.type)
            return exchange
        full = replace(self.entrance, is_full=True)
        again = await self.inquiry.ask(full.draft(self.inquiry, route))
        if expect.is_accepted(again):
            self.inquiry.sketch.full.add(route.type)
            return again
        return exchange

    def _candidates(self) -> list[Route]:
        """The routes of the dialect, and paths of others with its own events."""
        own = self.inquiry.sketch.family
        types = list(own.events)
        foreign = [
            route
            for family in self.families
            if family is not own
            for route in family.routes
            if route.type in types and route.path not in {item.path for item in own.routes}
        ]
        return [*own.routes, *foreign]

    async def _unknown(self, kind: Kind, candidates: Sequence[Route]) -> Exchange | None:
        """What a path that nobody knows says to a kind of request."""
        route = next((item for item in candidates if item.kind is kind), None)
        if route is None:
            return None
        unknown = replace(route, path=f"{route.path.rpartition('/')[0]}{UNKNOWN_PATH}")
        return await self.inquiry.ask(self.entrance.draft(self.inquiry, unknown))

    def _found(self, route: Route, exchange: Exchange) -> None:
        sketch, operation = self.inquiry.sketch, Operation.of(route)
        source = Source(
            document=SOURCE,
            section=str(operation),
            says=f"an acceptable request was answered {exchange.status}",
        )
        sketch.routes.append(replace(route, level=Level.MUST, sources=(source,)))
        sketch.see("answers.accepted", operation, "an acceptable request", exchange)
        sketch.tell("route", f"{operation} ({route.kind}, {route.type})", exchange.outline)

    async def _types(self) -> None:
        """Finds which types a batch carries, and which of them its tests send."""
        sketch = self.inquiry.sketch
        batch = next((route for route in sketch.routes if route.kind is Kind.BATCH), None)
        singles = {route.type for route in sketch.routes if route.kind is not Kind.BATCH}
        carried = singles
        if batch is not None:
            carried = {name for name in sketch.events if await self._carries(batch, name)}
            sketch.batch_types = tuple(name for name in sketch.events if name in carried)
            sketch.tell("batch.types", ", ".join(sketch.batch_types))
        known = {*singles, *carried}
        sketch.events = {name: event for name, event in sketch.events.items() if name in known}

    async def _carries(self, batch: Route, name: str) -> bool:
        return expect.is_accepted(await self._best(replace(batch, type=name), None))


def _is_absent(exchange: Exchange, unknown: Exchange | None) -> bool:
    """Whether an answer says that nothing is at a path: as HTTP says it, or as an unknown path does."""
    if exchange.status in _ABSENT:
        return True
    return unknown is not None and is_alike(exchange, unknown)
