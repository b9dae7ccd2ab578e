"""Routes: the events, batches, pixels and webhooks of a server, and the event types of a batch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.contract import Operation
from conformance.core.model import Level, OperationKind
from conformance.core.statuses import ABSENT_STATUSES
from conformance.probe.dialects import probe_source, with_path_prefix, without_version
from conformance.probe.discovery import is_same_answer
from conformance.probe.summary import Section
from conformance.requests.wrong_routes import UNKNOWN_PATH

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from conformance.core.model import Exchange
    from conformance.probe.client import ProbeClient
    from conformance.probe.dialects import Dialect
    from conformance.probe.discovery import FirstAccepted
    from conformance.profile.profile import Route


@dataclass(slots=True, kw_only=True)
class RouteProbe:
    """Tries each route that any profile knows, with requests like the first accepted one."""

    client: ProbeClient
    dialects: Sequence[Dialect]
    first_accepted: FirstAccepted

    async def run(self) -> None:
        """Finds the routes."""
        draft_profile = self.client.draft_profile
        candidates = self._candidate_routes()
        unknown_path_answers = {kind: await self._send_to_unknown_path(kind, candidates) for kind in OperationKind}
        await self._try_routes(candidates, unknown_path_answers)
        await self._try_routes(
            self._own_routes_under_found_prefix({route.path for route in candidates}), unknown_path_answers
        )
        for kind, answer in unknown_path_answers.items():
            if answer is not None and self.client.accepts(answer):
                draft_profile.add_remark(
                    f"an unknown path accepts a {kind} as well ({answer.summary}): so it is unknown which paths "
                    "really exist"
                )
        await self._find_batch_types()

    async def _try_routes(
        self, candidates: Iterable[Route], unknown_path_answers: Mapping[OperationKind, Exchange | None]
    ) -> None:
        """Keeps the routes that accept a request, and adds a remark about those that exist and refuse."""
        for route in candidates:
            exchange = await self._send_small_then_full(route, unknown_path_answers[route.kind])
            if self.client.accepts(exchange):
                self._add_route(route, exchange)
            elif not _is_absent(exchange, unknown_path_answers[route.kind]):
                self.client.draft_profile.add_remark(
                    f"{Operation.from_route(route)} exists, and refuses an acceptable request: {exchange.summary}; "
                    "the profile leaves it out"
                )

    def _own_routes_under_found_prefix(self, tried_paths: Container[str]) -> list[Route]:
        """The dialect's own routes with the prefix of a found path, if only a path of another dialect was found."""
        own_dialect = self.client.draft_profile.dialect
        found_paths = [route.path for route in self.client.draft_profile.routes]
        if not found_paths or {route.path for route in own_dialect.routes} & {*found_paths}:
            return []
        own_suffixes = {without_version(route.path) for route in own_dialect.routes}
        prefix = next(
            (path.removesuffix(suffix) for path in found_paths for suffix in own_suffixes if path.endswith(suffix)), ""
        )
        return [route for route in with_path_prefix(own_dialect, prefix).routes if route.path not in tried_paths]

    async def _send_small_then_full(self, route: Route, unknown_path_answer: Exchange | None) -> Exchange:
        """The answer to a small event, or to one with all fields if the small one is refused."""
        exchange = await self.client.send(self.first_accepted.make_draft(self.client, route))
        if (
            self.client.accepts(exchange)
            or _is_absent(exchange, unknown_path_answer)
            or self.first_accepted.has_all_fields
        ):
            if self.first_accepted.has_all_fields:
                self.client.draft_profile.types_needing_all_fields.add(route.event_type)
            return exchange
        with_all_fields = replace(self.first_accepted, has_all_fields=True)
        second_exchange = await self.client.send(with_all_fields.make_draft(self.client, route))
        if self.client.accepts(second_exchange):
            self.client.draft_profile.types_needing_all_fields.add(route.event_type)
            return second_exchange
        return exchange

    def _candidate_routes(self) -> list[Route]:
        """The routes of the dialect, and paths of other dialects with its events."""
        own_dialect = self.client.draft_profile.dialect
        types = list(own_dialect.events)
        other_routes = [
            route
            for dialect in self.dialects
            if dialect is not own_dialect
            for route in dialect.routes
            if route.event_type in types and route.path not in {item.path for item in own_dialect.routes}
        ]
        return [*own_dialect.routes, *other_routes]

    async def _send_to_unknown_path(self, kind: OperationKind, candidates: Sequence[Route]) -> Exchange | None:
        """The answer of an unknown path to a kind of request."""
        route = next((item for item in candidates if item.kind is kind), None)
        if route is None:
            return None
        unknown_route = replace(route, path=f"{route.path.rpartition('/')[0]}{UNKNOWN_PATH}")
        return await self.client.send(self.first_accepted.make_draft(self.client, unknown_route))

    def _add_route(self, route: Route, exchange: Exchange) -> None:
        draft_profile, operation = self.client.draft_profile, Operation.from_route(route)
        source = probe_source(str(operation), f"an acceptable request was answered {exchange.status}")
        draft_profile.usual_successes.setdefault(exchange.request.path, exchange)
        draft_profile.routes.append(replace(route, level=Level.MUST, sources=(source,)))
        draft_profile.add_observation("answers.accepted", operation, "an acceptable request", exchange)
        draft_profile.add_row(
            Section.ROUTES, "route", f"{operation} ({route.kind}, {route.event_type})", exchange.summary
        )

    async def _find_batch_types(self) -> None:
        """Finds the event types that a batch accepts, and drops those that the server accepts nowhere."""
        draft_profile = self.client.draft_profile
        batch = next((route for route in draft_profile.routes if route.kind is OperationKind.BATCH), None)
        single_types = {route.event_type for route in draft_profile.routes if route.kind is not OperationKind.BATCH}
        batch_types = single_types
        if batch is not None:
            batch_types = {name for name in draft_profile.events if await self._batch_accepts(batch, name)}
            draft_profile.batch_types = tuple(name for name in draft_profile.events if name in batch_types)
            draft_profile.add_row(Section.BATCH_TYPES, "batch.types", ", ".join(draft_profile.batch_types))
        sendable_types = {*single_types, *batch_types}
        draft_profile.events = {name: event for name, event in draft_profile.events.items() if name in sendable_types}

    async def _batch_accepts(self, batch: Route, name: str) -> bool:
        return self.client.accepts(await self._send_small_then_full(replace(batch, event_type=name), None))


def _is_absent(exchange: Exchange, unknown_path_answer: Exchange | None) -> bool:
    """Whether an answer means that a path does not exist: by its status, or like that of an unknown path."""
    if exchange.status in ABSENT_STATUSES:
        return True
    return unknown_path_answer is not None and is_same_answer(exchange, unknown_path_answer)
