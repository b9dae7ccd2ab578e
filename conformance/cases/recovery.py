"""Recovery: after whatever was refused, the next acceptable request is accepted, on every connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from conformance import expect
from conformance.cases._steps import last, reconnected, spoken
from conformance.catalogue import BODIED, PIXELS, POSTED, Sample, check
from conformance.model import Mishap
from conformance.payloads import codings, converse, oddities
from conformance.payloads.spelling import usual
from conformance.payloads.spoils import BAD_HEADER, INVALID_JSON, NOT_UTF8, WRONG_KEY, oversized
from conformance.payloads.strays import UNKNOWN_PATH

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.engine import Steps
    from conformance.payloads import Call, Draft

RECOVERY: Final = "rules.recovery"
ALL: Final = BODIED | PIXELS
_FEW = 4


@dataclass(frozen=True, slots=True)
class Setback:
    """A request that is refused, and that a server has to get over."""

    slug: str
    words: str
    make: Callable[[Call], Draft]


EVERYWHERE = (
    Setback("json", "invalid JSON", INVALID_JSON[0].make),
    Setback("credentials", "missing credentials", BAD_HEADER[0].make),
    Setback("method", "a wrong method",
            lambda call: call.event().asked("PUT").verbatim(b'{"conformance": "wrong method"}')),
)  # fmt: skip
SOMEWHERE = (
    Setback("key", "an unknown key", WRONG_KEY[0].make),
    Setback("path", "an unknown path", lambda call: call.event().at(UNKNOWN_PATH)),
    Setback("size", "a body over the limit", oversized),
    Setback("gzip", "corrupt gzip", lambda call: codings.corrupt(call.event())),
    Setback("utf8", "a body that is not UTF-8", NOT_UTF8[0].make),
)


@check("robustness.recovery.{slug}", "After {words}, the next acceptable request is accepted.",
       fact=RECOVERY, kinds=ALL, forms=EVERYWHERE)  # fmt: skip
@check("robustness.recovery.{slug}", "After {words}, the next acceptable request is accepted.",
       fact=RECOVERY, kinds=BODIED, sample=Sample.KIND, forms=SOMEWHERE)  # fmt: skip
def recovers(call: Call, setback: Setback) -> Steps:
    """A body that is left on the connection is read as the next request, and the next event is lost."""
    expect.control((yield call.control()))
    _, after = yield from spoken(call, setback.words, setback.make(call), last(call))
    if after.mishap is not Mishap.CLOSED:
        expect.accepted(after, f"an acceptable request on the same connection, after {setback.words},")
    yield from reconnected(call, setback.words)
    return None


@dataclass(frozen=True, slots=True)
class Series:
    """A request that a server may get over only in part, and how many acceptable ones will show it."""

    slug: str
    words: str
    make: Callable[[Call], Draft]
    length: int


SERIES = (
    Series("series", "invalid JSON", INVALID_JSON[0].make, 12),
    Series("series-odd", "a NUL escape", lambda call: next(oddities.ODDITIES[0].make(call))[1], _FEW),
)


@check("robustness.recovery.{slug}", "After {words}, a series of acceptable requests is accepted.",
       fact=RECOVERY, kinds=POSTED, sample=Sample.KIND, exclusive=True, forms=SERIES)  # fmt: skip
def series(call: Call, form: Series) -> Steps:
    """What a server remembers of a bad request may come out only some requests later."""
    expect.control((yield call.control()))
    yield form.make(call).unanswered()
    drafts = (*(call.event().raw(usual) for _ in range(form.length - 1)), last(call))
    exchanges = yield from converse(*(draft.unanswered() for draft in drafts))
    answered = [exchange for exchange in exchanges if exchange.mishap is not Mishap.CLOSED]
    for exchange in answered:
        expect.accepted(exchange, f"one of {form.length} acceptable requests after {form.words}")
    for _ in range(max(_FEW, form.length - len(answered))):
        yield from reconnected(call, form.words)
    return None
