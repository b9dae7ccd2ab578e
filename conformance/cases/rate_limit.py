"""Rate limits: the answers to too many requests, and whether the target keeps what they promise."""

from __future__ import annotations

import email.utils
from typing import TYPE_CHECKING

from conformance.cases._bursts import BURST_OPTIONS, BURST_SIZE, answer_to_burst, relevance, send_burst
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import ERROR_BODY, EVENTS, RATE_HEADERS
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import Level
from conformance.core.statuses import TOO_MANY_REQUESTS
from conformance.profile.facts import Condition, Rule
from conformance.profile.profile import RECOMMENDED_RATE
from conformance.requests.rate_limits import FIRST_429, names_a_time, retry_after_s

if TYPE_CHECKING:
    from collections.abc import Generator

    from conformance.checks.check import CheckOptions
    from conformance.core.model import Exchange
    from conformance.requests import Call, Step
    from conformance.requests.steps import Steps

NO_LIMIT_NOTE = f"a burst of {BURST_SIZE} requests reached no limit"
_MAX_WAIT_S, _DAY_S = 15.0, 86_400
_ROUNDING_S = 1.1
"""What a Retry-After in whole seconds may fall short of the real time, with some to spare."""

OBSERVED_BURST_OPTIONS: CheckOptions = {**BURST_OPTIONS, "max_level": Level.MAY, "observes": True}
RECOVERY_OPTIONS: CheckOptions = {**BURST_OPTIONS, "max_level": Level.SHOULD}


def _get_burst_result(call: Call) -> Generator[Step, Exchange, Exchange]:
    """The 429 that the run saw first, or the most telling answer to a burst, which is sent once per run."""
    return call.shared_exchanges.get(FIRST_429) or (yield from answer_to_burst(call))


def _require_429(call: Call) -> Generator[Step, Exchange, Exchange]:
    """A 429. Raises NotApplicable if the target sent none."""
    exchange = yield from _get_burst_result(call)
    if exchange.status != TOO_MANY_REQUESTS:
        raise NotApplicable(f"no 429 was seen: {NO_LIMIT_NOTE if expect.is_accepted(exchange) else exchange.summary}")
    return exchange


@check("rate-limit.refusal.status", "Requests over a rate limit are answered with 429.",
       fact=f"answers.{Condition.RATE_EXCEEDED}", kinds=EVENTS, **BURST_OPTIONS)  # fmt: skip
def refusal_status(call: Call) -> Steps:
    """A 503 means that the server is down; many SDKs then send everything again at once."""
    exchange = yield from _get_burst_result(call)
    if expect.is_accepted(exchange):
        return NO_LIMIT_NOTE
    answer = call.contract.expected_response(Condition.RATE_EXCEEDED)
    if expect.is_overloaded(exchange) and exchange.status not in answer.statuses:
        overload = call.contract.fact(f"rules.{Rule.OVERLOAD}")
        raise Deviation(
            "a request in a burst must be answered with 429 where there are too many",
            f"was answered with {exchange.summary}",
            exchange=exchange,
            expected="429",
            level=overload.level,
            sources=overload.sources,
        )
    return expect.status(exchange, answer, "a request over the rate limit")


@check("rate-limit.refusal.headers", "A 429 has the documented headers with the seconds to wait.",
       fact=RATE_HEADERS, kinds=EVENTS, **BURST_OPTIONS)  # fmt: skip
def refusal_headers(call: Call) -> Steps:
    """Without a time that clients can read, all of them send again at once."""
    exchange = yield from _require_429(call)
    for fact in sorted(call.contract.rate_headers, key=lambda item: item.level.rank):
        name = fact.name.removeprefix(f"{RATE_HEADERS}.")
        value = exchange.response.header(name) if exchange.response else None
        if value is None or not (_is_seconds(value) or (fact.may_be_date and _is_date(value))):
            form = "a date or a number of seconds" if fact.may_be_date else "a number of seconds"
            raise Deviation(
                f"a 429 must carry {name} as {form}",
                f"has {value!r}" if value is not None else "has none",
                exchange=exchange,
                expected=f"{name}: {form}",
                received=f"429 with {name}: {value}" if value is not None else f"429 without {name}",
                level=fact.level,
                sources=fact.sources,
            )
    return None


@check("rate-limit.refusal.headers-agree", "The headers of a 429 ask for the same wait.",
       fact=RATE_HEADERS, kinds=EVENTS, **RECOVERY_OPTIONS)  # fmt: skip
