"""Rates: what a burst is answered with, and what a 429 says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import expect
from conformance.engine import LIMITED
from conformance.model import Level, Source
from conformance.payloads import Volley
from conformance.probe.family import SOURCE
from conformance.profile.facts import Answer, Condition, Fact

if TYPE_CHECKING:
    from conformance.model import Exchange
    from conformance.probe.inquiry import Inquiry
    from conformance.probe.sketch import Sketch

_BURST = 200
_SPARE_REQUESTS = 5
_TOO_MANY = 429
_HEADERS = ("Retry-After", "X-RateLimit-Reset")
RATE_HEADERS = "rate.headers."


@dataclass(slots=True, kw_only=True)
class Rating:
    """Sends a burst to the first operation, as large as the budget allows."""

    inquiry: Inquiry

    async def learn(self) -> None:
        """Finds out whether a burst is refused."""
        sketch = self.inquiry.sketch
        operation = sketch.firsts()[0]
        count = min(_BURST, self.inquiry.requests_left - _SPARE_REQUESTS)
        call = self.inquiry.call(operation)
        drafts = tuple(call.event().impatient().unanswered(hanging=True) for _ in range(max(0, count)))
        exchanges = await self.inquiry.sender.volley(Volley(drafts=drafts))
        refused = [item for item in exchanges if not expect.is_accepted(item)]
        limited = next((item for item in refused if item.status == _TOO_MANY), None)
        if limited is not None:
            self.inquiry.sender.seen.setdefault(LIMITED, limited)
        taken = len(exchanges) - len(refused)
        told = f"{taken} accepted, {len(refused)} refused" if refused else "all accepted"
        evidence = f"on {operation}; {refused[0].outline}" if refused else f"on {operation}"
        sketch.tell("burst", f"{len(exchanges)} requests at once: {told}", evidence)


def state(sketch: Sketch, limited: Exchange | None) -> None:
    """States what a 429 is like, if one was seen at any time."""
    if limited is None or limited.response is None:
        return
    where = f"{limited.request.method} {limited.request.path}"
    source = Source(document=SOURCE, section=where, says=f"too many requests: {limited.status}")
    name = f"answers.{Condition.RATE_EXCEEDED}"
    sketch.facts[name] = Answer(name=name, level=Level.MUST, sources=(source,), expect=(limited.status,))
    headers = [word for word in _HEADERS if (limited.response.header(word) or "").strip().isdigit()]
    for word in headers:
        fact = f"{RATE_HEADERS}{word}"
        sketch.facts[fact] = Fact(name=fact, level=Level.MUST, sources=(source,))
    sketch.tell(name, f"{limited.status}{''.join(f', {word}' for word in headers)}", limited.outline)
