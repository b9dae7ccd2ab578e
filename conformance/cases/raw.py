"""Framing that HTTP clients never produce (lengths, chunks, pipelining, versions), tested on one path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._steps import (
    converse_raw,
    expect_kept_connection,
    expect_new_connection_accepted,
    expect_tolerated,
    get_lone_answer,
    is_cut_off_json_accepted,
)
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import (
    EVENTS,
    EVENTS_AND_BATCHES,
    MALFORMED_REQUEST,
    NO_SERVER_ERROR,
    PIXELS,
    WITH_BODY,
    FirstPer,
)
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import Level, TransportFailure
from conformance.profile.facts import Rule
from conformance.requests import framings, send_on_one_connection
from conformance.requests.credentials import UNKNOWN_KEY, basic
from conformance.requests.invalid_cases import TRUNCATED_JSON
from conformance.requests.invalid_credentials import MISSING_CREDENTIALS

if TYPE_CHECKING:
    from conformance.core.model import Exchange, RawWriter
    from conformance.requests import Call, Draft
    from conformance.requests.steps import ExchangeSteps, Steps

_EXPECTATION_FAILED = 417


def _send_before_another(call: Call, subject: str, raw_writer: RawWriter) -> ExchangeSteps:
    """Sends a badly framed request and an acceptable one after it on the same connection; the first crashes nothing."""
    first, second = yield from converse_raw(
        call, subject, call.acceptable_request().with_raw_writer(raw_writer), call.acceptable_request()
    )
    expect.no_crash(first, subject, may_close=True)
    return first, second


@check("robustness.length.too-small", "A body longer than its Content-Length is not read as two requests.",
       fact=MALFORMED_REQUEST, kinds=EVENTS, first_per=FirstPer.RUN)  # fmt: skip
def length_too_small(call: Call) -> Steps:
    """The bytes after the length are no request; a server that reads them as one stores an event that nobody sent."""
    expect.control((yield call.control_request()))
    is_cut_off_accepted = yield from is_cut_off_json_accepted(call)
    subject = "a body longer than its Content-Length"
    first, second = yield from _send_before_another(call, subject, framings.write_length_too_small)
    if second.response:
        expect.no_crash(second, f"the rest of {subject}")
    if not is_cut_off_accepted:
        expect.no_success(first, "a body that is cut off by its Content-Length")
    expect.no_success(second, f"the rest of {subject}")
    yield from expect_new_connection_accepted(call, subject)
    return None


def _require_plaintext(exchange: Exchange) -> None:
    """The client can close its side of the connection alone. Raises NotApplicable under TLS."""
    expect.control(exchange)
    if exchange.url.startswith("https:"):
        raise NotApplicable("under TLS, a client can't close its side of a connection alone")


@check("robustness.length.too-large", "A body that ends before its Content-Length is not accepted.",
       fact="rules.incomplete-body", kinds=EVENTS, first_per=FirstPer.RUN)  # fmt: skip
def length_too_large(call: Call) -> Steps:
    """A client that fails while sending sends again; the server would store the event twice, once incomplete."""
    _require_plaintext((yield call.control_request()))
    subject = "a body that ends before its Content-Length"
    draft = (
        call.acceptable_request().with_raw_writer(framings.write_length_too_large).allowing_no_answer(may_time_out=True)
    )
    (exchange,) = yield from send_on_one_connection(draft, half_closed=True)
    if exchange.failure is TransportFailure.TIMEOUT:
        return "the target waits for the rest, although the client has closed its side"
    expect.no_timeout(exchange)
    expect.no_crash(exchange, subject, may_close=True)
    expect.no_success(exchange, subject)
    return None


@check("robustness.length.missing", "A body without any length does not make the server fail.",
       fact=MALFORMED_REQUEST, kinds=EVENTS, first_per=FirstPer.RUN)  # fmt: skip
def length_missing(call: Call) -> Steps:
    """By HTTP, such a request has no body; a server that waits for one waits for ever."""
    draft = call.acceptable_request().with_raw_writer(framings.write_without_length)
    return (yield from expect_tolerated(call, "a body without any length", draft))


@check("robustness.length.doubled", "A repeated Content-Length with the same value does not make the server fail.",
       fact=MALFORMED_REQUEST, kinds=EVENTS, first_per=FirstPer.RUN)  # fmt: skip
def length_doubled(call: Call) -> Steps:
    """Some proxies add a second one; the server may accept or refuse it."""
    draft = call.acceptable_request().with_raw_writer(framings.write_length_twice)
    return (yield from expect_tolerated(call, "a repeated Content-Length", draft))


@check("robustness.length.conflict", "Two different Content-Lengths are refused, and the connection is closed.",
       fact=f"rules.{Rule.LENGTH_CONFLICT}", kinds=EVENTS, first_per=FirstPer.RUN)  # fmt: skip
def lengths_conflicting(call: Call) -> Steps:
    """If a proxy uses the other length, attackers can put requests into other clients' connections."""
    expect.control((yield call.control_request()))
    for subject, raw_writer in framings.CONFLICTING_LENGTHS:
        first, second = yield from _send_before_another(call, subject, raw_writer)
        expect.no_success(first, subject)
        expect.no_answer(second, subject)
    return None


