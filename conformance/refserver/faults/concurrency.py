"""Faults under many concurrent requests: failures, answers to the wrong request, and rate limits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.refserver.application import HttpBehavior
from conformance.refserver.faults.fault import HAS_BATCHES, Fault, all_of, requires_facts
from conformance.refserver.faults.response_overrides import (
    IS_BATCH,
    IS_EVENT,
    accept_refused,
    crash_on,
    error_reply,
    success_reply,
)
from conformance.refserver.server_change import ServerChange

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.refserver.replies import ServerReply
    from conformance.refserver.server_change import RequestView, ResponseOverride

_MANY_IN_FLIGHT = 10
"""More requests than a run has in flight outside of the checks of concurrency."""
_RATE_CHECKS = "rate-limit.refusal."


def _promises_seconds(contract: Contract) -> bool:
    """Whether a header of a 429 has to be a number of seconds."""
    return any(not header.may_be_date for header in contract.rate_headers)


def _has_many_in_flight(view: RequestView) -> bool:
    """Whether many requests are in flight."""
    return view.server.in_flight > _MANY_IN_FLIGHT


def _with_overlap(override: ResponseOverride) -> ServerChange:
    """A server with a delay before each answer, so that requests overlap."""
    return ServerChange(override=override, behavior=HttpBehavior(delay_s=0.015))


def _rate_limit(status: int = 429, **headers: str) -> ResponseOverride:
    """Refuses while many requests are in flight."""
    return lambda view: error_reply(view, status).with_headers(**headers) if _has_many_in_flight(view) else None


def _rate_limit_page(view: RequestView) -> ServerReply | None:
    """Answers with a page of HTML while many requests are in flight."""
    limited = _rate_limit(Retry_After="1", X_RateLimit_Reset="1")(view)
    return limited and replace(limited, media_type="text/html", body=b"<html><body>Slow down</body></html>")


def _keep_rate_limiting(view: RequestView) -> ServerReply | None:
    """Refuses while many requests are in flight, and a few requests after that."""
    if _has_many_in_flight(view):
        view.memory["owed"] = 4
        return error_reply(view, 429).with_headers(Retry_After="1", X_RateLimit_Reset="1")
    if view.server.in_flight > 1 or not view.memory["owed"]:
        return None
    view.memory["owed"] -= 1
    return error_reply(view, 429).with_headers(Retry_After="1", X_RateLimit_Reset="1")


def _swap_answers(view: RequestView) -> ServerReply | None:
    """While many requests are in flight, swaps the answers of a valid and an invalid request."""
    if not _has_many_in_flight(view):
        return None
    if view.refusal_fact == "answers.json-invalid":
        view.memory["mixed"] += 1
        return success_reply(view)
    if not view.memory["mixed"]:
        return None
    view.memory["mixed"] -= 1
    return error_reply(view, 400)


FAULTS = (
    Fault("crowd-crash", "Fails while many events are in flight.",
          "a pool of connections to a store runs dry",
          "robustness.concurrency.events robustness.concurrency.matched",
          _with_overlap(crash_on(when=all_of(IS_EVENT, _has_many_in_flight))), key_words="at once 500"),
    Fault("batch-crowd-crash", "Fails while many batches are in flight.", "a pool of workers runs dry",
          "robustness.concurrency.batches", _with_overlap(crash_on(when=all_of(IS_BATCH, _has_many_in_flight))),
          HAS_BATCHES, key_words="at once 500"),
    Fault("crowd-mixed-up", "Gives the answer of another request where many are in flight.",
          "a variable is shared between workers", "robustness.concurrency.matched",
          _with_overlap(_swap_answers), key_words="at once accepted"),
    Fault("crowd-invalid-accepted", "Accepts invalid JSON where many requests are in flight.",
          "overload is met with a 200", "robustness.concurrency.matched",
          _with_overlap(accept_refused("answers.json-invalid", when=_has_many_in_flight)),
          key_words="at once accepted"),
    Fault("limit-as-503", "Answers too many requests with 503.",
          "SDKs take it for an outage and send all again", f"{_RATE_CHECKS}status",
          _with_overlap(_rate_limit(503, Retry_After="1")), key_words="burst 503"),
    Fault("limit-unnamed", "Answers 429 without a time to come back.", "all clients come back at once",
          f"{_RATE_CHECKS}headers", _with_overlap(_rate_limit()), lambda contract: bool(contract.profile.rate_headers),
          key_words="429 Retry-After"),
    Fault("limit-in-words", "Names the time to come back as a date.", "clients read numbers of seconds",
          f"{_RATE_CHECKS}headers",
          _with_overlap(_rate_limit(Retry_After="Wed, 21 Oct 2099 07:28:00 GMT", X_RateLimit_Reset="4096267680")),
          _promises_seconds, key_words="Retry-After"),
    Fault("limit-unreadable", "Names the time to come back in words.", "clients can't read it",
          f"{_RATE_CHECKS}retry-after {_RATE_CHECKS}headers",
          _with_overlap(_rate_limit(Retry_After="soon", X_RateLimit_Reset="1")), key_words="Retry-After"),
    Fault("limit-unforgiving", "Goes on refusing after the time that it named.",
          "the window slides with each try", f"{_RATE_CHECKS}recovers", _with_overlap(_keep_rate_limiting),
          key_words="after 429"),
    Fault("limit-contradicts-itself", "Asks for two different waits in one answer.",
          "a proxy adds a header of its own", f"{_RATE_CHECKS}headers-agree",
          _with_overlap(_rate_limit(Retry_After="1", X_RateLimit_Reset="30")),
          lambda contract: len(contract.profile.rate_headers) > 1, key_words="429 wait"),
    Fault("limit-as-page", "Answers a request over the rate limit with a page.",
          "a limiter stands in front of the server", f"{_RATE_CHECKS}body",
          _with_overlap(_rate_limit_page), requires_facts("bodies.error"), key_words="rate limit page"),
    Fault("limit-below-recommendation", "Limits the rate far below what the documents recommend.",
          "the limit is that of a trial account", "rate-limit.recommended.reached",
          _with_overlap(_rate_limit(Retry_After="1", X_RateLimit_Reset="1")), requires_facts("rate.recommended"),
          key_words="429"),
    Fault("limit-unannounced", "Limits the rate where the documents promise no limit.",
          "who relies on the promise does not queue", "rate-limit.none.promised",
          _with_overlap(_rate_limit(Retry_After="1")), requires_facts("rate.unlimited"), key_words="burst 429"),
)  # fmt: skip
