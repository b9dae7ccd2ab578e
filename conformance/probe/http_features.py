"""Habits: what no profile states and people want to know. Codings, content types, browsers, chunks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.checks import expect
from conformance.core.model import OperationKind
from conformance.requests import content_codings
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
_ORIGIN = "https://conformance.example"


@dataclass(slots=True, kw_only=True)
class HttpFeatureProbe:
    """Asks on the first path that takes bodies."""

    client: ProbeClient

    async def run(self) -> None:
        """Tells what is found; nothing of it becomes a fact."""
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
        draft_profile.add_row("CORS preflight", f"{exchange.status}, origin {allowed or 'not allowed'}", str(operation))

    async def _send_and_report(self, topic: str, draft: Draft) -> None:
        self._add_row(topic, await self.client.send(draft))

    def _add_row(self, topic: str, exchange: Exchange) -> None:
        verdict = "accepted" if expect.is_accepted(exchange) else "refused"
        self.client.draft_profile.add_row(topic, verdict, exchange.summary)

    @staticmethod
    def _with_key_in_query(call: Call) -> Draft:
        return call.acceptable_request().with_credentials(NO_CREDENTIALS).with_query("writeKey", call.keys.write_key)


def cors_preflight(call: Call) -> Draft:
    """What a browser asks before a page of another site may send an event."""
    draft = (
        call.acceptable_request()
        .with_method("OPTIONS")
        .with_body_bytes(b"")
        .with_content_type(None)
        .with_credentials(NO_CREDENTIALS)
    )
    return (
        draft.with_header("Origin", _ORIGIN)
        .with_header("Access-Control-Request-Method", call.operation.method)
        .with_header("Access-Control-Request-Headers", "authorization,content-type")
    )
