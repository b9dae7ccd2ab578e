"""Credentials: the locations of the key that a server accepts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.checks import expect
from conformance.core.errors import InconclusiveError
from conformance.core.model import Level, OperationKind
from conformance.probe.key_locations import first_with_scheme
from conformance.probe.summary import Section
from conformance.profile.facts import AuthScheme
from conformance.requests.credentials import NO_CREDENTIALS, UNKNOWN_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

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


@dataclass(slots=True, kw_only=True)
class KeyLocationProbe:
    """Tries each location of the key alone."""

    client: ProbeClient
    locations: Sequence[KeyLocation]

    async def run(self) -> None:
        """Finds the accepted locations. Raises InconclusiveError if none is accepted alone."""
        draft_profile = self.client.draft_profile
        post_operations = [
            item
            for item in draft_profile.first_of_each_kind()
            if item.kind in {OperationKind.EVENT, OperationKind.BATCH}
        ]
        if not post_operations:
            await self._assume_from_route_kinds()
            return
        first_operation, *other_operations = post_operations
        without_key = await self._send_without_key(first_operation)
        accepted: list[KeyLocation] = []
        for location in sorted(self.locations, key=lambda item: _SCHEME_PREFERENCE.index(item.scheme)):
            if any(item.scheme is location.scheme for item in accepted):
                continue
            exchange = await self._send_with_key(first_operation, location)
            is_key_checked = not expect.is_accepted(without_key) or not expect.is_accepted(
                await self._send_with_key(first_operation, location, UNKNOWN_KEY)
            )
            if expect.is_accepted(exchange) and is_key_checked:
                accepted.append(location)
        if not accepted and expect.is_accepted(without_key):
            accepted = [first_with_scheme(self.locations, AuthScheme.BASIC)]
            draft_profile.accepts_any_key = True
            draft_profile.add_remark("no key is needed, and a wrong one is accepted")
        if not accepted:
            raise InconclusiveError("the key is accepted in several places at once, and in none of them alone")
        await self._check_other_operations(accepted, other_operations)

    async def _check_other_operations(self, accepted: list[KeyLocation], others: Sequence[Operation]) -> None:
        """Keeps the accepted locations, at a lower level if another kind of operation refuses them."""
        draft_profile = self.client.draft_profile
        not_everywhere: set[KeyLocation] = set()
        for location in accepted:
            for operation in others:
                exchange = await self._send_with_key(operation, location)
                if not expect.is_accepted(exchange):
                    not_everywhere.add(location)
                    draft_profile.add_remark(f"credentials.{location}: refused on {operation}: {exchange.summary}")
        everywhere = [location for location in accepted if location not in not_everywhere] or accepted
        draft_profile.key_locations = [*everywhere, *(location for location in accepted if location not in everywhere)]
        schemes = {location.scheme for location in draft_profile.key_locations}
        if draft_profile.operations(OperationKind.WEBHOOK) and AuthScheme.QUERY not in schemes:
            draft_profile.key_locations.append(first_with_scheme(self.locations, AuthScheme.QUERY))
        if draft_profile.operations(OperationKind.PIXEL) and AuthScheme.BODY not in schemes:
            not_everywhere.add(body := first_with_scheme(self.locations, AuthScheme.BODY))
            draft_profile.key_locations.append(body)
        for location in draft_profile.key_locations:
            level = Level.MAY if location in not_everywhere else Level.MUST
            says = f"the right key by {location} was accepted"
            draft_profile.facts[f"credentials.{location.scheme}"] = location.as_fact(
                level, says, str(draft_profile.first_of_each_kind()[0])
            )
            evidence = f"accepted alone{'' if level is Level.MUST else ', not everywhere'}"
            draft_profile.add_row(Section.CREDENTIALS, "credentials", str(location), evidence)

    async def _assume_from_route_kinds(self) -> None:
        """Assumes the usual location of the key, for a server with nothing but pixels or webhooks."""
        draft_profile = self.client.draft_profile
        kinds = {item.kind for item in draft_profile.operations()}
        schemes = [
            scheme
            for kind, scheme in ((OperationKind.WEBHOOK, AuthScheme.QUERY), (OperationKind.PIXEL, AuthScheme.BODY))
            if kind in kinds
        ]
        assumed = [first_with_scheme(self.locations, scheme) for scheme in schemes]
        await self._check_other_operations(assumed, ())

    async def _send_with_key(self, operation: Operation, location: KeyLocation, key: str | None = None) -> Exchange:
        contract = self.client.draft_profile.contract(key_locations=(location,))
        call = self.client.make_call(operation, contract, location.scheme)
        return await self.client.send(
            self.client.acceptable_event(call).with_credentials(call.credentials(location.scheme, key))
        )

    async def _send_without_key(self, operation: Operation) -> Exchange:
        contract = self.client.draft_profile.contract(key_locations=(self.locations[0],))
        call = self.client.make_call(operation, contract)
        return await self.client.send(self.client.acceptable_event(call).with_credentials(NO_CREDENTIALS))