@check("robustness.length.with-chunks", "A request with chunks and a Content-Length smuggles in no second request.",
       fact=f"rules.{Rule.LENGTH_WITH_CHUNKS}", kinds=EVENTS, first_per=FirstPer.RUN)  # fmt: skip
def length_with_chunks(call: Call) -> Steps:
    """A server that uses one and a proxy that uses the other disagree on where the request ends.

    RFC 9112 section 6.1 asks to close the connection as well, which some widely used servers do not do.
    """
    expect.control((yield call.control_request()))
    for subject, raw_writer in framings.CHUNKS_AND_LENGTH:
        first, second = yield from _send_before_another(call, subject, raw_writer)
        if raw_writer is framings.write_smuggled_request or not expect.is_accepted(first):
            expect.no_answer(second, subject)
    return None


@check("robustness.expect.continue", "A request with Expect: 100-continue is answered before its body.",
       fact="rules.expect-continue", kinds=EVENTS, exclusive=True, first_per=FirstPer.RUN)  # fmt: skip
def expect_continue(call: Call) -> Steps:
    """Many HTTP libraries send a large body only after such an answer."""
    expect.control((yield call.control_request()))
    subject = "a request with Expect: 100-continue"
    (exchange,) = yield from converse_raw(
        call, subject, call.acceptable_request().with_raw_writer(framings.write_expect_continue)
    )
    if exchange.status == _EXPECTATION_FAILED:
        return "refused with 417, after which clients send the request without Expect"
    expect.accepted(exchange, subject)
    is_http_1_0 = exchange.response is not None and exchange.response.http_version < "HTTP/1.1"
    if not exchange.got_100_continue and not is_http_1_0:
        raise Deviation(
            f"{subject} must be answered with 100 or a final status before the body",
            "was not",
            exchange=exchange,
            expected="100, or the final status",
            received=f"{exchange.summary}, and only after the body",
        )
    return None


@check("robustness.chunks.extended", "Chunks with extensions and a trailer are accepted.",
       fact="rules.chunk-extensions", kinds=EVENTS, first_per=FirstPer.RUN)  # fmt: skip
def chunk_extensions(call: Call) -> Steps:
    """Some proxies sign chunks in an extension; other servers ignore extensions that they do not know."""
    expect.require_chunks_supported((yield call.acceptable_request().with_chunked_encoding()))
    for subject, raw_writer in framings.OPTIONAL_CHUNK_PARTS:
        (exchange,) = yield from converse_raw(call, subject, call.acceptable_request().with_raw_writer(raw_writer))
        expect.accepted(exchange, subject)
    return None


@check("robustness.headers.host-twice", "A second Host header does not make the server fail.",
       fact=MALFORMED_REQUEST, kinds=EVENTS, first_per=FirstPer.RUN)  # fmt: skip
def host_twice(call: Call) -> Steps:
    """Servers that choose a site by this header refuse the request; it must not crash them."""
    draft = call.acceptable_request().with_raw_writer(framings.write_second_host)
    return (yield from expect_tolerated(call, "a second Host header", draft))


@check("robustness.headers.key-twice", "A second, wrong key in the headers does not make the server fail.",
       fact=MALFORMED_REQUEST, kinds=EVENTS, first_per=FirstPer.RUN)  # fmt: skip
def key_twice(call: Call) -> Steps:
    """Proxies add their own credentials; joined by a comma, the two values are no longer base64."""
    right = call.credentials().headers
    (name, wrong), *_ = basic(UNKNOWN_KEY).headers
    if right:
        name = right[0][0]
    draft = call.acceptable_request().with_header(name, wrong)
    return (yield from expect_tolerated(call, "a second key in the headers", draft))


@check("robustness.headers.flood", "Hundreds of headers, or one of 60 KB, do not make the server fail.",
       fact=NO_SERVER_ERROR, kinds=EVENTS, first_per=FirstPer.RUN)  # fmt: skip
def oversized_headers(call: Call) -> Steps:
    """The server accepts them or refuses them with 431 or 400, and keeps running."""
    for subject, raw_writer in framings.LARGE_HEADS:
        yield from expect_tolerated(call, subject, call.acceptable_request().with_raw_writer(raw_writer))
    return None


