"""The web around the calls: other methods and paths, HEAD, OPTIONS, and what browsers ask beforehand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from conformance.cases._steps import converse_raw, expect_no_hang
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import EVENTS_AND_BATCHES, PIXELS, WITH_BODY, FirstPer
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import Level
from conformance.profile.facts import Condition
from conformance.requests.credentials import NO_CREDENTIALS
from conformance.requests.wrong_routes import request_with_method, unknown_paths, wrong_methods

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.core.model import Exchange, Response
    from conformance.profile.facts import ExpectedResponse
    from conformance.requests import Call, Draft
    from conformance.requests.steps import Steps

NO_5XX: Final = "rules.no-server-error"
ALL_KINDS: Final = WITH_BODY | PIXELS
ORIGIN: Final = "https://conformance.example"
_NOT_IMPLEMENTED = 501
_UNAUTHORIZED = frozenset({401, 403})


def _wrong_method_drafts(call: Call) -> Iterator[tuple[str, Draft]]:
    """Requests with each method that the operation does not have."""
    own = call.operation.method
    for method in wrong_methods(own):
        yield f"{method} in place of {own}", request_with_method(call, method)


def _expect_no_crash(call: Call, drafts: Iterable[tuple[str, Draft]]) -> Steps:
    """Each draft, named, is answered, and not with the server's own failure."""
    expect.control((yield call.control_request()))
    for subject, draft in drafts:
        exchange = yield draft.allowing_no_answer(may_time_out=True)
        yield from expect_no_hang(call, exchange, subject)
        expect.no_crash(exchange, subject)
    return None


@check("robustness.method.wrong", "A method that a path does not have is refused as documented.",
       fact="answers.method-wrong", kinds=ALL_KINDS)  # fmt: skip
def method_wrong(call: Call) -> Steps:
    """A success for a request that does nothing hides the mistake in the client."""
    expect.control((yield call.control_request()))
    answer = call.contract.expected_response(Condition.METHOD_WRONG)
    note = None
    for subject, draft in _wrong_method_drafts(call):
        exchange = yield draft
        note = expect.status(exchange, _allow_not_implemented(call, answer, draft), subject) or note
    return note


def _allow_not_implemented(call: Call, answer: ExpectedResponse, draft: Draft) -> ExpectedResponse:
    """How a wrong method is answered: by a server that has not implemented it anywhere, with 501.

    Where the key was in the body and the body is gone, the server may miss the key first.
    """
    statuses_allowed = [*answer.expect, _NOT_IMPLEMENTED]
    name = f"answers.{Condition.CREDENTIALS_MISSING}"
    if draft.credentials.body_key is not None and draft.content_type is None and call.contract.has_fact(name):
        statuses = call.contract.expected_response(Condition.CREDENTIALS_MISSING).statuses
        statuses_allowed += [status for status in statuses if status >= 400]
    return replace(answer, expect=tuple(dict.fromkeys(statuses_allowed)))


@check("robustness.method.status", "No wrong method is answered as the server's own failure.",
       fact=NO_5XX, kinds=ALL_KINDS)  # fmt: skip
def method_status(call: Call) -> Steps:
    """Monitors and scanners try every method; each 5xx is a false alarm somewhere."""
    return (yield from _expect_no_crash(call, _wrong_method_drafts(call)))


def _unknown_path_drafts(call: Call) -> Iterator[tuple[str, Draft]]:
    """Requests to paths that no document knows."""
    for unknown in unknown_paths(call.operation.path):
        yield f"a request to {unknown}", call.acceptable_request().with_path(unknown)


@check("robustness.path.unknown", "A path that no document knows is answered as documented.",
       fact="answers.path-unknown", kinds=EVENTS_AND_BATCHES, first_operation_only=True)  # fmt: skip
def path_unknown(call: Call) -> Steps:
    """A success would hide a misspelt path, and lose all that is sent there."""
    expect.control((yield call.control_request()))
    answer = call.contract.expected_response(Condition.PATH_UNKNOWN)
    note = None
    for subject, draft in _unknown_path_drafts(call):
        note = expect.status((yield draft), answer, subject) or note
    return note


