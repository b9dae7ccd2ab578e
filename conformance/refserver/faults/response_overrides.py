"""Factories of response overrides, one for each kind of wrong answer, and predicates on requests."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from conformance.core.model import OperationKind
from conformance.profile.facts import Condition
from conformance.refserver.replies import ServerReply
from conformance.refserver.server_change import RequestView

if TYPE_CHECKING:
    from conformance.profile.facts import LimitKind
    from conformance.refserver.server_change import ResponseOverride

RequestPredicate: TypeAlias = Callable[[RequestView], bool]
ReplyEdit: TypeAlias = Callable[[ServerReply], ServerReply]

INTERNAL_ERROR = ServerReply(status=500, media_type="text/plain", body=b"Internal Server Error")
STACK_TRACE = b"""Traceback (most recent call last):
  File "/app/ingest.py", line 42, in take
    event = json.loads(body)
ValueError: Expecting value: line 1 column 1 (char 0)
"""


def any_request(_: RequestView) -> bool:
    """Holds for every request."""
    return True


def for_kinds(*kinds: OperationKind) -> RequestPredicate:
    """Holds for requests to operations of these kinds."""
    return lambda view: view.kind in kinds


IS_EVENT, IS_BATCH, IS_PIXEL, IS_WEBHOOK = (
    for_kinds(kind) for kind in (OperationKind.EVENT, OperationKind.BATCH, OperationKind.PIXEL, OperationKind.WEBHOOK)
)
IS_EVENT_OR_BATCH = for_kinds(OperationKind.EVENT, OperationKind.BATCH)
HAS_JSON_BODY = for_kinds(OperationKind.EVENT, OperationKind.BATCH, OperationKind.WEBHOOK)


def refused_by(*facts: str, when: RequestPredicate = any_request) -> RequestPredicate:
    """Holds for requests that are refused by one of these facts. `facts` are globs."""
    return lambda view: any(fnmatch.fnmatchcase(view.refusal_fact, fact) for fact in facts) and when(view)


def is_not_options(view: RequestView) -> bool:
    """Whether the method is not OPTIONS."""
    return view.request.method != "OPTIONS"


def success_reply(view: RequestView) -> ServerReply:
    """The answer to an accepted request."""
    return view.server.success_reply(view.contract.expected_response(Condition.ACCEPTED).expect[0])


def error_reply(view: RequestView, status: int, reason: str = "the request is refused") -> ServerReply:
    """A refusal with any status and the documented body."""
    return view.server.error_reply(view.decision.operation, status, reason)


def accept_refused(*facts: str, when: RequestPredicate = any_request) -> ResponseOverride:
    """Accepts requests that one of these facts refuses."""
    holds = refused_by(*facts, when=when)
    return lambda view: success_reply(view) if is_not_options(view) and holds(view) else None


def change_refusal_status(status: int, *facts: str, when: RequestPredicate = any_request) -> ResponseOverride:
    """Answers requests that one of these facts refuses with another status."""
    holds = refused_by(*facts, when=when)
    return lambda view: error_reply(view, status) if is_not_options(view) and holds(view) else None


def refuse_accepted(when: RequestPredicate, status: int = 400) -> ResponseOverride:
    """Refuses acceptable requests."""
    return lambda view: error_reply(view, status) if view.is_accepted and is_not_options(view) and when(view) else None


def refuse_as_too_large(when: RequestPredicate, limit_kind: LimitKind) -> ResponseOverride:
    """Refuses acceptable requests as too large, with the status of that limit."""

    def override(view: RequestView) -> ServerReply | None:
        if not view.is_accepted or not when(view):
            return None
        return error_reply(view, view.contract.size_limit(limit_kind).expect[0])

    return override


def crash_on(*facts: str, when: RequestPredicate = any_request) -> ResponseOverride:
    """Answers 500 to requests that one of these facts refuses; without facts, to all requests."""
    holds = refused_by(*facts, when=when) if facts else when
    return lambda view: INTERNAL_ERROR if is_not_options(view) and holds(view) else None


def show_stack_trace(*facts: str, when: RequestPredicate = any_request) -> ResponseOverride:
    """Answers with a stack trace where one of these facts refuses."""
    return edit_reply(lambda reply: replace(reply, media_type="text/plain", body=STACK_TRACE), *facts, when=when)


def edit_reply(edit: ReplyEdit, *facts: str, when: RequestPredicate = any_request) -> ResponseOverride:
    """Edits the answer to requests that one of these facts refuses; without facts, every answer."""
    holds = refused_by(*facts, when=when) if facts else when
    return lambda view: edit(view.correct_reply()) if holds(view) else None
