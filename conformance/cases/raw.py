"""The raw wire: lengths, chunks, pipelines and versions, where no HTTP client goes; on one path alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.cases._steps import converse_raw, expect_new_connection_accepted
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import EVENTS, EVENTS_AND_BATCHES, PIXELS, WITH_BODY, FirstPer
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import Level, TransportFailure
from conformance.profile.facts import Condition
from conformance.requests import framings, send_on_one_connection
from conformance.requests.credentials import UNKNOWN_KEY, basic
from conformance.requests.invalid_cases import INVALID_AUTHORIZATION, INVALID_JSON

if TYPE_CHECKING:
    from conformance.core.model import Exchange
    from conformance.requests import Call, Draft
    from conformance.requests.steps import Steps

NO_5XX: Final = "rules.no-server-error"


def _expect_tolerated(call: Call, subject: str, draft: Draft) -> Steps:
    """A request that need not be understood is refused, taken, or hung up on; others are not harmed."""
    expect.control((yield call.control_request()))
    (exchange,) = yield from converse_raw(call, subject, draft)
    expect.no_crash(exchange, subject, may_close=True)
    yield from expect_new_connection_accepted(call, subject)
    return None


@check("robustness.length.too-small", "A body longer than its Content-Length is not taken for two requests.",
       fact=NO_5XX, kinds=EVENTS, first_operation_only=True)  # fmt: skip
def length_too_small(call: Call) -> Steps:
    """What is behind the length is no request; a server that takes it for one stores what nobody sent."""
    expect.control((yield call.control_request()))
    subject = "a body that is longer than its Content-Length"
    first, second = yield from converse_raw(
        call,
        subject,
        call.acceptable_request().with_raw_writer(framings.write_length_too_small),
        call.acceptable_request(),
    )
    expect.no_crash(first, subject, may_close=True)
    if second.response:
        expect.no_crash(second, f"what follows {subject}")
    expect.no_success(first, "a body that is cut off by its Content-Length")
    expect.no_success(second, "what follows a body that is longer than its Content-Length")
    yield from expect_new_connection_accepted(call, subject)
    return None


def _require_plaintext(exchange: Exchange) -> None:
    """The connection is one whose halves can be closed one by one. Raises Silent under TLS."""
    expect.control(exchange)
    if exchange.url.startswith("https:"):
        raise NotApplicable("a connection under TLS can't be closed by half")


@check("robustness.length.too-large", "A body that ends before its Content-Length is not accepted.",
       fact="rules.incomplete-body", kinds=EVENTS, first_operation_only=True)  # fmt: skip
def length_too_large(call: Call) -> Steps:
    """A client that dies in the middle sends again; what was half sent would be there twice, once broken."""
    _require_plaintext((yield call.control_request()))
    subject = "a body that ends before its Content-Length"
    draft = (
        call.acceptable_request().with_raw_writer(framings.write_length_too_large).allowing_no_answer(may_time_out=True)
    )
    (exchange,) = yield from send_on_one_connection(draft, half_closed=True)
    if exchange.failure is TransportFailure.TIMEOUT:
        return "the target goes on waiting for the rest, though the client has ended its side"
    expect.no_timeout(exchange)
    expect.no_crash(exchange, subject, may_close=True)
    expect.no_success(exchange, subject)
    return None


@check("robustness.length.missing", "A body without any length brings nothing down.",
       fact=NO_5XX, kinds=EVENTS, first_operation_only=True)  # fmt: skip
def length_missing(call: Call) -> Steps:
    """HTTP says that there is no body then; a server that waits for one waits for ever."""
    draft = call.acceptable_request().with_raw_writer(framings.write_without_length)
    return (yield from _expect_tolerated(call, "a body without any length", draft))


@check("robustness.length.doubled", "A Content-Length that is given twice, alike, brings nothing down.",
       fact=NO_5XX, kinds=EVENTS, first_operation_only=True)  # fmt: skip
def length_doubled(call: Call) -> Steps:
    """Careless proxies add a second one; it may be taken or refused."""
    draft = call.acceptable_request().with_raw_writer(framings.write_length_twice)
    return (yield from _expect_tolerated(call, "a Content-Length that is given twice", draft))


@check("robustness.length.conflict", "Two different Content-Lengths are refused, and the connection closed.",
       fact="rules.length-conflict", kinds=EVENTS, first_operation_only=True)  # fmt: skip
def lengths_conflicting(call: Call) -> Steps:
    """A proxy that believes the other one of the two lets strangers put requests into others' connections."""
    expect.control((yield call.control_request()))
    for subject, raw_writer in framings.CONFLICTING_LENGTHS:
        first, second = yield from converse_raw(
            call, subject, call.acceptable_request().with_raw_writer(raw_writer), call.acceptable_request()
        )
        expect.no_crash(first, subject, may_close=True)
        expect.no_success(first, subject)
        expect.no_answer(second, subject)
    return None


