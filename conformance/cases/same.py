"""The same request, spelled otherwise: what clients and proxies do to a request without changing its meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._forms import expect_same_answers, join_deviations, judge_forms, same_answer, send_form
from conformance.cases._steps import accepted_or_refused
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import ALL_KINDS, EVENTS_AND_BATCHES, WITH_BODY, FirstPer
from conformance.core.errors import Deviation
from conformance.core.model import Level
from conformance.profile.facts import Rule
from conformance.requests import equal_bodies, equal_framings, spellings
from conformance.requests.invalid_cases import TRUNCATED_JSON

if TYPE_CHECKING:
    from conformance.core.model import Exchange
    from conformance.requests import Call
    from conformance.requests.steps import Steps

_HEAD, _TARGET, _FRAMING, _CODING, _JSON, _USUAL = (
    f"rules.{rule}"
    for rule in (
        Rule.SAME_HEAD,
        Rule.SAME_TARGET,
        Rule.SAME_FRAMING,
        Rule.SAME_CODING,
        Rule.SAME_JSON,
        Rule.USUAL_REQUEST,
    )
)


@check("same.headers.spelled", "A request is accepted however HTTP allows to write its headers.",
       fact=_HEAD, kinds=ALL_KINDS)  # fmt: skip
def spelled_headers(call: Call) -> Steps:
    """Proxies write the names of headers in lower case, and HTTP/2 knows no other."""
    return (yield from expect_same_answers(call, spellings.HEAD_FORMS, _HEAD))


@check("same.headers.usual", "A request with the headers that clients and proxies add is accepted.",
       fact=_USUAL, kinds=ALL_KINDS)  # fmt: skip
def usual_headers(call: Call) -> Steps:
    """Between an SDK and a server are browsers, proxies and tracing, and each adds headers of its own."""
    return (yield from expect_same_answers(call, spellings.USUAL_HEADERS, _USUAL))


@check("same.target.absolute", "A request in absolute form is accepted.", fact=_TARGET, kinds=ALL_KINDS)
def absolute_target(call: Call) -> Steps:
    """Clients send it to proxies, and some proxies pass it on."""
    control = yield call.control_request()
    expect.control(control)
    form = spellings.written("its target in absolute form", spellings.absolute_form(control.url))
    yield from judge_forms(call, [form], same_answer(call, control, _TARGET))
    return None


@check("same.target.usual", "A request is accepted with a query that is not documented.",
       fact=_USUAL, kinds=ALL_KINDS)  # fmt: skip
def usual_targets(call: Call) -> Steps:
    """Campaigns and caches add parameters."""
    return (yield from expect_same_answers(call, spellings.USUAL_TARGETS, _USUAL))


@check("same.target.encoded", "The answer to a path with a percent-encoded letter is reported.",
       fact="rules.path-spelling", kinds=ALL_KINDS, max_level=Level.MAY, observes=True)  # fmt: skip
def encoded_target(call: Call) -> Steps:
    """Such paths are equivalent, and some proxies write them; a server need not normalize them (RFC 3986 section 6)."""
    expect.control((yield call.control_request()))
    draft = spellings.ENCODED_TARGET.make(call)
    exchange = yield from send_form(call, "a percent-encoded letter in the path", draft)
    return f"{accepted_or_refused(exchange)}: {exchange.summary}"


@check("same.pieces.split", "A request is accepted however it is cut into pieces.",
       fact=_FRAMING, kinds=ALL_KINDS)  # fmt: skip
def split_pieces(call: Call) -> Steps:
    """TCP carries bytes; where it cuts them has no meaning, and a server that reads once sees half a request."""
    return (yield from expect_same_answers(call, equal_framings.PIECE_FORMS, _FRAMING))


@check("same.pieces.slow", "A request is accepted if it arrives byte by byte, or with a pause.",
       fact=_FRAMING, kinds=WITH_BODY, first_per=FirstPer.KIND)  # fmt: skip
def slow_pieces(call: Call) -> Steps:
    """Phones in trains send so."""
    return (yield from expect_same_answers(call, equal_framings.SLOW_PIECE_FORMS, _FRAMING))


@check("same.chunks.spelled", "A body is accepted in chunks of any size, under the name of the coding in any case.",
       fact=_FRAMING, kinds=WITH_BODY)  # fmt: skip
def spelled_chunks(call: Call) -> Steps:
    """Clients flush when they please; one writes Chunked with a capital letter."""
    control = yield call.acceptable_request().with_chunked_encoding()
    expect.require_length_optional(control)
    expect.require_chunks_supported(control)
    yield from judge_forms(call, equal_framings.CHUNK_FORMS, same_answer(call, control, _FRAMING))
    return None


@check("same.coding.spelled", "Gzip is accepted in every form that its format allows, if it is accepted at all.",
       fact=_CODING, kinds=WITH_BODY)  # fmt: skip
def spelled_codings(call: Call) -> Steps:
    """Some libraries write a member for each flush, and some read the first alone: they lose the rest."""
    control = yield equal_bodies.gzipped("gzip", "gzip").make(call).allowing_no_answer()
    expect.require_supported(control, "a body in gzip")
    yield from judge_forms(call, equal_bodies.CODING_FORMS, same_answer(call, control, _CODING))
    return None


@check("same.coding.alias", "The coding x-gzip is accepted where gzip is.",
       fact=_USUAL, kinds=WITH_BODY, first_per=FirstPer.KIND)  # fmt: skip
def coding_alias(call: Call) -> Steps:
    """HTTP keeps the old name of gzip as an alias."""
    control = yield equal_bodies.gzipped("gzip", "gzip").make(call).allowing_no_answer()
    expect.require_supported(control, "a body in gzip")
    yield from judge_forms(call, equal_bodies.USUAL_CODING_FORMS, same_answer(call, control, _USUAL))
    return None


@check("same.json.spelled", "The same JSON is accepted in another spelling.", fact=_JSON, kinds=WITH_BODY)
def spelled_json(call: Call) -> Steps:
    """Each language has a serializer with habits of its own."""
    return (yield from expect_same_answers(call, equal_bodies.JSON_FORMS, _JSON))


@check("same.answer.encoded", "An answer to Accept-Encoding: gzip can be read.",
       fact=_HEAD, kinds=EVENTS_AND_BATCHES)  # fmt: skip
def encoded_answer(call: Call) -> Steps:
    """Most HTTP clients ask for gzip by themselves; an answer in gzip that does not say so is noise to them."""
    control = yield call.control_request()
    expect.control(control)
    plain = yield TRUNCATED_JSON.make_draft(call)
    deviations = []
    for usual, draft in ((control, call.acceptable_request()), (plain, TRUNCATED_JSON.make_draft(call))):
        subject = "a refused request" if draft.edit_bytes else "an acceptable request"
        subject += " with Accept-Encoding: gzip"
        exchange = yield from send_form(call, subject, draft.with_header("Accept-Encoding", "gzip"))
        try:
            _expect_alike(exchange, usual, subject)
        except Deviation as deviation:
            deviations.append(deviation)
    if deviations:
        raise join_deviations(deviations)
    return None


def _expect_alike(exchange: Exchange, usual: Exchange, subject: str) -> None:
    """An answer has the status of the usual one, and a body that is not compressed once it is decoded."""
    is_same = exchange.status == usual.status or (expect.is_accepted(exchange) and expect.is_accepted(usual))
    is_readable = exchange.response is None or not exchange.response.body.startswith(b"\x1f\x8b")
    if is_same and is_readable:
        return
    problem = "has a body in gzip that is not labelled so" if is_same else f"was answered with {exchange.summary}"
    raise Deviation(
        f"{subject} must be answered with {usual.status}, and a body that its Content-Encoding describes",
        problem,
        exchange=exchange,
        expected=f"{usual.status}, readable",
        received=exchange.summary if not is_same else f"{exchange.summary}; gzip without its label",
        is_server_error=expect.is_server_error(exchange),
    )
