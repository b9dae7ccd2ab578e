"""Rate limits: how a target says that there is too much, and that it means what it says."""

from __future__ import annotations

import email.utils
from typing import TYPE_CHECKING

from conformance import expect
from conformance.catalogue import EVENTS, RATE_HEADERS, Tier, check
from conformance.engine import LIMITED, asked_s
from conformance.errors import Deviation, Silent
from conformance.model import Level
from conformance.payloads import together
from conformance.profile.facts import Condition

if TYPE_CHECKING:
    from collections.abc import Generator

    from conformance.catalogue import Traits
    from conformance.engine import Steps
    from conformance.model import Exchange
    from conformance.payloads import Call, Message

BURST = 200
"""How many requests a burst has, sixteen of them in flight at any time."""
NO_LIMIT = f"no limit was met in a burst of {BURST} requests"
_SEEN = "burst"
_TOO_MANY, _LONGEST_S, _DAY_S = 429, 15.0, 86_400

ALONE: Traits = {"once": True, "exclusive": True, "tier": Tier.BURST}
RULE: Traits = {**ALONE, "cap": Level.SHOULD}


def _burst(call: Call) -> Generator[Message, Exchange, Exchange]:
    """The first refusal of a burst, or its last acceptance; made once a run, and not if a 429 came before."""
    found = call.seen.get(LIMITED) or call.seen.get(_SEEN)
    if found is None:
        drafts = [call.event().impatient().unanswered() for _ in range(BURST)]
        exchanges = yield from together(*drafts)
        refused = [item for item in exchanges if not expect.is_accepted(item)]
        found = call.seen[_SEEN] = min(refused, key=_by_meaning, default=exchanges[-1])
    return found


def _by_meaning(exchange: Exchange) -> tuple[bool, bool]:
    """What says most of a limit first: a 429, then any other answer."""
    return exchange.status != _TOO_MANY, exchange.response is None


def _refusal(call: Call) -> Generator[Message, Exchange, Exchange]:
    """A 429. Raises Silent if there was none."""
    exchange = yield from _burst(call)
    if exchange.status != _TOO_MANY:
        raise Silent(f"no 429 was seen: {NO_LIMIT if expect.is_accepted(exchange) else exchange.outline}")
    return exchange


@check("rate-limit.refusal.status", "Too many requests are answered with 429, if they are refused.",
       fact="answers.rate-exceeded", kinds=EVENTS, **ALONE)  # fmt: skip
def status(call: Call) -> Steps:
    """A 503 tells SDKs that the server is ill; many then send everything again, and at once."""
    exchange = yield from _burst(call)
    if expect.is_accepted(exchange):
        return NO_LIMIT
    return expect.status(exchange, call.contract.answer(Condition.RATE_EXCEEDED), "one request too many")


@check("rate-limit.refusal.headers", "A 429 says in seconds when to come back, as documented.",
       fact=RATE_HEADERS, kinds=EVENTS, **ALONE)  # fmt: skip
def headers(call: Call) -> Steps:
    """Without a time, or with one that can't be read, clients come back at once, all of them."""
    exchange = yield from _refusal(call)
    facts = [call.contract.fact(f"{RATE_HEADERS}.{name}") for name in call.contract.profile.rate_headers]
    for fact in sorted(facts, key=lambda item: item.level.rank):
        name = fact.name.removeprefix(f"{RATE_HEADERS}.")
        value = exchange.response.header(name) if exchange.response else None
        if value is None or not _is_seconds(value):
            raise Deviation(
                f"a 429 must carry {name} as a number of seconds, and has {value!r}"
                if value is not None
                else f"a 429 must carry {name} as a number of seconds, and has none",
                expected=f"{name}: a number of seconds",
                received=f"429 with {name}: {value}" if value is not None else f"429 without {name}",
                level=fact.level,
            )
    return None


def _is_seconds(value: str) -> bool:
    """Whether a header's value is a number of seconds from now, and not a time of day."""
    text = value.strip()
    return text.isascii() and text.isdigit() and int(text) <= _DAY_S


@check("rate-limit.refusal.retry-after", "Where a 429 has a Retry-After, it can be read.",
       fact="rules.retry-after", kinds=EVENTS, **ALONE)  # fmt: skip
def retry_after(call: Call) -> Steps:
    """Clients that can't read it come back at once, or never."""
    exchange = yield from _refusal(call)
    value = exchange.response.header("retry-after") if exchange.response else None
    if value is None:
        raise Silent("the 429 has no Retry-After")
    if not _is_seconds(value) and not _is_date(value):
        raise Deviation(
            f"Retry-After must be a date or a whole number of seconds, and is {value!r}",
            expected="Retry-After: a date or a whole number of seconds",
            received=f"429 with Retry-After: {value}",
        )
    return None


def _is_date(value: str) -> bool:
    """Whether a header's value is a date."""
    try:
        return bool(email.utils.parsedate_to_datetime(value))
    except ValueError:
        return False


@check("rate-limit.refusal.recovers", "After the time that a 429 names, requests are accepted again.",
       fact="answers.rate-exceeded", kinds=EVENTS, **RULE)  # fmt: skip
def recovers(call: Call) -> Steps:
    """A client that waits as told and is refused again has no way to behave well."""
    exchange = yield from _refusal(call)
    wait_s = asked_s(exchange)
    if wait_s > _LONGEST_S:
        raise Silent(f"the target asks to wait {wait_s:g} s, longer than this check waits")
    again = yield call.event().after(wait_s + 0.1).impatient()
    expect.accepted(again, f"a valid request {wait_s:g} s after a 429 that asked for as much")
    return None


@check("rate-limit.none.promised", "A vendor that promises no limit refuses no burst.",
       fact="rate.unlimited", kinds=EVENTS, **ALONE)  # fmt: skip
def unlimited(call: Call) -> Steps:
    """Who relies on the promise does not queue, and loses what is refused."""
    exchange = yield from _burst(call)
    expect.accepted(exchange, "a request in a burst, where the documents promise no limit,")
    return NO_LIMIT
