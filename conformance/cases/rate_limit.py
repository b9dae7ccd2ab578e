"""Rate limits: how a target says that there is too much, and that it means what it says."""

from __future__ import annotations

import email.utils
from typing import TYPE_CHECKING

from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import EVENTS, RATE_HEADERS, Tier
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import Level
from conformance.core.statuses import TOO_MANY_REQUESTS
from conformance.profile.facts import Condition
from conformance.requests import send_concurrently
from conformance.requests.rate_limits import FIRST_429, retry_after_s

if TYPE_CHECKING:
    from collections.abc import Generator

    from conformance.checks.check import CheckOptions
    from conformance.core.model import Exchange
    from conformance.requests import Call, Step
    from conformance.requests.steps import Steps

BURST_SIZE = 200
"""How many requests a burst has, sixteen of them in flight at any time."""
NO_LIMIT_NOTE = f"no limit was met in a burst of {BURST_SIZE} requests"
_BURST_KEY = "burst"
_MAX_WAIT_S, _DAY_S = 15.0, 86_400

BURST_OPTIONS: CheckOptions = {"first_operation_only": True, "exclusive": True, "tier": Tier.BURST}
RECOVERY_OPTIONS: CheckOptions = {**BURST_OPTIONS, "max_level": Level.SHOULD}


def _get_burst_result(call: Call) -> Generator[Step, Exchange, Exchange]:
    """The first refusal of a burst, or its last acceptance; made once a run, and not if a 429 came before."""
    decisive = call.shared_exchanges.get(FIRST_429) or call.shared_exchanges.get(_BURST_KEY)
    if decisive is None:
        drafts = [call.acceptable_request().taking_429().allowing_no_answer() for _ in range(BURST_SIZE)]
        exchanges = yield from send_concurrently(*drafts)
        refused = [item for item in exchanges if not expect.is_accepted(item)]
        decisive = call.shared_exchanges[_BURST_KEY] = min(refused, key=_relevance, default=exchanges[-1])
    return decisive


def _relevance(exchange: Exchange) -> tuple[bool, bool]:
    """What says most of a limit first: a 429, then any other answer."""
    return exchange.status != TOO_MANY_REQUESTS, exchange.response is None


def _require_429(call: Call) -> Generator[Step, Exchange, Exchange]:
    """A 429. Raises Silent if there was none."""
    exchange = yield from _get_burst_result(call)
    if exchange.status != TOO_MANY_REQUESTS:
        raise NotApplicable(f"no 429 was seen: {NO_LIMIT_NOTE if expect.is_accepted(exchange) else exchange.summary}")
    return exchange


@check("rate-limit.refusal.status", "Too many requests are answered with 429, if they are refused.",
       fact="answers.rate-exceeded", kinds=EVENTS, **BURST_OPTIONS)  # fmt: skip
def refusal_status(call: Call) -> Steps:
    """A 503 tells SDKs that the server is ill; many then send everything again, and at once."""
    exchange = yield from _get_burst_result(call)
    if expect.is_accepted(exchange):
        return NO_LIMIT_NOTE
    return expect.status(exchange, call.contract.expected_response(Condition.RATE_EXCEEDED), "one request too many")


@check("rate-limit.refusal.headers", "A 429 says in seconds when to come back, as documented.",
       fact=RATE_HEADERS, kinds=EVENTS, **BURST_OPTIONS)  # fmt: skip
def refusal_headers(call: Call) -> Steps:
    """Without a time, or with one that can't be read, clients come back at once, all of them."""
    exchange = yield from _require_429(call)
    facts = [call.contract.fact(f"{RATE_HEADERS}.{name}") for name in call.contract.profile.rate_headers]
    for fact in sorted(facts, key=lambda item: item.level.rank):
        name = fact.name.removeprefix(f"{RATE_HEADERS}.")
        value = exchange.response.header(name) if exchange.response else None
        if value is None or not _is_seconds(value):
            raise Deviation(
                f"a 429 must carry {name} as a number of seconds",
                f"has {value!r}" if value is not None else "has none",
                exchange=exchange,
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
       fact="rules.retry-after", kinds=EVENTS, **BURST_OPTIONS)  # fmt: skip
def retry_after(call: Call) -> Steps:
    """Clients that can't read it come back at once, or never."""
    exchange = yield from _require_429(call)
    value = exchange.response.header("retry-after") if exchange.response else None
    if value is None:
        raise NotApplicable("the 429 has no Retry-After")
    if not _is_seconds(value) and not _is_date(value):
        raise Deviation(
            "Retry-After must be a date or a whole number of seconds",
            f"is {value!r}",
            exchange=exchange,
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
       fact="answers.rate-exceeded", kinds=EVENTS, **RECOVERY_OPTIONS)  # fmt: skip
def accepted_after_wait(call: Call) -> Steps:
    """A client that waits as told and is refused again has no way to behave well."""
    exchange = yield from _require_429(call)
    wait_s = retry_after_s(exchange)
    if wait_s > _MAX_WAIT_S:
        raise NotApplicable(f"the target asks to wait {wait_s:g} s, longer than this check waits")
    retried = yield call.acceptable_request().with_pause(wait_s + 0.1).taking_429()
    expect.accepted(retried, f"a valid request {wait_s:g} s after a 429 that asked for as much")
    return None


@check("rate-limit.none.promised", "A vendor that promises no limit refuses no burst.",
       fact="rate.unlimited", kinds=EVENTS, **BURST_OPTIONS)  # fmt: skip
def unlimited(call: Call) -> Steps:
    """Who relies on the promise does not queue, and loses what is refused."""
    exchange = yield from _get_burst_result(call)
    expect.accepted(exchange, "a request in a burst, where the documents promise no limit,")
    return NO_LIMIT_NOTE
