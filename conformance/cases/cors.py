"""What a page of another site may send and read: the answers to a browser, as the Fetch Standard judges them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from conformance import sdks
from conformance.cases._steps import response_header
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import EVENTS_AND_BATCHES
from conformance.core.errors import Deviation, NotApplicable
from conformance.profile.facts import AuthScheme, Rule
from conformance.requests.cors import ORIGIN, cors_preflight
from conformance.requests.invalid_cases import NO_IDENTITY
from conformance.requests.refused_requests import REFUSALS, REFUSED_JSON
from conformance.sdks import browser

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from conformance.core.model import Exchange
    from conformance.requests import Call, Draft
    from conformance.requests.steps import Steps
    from conformance.sdks import Sdk

_CORS = f"rules.{Rule.CORS}"
_DOCUMENTED_HEADERS = ("authorization", "content-type")
_BEACON_TYPES = ("text/plain", "text/plain;charset=UTF-8")


def _preflight(call: Call) -> Generator[Draft, Exchange, Exchange]:
    """The answer to a preflight for the documented headers; one for each operation of a run."""
    key = f"preflight of {call.operation}"
    exchange = call.shared_exchanges.get(key)
    if exchange is None:
        own_call = call.labelled(key)  # so that the bytes of other requests don't depend on which check comes first
        exchange = call.shared_exchanges[key] = yield cors_preflight(own_call).allowing_no_answer()
    return exchange


def require_origin_let_in(call: Call) -> Generator[Draft, Exchange, Exchange]:
    """The control is accepted, and a preflight lets in pages of another origin. Raises NotApplicable if not."""
    expect.control((yield call.control_request()))
    exchange = yield from _preflight(call)
    problem = browser.find_preflight_problem(exchange, ORIGIN, call.operation.method, ())
    if problem:
        raise NotApplicable(f"pages of other sites may not send here: {problem}")
    return exchange


def require_pages(call: Call) -> Generator[Draft, Exchange, None]:
    """Pages of other sites send here: those of an SDK of the vendor, or those that a preflight lets in.

    Raises NotApplicable if not.
    """
    if any(True for _ in browser_sdks(call)):
        expect.control((yield call.control_request()))
    else:
        yield from require_origin_let_in(call)


def browser_sdks(call: Call) -> Iterator[Sdk]:
    """The SDKs of the vendor that run in browsers."""
    return (sdk for sdk in sdks.load_all() if sdk.is_browser and call.contract.has_fact(f"sdks.{sdk.name}"))


def _sdk_headers(call: Call) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What the browser SDKs of the vendor ask for, with a name for each."""
    for sdk in browser_sdks(call):
        for shape in sdk.requests:
            names = browser.headers_to_ask_for((name for name, _ in shape.headers), shape.content_type or "")
            yield f"the requests of {sdk.title}", names


def _documented_headers(call: Call) -> tuple[str, ...]:
    """The headers that a documented request can't do without."""
    has_body_key = call.contract.has_fact(f"credentials.{AuthScheme.BODY}")
    return _DOCUMENTED_HEADERS[1:] if has_body_key else _DOCUMENTED_HEADERS


@check("robustness.cors.headers", "A preflight that lets a page in allows the headers of its events.",
       fact=_CORS, kinds=EVENTS_AND_BATCHES)  # fmt: skip
def preflight_headers(call: Call) -> Steps:
    """A list of allowed headers that lacks Authorization or Content-Type keeps every page out."""
    allowed = yield from require_origin_let_in(call)
    own_headers = _documented_headers(call)
    _expect_headers_allowed(call, allowed, "documented requests", own_headers)
    tried: set[tuple[str, ...]] = {_DOCUMENTED_HEADERS}
    for subject, asked in _sdk_headers(call):
        if asked and asked not in tried:
            tried.add(asked)
            exchange = yield cors_preflight(call, asked=asked)
            _expect_headers_allowed(call, exchange, subject, asked)
    return browser.find_preflight_remark(allowed, own_headers) or None


