"""Habits: what no profile states and people want to know. Codings, content types, browsers, chunks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import expect
from conformance.model import Kind
from conformance.payloads import codings
from conformance.payloads.credentials import NOBODY

if TYPE_CHECKING:
    from conformance.model import Exchange
    from conformance.payloads import Call, Draft
    from conformance.probe.inquiry import Inquiry

_TYPES = (
    "application/json; charset=utf-8",
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/xml",
    None,
)
_ORIGIN = "https://conformance.example"


@dataclass(slots=True, kw_only=True)
class Habits:
    """Asks on the first path that takes bodies."""

    inquiry: Inquiry

    async def learn(self) -> None:
        """Tells what is found; nothing of it becomes a fact."""
        sketch = self.inquiry.sketch
        operations = [item for item in sketch.operations() if item.kind is not Kind.PIXEL]
        if not operations:
            return
        operation = operations[0]
        call = self.inquiry.call(operation)
        for media_type in _TYPES:
            exchange = await self.inquiry.ask(call.event().typed(media_type))
            self._tell(f"content type {media_type or 'missing'}", exchange)
        await self._one("gzip", codings.packed(call.event()))
        await self._one("gzip of an unknown name", codings.uncalled(call.event()))
        await self._one("chunked", call.event().chunked())
        await self._one("the key in the query", self._queried(call))
        exchange = await self.inquiry.ask(preflight(call))
        allowed = exchange.response.header("access-control-allow-origin") if exchange.response else None
        sketch.tell("CORS preflight", f"{exchange.status}, origin {allowed or 'not allowed'}", str(operation))

    async def _one(self, topic: str, draft: Draft) -> None:
        self._tell(topic, await self.inquiry.ask(draft))

    def _tell(self, topic: str, exchange: Exchange) -> None:
        word = "accepted" if expect.is_accepted(exchange) else "refused"
        self.inquiry.sketch.tell(topic, word, exchange.outline)

    @staticmethod
    def _queried(call: Call) -> Draft:
        return call.event().by(NOBODY).querying("writeKey", call.keys.write_key)


def preflight(call: Call) -> Draft:
    """What a browser asks before a page of another site may send an event."""
    draft = call.event().asked("OPTIONS").verbatim(b"").typed(None).by(NOBODY)
    return (
        draft.headed("Origin", _ORIGIN)
        .headed("Access-Control-Request-Method", call.operation.method)
        .headed("Access-Control-Request-Headers", "authorization,content-type")
    )
