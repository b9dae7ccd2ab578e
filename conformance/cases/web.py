"""The web around the calls: other methods and paths, HEAD, OPTIONS, and what browsers ask beforehand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from conformance import expect
from conformance.cases._steps import heard, spoken
from conformance.catalogue import BODIED, PIXELS, POSTED, Sample, check
from conformance.errors import Deviation, Silent
from conformance.model import Level
from conformance.payloads.credentials import NOBODY
from conformance.payloads.strays import by_method, unknown_paths, wrong_methods
from conformance.profile.facts import Condition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.engine import Steps
    from conformance.model import Exchange, Response
    from conformance.payloads import Call, Draft
    from conformance.profile.facts import Answer

NO_5XX: Final = "rules.no-server-error"
ALL: Final = BODIED | PIXELS
ORIGIN: Final = "https://conformance.example"
_NOT_IMPLEMENTED = 501
_UNAUTHORIZED = frozenset({401, 403})


def _wrong(call: Call) -> Iterator[tuple[str, Draft]]:
    """Requests with each method that the operation does not have."""
    own = call.operation.method
    for method in wrong_methods(own):
        yield f"{method} in place of {own}", by_method(call, method)


def _lives(call: Call, drafts: Iterable[tuple[str, Draft]]) -> Steps:
    """Each draft, named, is answered, and not with the server's own failure."""
    expect.control((yield call.control()))
    for what, draft in drafts:
        exchange = yield draft.unanswered(hanging=True)
        yield from heard(call, exchange, what)
        expect.no_crash(exchange, what)
    return None


@check("robustness.method.wrong", "A method that a path does not have is refused as documented.",
       fact="answers.method-wrong", kinds=ALL)  # fmt: skip
def method_wrong(call: Call) -> Steps:
    """A success for a request that does nothing hides the mistake in the client."""
    expect.control((yield call.control()))
    answer = call.contract.answer(Condition.METHOD_WRONG)
    note = None
    for what, draft in _wrong(call):
        exchange = yield draft
        note = expect.status(exchange, _extended(call, answer, draft), what) or note
    return note


def _extended(call: Call, answer: Answer, draft: Draft) -> Answer:
    """How a wrong method is answered: by a server that has not implemented it anywhere, with 501.

    Where the key was in the body and the body is gone, the server may miss the key first.
    """
    found = [*answer.expect, _NOT_IMPLEMENTED]
    name = f"answers.{Condition.CREDENTIALS_MISSING}"
    if draft.credentials.body_key is not None and draft.content_type is None and call.contract.states(name):
        statuses = call.contract.answer(Condition.CREDENTIALS_MISSING).statuses
        found += [status for status in statuses if status >= 400]
    return replace(answer, expect=tuple(dict.fromkeys(found)))


@check("robustness.method.status", "No wrong method is answered as the server's own failure.",
       fact=NO_5XX, kinds=ALL)  # fmt: skip
def method_status(call: Call) -> Steps:
    """Monitors and scanners try every method; each 5xx is a false alarm somewhere."""
    return (yield from _lives(call, _wrong(call)))


def _unknown(call: Call) -> Iterator[tuple[str, Draft]]:
    """Requests to paths that no document knows."""
    for unknown in unknown_paths(call.operation.path):
        yield f"a request to {unknown}", call.event().at(unknown)


@check("robustness.path.unknown", "A path that no document knows is answered as documented.",
       fact="answers.path-unknown", kinds=POSTED, once=True)  # fmt: skip
def path_unknown(call: Call) -> Steps:
    """A success would hide a misspelt path, and lose all that is sent there."""
    expect.control((yield call.control()))
    answer = call.contract.answer(Condition.PATH_UNKNOWN)
    note = None
    for what, draft in _unknown(call):
        note = expect.status((yield draft), answer, what) or note
    return note


def _odd_paths(call: Call) -> Iterator[tuple[str, Draft]]:
    """Requests to paths that are hard to read."""
    path = call.operation.path
    odd = (
        ("a byte that is no UTF-8", f"{path}/%ff%fe"),
        ("a NUL", f"{path}/%00"),
        ("steps upward", f"{path}/%2e%2e/%2e%2e/conformance"),
        ("two thousand characters", f"{path}/{'a' * 2_000}"),
    )
    for words, value in odd:
        yield f"a path with {words}", call.event().at(value)


@check("robustness.path.status", "No odd path is answered as the server's own failure.",
       fact=NO_5XX, kinds=POSTED, once=True)  # fmt: skip
def path_status(call: Call) -> Steps:
    """Scanners try odd paths all day."""
    yield from _lives(call, [*_unknown(call), *_odd_paths(call)])
    expect.accepted((yield call.event()), "an acceptable request after those to odd paths")
    return None


@check("robustness.path.spelling", "What becomes of other spellings of a path is reported.",
       fact="rules.path-spelling", kinds=POSTED, cap=Level.MAY, observes=True, once=True)  # fmt: skip
def path_spelling(call: Call) -> Steps:
    """Base addresses are configured with and without a slash, and with the first part of the path in them."""
    expect.control((yield call.control()))
    path = call.operation.path
    first, _, rest = path[1:].partition("/")
    spellings = [f"{path}/", f"/{path}", *([f"/{first}{path}", f"/{first}//{rest}"] if rest else [])]
    found = []
    for spelling in spellings:
        exchange = yield call.event().at(spelling).unanswered()
        found.append(f"{spelling} {exchange.status or 'unanswered'}")
    return ", ".join(found)


