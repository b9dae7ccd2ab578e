"""The raw wire: lengths, chunks, pipelines and versions, where no HTTP client goes; on one path alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance import expect
from conformance.cases._steps import reconnected, spoken
from conformance.catalogue import BODIED, EVENTS, PIXELS, POSTED, Sample, check
from conformance.errors import Deviation, Silent
from conformance.model import Level, Mishap
from conformance.payloads import converse, framings
from conformance.payloads.credentials import UNKNOWN_KEY, basic
from conformance.payloads.spoils import BAD_HEADER, INVALID_JSON
from conformance.profile.facts import Condition

if TYPE_CHECKING:
    from conformance.engine import Steps
    from conformance.model import Exchange
    from conformance.payloads import Call, Draft

NO_5XX: Final = "rules.no-server-error"


def _survived(call: Call, what: str, draft: Draft) -> Steps:
    """A request that need not be understood is refused, taken, or hung up on; others are not harmed."""
    expect.control((yield call.control()))
    (exchange,) = yield from spoken(call, what, draft)
    expect.no_crash(exchange, what, may_close=True)
    yield from reconnected(call, what)
    return None


@check("robustness.length.too-small", "A body longer than its Content-Length is not taken for two requests.",
       fact=NO_5XX, kinds=EVENTS, once=True)  # fmt: skip
def too_small(call: Call) -> Steps:
    """What is behind the length is no request; a server that takes it for one stores what nobody sent."""
    expect.control((yield call.control()))
    what = "a body that is longer than its Content-Length"
    first, second = yield from spoken(call, what, call.event().raw(framings.too_small), call.event())
    expect.no_crash(first, what, may_close=True)
    if second.response:
        expect.no_crash(second, f"what follows {what}")
    expect.no_success(first, "a body that is cut off by its Content-Length")
    expect.no_success(second, "what follows a body that is longer than its Content-Length")
    yield from reconnected(call, what)
    return None


def _plain(exchange: Exchange) -> None:
    """The connection is one whose halves can be closed one by one. Raises Silent under TLS."""
    expect.control(exchange)
    if exchange.url.startswith("https:"):
        raise Silent("a connection under TLS can't be closed by half")


@check("robustness.length.too-large", "A body that ends before its Content-Length is not accepted.",
       fact="rules.incomplete-body", kinds=EVENTS, once=True)  # fmt: skip
def too_large(call: Call) -> Steps:
    """A client that dies in the middle sends again; what was half sent would be there twice, once broken."""
    _plain((yield call.control()))
    what = "a body that ends before its Content-Length"
    draft = call.event().raw(framings.too_large).unanswered(hanging=True)
    (exchange,) = yield from converse(draft, half_closed=True)
    if exchange.mishap is Mishap.TIMEOUT:
        return "the target goes on waiting for the rest, though the client has ended its side"
    expect.no_timeout(exchange)
    expect.no_crash(exchange, what, may_close=True)
    expect.no_success(exchange, what)
    return None


@check("robustness.length.missing", "A body without any length brings nothing down.",
       fact=NO_5XX, kinds=EVENTS, once=True)  # fmt: skip
def missing(call: Call) -> Steps:
    """HTTP says that there is no body then; a server that waits for one waits for ever."""
    draft = call.event().raw(framings.lengthless)
    return (yield from _survived(call, "a body without any length", draft))


@check("robustness.length.doubled", "A Content-Length that is given twice, alike, brings nothing down.",
       fact=NO_5XX, kinds=EVENTS, once=True)  # fmt: skip
def doubled(call: Call) -> Steps:
    """Careless proxies add a second one; it may be taken or refused."""
    draft = call.event().raw(framings.doubled)
    return (yield from _survived(call, "a Content-Length that is given twice", draft))


@check("robustness.length.conflict", "Two different Content-Lengths are refused, and the connection closed.",
       fact="rules.length-conflict", kinds=EVENTS, once=True)  # fmt: skip
def conflict(call: Call) -> Steps:
    """A proxy that believes the other one of the two lets strangers put requests into others' connections."""
    expect.control((yield call.control()))
    for what, spelling in framings.CONFLICTS:
        first, second = yield from spoken(call, what, call.event().raw(spelling), call.event())
        expect.no_crash(first, what, may_close=True)
        expect.no_success(first, what)
        expect.no_answer(second, what)
    return None


