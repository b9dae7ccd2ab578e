"""Credentials: the locations of the key that a server accepts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.core.errors import InconclusiveError
from conformance.core.model import Level, OperationKind
from conformance.probe.key_locations import first_with_scheme
from conformance.probe.summary import Section
from conformance.profile.facts import AuthScheme
from conformance.requests.credentials import NO_CREDENTIALS, UNKNOWN_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.contract import Operation
    from conformance.core.model import Exchange
    from conformance.probe.client import ProbeClient
    from conformance.probe.key_locations import KeyLocation

_SCHEME_PREFERENCE = (
    AuthScheme.BASIC,
    AuthScheme.HEADER,
    AuthScheme.BODY,
    AuthScheme.QUERY,
    AuthScheme.BEARER,
    AuthScheme.BASIC_WITHOUT_COLON,
)
"""The order of preference of several accepted locations."""


_SCHEME_OF_KIND = {OperationKind.WEBHOOK: AuthScheme.QUERY, OperationKind.PIXEL: AuthScheme.BODY}
"""Where the key of webhooks and pixels is."""
_MAX_SHOWN_PATHS = 4


@dataclass(slots=True, kw_only=True)
class KeyLocationProbe:
    """Tries each location of the key alone."""

    client: ProbeClient
    locations: Sequence[KeyLocation]

    async def run(self) -> None:
        """Finds the accepted locations on each path. Raises InconclusiveError if none is accepted alone anywhere."""
        draft_profile = self.client.draft_profile
        post_operations = draft_profile.operations(OperationKind.EVENT, OperationKind.BATCH)
        if not post_operations:
            self._assume_from_route_kinds()
            return
        accepted: dict[KeyLocation, list[Operation]] = {}
        ignores_key = False
        for first in draft_profile.first_of_each_kind():
            others = [item for item in post_operations if item.kind is first.kind and item is not first]
            if first in post_operations:
                locations, is_ignored = await self._find_accepted(first, {item.scheme: item for item in accepted})
                ignores_key = ignores_key or is_ignored
                for location in locations:
                    operations = accepted.setdefault(location, [])
                    operations += [first, *await self._accepting(location, others)]
        if not accepted and ignores_key:
            accepted = {first_with_scheme(self.locations, AuthScheme.BASIC): post_operations}
            draft_profile.accepts_any_key = True
            draft_profile.add_remark("no key is needed, and a wrong one is accepted")
        if not accepted:
            raise InconclusiveError("the key is accepted in several places at once, and in none of them alone")
        self._state(accepted, post_operations)

    async def _find_accepted(
        self, operation: Operation, known: Mapping[AuthScheme, KeyLocation]
    ) -> tuple[list[KeyLocation], bool]:
        """The locations that an operation accepts alone, one of each scheme, and whether it ignores the key.

        `known` are those of other kinds of operations, whose names are tried first.
        """
        without_key = await self._send_without_key(operation)
        is_key_needed = not self.client.accepts(without_key)
        accepted: dict[AuthScheme, KeyLocation] = {}
        for location in sorted(
            self.locations, key=lambda item: (_SCHEME_PREFERENCE.index(item.scheme), item != known.get(item.scheme))
        ):
            if location.scheme in accepted:
                continue
            if self.client.accepts(await self._send_with_key(operation, location)) and (
                is_key_needed or not self.client.accepts(await self._send_with_key(operation, location, UNKNOWN_KEY))
            ):
                accepted[location.scheme] = location
        return [*accepted.values()], not is_key_needed and not accepted

    async def _accepting(self, location: KeyLocation, operations: Sequence[Operation]) -> list[Operation]:
        """Those of some operations that accept a location, with a remark about the others."""
        accepting = []
        for operation in operations:
            exchange = await self._send_with_key(operation, location)
            if self.client.accepts(exchange):
                accepting.append(operation)
            else:
                self.client.draft_profile.add_remark(
                    f"credentials.{location}: refused on {operation}: {exchange.summary}"
                )
        return accepting

    def _state(self, accepted: Mapping[KeyLocation, Sequence[Operation]], operations: Sequence[Operation]) -> None:
        """Adds the facts: first what most paths accept. A location that some refuse names the others."""
        draft_profile = self.client.draft_profile
        paths_by_location: dict[KeyLocation, list[str]] = {}
        for location in sorted(accepted, key=lambda item: -len(accepted[item])):
            if location.scheme not in {item.scheme for item in paths_by_location}:
                paths_by_location[location] = [item.path for item in accepted[location]]
            else:
                draft_profile.add_remark(f"credentials.{location}: accepted as well; a profile states one such place")
        all_paths = {item.path for item in operations}
        for kind, scheme in _SCHEME_OF_KIND.items():
            paths = [item.path for item in draft_profile.operations(kind)]
            stated = [item for item in paths_by_location if item.scheme is scheme]
            if paths:
                usual = (*stated, first_with_scheme(self.locations, scheme))[0]
                paths_by_location.setdefault(usual, []).extend(paths)
        for location, paths in paths_by_location.items():
            self._add_fact(location, [] if all_paths <= {*paths} else paths)

    def _add_fact(self, location: KeyLocation, paths: list[str]) -> None:
        """Adds the fact of a location, for some paths or (with none) for all."""
        draft_profile = self.client.draft_profile
        draft_profile.key_locations.append(location)
        says = f"the right key by {location} was accepted"
        where = ", ".join(paths[:_MAX_SHOWN_PATHS]) or str(draft_profile.first_of_each_kind()[0])
        fact = replace(location.as_fact(Level.MUST, says, where), paths=tuple(dict.fromkeys(paths)))
        draft_profile.facts[fact.name] = fact
        evidence = f"accepted alone{f', on {where} only' if paths else ''}"
        draft_profile.add_row(Section.CREDENTIALS, "credentials", str(location), evidence)

    def _assume_from_route_kinds(self) -> None:
        """Assumes the usual location of the key, for a server with nothing but pixels or webhooks."""
        draft_profile = self.client.draft_profile
        kinds = {item.kind for item in draft_profile.operations()}
        for kind, scheme in _SCHEME_OF_KIND.items():
            if kind in kinds:
                self._add_fact(first_with_scheme(self.locations, scheme), [])

    async def _send_with_key(self, operation: Operation, location: KeyLocation, key: str | None = None) -> Exchange:
        contract = self.client.draft_profile.contract(key_locations=(location,))
        call = self.client.make_call(operation, contract, location.scheme)
        return await self.client.send(
            call.acceptable_request().with_credentials(call.credentials(location.scheme, key))
        )

    async def _send_without_key(self, operation: Operation) -> Exchange:
        contract = self.client.draft_profile.contract(key_locations=(self.locations[0],))
        call = self.client.make_call(operation, contract)
        return await self.client.send(call.acceptable_request().with_credentials(NO_CREDENTIALS))
