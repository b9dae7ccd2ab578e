"""The burst that several checks look at: it is sent once per run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.checks import expect
from conformance.checks.check import FirstPer, Tier
from conformance.core.statuses import TOO_MANY_REQUESTS
from conformance.requests import send_concurrently
from conformance.requests.cors import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Generator

    from conformance.checks.check import CheckOptions
    from conformance.core.model import Exchange
    from conformance.requests import Call, Draft, Step
    from conformance.requests.steps import ExchangeSteps

BURST_SIZE = 200
"""How many requests a burst has, at most sixteen of them at once."""
BURST_OPTIONS: CheckOptions = {"first_per": FirstPer.RUN, "exclusive": True, "tier": Tier.BURST}
_BURST_KEY = "burst"


def answer_to_burst(call: Call) -> Generator[Step, Exchange, Exchange]:
    """The most telling answer to a burst, which is sent once per run."""
    decisive = call.shared_exchanges.get(_BURST_KEY)
    if decisive is None:
        # The bytes of the burst don't depend on which check comes first.
        exchanges = yield from send_burst(call.labelled(_BURST_KEY))
        refused = [item for item in exchanges if not expect.is_accepted(item)]
        decisive = call.shared_exchanges[_BURST_KEY] = min(refused, key=relevance, default=exchanges[-1])
    return decisive


def send_burst(call: Call) -> ExchangeSteps:
    """Sends many acceptable requests at once, every other one as from a page of another site."""

    def draft(number: int) -> Draft:
        acceptable = call.acceptable_request().taking_429().allowing_no_answer()
        return acceptable.with_header("Origin", ORIGIN) if number % 2 else acceptable

    return (yield from send_concurrently(*map(draft, range(BURST_SIZE))))


def relevance(exchange: Exchange) -> tuple[bool, bool]:
    """A sort key: a 429 first, then any other answer, then no answer."""
    return exchange.status != TOO_MANY_REQUESTS, exchange.response is None
