"""Faults that only a crowd of requests shows: failures, answers to the wrong request, and limits of rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.model import Kind
from conformance.refserver.application import Manner
from conformance.refserver.change import Change
from conformance.refserver.faults.fault import Fault, has, states
from conformance.refserver.faults.twists import BATCH, EVENT, accept, accepting, crashing, refuse

if TYPE_CHECKING:
    from conformance.refserver.change import Sight, Twist
    from conformance.refserver.faults.twists import When
    from conformance.refserver.replies import Reply

_CROWD = 10
"""More than one run has in flight, unless a check makes a crowd."""
_RATE = "rate-limit.refusal."


def _crowded(sight: Sight) -> bool:
    """Whether many requests are in flight."""
    return sight.server.in_flight > _CROWD


def _in_crowd(twist: Twist) -> Change:
    """A server that takes a moment for each answer, so that requests meet."""
    return Change(twist=twist, manner=Manner(delay_s=0.015))


def _both(one: When, other: When) -> When:
    return lambda sight: one(sight) and other(sight)


def _limiting(status: int = 429, **headers: str) -> Twist:
    """Refuses in a crowd."""
    return lambda sight: refuse(sight, status).headed(**headers) if _crowded(sight) else None


def _unforgiving(sight: Sight) -> Reply | None:
    """Refuses in a crowd, and the next few requests after it, too."""
    if _crowded(sight):
        sight.memory["owed"] = 4
        return refuse(sight, 429).headed(Retry_After="1", X_RateLimit_Reset="1")
    if sight.server.in_flight > 1 or not sight.memory["owed"]:
        return None
    sight.memory["owed"] -= 1
    return refuse(sight, 429).headed(Retry_After="1", X_RateLimit_Reset="1")


def _mixing(sight: Sight) -> Reply | None:
    """In a crowd, gives an invalid request the answer of a valid one, and that one the other's."""
    if not _crowded(sight):
        return None
    if sight.refusal == "answers.json-invalid":
        sight.memory["mixed"] += 1
        return accept(sight)
    if not sight.memory["mixed"]:
        return None
    sight.memory["mixed"] -= 1
    return refuse(sight, 400)


FAULTS = (
    Fault("crowd-crash", "Fails where many events are in flight.",
          "a pool of connections to a store runs dry",
          "robustness.concurrency.events robustness.concurrency.matched",
          _in_crowd(crashing(when=_both(EVENT, _crowded)))),
    Fault("batch-crowd-crash", "Fails where many batches are in flight.", "a pool of workers runs dry",
          "robustness.concurrency.batches", _in_crowd(crashing(when=_both(BATCH, _crowded))),
          has(Kind.BATCH)),
    Fault("crowd-mixed-up", "Gives the answer of another request where many are in flight.",
          "a variable is shared between workers", "robustness.concurrency.matched",
          _in_crowd(_mixing)),
    Fault("crowd-invalid-accepted", "Accepts invalid JSON where many requests are in flight.",
          "overload is met with a 200", "robustness.concurrency.matched",
          _in_crowd(accepting("answers.json-invalid", when=_crowded))),
    Fault("limit-as-503", "Answers too many requests with 503.",
          "SDKs take it for an outage and send all again", f"{_RATE}status",
          _in_crowd(_limiting(503, Retry_After="1"))),
    Fault("limit-unnamed", "Answers 429 without a time to come back.", "all clients come back at once",
          f"{_RATE}headers", _in_crowd(_limiting()), lambda contract: bool(contract.profile.rate_headers)),
    Fault("limit-in-words", "Names the time to come back as a date.", "clients read numbers of seconds",
          f"{_RATE}headers",
          _in_crowd(_limiting(Retry_After="Wed, 21 Oct 2099 07:28:00 GMT", X_RateLimit_Reset="4096267680")),
          lambda contract: bool(contract.profile.rate_headers)),
    Fault("limit-unreadable", "Names the time to come back in words.", "clients can't read it",
          f"{_RATE}retry-after {_RATE}headers",
          _in_crowd(_limiting(Retry_After="soon", X_RateLimit_Reset="1"))),
    Fault("limit-unforgiving", "Goes on refusing after the time that it named.",
          "the window slides with each try", f"{_RATE}recovers", _in_crowd(_unforgiving)),
    Fault("limit-unannounced", "Limits the rate where the documents promise no limit.",
          "who relies on the promise does not queue", "rate-limit.none.promised",
          _in_crowd(_limiting(Retry_After="1")), states("rate.unlimited")),
)  # fmt: skip