@check("robustness.version.http-10", "A request in HTTP/1.0 is accepted.",
       fact="rules.http-10", kinds=EVENTS, first_per=FirstPer.RUN)  # fmt: skip
def http_10(call: Call) -> Steps:
    """Health checks and old proxies use it; it has no chunked encoding."""
    expect.control((yield call.control_request()))
    subject = "a request in HTTP/1.0"
    (exchange,) = yield from converse_raw(
        call, subject, call.acceptable_request().with_raw_writer(framings.write_http_10)
    )
    expect.accepted(exchange, subject)
    if exchange.response and exchange.response.header("transfer-encoding") is not None:
        raise Deviation(
            f"{subject}, which has no chunked encoding, must not be answered in chunks",
            "was",
            exchange=exchange,
            expected="a Content-Length, or the end of the connection",
            received="Transfer-Encoding in the answer to HTTP/1.0",
        )
    return None


@check("robustness.pipelining.order", "Pipelined requests are answered in the order in which they were sent.",
       fact="rules.pipelining", kinds=EVENTS, max_level=Level.SHOULD, first_per=FirstPer.RUN)  # fmt: skip
def pipelined_order(call: Call) -> Steps:
    """After answers in another order, clients drop the wrong events. A server may close the connection."""
    expect.control((yield call.control_request()))
    yield from expect_kept_connection(call)
    answer = yield from get_lone_answer(call, TRUNCATED_JSON)
    drafts = (
        call.acceptable_request(),
        call.acceptable_request(),
        TRUNCATED_JSON.make_draft(call),
        call.acceptable_request(),
    )
    exchanges = yield from converse_raw(call, "the first of four pipelined requests", *drafts, pipelined=True)
    for number, exchange in enumerate(exchanges, 1):
        subject = f"number {number} of four pipelined requests, of which number 3 is invalid,"
        if number > 1 and exchange.failure is TransportFailure.CLOSED:
            return None
        if number == 3:
            expect.status(exchange, answer, subject, fact=call.contract.fact("rules.pipelining"))
        else:
            expect.accepted(exchange, subject)
    return None


@check(
    "robustness.connection.half-closed",
    "The answer to a client that closes its side of the connection is reported.",
    fact="rules.half-close",
    kinds=EVENTS,
    first_per=FirstPer.RUN,
    max_level=Level.MAY,
    observes=True,
)
def half_closed(call: Call) -> Steps:
    """Shell scripts that pipe a request into a socket close their side before they read."""
    _require_plaintext((yield call.control_request()))
    (exchange,) = yield from send_on_one_connection(
        call.acceptable_request().allowing_no_answer(may_time_out=True), half_closed=True
    )
    return f"answered with {exchange.status}" if exchange.response else f"not answered: {exchange.failure}"


@check("robustness.connection.credentials", "Credentials are valid for one request, not for its connection.",
       fact=MISSING_CREDENTIALS.fact, kinds=EVENTS_AND_BATCHES, first_per=FirstPer.KIND)  # fmt: skip
def credentials_per_request(call: Call) -> Steps:
    """Behind a proxy, one connection carries the requests of many clients."""
    expect.control((yield call.control_request()))
    yield from expect_kept_connection(call)
    answer = yield from get_lone_answer(call, MISSING_CREDENTIALS)
    _, exchange = yield from converse_raw(
        call, "an acceptable request", call.acceptable_request(), MISSING_CREDENTIALS.make_draft(call)
    )
    if exchange.failure is TransportFailure.CLOSED:
        raise NotApplicable("the target closes each connection after one answer")
    subject = f"{MISSING_CREDENTIALS.description}, after an acceptable request on the same connection,"
    return expect.status(exchange, answer, subject)


@check("robustness.framing.accepted", "The answer to an accepted request ends where its headers say.",
       fact="rules.framing", kinds=WITH_BODY | PIXELS, first_per=FirstPer.KIND)  # fmt: skip
def accepted_framed(call: Call) -> Steps:
    """A client reads extra or missing bytes as the beginning of the next answer."""
    return (yield from _expect_framed(call, "an acceptable request", call.acceptable_request()))


@check("robustness.framing.refused", "The answer to a refused request ends where its headers say.",
       fact="rules.framing", kinds=EVENTS_AND_BATCHES, first_per=FirstPer.KIND)  # fmt: skip
def refused_framed(call: Call) -> Steps:
    """A client reads extra or missing bytes as the beginning of the next answer."""
    return (yield from _expect_framed(call, TRUNCATED_JSON.description, TRUNCATED_JSON.make_draft(call)))


def _expect_framed(call: Call, subject: str, draft: Draft) -> Steps:
    expect.control((yield call.control_request()))
    (exchange,) = yield from converse_raw(call, subject, draft)
    expect.well_framed(exchange, subject)
    return None
