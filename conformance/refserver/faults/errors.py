"""Faults in refusals themselves: pages for messages, stack traces, markup that comes back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.model import Kind
from conformance.refserver.faults.fault import Fault, both, has, refuses, states
from conformance.refserver.faults.twists import (
    BATCH,
    EVENT,
    editing,
    tracing,
)

if TYPE_CHECKING:
    from conformance.refserver.change import Sight
    from conformance.refserver.replies import Reply

_ERROR = states("bodies.error")
_PROBE = "<script>"
_KEYS = "answers.credentials-*"
_ALL = (
    "errors.body.json errors.body.credentials errors.body.key errors.body.size errors.body.identity "
    "errors.body.shape"
)
_TRACED = (
    "errors.trace.json errors.trace.array errors.trace.invalid-utf8 errors.trace.size "
    "errors.trace.credentials errors.trace.key"
)


def _page(reply: Reply) -> Reply:
    return replace(reply, media_type="text/html", body=b"<html><body><h1>Bad Request</h1></body></html>")


def _empty(reply: Reply) -> Reply:
    return replace(reply, media_type=None, body=b"")


def _problem(reply: Reply) -> Reply:
    return replace(
        reply, media_type="application/problem+json", body=b'{"title": "Bad Request", "status": 400}'
    )


def _refused(sight: Sight) -> bool:
    """Whether it is an event or a batch that is refused, and not with a success."""
    return not sight.is_accepted and (EVENT(sight) or BATCH(sight)) and "partly" not in sight.refusal


def _echo(sight: Sight) -> Reply | None:
    """The refused body in a page, as it came."""
    if not _refused(sight) or _PROBE not in sight.text:
        return None
    return replace(sight.reply(), media_type="text/html", body=f"<p>Can't read {sight.text}</p>".encode())


FAULTS = (
    Fault("errors-as-pages", "Answers errors with a proxy's HTML page.", "SDKs and people read the error",
          _ALL, editing(_page, when=_refused), _ERROR),
    Fault("errors-without-words", "Answers errors with an empty body.", "nobody learns what was wrong", _ALL,
          editing(_empty, when=_refused), _ERROR),
    Fault("errors-of-a-framework", "Answers errors in its framework's shape, not the documented one.",
          "SDKs look for the documented names", _ALL, editing(_problem, when=_refused),
          lambda contract: contract.states("bodies.error") and contract.states("bodies.error-batch")),
    Fault("key-errors-as-pages", "Answers wrong keys with a login page.", "a gateway in front of the server",
          "errors.body.credentials errors.body.key", editing(_page, _KEYS, when=_refused),
          both(_ERROR, refuses("answers.credentials-unknown"))),
    Fault("size-errors-as-pages", "Answers what is too large with a proxy's page.", "the proxy answers first",
          "errors.body.size", editing(_page, "limits.*"), _ERROR),
    Fault("identity-errors-without-words", "Says nothing about an event of nobody.", "a status and no word",
          "errors.body.identity", editing(_empty, "answers.identity-missing", when=EVENT),
          both(_ERROR, refuses("answers.identity-missing"))),
    Fault("error-shape-other", "Writes refusals in another shape.",
          "who writes a client wants to know the shape", "errors.body.shape",
          editing(lambda reply: replace(reply, media_type="text/plain", body=b"400"),
              "answers.json-invalid")),
    Fault("traces", "Shows a stack trace in every refusal.", "debug mode is left on", _TRACED,
          tracing(when=lambda sight: not sight.is_accepted and (EVENT(sight) or BATCH(sight))),
          lambda contract: not contract.states("bodies.error")),
    Fault("traces-in-json-errors", "Shows where its parser stopped, with files and lines.",
          "debug mode is left on", "errors.trace.json", tracing("answers.json-invalid", when=EVENT)),
    Fault("traces-in-type-errors", "Shows a stack trace where JSON is no object.", "nobody expected it",
          "errors.trace.array", tracing("answers.json-not-object")),
    Fault("traces-in-decoding-errors", "Shows a stack trace where bytes are not UTF-8.", "nobody expected it",
          "errors.trace.invalid-utf8", tracing("answers.json-not-utf8")),
    Fault("traces-in-size-errors", "Shows a stack trace where a body is too large.", "nobody expected it",
          "errors.trace.size", tracing("limits.*")),
    Fault("traces-in-key-errors", "Shows a stack trace where the key is wrong or missing.",
          "nobody expected it", "errors.trace.credentials errors.trace.key", tracing(_KEYS, when=_refused),
          refuses("answers.credentials-unknown")),
    Fault("traces-in-payload-errors", "Shows a stack trace where an event is incomplete.",
          "nobody expected it", "errors.trace.payload", tracing("answers.identity-missing", when=EVENT),
          refuses("answers.identity-missing")),
    Fault("traces-in-batch-errors", "Shows a stack trace where a batch is none.", "nobody expected it",
          "errors.trace.batch", tracing("answers.batch-not-array", "answers.batch-missing"), has(Kind.BATCH)),
    Fault("markup-reflected", "Repeats what it could not read in an HTML page.",
          "a stranger's script runs in the reader's browser", "errors.html.reflected", _echo),
)  # fmt: skip