@check("robustness.head.status", "A HEAD is not answered as the server's own failure.",
       fact=NO_5XX, kinds=ALL)  # fmt: skip
def head_status(call: Call) -> Steps:
    """Load balancers and monitors ask with HEAD whether a server lives."""
    expect.control((yield call.control()))
    what = "a HEAD"
    (exchange,) = yield from spoken(call, what, by_method(call, "HEAD").headed("Connection", "close"))
    expect.no_crash(exchange, what)
    return None


@check("robustness.head.content", "The answer to a HEAD has no content.", fact="rules.framing",
       kinds=ALL, sample=Sample.KIND)  # fmt: skip
def head_content(call: Call) -> Steps:
    """What follows the head is taken for the next answer on the connection."""
    expect.control((yield call.control()))
    (exchange,) = yield from spoken(call, "a HEAD", by_method(call, "HEAD"))
    expect.framed(exchange, "a HEAD")
    return None


@check("robustness.options.plain", "An OPTIONS is not answered as the server's own failure.",
       fact=NO_5XX, kinds=ALL)  # fmt: skip
def options(call: Call) -> Steps:
    """Gateways and scanners ask with OPTIONS what a path can do."""
    return (yield from _lives(call, [("an OPTIONS", by_method(call, "OPTIONS").by(NOBODY))]))


def _preflight(call: Call, origin: str = ORIGIN) -> Draft:
    """What a browser asks before a page of another site may send an event."""
    return (
        by_method(call, "OPTIONS")
        .by(NOBODY)
        .headed("Origin", origin)
        .headed("Access-Control-Request-Method", call.operation.method)
        .headed("Access-Control-Request-Headers", "authorization,content-type")
    )


@check("robustness.preflight.status", "A browser's preflight is not answered as the server's own failure.",
       fact=NO_5XX, kinds=POSTED)  # fmt: skip
def preflight_status(call: Call) -> Steps:
    """A page whose preflight fails sends nothing at all."""
    return (yield from _lives(call, [("a preflight", _preflight(call))]))


@check("robustness.preflight.credentials", "A browser's preflight is answered without credentials.",
       fact="rules.preflight", kinds=POSTED)  # fmt: skip
def preflight_credentials(call: Call) -> Steps:
    """Browsers never send credentials with it; a server that asks for them shuts every page out."""
    expect.control((yield call.control()))
    exchange = yield _preflight(call)
    is_asked = exchange.status in _UNAUTHORIZED
    if not is_asked and exchange.status >= 400 and call.credentials().headers:
        is_asked = expect.is_accepted((yield _preflight(call).by(call.credentials())))
    if is_asked:
        raise Deviation(
            f"a preflight must be answered without credentials, and was answered with {exchange.outline}",
            expected="any answer but a question for credentials",
            received=exchange.outline,
        )
    return None


@check("robustness.preflight.allowed", "What a browser's preflight allows is reported.",
       fact="rules.preflight", kinds=POSTED, cap=Level.MAY, observes=True)  # fmt: skip
def preflight_allowed(call: Call) -> Steps:
    """Whether pages of other sites may send events here, path by path."""
    exchange = yield _preflight(call).unanswered()
    response = exchange.response
    if response is None:
        return "unanswered"
    allowed = ", ".join(
        f"{name} {_shown(response, name)}" for name in ("origin", "methods", "headers", "credentials")
    )
    return f"{exchange.status}; {allowed}"


def _shown(response: Response, name: str) -> str:
    """What a CORS header allows; the origin that was asked for stands for whatever is asked for."""
    value = response.header(f"access-control-allow-{name}")
    return "none" if value is None else "as asked" if value == ORIGIN else value


@check("robustness.preflight.origin", "No origin whatever is let in together with its credentials.",
       fact="rules.preflight-origin", kinds=POSTED, sample=Sample.KIND)  # fmt: skip
def preflight_origin(call: Call) -> Steps:
    """It lets every page on the web act as the user who looks at it."""
    drafts = [_preflight(call), _preflight(call, "null"), call.event().headed("Origin", ORIGIN)]
    is_any_let_in = False
    for draft in drafts:
        origin = dict(draft.headers)["Origin"]
        exchange = yield draft
        is_any_let_in = is_any_let_in or _lets_in(exchange)
        if _is_reflected(exchange, origin):
            raise Deviation(
                f"the origin {origin}, which nobody knows, must not be let in with credentials, and is",
                expected="no Access-Control-Allow-Credentials for any origin that asks",
                received=f"Access-Control-Allow-Origin: {origin}, Access-Control-Allow-Credentials: true",
            )
    if not is_any_let_in:
        raise Silent("the target lets no other origin in")
    return None


def _lets_in(exchange: Exchange) -> bool:
    """Whether an answer lets any origin in at all."""
    return bool(exchange.response and exchange.response.header("access-control-allow-origin"))


def _is_reflected(exchange: Exchange, origin: str) -> bool:
    """Whether an answer lets the origin that asked in, with credentials."""
    response = exchange.response
    if response is None:
        return False
    allowed = response.header("access-control-allow-credentials") or ""
    is_let_in = response.header("access-control-allow-origin") == origin
    return is_let_in and allowed.strip().lower() == "true"
