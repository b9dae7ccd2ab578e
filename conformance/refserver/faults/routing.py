"""Faults around the calls: methods, paths, HEAD, OPTIONS, and what browsers ask beforehand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.refserver.faults.fault import HAS_BATCHES, Fault, requires_facts, requires_sdk
from conformance.refserver.faults.response_overrides import (
    INTERNAL_ERROR,
    IS_BATCH,
    IS_EVENT_OR_BATCH,
    accept_refused,
    crash_on,
    refuse_accepted,
    refused_by,
    success_reply,
)
from conformance.refserver.replies import ServerReply

if TYPE_CHECKING:
    from conformance.refserver.faults.response_overrides import RequestPredicate
    from conformance.refserver.server_change import RequestView, ResponseOverride

_METHOD, _PATH = "answers.method-wrong", "answers.path-unknown"
_UNAUTHORIZED = ServerReply(status=401, media_type="text/plain", body=b"credentials are missing")
_UNAVAILABLE = ServerReply(status=503, media_type="text/plain", body=b"try again")
_ORIGIN, _CREDENTIALS = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"


def _is_known_path_with(method: str) -> RequestPredicate:
    """Holds for a known path that is asked with a method."""
    return lambda view: view.request.method == method and _is_known_path(view)


def _is_known_path(view: RequestView) -> bool:
    return any(path == view.request.path for _, path in view.server.operations)


def _is_cors_preflight(view: RequestView) -> bool:
    return _is_known_path_with("OPTIONS")(view) and "access-control-request-method" in view.request.headers


def _reply_when(reply: ServerReply, when: RequestPredicate) -> ResponseOverride:
    """Gives one reply to all of a kind."""
    return lambda view: reply if when(view) else None


def _reflect_origin(view: RequestView) -> ServerReply | None:
    """Lets every origin in that asks, with its credentials."""
    origin = view.request.headers.get("origin")
    if not origin:
        return None
    reply = view.correct_reply()
    return replace(reply, headers={**reply.headers, _ORIGIN: origin, _CREDENTIALS: "true"})


def _remove_cors_headers_of_answers(view: RequestView) -> ServerReply | None:
    """Sends no CORS headers with answers to events."""
    return None if view.request.method == "OPTIONS" else _remove_cors_headers(view)


def _permit_content_type_alone(view: RequestView) -> ServerReply | None:
    """Names a fixed list of headers in answers to preflights."""
    if not _is_cors_preflight(view):
        return None
    return view.correct_reply().with_headers(Access_Control_Allow_Headers="Content-Type")


def _remove_cors_headers(view: RequestView) -> ServerReply | None:
    """Sends no CORS headers."""
    if "origin" not in view.request.headers:
        return None
    headers = {name: value for name, value in view.correct_reply().headers.items() if "Access-Control" not in name}
    return replace(view.correct_reply(), headers={**headers, _ORIGIN: ""})


def _ignore_trailing_slash(view: RequestView) -> ServerReply | None:
    """Takes a path with a slash behind it for the same path."""
    path = view.request.path
    if not path.endswith("/") or not refused_by(_PATH)(view):
        return None
    return view.server.correct_reply(view.server.decide(replace(view.request, path=path.rstrip("/"))))


def _unavailable_for_bad_key(view: RequestView) -> ServerReply | None:
    """Answers 503 if the key is unknown or missing."""
    has_bad_key = refused_by("answers.credentials-unknown", "answers.credentials-missing")(view)
    return _UNAVAILABLE if has_bad_key and IS_EVENT_OR_BATCH(view) else None


FAULTS = (
    Fault(
        "methods-ignored",
        "Takes events by any method.",
        "routes match by their path alone",
        "robustness.method.wrong",
        lambda view: (
            success_reply(view)
            if refused_by(_METHOD)(view) and view.request.method in {"PUT", "PATCH", "GET"}
            else None
        ),
        key_words="in place of POST 204",
    ),
    Fault(
        "methods-crash",
        "Fails on methods that a path does not have.",
        "nobody wrote a handler",
        "robustness.method.wrong robustness.method.status robustness.head.status",
        crash_on(_METHOD),
        key_words="GET 500",
    ),
    Fault(
        "put-crash",
        "Fails on PUT and PATCH.",
        "a body is read that nobody expected",
        "robustness.method.wrong robustness.method.status",
        crash_on(_METHOD, when=lambda view: view.request.method in {"PUT", "PATCH"}),
        key_words="PUT 500",
    ),
    Fault(
        "head-crash",
        "Fails on HEAD.",
        "monitors use it to see whether a server is up",
        "robustness.head.status",
        crash_on(when=_is_known_path_with("HEAD")),
        key_words="HEAD 500",
    ),
    Fault(
        "unknown-paths-accepted",
        "Answers 200 to every path.",
        "a catch-all in front of the routes",
        "robustness.path.unknown",
        accept_refused(_PATH, when=lambda view: "unknown" in view.request.path),
        key_words="unknown accepted",
    ),
    Fault(
        "unknown-paths-crash",
        "Fails on paths that it does not know.",
        "a table of handlers has no such key",
        "robustness.path.unknown robustness.path.status",
        crash_on(_PATH),
        key_words="unknown 500",
    ),
    Fault(
        "odd-paths-crash",
        "Fails on a path that is no UTF-8, or has a NUL.",
        "paths become names of files",
        "robustness.path.status",
        crash_on(_PATH, when=lambda view: "\ufffd" in view.request.path or "\x00" in view.request.path),
        key_words="path 500",
    ),
    Fault(
        "slashes-forgiven",
        "Takes a path with a slash behind it for the same.",
        "not documented, but users want to know",
        "robustness.path.spelling",
        _ignore_trailing_slash,
        key_words="slash",
    ),
    Fault(
        "options-crash",
        "Fails on OPTIONS.",
        "nobody wrote a handler",
        "robustness.options.plain robustness.preflight.status sdk.*-next-*.accepted",
        _reply_when(INTERNAL_ERROR, _is_known_path_with("OPTIONS")),
        key_words="OPTIONS 500",
    ),
    Fault(
        "preflight-crash",
        "Fails on a preflight.",
        "a header is read that is not there",
        "robustness.preflight.status sdk.*-next-*.accepted",
        _reply_when(INTERNAL_ERROR, _is_cors_preflight),
        key_words="preflight 500",
    ),
    Fault(
        "preflight-guarded",
        "Asks a preflight for credentials.",
        "the guard stands before the answer to browsers, which never send a key with it",
        "robustness.preflight.credentials robustness.preflight.allowed sdk.*-next-*.accepted",
        _reply_when(_UNAUTHORIZED, _is_cors_preflight),
        key_words="preflight credentials",
    ),
    Fault(
        "preflight-guarded-on-batches",
        "Asks a preflight for credentials on the path of batches.",
        "CORS is configured route by route",
        "robustness.preflight.credentials",
        _reply_when(_UNAUTHORIZED, lambda view: _is_cors_preflight(view) and "batch" in view.request.path),
        HAS_BATCHES,
        extra_operations=("batch",),
        key_words="preflight credentials",
    ),
    Fault(
        "origins-reflected",
        "Allows every origin, with credentials.",
        "every page on the web acts as the user who looks at it",
        "robustness.preflight.origin",
        _reflect_origin,
        key_words="origin credentials",
    ),
    Fault(
        "cors-absent",
        "Sends no CORS headers.",
        "users want to know on which paths browsers can send",
        "robustness.preflight.allowed sdk.*-next-*.accepted",
        _remove_cors_headers,
        key_words="Access-Control-Allow-Origin",
    ),
    Fault(
        "cors-absent-on-answers",
        "Sends CORS headers with answers to preflights alone.",
        "the browser sends the event, hides the answer from the page, and the SDK sends it again",
        "sdk.*-next-*.accepted sdk.*-next-*.reactions",
        _remove_cors_headers_of_answers,
        requires_sdk("*-next-*"),
        extra_operations=("/v1/t",),
        key_words="Access-Control-Allow-Origin",
    ),
    Fault(
        "preflight-of-old-headers",
        "Permits browsers Content-Type alone.",
        "the list was written before the SDK sent its key in a header",
        "sdk.*-next-*.accepted sdk.*-next-*.reactions robustness.preflight.allowed",
        _permit_content_type_alone,
        requires_sdk("*-next-*"),
        extra_operations=("/v1/t",),
        key_words="Access-Control-Allow-Headers",
    ),
    Fault(
        "sdk-metadata-refused",
        "Refuses the metadata that an official SDK adds to each event.",
        "strict schemas shut it out",
        "sdk.*-node-3-1-*.accepted",
        refuse_accepted(lambda view: IS_BATCH(view) and '"_metadata"' in view.body_text),
        requires_facts("credentials.bearer"),
        extra_operations=("batch",),
        key_words="analytics-node refused",
    ),
    Fault(
        "sdk-nulls-refused",
        "Refuses batches with nulls for fields of their events.",
        "official SDKs send them",
        "sdk.*-android-*.accepted payload.identity.null-other",
        refuse_accepted(lambda view: IS_BATCH(view) and any(None in event.values() for event in view.events)),
        requires_facts("bodies.error-batch"),
        extra_operations=("batch",),
        key_words="SDK null",
    ),
    Fault(
        "sdk-told-to-retry",
        "Answers unknown and missing keys with 503.",
        "SDKs then send the same events again, for hours",
        "sdk.*.reactions auth.key.unknown auth.key.suffixed auth.credentials.missing "
        "errors.status.credentials robustness.headers.key-twice",
        _unavailable_for_bad_key,
        requires_facts("bodies.error"),
        extra_operations=("batch", "/v1/b", "/v1/t"),
        key_words="credentials 503",
    ),
)