@check("robustness.length.with-chunks", "Chunks together with a Content-Length smuggle no second request in.",
       fact="rules.length-conflict", kinds=EVENTS, first_operation_only=True)  # fmt: skip
def length_with_chunks(call: Call) -> Steps:
    """Who believes one and a proxy that believes the other disagree on where the request ends.

    RFC 9112 section 6.1 wants the connection closed as well, which some widely used servers do not.
    """
    expect.control((yield call.control_request()))
    for subject, raw_writer in framings.CHUNKS_AND_LENGTH:
        first, second = yield from converse_raw(
            call, subject, call.acceptable_request().with_raw_writer(raw_writer), call.acceptable_request()
        )
        expect.no_crash(first, subject, may_close=True)
        if raw_writer is framings.write_smuggled_request or not expect.is_accepted(first):
            expect.no_answer(second, subject)
    return None


@check("robustness.expect.continue", "A client that asks before it sends the body gets an answer.",
       fact="rules.expect-continue", kinds=EVENTS, exclusive=True, first_operation_only=True)  # fmt: skip
def expect_continue(call: Call) -> Steps:
    """Many HTTP libraries ask before they send a large body, and wait."""
    expect.control((yield call.control_request()))
    subject = "a request with Expect: 100-continue"
    (exchange,) = yield from converse_raw(
        call, subject, call.acceptable_request().with_raw_writer(framings.write_expect_continue)
    )
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
       fact="rules.chunk-extensions", kinds=EVENTS, first_operation_only=True)  # fmt: skip
def chunk_extensions(call: Call) -> Steps:
    """Some proxies sign chunks in an extension; who does not know it ignores it."""
    expect.require_chunks_supported((yield call.acceptable_request().with_chunked_encoding()))
    for subject, raw_writer in framings.OPTIONAL_CHUNK_PARTS:
        (exchange,) = yield from converse_raw(call, subject, call.acceptable_request().with_raw_writer(raw_writer))
        expect.accepted(exchange, subject)
    return None


@check("robustness.headers.host-twice", "A second Host brings nothing down.",
       fact=NO_5XX, kinds=EVENTS, first_operation_only=True)  # fmt: skip
def host_twice(call: Call) -> Steps:
    """It is refused by those who route by it, and must not crash them."""
    return (
        yield from _expect_tolerated(
            call, "a second Host", call.acceptable_request().with_raw_writer(framings.write_second_host)
        )
    )


@check("robustness.headers.key-twice", "A second, wrong key in the headers brings nothing down.",
       fact=NO_5XX, kinds=EVENTS, first_operation_only=True)  # fmt: skip
def key_twice(call: Call) -> Steps:
    """Proxies add their own credentials; joined by a comma, they are no base64 any more."""
    right = call.credentials().headers
    (name, wrong), *_ = basic(UNKNOWN_KEY).headers
    if right:
        name = right[0][0]
    draft = call.acceptable_request().with_header(name, wrong)
    return (yield from _expect_tolerated(call, "a second key in the headers", draft))


@check("robustness.headers.flood", "Hundreds of headers, or one of 60 KB, bring nothing down.",
       fact=NO_5XX, kinds=EVENTS, first_operation_only=True)  # fmt: skip
def oversized_headers(call: Call) -> Steps:
    """They are refused with 431 or 400, or taken; the server goes on."""
    for subject, raw_writer in framings.LARGE_HEADS:
        yield from _expect_tolerated(call, subject, call.acceptable_request().with_raw_writer(raw_writer))
    return None


@check("robustness.version.http-10", "A request in HTTP/1.0 is accepted.",
       fact="rules.http-10", kinds=EVENTS, first_operation_only=True)  # fmt: skip
