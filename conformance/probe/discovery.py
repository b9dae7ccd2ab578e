"""Discovery: finds a first accepted request, and with it the dialect, a path, and a location of the key."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.contract import Operation
from conformance.core.errors import InconclusiveError
from conformance.core.model import OperationKind
from conformance.probe.acceptance import is_accepted
from conformance.probe.client import ProbeClient
from conformance.probe.dialects import PATH_PREFIXES, with_path_prefix
from conformance.probe.draft_profile import DraftProfile
from conformance.probe.key_locations import KeyLocation, first_with_scheme
from conformance.profile.facts import AuthScheme
from conformance.requests.credentials import NO_CREDENTIALS
from conformance.requests.wrong_routes import UNKNOWN_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.core.model import Exchange, TransportFailure
    from conformance.probe.dialects import Dialect
    from conformance.profile.profile import Route
    from conformance.requests import Draft, Keys
    from conformance.run.sender import Sender

_KIND_ORDER = (OperationKind.EVENT, OperationKind.BATCH, OperationKind.WEBHOOK, OperationKind.PIXEL)
_VARYING_TEXT = re.compile(r"[0-9a-f-]{8,}|\d+", re.IGNORECASE)
"""Ids, times and numbers, which differ from answer to answer."""
_MAX_COMPARED = 120
_MAX_REFUSED_ROUTES = 6
"""How many existing paths that refuse are tried with further requests, in each dialect."""
_KEY_IN_QUERY = KeyLocation(scheme=AuthScheme.QUERY, name="writeKey")
_KEY_IN_BASIC = KeyLocation(scheme=AuthScheme.BASIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAccepted:
    """How a first request was accepted: with the key in all these locations at once, with all fields or few."""

    key_locations: tuple[KeyLocation, ...]
    has_all_fields: bool = False

    def make_draft(self, client: ProbeClient, route: Route) -> Draft:
        """A request to a route, made in this way."""
        location_by_scheme = {
            location.scheme: location for location in (_KEY_IN_BASIC, _KEY_IN_QUERY, *self.key_locations)
        }
        contract = client.draft_profile.contract(route, key_locations=tuple(location_by_scheme.values()))
        call = client.make_call(Operation.from_route(route), contract)
        draft = call.full_request() if self.has_all_fields else call.acceptable_request()
        if route.kind in {OperationKind.PIXEL, OperationKind.WEBHOOK}:
            return draft
        credentials = NO_CREDENTIALS
        for location in self.key_locations:
            added = call.credentials(location.scheme)
            credentials = replace(
                credentials,
                headers=(*credentials.headers, *added.headers),
                body_key=credentials.body_key or added.body_key,
                query=(*credentials.query, *added.query),
            )
        return draft.with_credentials(credentials)


@dataclass(slots=True, kw_only=True)
class Discovery:
    """Looks for a first accepted request. `key_locations` are all places that may hold the key."""

    sender: Sender
    keys: Keys
    dialects: Sequence[Dialect]
    key_locations: Sequence[KeyLocation]
    run_id: str
    status_counts: Counter[str] = field(default_factory=Counter)

    async def find_first_accepted(self) -> tuple[DraftProfile, FirstAccepted]:
        """An empty draft profile of the dialect, and the first accepted request. Raises InconclusiveError for none."""
        key_in_body = first_with_scheme(self.key_locations, AuthScheme.BODY)
        default = FirstAccepted(key_locations=(_KEY_IN_BASIC, key_in_body))
        await self._require_refusals(default)
        refused: list[tuple[Dialect, Route]] = []
        moved_dialects = [with_path_prefix(dialect, prefix) for prefix in PATH_PREFIXES for dialect in self.dialects]
        for dialect, routes in (
            *((dialect, _sorted_routes(dialect)) for dialect in self.dialects),
            *((dialect, _sample_routes(dialect)) for dialect in moved_dialects if dialect.routes),
        ):
            if dialect in moved_dialects and refused:
                break
            refused_routes = await self._try_routes(dialect, routes, default)
            if refused_routes is None:
                return DraftProfile.for_dialect(dialect), default
            refused += [(dialect, route) for route in refused_routes]
        for dialect, route in self._retry_routes(refused):
            for attempt in self._attempts(default):
                if is_accepted(await self._send(dialect, route, attempt)):
                    return DraftProfile.for_dialect(dialect), attempt
        raise self._nothing_accepted_error()

    async def _try_routes(
        self, dialect: Dialect, routes: Sequence[Route], attempt: FirstAccepted
    ) -> list[Route] | None:
        """The routes that exist and refuse; None as soon as one accepts."""
        unknown_path_answer = await self._send(dialect, replace(routes[0], path=UNKNOWN_PATH), attempt)
        refused = []
        for route in routes:
            exchange = await self._send(dialect, route, attempt)
            if is_accepted(exchange):
                return None
            self.status_counts[f"{exchange.status or 'no answer'}"] += 1
            if not is_same_answer(exchange, unknown_path_answer):
                refused.append(route)
        return refused

    async def _require_refusals(self, attempt: FirstAccepted) -> None:
        """Raises InconclusiveError if nonsense is accepted, or nothing is answered."""
        dialect = self.dialects[0]
        client = self._make_client(dialect)
        route = replace(_sorted_routes(dialect)[0], path=UNKNOWN_PATH)
        draft = attempt.make_draft(client, route).with_credentials(NO_CREDENTIALS).with_body_bytes(b"conformance")
        exchange = await client.send(draft)
        url = self.sender.wire.target.url
        if exchange.response is None:
            raise InconclusiveError(f"{url} can't be probed: {exchange.failure_detail}")
        if is_accepted(exchange):
            raise InconclusiveError(
                f"{url} accepts every request ({exchange.summary}): it accepted a body that is not JSON, without a "
                "key, on an unknown path; so accepted and refused requests cannot be distinguished"
            )

    def _nothing_accepted_error(self) -> InconclusiveError:
        statuses = ", ".join(f"{status} ({count} times)" for status, count in self.status_counts.most_common())
        return InconclusiveError(
            f"{self.sender.wire.target.url} accepted none of {self.sender.wire.sent_count} requests in the known "
            f"dialects, on the known paths; it answered {statuses}. Check the URL and the write key, or give "
            "the profile of a similar server with --profile FILE"
        )

    def _attempts(self, default: FirstAccepted) -> Iterator[FirstAccepted]:
        """Requests to try, the likeliest first: all locations of the key at once, and each alone."""
        yield default
        yield replace(default, has_all_fields=True)
        for location in self.key_locations:
            for has_all_fields in (False, True):
                yield FirstAccepted(key_locations=(location,), has_all_fields=has_all_fields)

    def _retry_routes(self, refused: list[tuple[Dialect, Route]]) -> list[tuple[Dialect, Route]]:
        """Routes that exist and refuse, with their own events and with those of other dialects."""
        candidates = refused[:_MAX_REFUSED_ROUTES]
        for dialect in self.dialects:
            events = {route.event_type: route for route in dialect.routes if route.kind is OperationKind.EVENT}
            first = next(iter(events.values()), None)
            for own_dialect, route in refused[:_MAX_REFUSED_ROUTES]:
                if own_dialect is not dialect and first is not None and route.kind is OperationKind.EVENT:
                    candidates.append((dialect, replace(events.get(route.event_type, first), path=route.path)))
        return candidates

    async def _send(self, dialect: Dialect, route: Route, attempt: FirstAccepted) -> Exchange:
        client = self._make_client(dialect)
        return await client.send(attempt.make_draft(client, route))

    def _make_client(self, dialect: Dialect) -> ProbeClient:
        return ProbeClient(
            sender=self.sender, keys=self.keys, draft_profile=DraftProfile.for_dialect(dialect), run_id=self.run_id
        )


def is_same_answer(one: Exchange, other: Exchange) -> bool:
    """Whether two answers are the same, apart from the path, times and ids in the body."""
    return _comparable_answer(one) == _comparable_answer(other)


def _comparable_answer(exchange: Exchange) -> tuple[int, TransportFailure | None, str]:
    """The status or failure, and the beginning of the body without the words of the request, ids and numbers."""
    if exchange.response is None:
        return exchange.status, exchange.failure, ""
    request_words = [exchange.request.method, *exchange.request.path.strip("/").split("/")]
    text = " ".join(exchange.response.text[:_MAX_COMPARED].split())
    text = re.sub(rf"(?:(?<!/)/+)?\b({'|'.join(map(re.escape, request_words))})\b", "", text)
    return exchange.status, None, _VARYING_TEXT.sub("", text)


def _sample_routes(dialect: Dialect) -> list[Route]:
    """A few routes that show whether the others exist, too."""
    routes_by_kind = {kind: [route for route in dialect.routes if route.kind is kind] for kind in _KIND_ORDER}
    return [*routes_by_kind[OperationKind.EVENT][:2], *routes_by_kind[OperationKind.BATCH][:1]] or [*dialect.routes[:1]]


def _sorted_routes(dialect: Dialect) -> list[Route]:
    return sorted(dialect.routes, key=lambda route: _KIND_ORDER.index(route.kind))