def _malformed_path_drafts(call: Call) -> Iterator[tuple[str, Draft]]:
    """Requests to paths that are hard to read."""
    path = call.operation.path
    malformed = (
        ("a byte that is no UTF-8", f"{path}/%ff%fe"),
        ("a NUL", f"{path}/%00"),
        ("steps upward", f"{path}/%2e%2e/%2e%2e/conformance"),
        ("two thousand characters", f"{path}/{'a' * 2_000}"),
    )
    for description, malformed_path in malformed:
        yield f"a path with {description}", call.acceptable_request().with_path(malformed_path)


@check("robustness.path.status", "No odd path is answered as the server's own failure.",
       fact=NO_5XX, kinds=EVENTS_AND_BATCHES, first_operation_only=True)  # fmt: skip
def path_status(call: Call) -> Steps:
    """Scanners try odd paths all day."""
    yield from _expect_no_crash(call, [*_unknown_path_drafts(call), *_malformed_path_drafts(call)])
    expect.accepted((yield call.acceptable_request()), "an acceptable request after those to odd paths")
    return None


@check(
    "robustness.path.spelling",
    "What becomes of other spellings of a path is reported.",
    fact="rules.path-spelling",
    kinds=EVENTS_AND_BATCHES,
    max_level=Level.MAY,
    observes=True,
    first_operation_only=True,
)
def path_variants(call: Call) -> Steps:
    """Base addresses are configured with and without a slash, and with the first part of the path in them."""
    expect.control((yield call.control_request()))
    path = call.operation.path
    first, _, rest = path[1:].partition("/")
    variants = [f"{path}/", f"/{path}", *([f"/{first}{path}", f"/{first}//{rest}"] if rest else [])]
    outcomes = []
    for variant in variants:
        exchange = yield call.acceptable_request().with_path(variant).allowing_no_answer()
        outcomes.append(f"{variant} {exchange.status or 'unanswered'}")
    return ", ".join(outcomes)


@check("robustness.head.status", "A HEAD is not answered as the server's own failure.",
       fact=NO_5XX, kinds=ALL_KINDS)  # fmt: skip
def head_status(call: Call) -> Steps:
    """Load balancers and monitors ask with HEAD whether a server lives."""
    expect.control((yield call.control_request()))
    subject = "a HEAD"
    (exchange,) = yield from converse_raw(
        call, subject, request_with_method(call, "HEAD").with_header("Connection", "close")
    )
    expect.no_crash(exchange, subject)
    return None


@check("robustness.head.content", "The answer to a HEAD has no content.", fact="rules.framing",
       kinds=ALL_KINDS, first_per=FirstPer.KIND)  # fmt: skip
def head_content(call: Call) -> Steps:
    """What follows the head is taken for the next answer on the connection."""
    expect.control((yield call.control_request()))
    (exchange,) = yield from converse_raw(call, "a HEAD", request_with_method(call, "HEAD"))
    expect.well_framed(exchange, "a HEAD")
    return None


@check("robustness.options.plain", "An OPTIONS is not answered as the server's own failure.",
       fact=NO_5XX, kinds=ALL_KINDS)  # fmt: skip
def options_status(call: Call) -> Steps:
    """Gateways and scanners ask with OPTIONS what a path can do."""
    return (
        yield from _expect_no_crash(
            call, [("an OPTIONS", request_with_method(call, "OPTIONS").with_credentials(NO_CREDENTIALS))]
        )
    )


def _cors_preflight(call: Call, origin: str = ORIGIN) -> Draft:
    """What a browser asks before a page of another site may send an event."""
    return (
        request_with_method(call, "OPTIONS")
        .with_credentials(NO_CREDENTIALS)
        .with_header("Origin", origin)
        .with_header("Access-Control-Request-Method", call.operation.method)
        .with_header("Access-Control-Request-Headers", "authorization,content-type")
    )