@check("robustness.length.with-chunks", "Chunks together with a Content-Length smuggle no second request in.",
       fact="rules.length-conflict", kinds=EVENTS, once=True)  # fmt: skip
def with_chunks(call: Call) -> Steps:
    """Who believes one and a proxy that believes the other disagree on where the request ends.

    RFC 9112 section 6.1 wants the connection closed as well, which some widely used servers do not.
    """
    expect.control((yield call.control()))
    for what, spelling in framings.DOUBTS:
        first, second = yield from spoken(call, what, call.event().raw(spelling), call.event())
        expect.no_crash(first, what, may_close=True)
        if spelling is framings.smuggling or not expect.is_accepted(first):
            expect.no_answer(second, what)
    return None


@check("robustness.expect.continue", "A client that asks before it sends the body gets an answer.",
       fact="rules.expect-continue", kinds=EVENTS, exclusive=True, once=True)  # fmt: skip
def expect_continue(call: Call) -> Steps:
    """Many HTTP libraries ask before they send a large body, and wait."""
    expect.control((yield call.control()))
    what = "a request with Expect: 100-continue"
    (exchange,) = yield from spoken(call, what, call.event().raw(framings.expecting))
    expect.accepted(exchange, what)
    is_old = exchange.response is not None and exchange.response.http_version < "HTTP/1.1"
    if not exchange.is_continued and not is_old:
        raise Deviation(
            f"{what} must be answered with 100 or a final status before the body, and was not",
            expected="100, or the final status",
            received=f"{exchange.outline}, and only after the body",
        )
    return None


@check("robustness.chunks.extended", "Chunks with extensions and a trailer are accepted.",
       fact="rules.chunk-extensions", kinds=EVENTS, once=True)  # fmt: skip
def extended(call: Call) -> Steps:
    """Some proxies sign chunks in an extension; who does not know it ignores it."""
    expect.chunks_supported((yield call.event().chunked()))
    for what, spelling in framings.EXTRAS:
        (exchange,) = yield from spoken(call, what, call.event().raw(spelling))
        expect.accepted(exchange, what)
    return None


@check("robustness.headers.host-twice", "A second Host brings nothing down.",
       fact=NO_5XX, kinds=EVENTS, once=True)  # fmt: skip
def host_twice(call: Call) -> Steps:
    """It is refused by those who route by it, and must not crash them."""
    return (yield from _survived(call, "a second Host", call.event().raw(framings.doubly_hosted)))


@check("robustness.headers.key-twice", "A second, wrong key in the headers brings nothing down.",
       fact=NO_5XX, kinds=EVENTS, once=True)  # fmt: skip
def key_twice(call: Call) -> Steps:
    """Proxies add their own credentials; joined by a comma, they are no base64 any more."""
    right = call.credentials().headers
    (name, wrong), *_ = basic(UNKNOWN_KEY).headers
    if right:
        name = right[0][0]
    draft = call.event().headed(name, wrong)
    return (yield from _survived(call, "a second key in the headers", draft))


@check("robustness.headers.flood", "Hundreds of headers, or one of 60 KB, bring nothing down.",
       fact=NO_5XX, kinds=EVENTS, once=True)  # fmt: skip
def flood(call: Call) -> Steps:
    """They are refused with 431 or 400, or taken; the server goes on."""
    for what, spelling in framings.FLOODS:
        yield from _survived(call, what, call.event().raw(spelling))
    return None


