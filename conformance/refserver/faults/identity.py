"""Faults in the ids of an event: who it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.profile.facts import Condition
from conformance.refserver.faults.fault import (
    Fault,
    requires_facts,
    requires_refusals,
    requires_sdk,
)
from conformance.refserver.faults.response_overrides import (
    IS_EVENT,
    accept_refused,
    change_refusal_status,
    crash_on,
    error_reply,
    refuse_accepted,
    success_reply,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.core.model import Json
    from conformance.refserver.faults.response_overrides import RequestPredicate
    from conformance.refserver.replies import ServerReply
    from conformance.refserver.server_change import RequestView


_IDENTITY = f"answers.{Condition.IDENTITY_MISSING}"


def _ids(view: RequestView) -> list[Json]:
    """What a single event has as ids."""
    return [*view.values_of("user"), *view.values_of("anonymous")] if IS_EVENT(view) else []


def _all_ids(test: Callable[[Json], bool]) -> RequestPredicate:
    """Holds for a single event that has ids, all of which pass a test."""
    return lambda view: bool(_ids(view)) and all(map(test, _ids(view)))


def _has_id_beside_real_one(value: Json) -> RequestPredicate:
    """Holds for a single event with this value as one id and a non-empty text as the other."""
    return lambda view: value in _ids(view) and any(isinstance(item, str) and item for item in _ids(view))


def _invert_for_empty_ids(view: RequestView) -> ServerReply | None:
    """Another answer than the correct one to ids that are empty."""
    if not _all_ids(lambda value: value == "")(view):
        return None
    return error_reply(view, 400) if view.is_accepted else success_reply(view)


FAULTS = (
    Fault(
        "identity-unchecked",
        "Accepts events without a user.",
        "they can't be attributed to anybody",
        "payload.identity.missing",
        accept_refused(_IDENTITY, when=IS_EVENT),
        requires_refusals(_IDENTITY),
        key_words="no user accepted",
    ),
    Fault(
        "identity-422",
        "Answers an event without a user with 422.",
        "validators do",
        "payload.identity.missing",
        change_refusal_status(422, _IDENTITY, when=IS_EVENT),
        requires_facts(_IDENTITY),
        key_words="no user 422",
    ),
    Fault(
        "identity-crash",
        "Fails on an event without a user.",
        "a key of a table is null",
        "payload.identity.missing errors.status.payload robustness.types.main",
        crash_on(_IDENTITY, when=IS_EVENT),
        requires_facts(_IDENTITY),
        key_words="no user 500",
    ),
    Fault(
        "null-identity-accepted",
        "Takes null for an id.",
        "the field is there",
        "payload.identity.null",
        accept_refused(_IDENTITY, when=_all_ids(lambda value: value is None)),
        requires_refusals(_IDENTITY),
        key_words="null accepted",
    ),
    Fault(
        "null-identity-crash",
        "Fails on ids that are null.",
        "null has no length",
        "payload.identity.null robustness.types.main",
        crash_on(_IDENTITY, when=_all_ids(lambda value: value is None)),
        requires_facts(_IDENTITY),
        key_words="null 500",
    ),
    Fault(
        "empty-identity-otherwise",
        "Takes an empty text for an id, or refuses it.",
        "not documented, but users want to know",
        "payload.identity.empty",
        _invert_for_empty_ids,
        key_words="empty",
    ),
    Fault(
        "blank-identity-refused",
        "Trims ids, and refuses those of white space.",
        "not documented, but users want to know",
        "payload.identity.blank",
        refuse_accepted(_all_ids(lambda value: isinstance(value, str) and bool(value) and not value.strip())),
        key_words="blank",
    ),
    Fault(
        "both-ids-refused",
        "Refuses an event with both ids.",
        "one field for one id: signing in has both",
        "payload.identity.both accept.event.full",
        refuse_accepted(lambda view: len([value for value in _ids(view) if value]) > 1),
        key_words="userId anonymousId refused",
    ),
    Fault(
        "null-id-refused",
        "Refuses a null id beside a real one.",
        "official SDKs write what they don't have as null",
        "payload.identity.null-other",
        refuse_accepted(_has_id_beside_real_one(None)),
        key_words="null refused",
    ),
    Fault(
        "null-id-refused-in-batches",
        "Refuses a null id beside a real one in batches.",
        "official SDKs send exactly that",
        "sdk.*-python-*.accepted payload.identity.null-other",
        refuse_accepted(lambda view: not IS_EVENT(view) and None in view.values_of("anonymous")),
        requires_sdk("*-python-*"),
        extra_operations=("batch",),
        key_words="null refused",
    ),
    Fault(
        "empty-id-refused",
        "Refuses an empty id beside a real one.",
        "not documented, but users want to know",
        "payload.identity.empty-other",
        refuse_accepted(_has_id_beside_real_one("")),
        key_words="empty",
    ),
)