@check("robustness.preflight.status", "A browser's preflight is not answered as the server's own failure.",
       fact=NO_5XX, kinds=EVENTS_AND_BATCHES)  # fmt: skip
def cors_preflight_status(call: Call) -> Steps:
    """A page whose preflight fails sends nothing at all."""
    return (yield from _expect_no_crash(call, [("a preflight", _cors_preflight(call))]))


@check("robustness.preflight.credentials", "A browser's preflight is answered without credentials.",
       fact="rules.preflight", kinds=EVENTS_AND_BATCHES)  # fmt: skip
def cors_preflight_credentials(call: Call) -> Steps:
    """Browsers never send credentials with it; a server that asks for them shuts every page out."""
    expect.control((yield call.control_request()))
    exchange = yield _cors_preflight(call)
    asks_for_credentials = exchange.status in _UNAUTHORIZED
    if not asks_for_credentials and exchange.status >= 400 and call.credentials().headers:
        asks_for_credentials = expect.is_accepted((yield _cors_preflight(call).with_credentials(call.credentials())))
    if asks_for_credentials:
        raise Deviation(
            "a preflight must be answered without credentials",
            f"was answered with {exchange.summary}",
            exchange=exchange,
            expected="any answer but a question for credentials",
        )
    return None


@check("robustness.preflight.allowed", "What a browser's preflight allows is reported.",
       fact="rules.preflight", kinds=EVENTS_AND_BATCHES, max_level=Level.MAY, observes=True)  # fmt: skip
def cors_preflight_allowed(call: Call) -> Steps:
    """Whether pages of other sites may send events here, path by path."""
    exchange = yield _cors_preflight(call).allowing_no_answer()
    response = exchange.response
    if response is None:
        return "unanswered"
    allowed = ", ".join(
        f"{name} {_describe_allow_header(response, name)}" for name in ("origin", "methods", "headers", "credentials")
    )
    return f"{exchange.status}; {allowed}"


def _describe_allow_header(response: Response, name: str) -> str:
    """What a CORS header allows; the origin that was asked for stands for whatever is asked for."""
    value = response.header(f"access-control-allow-{name}")
    return "none" if value is None else "as asked" if value == ORIGIN else value


@check("robustness.preflight.origin", "No origin whatever is let in together with its credentials.",
       fact="rules.preflight-origin", kinds=EVENTS_AND_BATCHES, first_per=FirstPer.KIND)  # fmt: skip
def cors_preflight_origin(call: Call) -> Steps:
    """It lets every page on the web act as the user who looks at it."""
    drafts = [
        _cors_preflight(call),
        _cors_preflight(call, "null"),
        call.acceptable_request().with_header("Origin", ORIGIN),
    ]
    is_any_origin_allowed = False
    for draft in drafts:
        origin = dict(draft.headers)["Origin"]
        exchange = yield draft
        is_any_origin_allowed = is_any_origin_allowed or _allows_any_origin(exchange)
        if _allows_origin_with_credentials(exchange, origin):
            raise Deviation(
                f"the origin {origin}, which nobody knows, must not be let in with credentials",
                "is",
                exchange=exchange,
                expected="no Access-Control-Allow-Credentials for any origin that asks",
                received=f"Access-Control-Allow-Origin: {origin}, Access-Control-Allow-Credentials: true",
            )
    if not is_any_origin_allowed:
        raise NotApplicable("the target lets no other origin in")
    return None


def _allows_any_origin(exchange: Exchange) -> bool:
    """Whether an answer lets any origin in at all."""
    return bool(exchange.response and exchange.response.header("access-control-allow-origin"))


def _allows_origin_with_credentials(exchange: Exchange, origin: str) -> bool:
    """Whether an answer lets the origin that asked in, with credentials."""
    response = exchange.response
    if response is None:
        return False
    allow_credentials = response.header("access-control-allow-credentials") or ""
    is_origin_allowed = response.header("access-control-allow-origin") == origin
    return is_origin_allowed and allow_credentials.strip().lower() == "true"
