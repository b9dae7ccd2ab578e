"""Encodings: bodies in gzip, good and bad. Nobody has to take gzip, and nobody may break over it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from conformance import expect
from conformance.cases._steps import heard, reports, survives
from conformance.catalogue import BODIED, POSTED, Sample, Tier, check
from conformance.errors import Deviation
from conformance.model import Level
from conformance.payloads import codings
from conformance.profile.facts import Condition

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.contract import Contract
    from conformance.engine import Steps
    from conformance.payloads import Call, Draft
    from conformance.profile.facts import Answer

NO_5XX: Final = "rules.no-server-error"
BOMB: Final[dict[str, Any]] = {"kinds": POSTED, "sample": Sample.KIND, "tier": Tier.VOLUME}


@check("robustness.gzip.accepted", "Whether a body in gzip is accepted is reported.",
       fact="rules.gzip", kinds=BODIED, cap=Level.MAY, observes=True)  # fmt: skip
def accepted(call: Call) -> Steps:
    """Some official SDKs send gzip; servers that take it on one path and not on another are hard to find."""
    expect.control((yield call.control()))
    return (yield from reports([("a body in gzip", codings.packed(call.event()).unanswered())]))


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A way to spoil gzip."""

    slug: str
    words: str
    make: Callable[[Draft], Draft]


SPOILT = (
    Spoilt("corrupt", "a body that begins like gzip and is none", codings.corrupt),
    Spoilt("truncated", "a body in gzip that breaks off", codings.truncated),
)


@check("robustness.gzip.{slug}", "{words} is refused.", fact="answers.encoding-invalid", kinds=BODIED,
       forms=SPOILT)  # fmt: skip
def spoilt(call: Call, form: Spoilt) -> Steps:
    """Nothing can be read in it; a success would lose the event silently."""
    expect.control((yield call.control()))
    return expect.status((yield form.make(call.event())), _unreadable(call.contract), form.words)


def _unreadable(contract: Contract) -> Answer:
    """How gzip is answered that is none; where gzip is not looked at, it is bytes that are no JSON."""
    answer = contract.answer(Condition.ENCODING_INVALID)
    known = (Condition.JSON_INVALID, Condition.JSON_NOT_UTF8)
    further = [contract.answer(item) for item in known if contract.states(f"answers.{item}")]
    statuses = [status for item in further for status in item.statuses if status not in answer.statuses]
    return replace(answer, expect=(*answer.expect, *statuses))


@check("robustness.gzip.status", "No gzip, good or bad, is answered as the server's own failure.",
       fact=NO_5XX, kinds=BODIED)  # fmt: skip
def status(call: Call) -> Steps:
    """A 5xx, or no answer at all, makes SDKs send the same body again and again."""
    bodies = (
        ("a body in gzip", codings.packed(call.event())),
        ("a body that begins like gzip and is none", codings.corrupt(call.event())),
        ("a body in gzip that breaks off", codings.truncated(call.event())),
        ("a plain body that is called gzip", codings.mislabelled(call.event())),
        ("a body in a coding that nobody knows", codings.uncalled(call.event())),
    )
    return (yield from survives(call, bodies))


@check("robustness.gzip.bomb", "A small body that unpacks to ten megabytes is refused.",
       fact="rules.inflated-size", **BOMB)  # fmt: skip
def bomb(call: Call) -> Steps:
    """A limit that is only looked at before unpacking lets anybody fill the server's memory."""
    limit = call.contract.body_limit(call.operation)
    expect.supported((yield codings.packed(call.event())), "a body in gzip")
    what = f"a body in gzip that unpacks to {codings.BOMB_BYTES:,} bytes"
    exchange = yield codings.bomb(call).unanswered(hanging=True)
    yield from heard(call, exchange, what)
    if not 400 <= exchange.status < expect.SERVER_ERROR:
        raise Deviation(
            f"{what}, over the limit of {limit.at_most:,}, must be refused: {exchange.outline}",
            expected="a refusal",
            received=exchange.outline,
        )
    return None


@check("robustness.gzip.bomb-status", "A body that unpacks to ten megabytes does not bring the server down.",
       fact=NO_5XX, **BOMB)  # fmt: skip
def bomb_status(call: Call) -> Steps:
    """A server that unpacks all of it before it looks runs out of memory, or of patience."""
    return (yield from survives(call, [("a body in gzip that unpacks to ten megabytes", codings.bomb(call))]))
