"""Faults around the calls: methods, paths, HEAD, OPTIONS, and what browsers ask beforehand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.model import Kind
from conformance.refserver.faults.fault import Fault, has, states
from conformance.refserver.faults.twists import (
    BATCH,
    CRASH,
    EVENT,
    accept,
    accepting,
    crashing,
    refused,
    refusing,
)
from conformance.refserver.replies import Reply

if TYPE_CHECKING:
    from conformance.refserver.change import Sight, Twist
    from conformance.refserver.faults.twists import When

_METHOD, _PATH = "answers.method-wrong", "answers.path-unknown"
_REFUSED = Reply(status=401, media_type="text/plain", body=b"credentials are missing")
_ILL = Reply(status=503, media_type="text/plain", body=b"try again")
_ORIGIN, _CREDENTIALS = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"


def _asked(method: str) -> When:
    """Holds for a known path that is asked with a method."""
    return lambda sight: sight.incoming.method == method and _is_known(sight)


def _is_known(sight: Sight) -> bool:
    return any(path == sight.incoming.path for _, path in sight.server.operations)


def _preflight(sight: Sight) -> bool:
    return _asked("OPTIONS")(sight) and "access-control-request-method" in sight.incoming.headers


def _always(reply: Reply, when: When) -> Twist:
    """Gives one reply to all of a kind."""
    return lambda sight: reply if when(sight) else None


def _reflecting(sight: Sight) -> Reply | None:
    """Lets every origin in that asks, with its credentials."""
    origin = sight.incoming.headers.get("origin")
    if not origin:
        return None
    reply = sight.reply()
    return replace(reply, headers={**reply.headers, _ORIGIN: origin, _CREDENTIALS: "true"})


def _without_cors(sight: Sight) -> Reply | None:
    """Says nothing of other origins."""
    if "origin" not in sight.incoming.headers:
        return None
    headers = {name: value for name, value in sight.reply().headers.items() if "Access-Control" not in name}
    return replace(sight.reply(), headers={**headers, _ORIGIN: ""})


def _slashed(sight: Sight) -> Reply | None:
    """Takes a path with a slash behind it for the same path."""
    path = sight.incoming.path
    if not path.endswith("/") or not refused(_PATH)(sight):
        return None
    return sight.server.correct(sight.server.decide(replace(sight.incoming, path=path.rstrip("/"))))


def _ill(sight: Sight) -> Reply | None:
    """Feels ill over a key that it does not know."""
    is_stranger = refused("answers.credentials-unknown", "answers.credentials-missing")(sight)
    return _ILL if is_stranger and (EVENT(sight) or BATCH(sight)) else None


FAULTS = (
    Fault("methods-ignored", "Takes events by any method.", "routes match by their path alone",
          "robustness.method.wrong",
          lambda sight: accept(sight) if refused(_METHOD)(sight) and sight.incoming.method in {"PUT",
              "PATCH", "GET"} else None),
    Fault("methods-crash", "Fails on methods that a path does not have.", "nobody wrote a handler",
          "robustness.method.wrong robustness.method.status robustness.head.status", crashing(_METHOD)),
    Fault("put-crash", "Fails on PUT and PATCH.", "a body is read that nobody expected",
          "robustness.method.wrong robustness.method.status",
          crashing(_METHOD, when=lambda sight: sight.incoming.method in {"PUT", "PATCH"})),
    Fault("head-crash", "Fails on HEAD.", "monitors ask with it whether a server lives",
          "robustness.head.status", crashing(when=_asked("HEAD"))),
    Fault("unknown-paths-accepted", "Answers 200 to whatever path.", "a catch-all in front of the routes",
          "robustness.path.unknown", accepting(_PATH, when=lambda sight: "unknown" in sight.incoming.path)),
    Fault("unknown-paths-crash", "Fails on paths that it does not know.",
          "a table of handlers has no such key", "robustness.path.unknown robustness.path.status",
          crashing(_PATH)),
    Fault("odd-paths-crash", "Fails on a path that is no UTF-8, or has a NUL.", "paths become names of files",
          "robustness.path.status",
          crashing(_PATH, when=lambda sight: "\ufffd" in sight.incoming.path
              or "\x00" in sight.incoming.path)),
    Fault("slashes-forgiven", "Takes a path with a slash behind it for the same.", "people want to know",
          "robustness.path.spelling", _slashed),
    Fault("options-crash", "Fails on OPTIONS.", "nobody wrote a handler",
          "robustness.options.plain robustness.preflight.status", _always(CRASH, _asked("OPTIONS"))),
    Fault("preflight-crash", "Fails on a preflight.", "a header is read that is not there",
          "robustness.preflight.status", _always(CRASH, _preflight)),
    Fault("preflight-guarded", "Asks a preflight for credentials.",
          "the guard stands before the answer to browsers, which never send a key with it",
          "robustness.preflight.credentials robustness.preflight.allowed", _always(_REFUSED, _preflight)),
    Fault("preflight-guarded-on-batches", "Asks a preflight for credentials on the path of batches.",
          "CORS is configured route by route", "robustness.preflight.credentials",
          _always(_REFUSED, lambda sight: _preflight(sight) and "batch" in sight.incoming.path),
          has(Kind.BATCH), also=("batch",)),
    Fault("origins-reflected", "Lets every origin in, together with its credentials.",
          "every page on the web acts as the user who looks at it", "robustness.preflight.origin",
          _reflecting),
    Fault("cors-absent", "Says nothing of other origins.",
          "people want to know on which paths browsers can send", "robustness.preflight.allowed",
          _without_cors),
    Fault("sdk-metadata-refused", "Refuses the metadata that an official SDK adds to each event.",
          "strict schemas shut it out", "sdk.*-node-3-1-*.accepted",
          refusing(lambda sight: BATCH(sight) and '"_metadata"' in sight.text), states("credentials.bearer"),
          also=("batch",)),
    Fault("sdk-nulls-refused", "Refuses batches with nulls for fields of their events.",
          "official SDKs send them", "sdk.*-android-*.accepted payload.identity.null-other",
          refusing(lambda sight: BATCH(sight) and any(None in event.values() for event in sight.events)),
          states("bodies.error-batch"), also=("batch",)),
    Fault("sdk-told-to-retry", "Answers unknown and missing keys with 503.",
          "SDKs then send the same events again, for hours",
          "sdk.*.reactions auth.key.unknown auth.key.suffixed auth.credentials.missing "
          "errors.status.credentials robustness.headers.key-twice robustness.connection.credentials", _ill,
          states("bodies.error"), also=("batch", "/v1/b", "/v1/t")),
)  # fmt: skip
