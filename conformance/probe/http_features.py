"""HTTP features outside the profile: content codings, content types, chunks, CORS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.model import OperationKind
from conformance.probe.summary import Section
from conformance.requests import content_codings
from conformance.requests.cors import cors_preflight
from conformance.requests.credentials import NO_CREDENTIALS

if TYPE_CHECKING:
    from conformance.core.model import Exchange
    from conformance.probe.client import ProbeClient
    from conformance.requests import Call, Draft

_CONTENT_TYPES = (
    "application/json; charset=utf-8",
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/xml",
    None,
)


@dataclass(slots=True, kw_only=True)
class HttpFeatureProbe:
    """Tries HTTP features on the first operation with a body."""

    client: ProbeClient

    async def run(self) -> None:
        """Adds a row for each feature. None of them becomes a fact."""
        draft_profile = self.client.draft_profile
        operations = [item for item in draft_profile.operations() if item.kind is not OperationKind.PIXEL]
        if not operations:
            return
        operation = operations[0]
        call = self.client.make_call(operation)
        for media_type in _CONTENT_TYPES:
            exchange = await self.client.send(call.acceptable_request().with_content_type(media_type))
            self._add_row(f"content type {media_type or 'missing'}", exchange)
        await self._send_and_report("gzip", content_codings.with_gzip(call.acceptable_request()))
        await self._send_and_report(
            "gzip of an unknown name", content_codings.with_unknown_coding(call.acceptable_request())
        )
        await self._send_and_report("chunked", call.acceptable_request().with_chunked_encoding())
        await self._send_and_report("the key in the query", self._with_key_in_query(call))
        exchange = await self.client.send(cors_preflight(call))
        allowed = exchange.response.header("access-control-allow-origin") if exchange.response else None
        draft_profile.add_row(
            Section.HTTP_FEATURES,
            "CORS preflight",
            f"{exchange.status}, origin {allowed or 'not allowed'}",
            str(operation),
        )

    async def _send_and_report(self, feature: str, draft: Draft) -> None:
        self._add_row(feature, await self.client.send(draft))

    def _add_row(self, feature: str, exchange: Exchange) -> None:
        verdict = "accepted" if self.client.accepts(exchange) else "refused"
        self.client.draft_profile.add_row(Section.HTTP_FEATURES, feature, verdict, exchange.summary)

    @staticmethod
    def _with_key_in_query(call: Call) -> Draft:
        return call.acceptable_request().with_credentials(NO_CREDENTIALS).with_query("writeKey", call.keys.write_key)