def http_10(call: Call) -> Steps:
    """Health checks and old proxies speak it; it knows no chunks."""
    expect.control((yield call.control_request()))
    subject = "a request in HTTP/1.0"
    (exchange,) = yield from converse_raw(
        call, subject, call.acceptable_request().with_raw_writer(framings.write_http_10)
    )
    expect.accepted(exchange, subject)
    if exchange.response and exchange.response.header("transfer-encoding") is not None:
        raise Deviation(
            f"{subject} must not be answered in chunks, which it does not know",
            "was",
            exchange=exchange,
            expected="a Content-Length, or the end of the connection",
            received="Transfer-Encoding in the answer to HTTP/1.0",
        )
    return None


@check("robustness.pipelining.order", "Pipelined requests are answered in their order.",
       fact="rules.pipelining", kinds=EVENTS, max_level=Level.SHOULD, first_operation_only=True)  # fmt: skip
def pipelined_order(call: Call) -> Steps:
    """An answer in the wrong place tells the client that the wrong event is stored. A server may hang up."""
    expect.control((yield call.control_request()))
    invalid = call.contract.expected_response(Condition.JSON_INVALID)
    drafts = (
        call.acceptable_request(),
        call.acceptable_request(),
        INVALID_JSON[0].make_draft(call),
        call.acceptable_request(),
    )
    exchanges = yield from converse_raw(call, "the first of four pipelined requests", *drafts, pipelined=True)
    for number, exchange in enumerate(exchanges, 1):
        subject = f"number {number} of four pipelined requests, of which number 3 is invalid,"
        if number > 1 and exchange.failure is TransportFailure.CLOSED:
            return None
        if number == 3:
            expect.status(exchange, invalid, subject)
        else:
            expect.accepted(exchange, subject)
    return None


@check(
    "robustness.connection.half-closed",
    "Whether a client that ended its side is answered is reported.",
    fact="rules.half-close",
    kinds=EVENTS,
    first_operation_only=True,
    max_level=Level.MAY,
    observes=True,
)
def half_closed(call: Call) -> Steps:
    """Shell scripts that pipe a request into a socket end their side before they read."""
    _require_plaintext((yield call.control_request()))
    (exchange,) = yield from send_on_one_connection(
        call.acceptable_request().allowing_no_answer(may_time_out=True), half_closed=True
    )
    return f"answered with {exchange.status}" if exchange.response else f"not answered: {exchange.failure}"


@check("robustness.connection.credentials", "Credentials count for one request, not for its connection.",
       fact="answers.credentials-missing", kinds=EVENTS_AND_BATCHES, first_per=FirstPer.KIND)  # fmt: skip
def credentials_per_request(call: Call) -> Steps:
    """Behind a proxy, one connection carries the requests of many clients."""
    expect.control((yield call.control_request()))
    invalid_case = INVALID_AUTHORIZATION[0]
    _, exchange = yield from converse_raw(
        call, "an acceptable request", call.acceptable_request(), invalid_case.make_draft(call)
    )
    if exchange.failure is TransportFailure.CLOSED:
        raise NotApplicable("the target closes each connection after one answer")
    subject = f"{invalid_case.description}, after an acceptable request on the same connection,"
    return expect.status(exchange, call.contract.expected_response(invalid_case.condition), subject)


@check("robustness.framing.accepted", "The answer to an accepted request ends where its head says.",
       fact="rules.framing", kinds=WITH_BODY | PIXELS, first_per=FirstPer.KIND)  # fmt: skip
def accepted_framed(call: Call) -> Steps:
    """Bytes too many or too few are taken for the beginning of the next answer."""
    return (yield from _expect_framed(call, "an acceptable request", call.acceptable_request()))


@check("robustness.framing.refused", "The answer to a refused request ends where its head says.",
       fact="rules.framing", kinds=EVENTS_AND_BATCHES, first_per=FirstPer.KIND)  # fmt: skip
def refused_framed(call: Call) -> Steps:
    """Bytes too many or too few are taken for the beginning of the next answer."""
    return (yield from _expect_framed(call, INVALID_JSON[0].description, INVALID_JSON[0].make_draft(call)))


def _expect_framed(call: Call, subject: str, draft: Draft) -> Steps:
    expect.control((yield call.control_request()))
    (exchange,) = yield from converse_raw(call, subject, draft)
    expect.well_framed(exchange, subject)
    return None