def _expect_headers_allowed(call: Call, exchange: Exchange, subject: str, asked: tuple[str, ...]) -> None:
    problem = browser.find_preflight_problem(exchange, ORIGIN, call.operation.method, asked)
    if problem:
        raise Deviation(
            f"a preflight that lets pages of other sites in must allow {subject}",
            f"does not: {problem}",
            exchange=exchange,
            expected=f"Access-Control-Allow-Headers with {', '.join(asked)}",
            received=f"{exchange.summary}; {problem}",
        )


def _accepted_drafts(call: Call) -> Iterator[tuple[str, Draft]]:
    """An event as a page sends it, with fetch and as a beacon."""
    yield "an acceptable request", call.acceptable_request()
    for content_type in _BEACON_TYPES:
        yield f"an event as {content_type}", call.acceptable_request().with_content_type(content_type)


@check("robustness.cors.accepted", "A page may read that its event was accepted.",
       fact=_CORS, kinds=EVENTS_AND_BATCHES)  # fmt: skip
def accepted(call: Call) -> Steps:
    """The event is kept, but the page sees a failed connection, and sends the event again."""
    yield from require_pages(call)
    for subject, draft in _accepted_drafts(call):
        exchange = yield draft.with_header("Origin", ORIGIN).allowing_no_answer()
        expect_readable(exchange, subject)
    return None


def _refused_drafts(call: Call) -> Iterator[tuple[str, Draft]]:
    """A request with each reason to refuse it."""
    for case in (*REFUSALS, NO_IDENTITY):
        with contextlib.suppress(NotApplicable):
            yield case.description, case.make_draft(call)
    with contextlib.suppress(NotApplicable):
        draft = REFUSED_JSON.make_draft(call).with_content_type(_BEACON_TYPES[0])
        yield f"{REFUSED_JSON.description} as {_BEACON_TYPES[0]}", draft


@check("robustness.cors.refused", "A page may read why its event was refused.",
       fact=_CORS, kinds=EVENTS_AND_BATCHES)  # fmt: skip
def refused(call: Call) -> Steps:
    """To a page, a refusal that it may not read is a failed connection, after which it sends the event again."""
    yield from require_pages(call)
    for subject, draft in _refused_drafts(call):
        exchange = yield draft.with_header("Origin", ORIGIN).allowing_no_answer()
        expect_readable(exchange, subject)
    return None


def expect_readable(exchange: Exchange, subject: str) -> None:
    """A page of another site may read the answer (Fetch Standard, CORS check)."""
    origin = next((value for name, value in exchange.request.headers if name.lower() == "origin"), ORIGIN)
    problem = browser.find_answer_problem(exchange, origin)
    if problem:
        raise Deviation(
            f"a page must be allowed to read the answer to {subject}",
            f"is not: {problem}",
            exchange=exchange,
            expected="Access-Control-Allow-Origin: *, or the origin of the page",
            received=f"{exchange.summary}; {problem}",
        )


@check("robustness.cors.wildcard", "No answer allows any origin by * together with credentials.",
       fact=f"rules.{Rule.CORS_WILDCARD}", kinds=EVENTS_AND_BATCHES)  # fmt: skip
def wildcard(call: Call) -> Steps:
    """Browsers refuse the pair, so that whoever configured it allows nothing; sendBeacon sends with credentials."""
    expect.control((yield call.control_request()))
    answers = [("a preflight", (yield from _preflight(call)))]
    beacon = call.acceptable_request().with_content_type(_BEACON_TYPES[1])
    for subject, draft in (
        ("an acceptable request", call.acceptable_request()),
        (f"an event as {_BEACON_TYPES[1]}", beacon),
        (REFUSED_JSON.description, REFUSED_JSON.make_draft(call)),
    ):
        answers.append((subject, (yield draft.with_header("Origin", ORIGIN).allowing_no_answer())))
    for subject, exchange in answers:
        if browser.has_useless_wildcard(exchange):
            raise Deviation(
                f"the answer to {subject} must not have Access-Control-Allow-Origin: * beside "
                "Access-Control-Allow-Credentials: true",
                "has",
                exchange=exchange,
                expected="the origin of the page, or no Access-Control-Allow-Credentials",
                received=f"{exchange.summary} with *, and with credentials",
            )
    if not any(response_header(exchange, "access-control-allow-origin") for _, exchange in answers):
        raise NotApplicable("the target allows no other origin")
    return None
