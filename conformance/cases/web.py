"""The web around the operations: other methods and paths, HEAD, OPTIONS, and the preflights of browsers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.cases._steps import converse_raw, expect_each
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import ALL_KINDS, EVENTS_AND_BATCHES, NO_SERVER_ERROR, FirstPer
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import Level
from conformance.profile.facts import Condition
from conformance.requests.cors import ORIGIN, cors_preflight
from conformance.requests.credentials import NO_CREDENTIALS
from conformance.requests.wrong_routes import METHODS_OF_EVENTS, request_with_method, unknown_paths, wrong_methods

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.core.model import Exchange, Response
    from conformance.profile.facts import ExpectedResponse
    from conformance.requests import Call, Draft
    from conformance.requests.steps import Steps

_BAD_REQUEST, _NOT_IMPLEMENTED = 400, 501
_UNAUTHORIZED = frozenset({401, 403})
_PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})


def _wrong_method_drafts(call: Call) -> Iterator[tuple[str, Draft]]:
    """A request with each method that the operation does not have."""
    for method in wrong_methods(call.operation, call.contract.operations):
        yield f"{method} in place of {call.operation.method}", request_with_method(call, method)


@check("robustness.method.wrong", "A wrong method is refused as documented.",
       fact=f"answers.{Condition.METHOD_WRONG}", kinds=ALL_KINDS)  # fmt: skip
def method_wrong(call: Call) -> Steps:
    """If the answer is a success, the client's author never notices the mistake."""
    control = yield call.control_request()
    expect.control(control)
    answer = call.contract.expected_response(Condition.METHOD_WRONG)
    note: str | None = None
    deviations = []
    for subject, draft in _wrong_method_drafts(call):
        exchange = yield draft
        if _is_page(exchange, control):
            note = f"{draft.method} is answered {exchange.status} with a page of its own"
            continue
        try:
            note = expect.status(exchange, _allow_other_refusals(call, answer, draft), subject) or note
        except Deviation as deviation:
            deviations.append(deviation)
    if deviations:
        raise _join_deviations(deviations)
    return note


def _is_page(exchange: Exchange, control: Exchange) -> bool:
    """Whether a GET is answered with a page for people, which is no success of an event (RFC 9110, section 9.3.1)."""
    if exchange.request.method != "GET" or not expect.is_accepted(exchange):
        return False
    types = [item.response.media_type if item.response else "" for item in (exchange, control)]
    return types[0] in _PAGE_TYPES and types[0] != types[1]


def _join_deviations(deviations: Sequence[Deviation]) -> Deviation:
    """The worst of some deviations, with a message that names all: a server error, then a success, then the rest."""
    worst = min(deviations, key=lambda item: (not item.is_server_error, not expect.is_accepted(item.exchange)))
    messages = [item.message for item in (worst, *(item for item in deviations if item is not worst))]
    return Deviation(
        worst.promise,
        "; ".join([messages[0].removeprefix(f"{worst.promise}, and "), *messages[1:]]),
        exchange=worst.exchange,
        expected=worst.expected,
        received="; ".join(f"{item.exchange.request.method}: {item.received}" for item in deviations),
        level=worst.level,
        sources=worst.sources,
        is_server_error=worst.is_server_error,
    )


def _allow_other_refusals(call: Call, answer: ExpectedResponse, draft: Draft) -> ExpectedResponse:
    """The answer to a wrong method, or 501 from a server that has not implemented it anywhere.

    A path that has a GET or POST of its own, for something else, may refuse such a request with 400. Where the key
    belongs in the body and the method has no body, the server may refuse the missing key instead.
    """
    statuses_allowed = [*answer.expect, _NOT_IMPLEMENTED]
    if draft.method in METHODS_OF_EVENTS:
        statuses_allowed.append(_BAD_REQUEST)
    name = f"answers.{Condition.CREDENTIALS_MISSING}"
    if draft.credentials.body_key is not None and draft.content_type is None and call.contract.has_fact(name):
        statuses = call.contract.expected_response(Condition.CREDENTIALS_MISSING).statuses
        statuses_allowed += [status for status in statuses if status >= 400]
    return replace(answer, expect=tuple(dict.fromkeys(statuses_allowed)))


@check("robustness.method.status", "A wrong method does not make the server fail.",
       fact=NO_SERVER_ERROR, kinds=ALL_KINDS)  # fmt: skip