@check("robustness.version.http-10", "A request in HTTP/1.0 is accepted.",
       fact="rules.http-10", kinds=EVENTS, once=True)  # fmt: skip
def http_10(call: Call) -> Steps:
    """Health checks and old proxies speak it; it knows no chunks."""
    expect.control((yield call.control()))
    what = "a request in HTTP/1.0"
    (exchange,) = yield from spoken(call, what, call.event().raw(framings.old))
    expect.accepted(exchange, what)
    if exchange.response and exchange.response.header("transfer-encoding") is not None:
        raise Deviation(
            f"{what} must not be answered in chunks, which it does not know, and was",
            expected="a Content-Length, or the end of the connection",
            received="Transfer-Encoding in the answer to HTTP/1.0",
        )
    return None


@check("robustness.pipelining.order", "Pipelined requests are answered in their order.",
       fact="rules.pipelining", kinds=EVENTS, cap=Level.SHOULD, once=True)  # fmt: skip
def pipelining(call: Call) -> Steps:
    """An answer in the wrong place tells the client that the wrong event is stored. A server may hang up."""
    expect.control((yield call.control()))
    invalid = call.contract.answer(Condition.JSON_INVALID)
    drafts = (call.event(), call.event(), INVALID_JSON[0].make(call), call.event())
    exchanges = yield from spoken(call, "the first of four pipelined requests", *drafts, pipelined=True)
    for number, exchange in enumerate(exchanges, 1):
        what = f"number {number} of four pipelined requests, of which number 3 is invalid,"
        if number > 1 and exchange.mishap is Mishap.CLOSED:
            return None
        if number == 3:
            expect.status(exchange, invalid, what)
        else:
            expect.accepted(exchange, what)
    return None


@check("robustness.connection.half-closed", "Whether a client that ended its side is answered is reported.",
       fact="rules.half-close", kinds=EVENTS, once=True, cap=Level.MAY, observes=True)  # fmt: skip
def half_closed(call: Call) -> Steps:
    """Shell scripts that pipe a request into a socket end their side before they read."""
    _plain((yield call.control()))
    (exchange,) = yield from converse(call.event().unanswered(hanging=True), half_closed=True)
    return f"answered with {exchange.status}" if exchange.response else f"not answered: {exchange.mishap}"


@check("robustness.connection.credentials", "Credentials count for one request, not for its connection.",
       fact="answers.credentials-missing", kinds=POSTED, sample=Sample.KIND)  # fmt: skip
def credentials(call: Call) -> Steps:
    """Behind a proxy, one connection carries the requests of many clients."""
    expect.control((yield call.control()))
    spoil = BAD_HEADER[0]
    _, exchange = yield from spoken(call, "an acceptable request", call.event(), spoil.make(call))
    if exchange.mishap is Mishap.CLOSED:
        raise Silent("the target closes each connection after one answer")
    what = f"{spoil.words}, after an acceptable request on the same connection,"
    return expect.status(exchange, call.contract.answer(spoil.condition), what)


@check("robustness.framing.accepted", "The answer to an accepted request ends where its head says.",
       fact="rules.framing", kinds=BODIED | PIXELS, sample=Sample.KIND)  # fmt: skip
def accepted_framed(call: Call) -> Steps:
    """Bytes too many or too few are taken for the beginning of the next answer."""
    return (yield from _framed(call, "an acceptable request", call.event()))


@check("robustness.framing.refused", "The answer to a refused request ends where its head says.",
       fact="rules.framing", kinds=POSTED, sample=Sample.KIND)  # fmt: skip
def refused_framed(call: Call) -> Steps:
    """Bytes too many or too few are taken for the beginning of the next answer."""
    return (yield from _framed(call, INVALID_JSON[0].words, INVALID_JSON[0].make(call)))


def _framed(call: Call, what: str, draft: Draft) -> Steps:
    expect.control((yield call.control()))
    (exchange,) = yield from spoken(call, what, draft)
    expect.framed(exchange, what)
    return None
