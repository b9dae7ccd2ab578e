"""Faults in what browsers let pages of other sites send and read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.refserver.application import HttpBehavior
from conformance.refserver.faults.fault import HAS_BATCHES, Fault
from conformance.refserver.faults.response_overrides import INTERNAL_ERROR, any_request, error_reply, refused_by
from conformance.refserver.replies import ServerReply
from conformance.refserver.server_change import ServerChange

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.refserver.faults.response_overrides import RequestPredicate
    from conformance.refserver.server_change import RequestView, ResponseOverride

_FIRST_REFUSAL = 400
_MANY_IN_FLIGHT = 10
"""More requests than a run has in flight outside of bursts."""
_SLASH_REASON = "the router tidies the path before it looks at the method"


def hide_answers(when: RequestPredicate) -> ResponseOverride:
    """Leaves out the CORS headers of some answers to events."""

    def override(view: RequestView) -> ServerReply | None:
        if view.request.method == "OPTIONS" or "origin" not in view.request.headers or not when(view):
            return None
        return view.correct_reply().with_headers(Access_Control_Allow_Origin="")

    return override


def _is_refused(view: RequestView) -> bool:
    return view.kind is not None and view.correct_reply().status >= _FIRST_REFUSAL


def _fixed_headers(view: RequestView) -> ServerReply | None:
    """Allows pages a header that nobody sends."""
    if "access-control-request-method" not in view.request.headers:
        return None
    return view.correct_reply().with_headers(Access_Control_Allow_Headers="x-example")


def _wildcard_with_credentials(when: RequestPredicate) -> ResponseOverride:
    def override(view: RequestView) -> ServerReply | None:
        if "origin" not in view.request.headers or not when(view):
            return None
        return view.correct_reply().with_headers(
            Access_Control_Allow_Origin="*", Access_Control_Allow_Credentials="true"
        )

    return override


def _limit_pages(**headers: str) -> ServerChange:
    """Refuses requests of pages while many are in flight, with headers that are not those of the correct server."""

    def override(view: RequestView) -> ServerReply | None:
        if "origin" not in view.request.headers or view.server.in_flight <= _MANY_IN_FLIGHT:
            return None
        return error_reply(view, 429).with_headers(Retry_After="1", X_RateLimit_Reset="1", **headers)

    return ServerChange(override=override, behavior=HttpBehavior(delay_s=0.015))


def _may_limit(contract: Contract) -> bool:
    return not contract.has_fact("rate.unlimited")


def _fail_unreadably(view: RequestView) -> ServerReply | None:
    """Fails on invalid JSON of pages, without CORS headers."""
    if "origin" not in view.request.headers or view.refusal_fact != "answers.json-invalid":
        return None
    return INTERNAL_ERROR.with_headers(Access_Control_Allow_Origin="")


def _redirect(view: RequestView) -> ServerReply | None:
    """Redirects to the path without a doubled slash, or without one at the end."""
    path = "/" + "/".join(part for part in view.request.path.split("/") if part)
    if path == view.request.path or (view.request.method, path) not in view.server.operations:
        return None
    return ServerReply(status=301, headers={"Location": path})


def _redirect_batches(view: RequestView) -> ServerReply | None:
    """Redirects with 303, from the paths of batches alone."""
    reply = _redirect(view) if "batch" in view.request.path else None
    return replace(reply, status=303) if reply else None


def _is_plain_text(view: RequestView) -> bool:
    return view.request.headers.get("content-type", "").startswith("text/plain")


FAULTS = (
    Fault(
        "cors-headers-fixed",
        "Allows pages a list of headers that has none of those that they send.",
        "the list was copied from an example",
        "robustness.cors.headers robustness.preflight.allowed sdk.*-next-*.accepted sdk.*-next-*.reactions",
        _fixed_headers,
        key_words="Access-Control-Allow-Headers",
    ),
    Fault(
        "cors-absent-on-successes",
        "Answers accepted events without CORS headers.",
        "the headers were configured for preflights alone",
        "robustness.cors.accepted sdk.*-next-*.accepted sdk.*-next-*.reactions",
        hide_answers(lambda view: view.is_accepted and not _is_plain_text(view)),
        key_words="Access-Control-Allow-Origin",
    ),
    Fault(
        "cors-absent-on-beacons",
        "Answers events as text/plain without CORS headers.",
        "beacons take a route of their own",
        "robustness.cors.accepted sdk.*-next-*.accepted sdk.*-next-*.reactions",
        hide_answers(_is_plain_text),
        key_words="text/plain Access-Control-Allow-Origin",
    ),
    Fault(
        "cors-absent-on-refusals",
        "Refuses without CORS headers.",
        "the answer to an error does not pass the code that adds them",
        "robustness.cors.refused sdk.*-next-*.reactions",
        hide_answers(_is_refused),
        key_words="answer Access-Control-Allow-Origin",
    ),
    Fault(
        "cors-absent-on-size",
        "Refuses bodies over the limit without CORS headers.",
        "a proxy in front of the server refuses them",
        "robustness.cors.refused sdk.*-next-*.reactions",
        hide_answers(refused_by("limits.*")),
        key_words="limit Access-Control-Allow-Origin",
    ),
    Fault(
        "cors-absent-on-failures",
        "Fails on invalid JSON of pages, without CORS headers.",
        "the handler of exceptions stands in front of the code that adds them",
        "robustness.cors.failed robustness.cors.refused sdk.*-next-*.reactions",
        _fail_unreadably,
        key_words="500 Access-Control-Allow-Origin",
    ),
    Fault(
        "cors-absent-on-429",
        "Answers pages that send too much without CORS headers.",
        "a limiter stands in front of the server",
        "robustness.cors.limited",
        _limit_pages(Access_Control_Allow_Origin=""),
        _may_limit,
        key_words="rate limit Access-Control-Allow-Origin",
    ),
    Fault(
        "cors-retry-after-hidden",
        "Does not let pages read Retry-After.",
        "nobody has told the framework which headers scripts need",
        "robustness.cors.retry-after",
        _limit_pages(Access_Control_Expose_Headers="X-RateLimit-Reset"),
        _may_limit,
        key_words="Retry-After Access-Control-Expose-Headers",
    ),
    Fault(
        "cors-wildcard-with-credentials-on-beacons",
        "Allows any origin by * together with credentials to beacons.",
        "beacons come with cookies, and two defaults of a framework do not go together",
        "robustness.cors.wildcard",
        _wildcard_with_credentials(_is_plain_text),
        key_words="credentials",
    ),
    Fault(
        "cors-absent-on-refused-beacons",
        "Refuses events as text/plain without CORS headers.",
        "beacons take a route of their own, and its errors another one",
        "robustness.cors.refused sdk.*-next-*.reactions",
        hide_answers(lambda view: _is_refused(view) and _is_plain_text(view)),
        key_words="text/plain Access-Control-Allow-Origin",
    ),
    Fault(
        "cors-wildcard-with-credentials",
        "Allows any origin by * together with credentials.",
        "two defaults of a framework do not go together",
        "robustness.cors.wildcard",
        _wildcard_with_credentials(any_request),
        key_words="credentials",
    ),
    Fault(
        "cors-wildcard-with-credentials-on-refusals",
        "Allows any origin by * together with credentials where it refuses.",
        "errors are answered by other code",
        "robustness.cors.wildcard",
        _wildcard_with_credentials(_is_refused),
        key_words="credentials",
    ),
    Fault(
        "slashes-redirected",
        "Redirects from a path with a doubled slash, or with one at its end, with 301.",
        _SLASH_REASON,
        "robustness.path.redirected robustness.path.spelling",
        _redirect,
        key_words="redirected 301",
    ),
    Fault(
        "slashes-redirected-on-batches",
        "Redirects batches from a path with a slash at its end with 303.",
        _SLASH_REASON,
        "robustness.path.redirected",
        _redirect_batches,
        HAS_BATCHES,
        extra_operations=("batch",),
        key_words="redirected 303",
    ),
)