def method_status(call: Call) -> Steps:
    """Monitors and scanners try every method; each 5xx sets off a false alarm."""
    yield from expect_each(call, _wrong_method_drafts(call), expect.no_crash)
    return None


def _unknown_path_drafts(call: Call) -> Iterator[tuple[str, Draft]]:
    """Requests to undocumented paths."""
    for unknown in unknown_paths(call.operation.path):
        yield f"a request to {unknown}", call.acceptable_request().with_path(unknown)


@check("robustness.path.unknown", "An unknown path is answered as documented.",
       fact=f"answers.{Condition.PATH_UNKNOWN}", kinds=EVENTS_AND_BATCHES, first_per=FirstPer.RUN)  # fmt: skip
def path_unknown(call: Call) -> Steps:
    """If the answer is a success, a misspelt path goes unnoticed, and all events sent there are lost."""
    expect.control((yield call.control_request()))
    answer = call.contract.expected_response(Condition.PATH_UNKNOWN)
    note = None
    for subject, draft in _unknown_path_drafts(call):
        note = expect.status((yield draft), answer, subject) or note
    return note


def _malformed_path_drafts(call: Call) -> Iterator[tuple[str, Draft]]:
    """Requests to paths that are hard to decode."""
    path = call.operation.path
    malformed = (
        ("bytes that are not UTF-8", f"{path}/%ff%fe"),
        ("a NUL", f"{path}/%00"),
        ("parent directories", f"{path}/%2e%2e/%2e%2e/conformance"),
        ("two thousand characters", f"{path}/{'a' * 2_000}"),
    )
    for description, malformed_path in malformed:
        yield f"a path with {description}", call.acceptable_request().with_path(malformed_path)


@check("robustness.path.status", "An unknown or malformed path does not make the server fail.",
       fact=NO_SERVER_ERROR, kinds=EVENTS_AND_BATCHES, first_per=FirstPer.RUN)  # fmt: skip
def path_status(call: Call) -> Steps:
    """Scanners request such paths all day."""
    drafts = [*_unknown_path_drafts(call), *_malformed_path_drafts(call)]
    yield from expect_each(call, drafts, expect.no_crash)
    expect.accepted((yield call.acceptable_request()), "an acceptable request after those to malformed paths")
    return None


@check(
    "robustness.path.spelling",
    "The answers to other spellings of a path are reported.",
    fact="rules.path-spelling",
    kinds=EVENTS_AND_BATCHES,
    max_level=Level.MAY,
    observes=True,
    first_per=FirstPer.RUN,
)
def path_variants(call: Call) -> Steps:
    """Users configure the base URL with and without a trailing slash, or with the first part of the path in it."""
    expect.control((yield call.control_request()))
    path = call.operation.path
    first, _, rest = path[1:].partition("/")
    variants = [f"{path}/", f"/{path}", *([f"/{first}{path}", f"/{first}//{rest}"] if rest else [])]
    outcomes = []
    for variant in variants:
        exchange = yield call.acceptable_request().with_path(variant).allowing_no_answer()
        outcomes.append(f"{variant} {exchange.status or 'unanswered'}")
    return ", ".join(outcomes)


@check("robustness.head.status", "A HEAD request does not make the server fail.",
       fact=NO_SERVER_ERROR, kinds=ALL_KINDS)  # fmt: skip
def head_status(call: Call) -> Steps:
    """Load balancers and monitors check with HEAD whether a server is up."""
    expect.control((yield call.control_request()))
    subject = "a HEAD request"
    (exchange,) = yield from converse_raw(
        call, subject, request_with_method(call, "HEAD").with_header("Connection", "close")
    )
    expect.no_crash(exchange, subject)
    return None


@check("robustness.head.content", "The answer to a HEAD request has no content.", fact="rules.framing",
       kinds=ALL_KINDS, first_per=FirstPer.KIND)  # fmt: skip
def head_content(call: Call) -> Steps:
    """A client reads bytes after the headers as the next answer on the connection."""
    expect.control((yield call.control_request()))
    (exchange,) = yield from converse_raw(call, "a HEAD request", request_with_method(call, "HEAD"))
    expect.well_framed(exchange, "a HEAD request")
    return None


@check("robustness.options.plain", "An OPTIONS request does not make the server fail.",
       fact=NO_SERVER_ERROR, kinds=ALL_KINDS)  # fmt: skip