def headers_agree(call: Call) -> Steps:
    """Clients read one header or the other; the ones that read the shorter wait are refused again."""
    names = [fact.name.removeprefix(f"{RATE_HEADERS}.") for fact in call.contract.rate_headers]
    exchange = yield from _require_429(call)
    waits = {name: value for name in names if (value := _header(exchange, name)) and _is_seconds(value)}
    if len(waits) < 2:
        raise NotApplicable("the 429 does not have two headers with seconds to wait")
    seconds = sorted(int(value) for value in waits.values())
    if seconds[-1] - seconds[0] > 1:
        listed = ", ".join(f"{name}: {value}" for name, value in waits.items())
        raise Deviation(
            "the headers of a 429 must ask for the same wait",
            f"are {listed}",
            exchange=exchange,
            expected="the same seconds in each header, give or take one",
            received=f"429 with {listed}",
        )
    return None


def _header(exchange: Exchange, name: str) -> str | None:
    return exchange.response.header(name) if exchange.response else None


@check("rate-limit.refusal.body", "A 429 has the documented body and type of a refusal.",
       fact=ERROR_BODY, kinds=EVENTS, **RECOVERY_OPTIONS)  # fmt: skip
def refusal_body(call: Call) -> Steps:
    """A limiter in front of the server answers in its own way; clients that parse the error fail on it."""
    exchange = yield from _require_429(call)
    expect.body(exchange, call.contract.error_body(call.operation), "a request over the rate limit")
    return None


def _is_seconds(value: str) -> bool:
    """Whether a header's value is a number of seconds from now, and not a time of day."""
    text = value.strip()
    return text.isascii() and text.isdigit() and int(text) <= _DAY_S


@check("rate-limit.refusal.retry-after", "The Retry-After of a 429 is a date or a number of seconds.",
       fact="rules.retry-after", kinds=EVENTS, **BURST_OPTIONS)  # fmt: skip
def retry_after(call: Call) -> Steps:
    """Clients that can't read it send again at once, or never."""
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


@check("rate-limit.refusal.recovers", "A request is accepted after the time that a 429 asks to wait.",
       fact=f"answers.{Condition.RATE_EXCEEDED}", kinds=EVENTS, **RECOVERY_OPTIONS)  # fmt: skip
def accepted_after_wait(call: Call) -> Steps:
    """A client that waits as long as asked and is refused again can't do anything right."""
    yield from _require_429(call)
    exchange = yield call.acceptable_request().taking_429()  # the first 429 was some time ago
    if exchange.status != TOO_MANY_REQUESTS:
        exchange = min((yield from send_burst(call)), key=relevance)
    if exchange.status != TOO_MANY_REQUESTS:
        return "accepted again since the 429, and in another burst"
    if not names_a_time(exchange):
        raise NotApplicable("the 429 does not say how long to wait")
    wait_s = retry_after_s(exchange)
    if wait_s > _MAX_WAIT_S:
        raise NotApplicable(f"the target asks to wait {wait_s:g} s, longer than this check waits")
    retried = yield call.acceptable_request().with_pause(wait_s + _ROUNDING_S).taking_429()
    expect.accepted(retried, f"a valid request {wait_s:g} s after a 429 that asked to wait as long")
    return None


@check("rate-limit.recommended.reached", "The answer to a burst below the recommended rate is reported.",
       fact=RECOMMENDED_RATE, kinds=EVENTS, **OBSERVED_BURST_OPTIONS)  # fmt: skip
def below_recommended_rate(call: Call) -> Steps:
    """The documents say how much to send at most. A client that keeps to it does not expect a 429."""
    recommended = call.contract.recommended_rate.requests_per_s
    if recommended < BURST_SIZE:
        raise NotApplicable(f"a burst has {BURST_SIZE} requests, more than are recommended in a second")
    exchange = yield from answer_to_burst(call)
    if exchange.status != TOO_MANY_REQUESTS:
        return NO_LIMIT_NOTE
    return f"a 429 came within {BURST_SIZE} requests at once; the documents recommend up to {recommended:,} a second"


@check("rate-limit.none.promised", "A burst is accepted where unlimited requests are promised.",
       fact="rate.unlimited", kinds=EVENTS, **BURST_OPTIONS)  # fmt: skip
def unlimited(call: Call) -> Steps:
    """Clients that rely on the promise have no queue, and lose each refused event."""
    exchange = yield from _get_burst_result(call)
    if expect.is_overloaded(exchange):
        raise NotApplicable("a 503 with Retry-After limits requests at once; see rate-limit.refusal.status")
    expect.accepted(exchange, "a request in a burst, where the documents promise no limit,")
    return NO_LIMIT_NOTE
