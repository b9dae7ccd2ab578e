"""Faults around the calls: methods, paths, HEAD, OPTIONS, and what browsers ask beforehand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.core.model import OperationKind
from conformance.refserver.faults.fault import Fault, requires_facts, requires_kinds
from conformance.refserver.faults.response_overrides import (
    INTERNAL_ERROR,
    IS_BATCH,
    IS_EVENT,
    accept_refused,
    crash_on,
    refuse_accepted,
    refused_by,
    success_reply,
)
from conformance.refserver.replies import ServerReply

if TYPE_CHECKING:
    from conformance.refserver.fault_change import RequestView, ResponseOverride
    from conformance.refserver.faults.response_overrides import RequestPredicate

_METHOD, _PATH = "answers.method-wrong", "answers.path-unknown"
_UNAUTHORIZED = ServerReply(status=401, media_type="text/plain", body=b"credentials are missing")
_UNAVAILABLE = ServerReply(status=503, media_type="text/plain", body=b"try again")
_ORIGIN, _CREDENTIALS = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"


def _is_known_path_with(method: str) -> RequestPredicate:
    """Holds for a known path that is asked with a method."""
    return lambda sight: sight.request.method == method and _is_known_path(sight)


def _is_known_path(sight: RequestView) -> bool:
    return any(path == sight.request.path for _, path in sight.server.operations)


def _is_cors_preflight(sight: RequestView) -> bool:
    return _is_known_path_with("OPTIONS")(sight) and "access-control-request-method" in sight.request.headers


def _reply_when(reply: ServerReply, when: RequestPredicate) -> ResponseOverride:
    """Gives one reply to all of a kind."""
    return lambda sight: reply if when(sight) else None


def _reflect_origin(sight: RequestView) -> ServerReply | None:
    """Lets every origin in that asks, with its credentials."""
    origin = sight.request.headers.get("origin")
    if not origin:
        return None
    reply = sight.correct_reply()
    return replace(reply, headers={**reply.headers, _ORIGIN: origin, _CREDENTIALS: "true"})


def _remove_cors_headers(sight: RequestView) -> ServerReply | None:
    """Says nothing of other origins."""
    if "origin" not in sight.request.headers:
        return None
    headers = {name: value for name, value in sight.correct_reply().headers.items() if "Access-Control" not in name}
    return replace(sight.correct_reply(), headers={**headers, _ORIGIN: ""})


def _ignore_trailing_slash(sight: RequestView) -> ServerReply | None:
    """Takes a path with a slash behind it for the same path."""
    path = sight.request.path
    if not path.endswith("/") or not refused_by(_PATH)(sight):
        return None
    return sight.server.correct_reply(sight.server.decide(replace(sight.request, path=path.rstrip("/"))))


def _unavailable_for_bad_key(sight: RequestView) -> ServerReply | None:
    """Feels ill over a key that it does not know."""
    has_bad_key = refused_by("answers.credentials-unknown", "answers.credentials-missing")(sight)
    return _UNAVAILABLE if has_bad_key and (IS_EVENT(sight) or IS_BATCH(sight)) else None


FAULTS = (
    Fault(
        "methods-ignored",
        "Takes events by any method.",
        "routes match by their path alone",
        "robustness.method.wrong",
        lambda sight: (
            success_reply(sight)
            if refused_by(_METHOD)(sight) and sight.request.method in {"PUT", "PATCH", "GET"}
            else None
        ),
    ),
    Fault(
        "methods-crash",
        "Fails on methods that a path does not have.",
        "nobody wrote a handler",
        "robustness.method.wrong robustness.method.status robustness.head.status",
        crash_on(_METHOD),
    ),
    Fault(
        "put-crash",
        "Fails on PUT and PATCH.",
        "a body is read that nobody expected",
        "robustness.method.wrong robustness.method.status",
        crash_on(_METHOD, when=lambda sight: sight.request.method in {"PUT", "PATCH"}),
    ),
    Fault(
        "head-crash",
        "Fails on HEAD.",
        "monitors ask with it whether a server lives",
        "robustness.head.status",
        crash_on(when=_is_known_path_with("HEAD")),
    ),
    Fault(
        "unknown-paths-accepted",
        "Answers 200 to whatever path.",
        "a catch-all in front of the routes",
        "robustness.path.unknown",
        accept_refused(_PATH, when=lambda sight: "unknown" in sight.request.path),
    ),
    Fault(
        "unknown-paths-crash",
        "Fails on paths that it does not know.",
        "a table of handlers has no such key",
        "robustness.path.unknown robustness.path.status",
        crash_on(_PATH),
    ),
    Fault(
        "odd-paths-crash",
        "Fails on a path that is no UTF-8, or has a NUL.",
        "paths become names of files",
        "robustness.path.status",
        crash_on(_PATH, when=lambda sight: "\ufffd" in sight.request.path or "\x00" in sight.request.path),
    ),
    Fault(
        "slashes-forgiven",
        "Takes a path with a slash behind it for the same.",
        "people want to know",
        "robustness.path.spelling",
        _ignore_trailing_slash,
    ),
    Fault(
        "options-crash",
        "Fails on OPTIONS.",
        "nobody wrote a handler",
        "robustness.options.plain robustness.preflight.status",
        _reply_when(INTERNAL_ERROR, _is_known_path_with("OPTIONS")),
    ),
    Fault(
        "preflight-crash",
        "Fails on a preflight.",
        "a header is read that is not there",
        "robustness.preflight.status",
        _reply_when(INTERNAL_ERROR, _is_cors_preflight),
    ),
    Fault(
        "preflight-guarded",
        "Asks a preflight for credentials.",
        "the guard stands before the answer to browsers, which never send a key with it",
        "robustness.preflight.credentials robustness.preflight.allowed",
        _reply_when(_UNAUTHORIZED, _is_cors_preflight),
    ),
    Fault(
        "preflight-guarded-on-batches",
        "Asks a preflight for credentials on the path of batches.",
        "CORS is configured route by route",
        "robustness.preflight.credentials",
        _reply_when(_UNAUTHORIZED, lambda sight: _is_cors_preflight(sight) and "batch" in sight.request.path),
        requires_kinds(OperationKind.BATCH),
        extra_operations=("batch",),
    ),
    Fault(
        "origins-reflected",
        "Lets every origin in, together with its credentials.",
        "every page on the web acts as the user who looks at it",
        "robustness.preflight.origin",
        _reflect_origin,
    ),
    Fault(
        "cors-absent",
        "Says nothing of other origins.",
        "people want to know on which paths browsers can send",
        "robustness.preflight.allowed",
        _remove_cors_headers,
    ),
    Fault(
        "sdk-metadata-refused",
        "Refuses the metadata that an official SDK adds to each event.",
        "strict schemas shut it out",
        "sdk.*-node-3-1-*.accepted",
        refuse_accepted(lambda sight: IS_BATCH(sight) and '"_metadata"' in sight.body_text),
        requires_facts("credentials.bearer"),
        extra_operations=("batch",),
    ),
    Fault(
        "sdk-nulls-refused",
        "Refuses batches with nulls for fields of their events.",
        "official SDKs send them",
        "sdk.*-android-*.accepted payload.identity.null-other",
        refuse_accepted(lambda sight: IS_BATCH(sight) and any(None in event.values() for event in sight.events)),
        requires_facts("bodies.error-batch"),
        extra_operations=("batch",),
    ),
    Fault(
        "sdk-told-to-retry",
        "Answers unknown and missing keys with 503.",
        "SDKs then send the same events again, for hours",
        "sdk.*.reactions auth.key.unknown auth.key.suffixed auth.credentials.missing "
        "errors.status.credentials robustness.headers.key-twice robustness.connection.credentials",
        _unavailable_for_bad_key,
        requires_facts("bodies.error"),
        extra_operations=("batch", "/v1/b", "/v1/t"),
    ),
)