def options_status(call: Call) -> Steps:
    """Gateways and scanners ask with OPTIONS for the methods of a path."""
    draft = request_with_method(call, "OPTIONS").with_credentials(NO_CREDENTIALS)
    yield from expect_each(call, [("an OPTIONS request", draft)], expect.no_crash)
    return None


@check("robustness.preflight.status", "A browser's preflight does not make the server fail.",
       fact=NO_SERVER_ERROR, kinds=EVENTS_AND_BATCHES)  # fmt: skip
def cors_preflight_status(call: Call) -> Steps:
    """A page whose preflight fails sends nothing at all."""
    yield from expect_each(call, [("a preflight", cors_preflight(call))], expect.no_crash)
    return None


@check("robustness.preflight.credentials", "A browser's preflight needs no credentials.",
       fact="rules.preflight", kinds=EVENTS_AND_BATCHES)  # fmt: skip
def cors_preflight_credentials(call: Call) -> Steps:
    """Browsers never send credentials with a preflight; if a server asks for them, no page can send events."""
    expect.control((yield call.control_request()))
    exchange = yield cors_preflight(call)
    asks_for_credentials = exchange.status in _UNAUTHORIZED
    if not asks_for_credentials and exchange.status >= 400 and call.credentials().headers:
        asks_for_credentials = expect.is_accepted((yield cors_preflight(call).with_credentials(call.credentials())))
    if asks_for_credentials:
        raise Deviation(
            "a preflight must not need credentials",
            f"without them was answered with {exchange.summary}",
            exchange=exchange,
            expected="any answer that does not ask for credentials",
        )
    return None


@check("robustness.preflight.allowed", "The answer to a browser's preflight is reported.",
       fact="rules.preflight", kinds=EVENTS_AND_BATCHES, max_level=Level.MAY, observes=True)  # fmt: skip
def cors_preflight_allowed(call: Call) -> Steps:
    """It says, for each path, whether pages of other sites may send events."""
    exchange = yield cors_preflight(call).allowing_no_answer()
    response = exchange.response
    if response is None:
        return "unanswered"
    allowed = ", ".join(
        f"{name} {_describe_allow_header(response, name)}" for name in ("origin", "methods", "headers", "credentials")
    )
    return f"{exchange.status}; {allowed}"


def _describe_allow_header(response: Response, name: str) -> str:
    """The value of a CORS header; `as asked` if it is the origin of the request."""
    value = response.header(f"access-control-allow-{name}")
    return "none" if value is None else "as asked" if value == ORIGIN else value


@check("robustness.preflight.origin", "No arbitrary origin is allowed with credentials.",
       fact="rules.preflight-origin", kinds=EVENTS_AND_BATCHES, first_per=FirstPer.KIND)  # fmt: skip
def cors_preflight_origin(call: Call) -> Steps:
    """Otherwise, every page on the web can send requests in the name of its visitor."""
    drafts = [
        cors_preflight(call),
        cors_preflight(call, "null"),
        call.acceptable_request().with_header("Origin", ORIGIN),
    ]
    is_any_origin_allowed = False
    for draft in drafts:
        origin = dict(draft.headers)["Origin"]
        exchange = yield draft
        is_any_origin_allowed = is_any_origin_allowed or _allows_any_origin(exchange)
        if _allows_origin_with_credentials(exchange, origin):
            raise Deviation(
                f"the arbitrary origin {origin} must not be allowed with credentials",
                "is",
                exchange=exchange,
                expected="no Access-Control-Allow-Credentials for an arbitrary origin",
                received=f"Access-Control-Allow-Origin: {origin}, Access-Control-Allow-Credentials: true",
            )
    if not is_any_origin_allowed:
        raise NotApplicable("the target allows no other origin")
    return None


def _allows_any_origin(exchange: Exchange) -> bool:
    """Whether an answer allows any origin at all."""
    return bool(exchange.response and exchange.response.header("access-control-allow-origin"))


def _allows_origin_with_credentials(exchange: Exchange, origin: str) -> bool:
    """Whether an answer allows this origin with credentials."""
    response = exchange.response
    if response is None:
        return False
    allow_credentials = response.header("access-control-allow-credentials") or ""
    is_origin_allowed = response.header("access-control-allow-origin") == origin
    return is_origin_allowed and allow_credentials.strip().lower() == "true"
