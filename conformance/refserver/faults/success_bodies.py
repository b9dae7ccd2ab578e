"""Faults in the bodies of successes, which say that events were refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.refserver.faults.fault import HAS_BATCHES, Fault
from conformance.refserver.faults.response_overrides import IS_BATCH, IS_EVENT, is_not_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.refserver.faults.response_overrides import RequestPredicate
    from conformance.refserver.replies import ServerReply
    from conformance.refserver.server_change import RequestView, ResponseOverride


def count_events(view: RequestView) -> ServerReply | None:
    """Says in the body of a success what became of each event, in words that also say refusals."""
    if not view.is_accepted or view.request.method == "OPTIONS":
        return None
    count = len(view.events)
    body = {
        "success": True, "error": None, "errors": [], "failed": 0, "receivedEvents": count, "okEvents": count,
        "message": f"processed {count} of {count}", "results": [{"status": "ok", "code": 200}] * count,
    }  # fmt: skip
    return replace(view.correct_reply(), media_type="application/json", body=json.dumps(body).encode())


def _refuse_in_body(when: RequestPredicate, refusal: Callable[[RequestView], str]) -> ResponseOverride:
    """Answers 200 to some accepted requests, with a body that says that events were refused."""

    def override(view: RequestView) -> ServerReply | None:
        if not view.is_accepted or not is_not_options(view) or not when(view):
            return None
        return replace(view.correct_reply(), status=200, media_type="application/json", body=refusal(view).encode())

    return override


FAULTS = (
    Fault(
        "refusal-in-success",
        "Answers 200 to events from before 2000, and says in the body that it refused them.",
        "gateways answer before the events are checked, and put what the checks say into the body",
        "accept.timestamp.historical",
        _refuse_in_body(
            lambda view: "1999-12-31" in view.body_text and IS_EVENT(view),
            lambda _: '{"ok": false, "okEvents": 0, "errors": ["too old"]}',
        ),
        key_words="body says refused",
    ),
    Fault(
        "batch-half-taken",
        "Answers 200 to batches, and says in the body that it took only one of their events.",
        "a client that looks at the status drops the others",
        "batch.count.many",
        _refuse_in_body(
            lambda view: IS_BATCH(view) and len(view.events) > 20,
            lambda view: f'{{"message": "processed 1 of {len(view.events)}"}}',
        ),
        HAS_BATCHES,
        key_words="batch body says refused",
    ),
)
