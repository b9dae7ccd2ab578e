"""Faults in what documents state in passing: other fields, other examples, all errors, pixels as they are printed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.profile.body_format import BodyFormat
from conformance.profile.facts import CUSTOMARY_FIELDS, Condition, ResponseKind
from conformance.refserver.faults import credentials
from conformance.refserver.faults.fault import (
    HAS_BATCHES,
    HAS_PIXELS,
    HAS_WEBHOOKS,
    Fault,
    all_of,
    requires_facts,
    requires_refusals,
)
from conformance.refserver.faults.response_overrides import (
    IS_BATCH,
    IS_EVENT,
    IS_PIXEL,
    IS_WEBHOOK,
    accept_refused,
    crash_on,
    edit_reply,
    refuse_accepted,
    refused_by,
)

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.refserver.replies import ServerReply
    from conformance.refserver.server_change import RequestView

_IDENTITY, _PARTLY = "answers.identity-missing", "answers.batch-partly-bad"
_REQUIRED_FIELDS = "events.*.required.*"


def _has_further_examples(contract: Contract) -> bool:
    """Whether the documents have a second example of a track call."""
    return any(event.further_examples for event in contract.profile.events.values() if event.name == "track")


def _has_extra_email(view: RequestView) -> bool:
    return IS_EVENT(view) and isinstance(view.document, dict) and "email" in view.document


def _has_system(view: RequestView) -> bool:
    """Whether an event's context names an operating system."""
    where = view.contract.profile.pointers.context
    return IS_EVENT(view) and bool(view.values_at(f"{where}/os"))


def _has_password(view: RequestView) -> bool:
    """Whether the right key has a password beside it."""
    user, _, password = (credentials.basic_user_and_password(view) or "").partition(":")
    return user == view.server.authenticator.write_key and bool(password)


def _has_unknown_token(view: RequestView) -> bool:
    is_bearer = credentials.auth_scheme(view).lower() == "bearer"
    return is_bearer and credentials.auth_token(view) != view.server.authenticator.bearer


def _has_token_without_key(view: RequestView) -> bool:
    return credentials.auth_scheme(view).lower() == "bearer" and credentials.body_key(view) is None


def _names_nobody(view: RequestView) -> bool:
    """Whether it is a batch of several events that all name no user."""
    is_refused = refused_by(_IDENTITY)(view)
    return IS_BATCH(view) and len(view.events) > 1 and is_refused


def _keep_first_error(reply: ServerReply) -> ServerReply:
    """The answer with the first item of each list alone."""
    body = {name: value[:1] if isinstance(value, list) else value for name, value in json.loads(reply.body).items()}
    return replace(reply, body=json.dumps(body).encode())


def _as_text(reply: ServerReply) -> ServerReply:
    return replace(reply, media_type="text/plain", body=b"Bad Request")


def _is_refused_event(view: RequestView) -> bool:
    return IS_EVENT(view) and not view.is_accepted


def _has_stand_in(view: RequestView) -> bool:
    return IS_EVENT(view) and bool(view.values_of("anonymous"))


def _has_stand_ins(contract: Contract) -> bool:
    """Whether the documents list no anonymousId for an alias, and refuse one that names no user."""
    alias = contract.profile.events.get("alias")
    if alias is None or "anonymous" in alias.identified_by or not contract.has_fact(_IDENTITY):
        return False
    return contract.expected_response(Condition.IDENTITY_MISSING).expect[0] >= 300


def _has_timestamps(contract: Contract) -> bool:
    return contract.profile.pointers.timestamp is not None


def _follows_other_reading(view: RequestView) -> bool:
    """Whether an event is one of those that only one reading of the documents allows."""
    operation = view.decision.operation
    disputed = view.contract.event_type(operation.event_type).disputed_examples if operation else ()
    fields = {frozenset(example.value) for example in disputed}
    return IS_EVENT(view) and isinstance(view.document, dict) and frozenset(view.document) - {"context"} in fields


def _has_unknown_free_form_field(view: RequestView) -> bool:
    """Whether the free-form object of an event has the field of a name that no document can know."""
    operation = view.decision.operation
    where = view.contract.event_type(operation.event_type).open_object if operation else None
    return IS_EVENT(view) and bool(view.values_at(f"{where or ''}/conformance_unknown")) and where is not None


def _has_numeric_time(view: RequestView) -> bool:
    return IS_EVENT(view) and any(isinstance(value, int) for value in view.values_of("timestamp"))


def _states_error_texts(contract: Contract) -> bool:
    """Whether errors are texts."""
    name = f"bodies.{ResponseKind.ERROR}"
    if not contract.has_fact(name):
        return False
    return contract.response_body(ResponseKind.ERROR).body_format in {BodyFormat.TEXT, BodyFormat.MESSAGE}


FAULTS = (
    Fault(
        "properties-known-only",
        "Refuses free-form fields that it does not know.",
        "a strict schema goes one level too deep",
        "accept.fields.free-form",
        refuse_accepted(_has_unknown_free_form_field),
        key_words="unknown field free-form",
    ),
    Fault(
        "errors-of-one-word",
        "Says the same word whatever is wrong.",
        "people look for the reason",
        "errors.body.texts",
        edit_reply(lambda reply: replace(reply, body=b"Sorry"), when=_is_refused_event),
        _states_error_texts,
        key_words="same",
    ),
    Fault(
        "numeric-times-refused",
        "Refuses timestamps that are numbers.",
        "not documented, but users want to know",
        "payload.timestamp.other payload.types.wrong",
        refuse_accepted(_has_numeric_time),
        _has_timestamps,
        key_words="number",
    ),
    Fault(
        "anonymous-aliases-accepted",
        "Accepts an alias that names no user but has an anonymousId.",
        "one document allows it in passing, and its table does not",
        "payload.identity.stand-in",
        accept_refused(_IDENTITY, when=_has_stand_in),
        _has_stand_ins,
        extra_operations=("alias",),
        key_words="alias",
    ),
    Fault(
        "other-reading-accepted",
        "Follows the other one of two statements that contradict each other.",
        "not wrong, but users want to know",
        "payload.readings.other",
        accept_refused(_IDENTITY, _REQUIRED_FIELDS, when=_follows_other_reading),
        lambda contract: any(event.disputed_examples for event in contract.profile.events.values()),
        extra_operations=("track",),
        key_words="accepted",
    ),
    Fault(
        "other-examples-refused",
        "Refuses the other examples of the documents.",
        "one of them has a field at its top that no table lists",
        "accept.event.further-examples",
        refuse_accepted(_has_extra_email),
        _has_further_examples,
        extra_operations=("track",),
        key_words="documented example refused",
    ),
    Fault(
        "customary-fields-refused",
        "Refuses a field of the context that SDKs send and no document lists.",
        "a schema is written from the documents alone",
        "accept.fields.customary",
        refuse_accepted(_has_system),
        requires_facts(CUSTOMARY_FIELDS),
        key_words="/context refused",
    ),
    Fault(
        "password-crash",
        "Fails on a key with a password beside it.",
        "a split at the colon expects nothing after it",
        "auth.key.with-password",
        crash_on(when=_has_password),
        requires_facts("credentials.basic"),
        key_words="password 500",
    ),
    Fault(
        "unknown-token-crash",
        "Fails on a token that it does not know.",
        "a lookup finds nothing",
        "auth.bearer.unknown-token auth.bearer.expired",
        crash_on(when=_has_unknown_token),
        requires_facts("credentials.bearer"),
        key_words="token 500",
    ),
    Fault(
        "token-without-key-crash",
        "Fails on a token without a key beside it.",
        "a field is read that is not there",
        "auth.bearer.missing-key",
        crash_on(when=_has_token_without_key),
        requires_facts("credentials.bearer"),
        key_words="token without a key 500",
    ),
    Fault(
        "nobodies-accepted",
        "Accepts a batch if all of its events name no user.",
        "good and bad events are told apart, and nothing is left to answer for",
        "batch.identity.all-missing",
        accept_refused(_IDENTITY, when=_names_nobody),
        all_of(HAS_BATCHES, requires_refusals(_IDENTITY)),
        key_words="batch no user accepted",
    ),
    Fault(
        "first-error-only",
        "Lists the first error of a batch alone.",
        "the loop ends where it finds one",
        "batch.partly-bad.every-error",
        edit_reply(_keep_first_error, _PARTLY, when=IS_BATCH),
        requires_facts("bodies.partly-bad"),
        key_words="batch errors lists",
    ),
    Fault(
        "pixel-errors-as-text",
        "Answers bad pixels with a line of text.",
        "nobody reads what a picture says",
        "pixel.errors.body",
        edit_reply(_as_text, when=lambda view: IS_PIXEL(view) and not view.is_accepted),
        all_of(HAS_PIXELS, requires_facts("bodies.error")),
        key_words="pixel text/plain",
    ),
    Fault(
        "webhook-errors-as-text",
        "Answers bad webhooks with a line of text.",
        "the route has a handler of its own",
        "webhook.errors.body",
        edit_reply(_as_text, when=lambda view: IS_WEBHOOK(view) and not view.is_accepted),
        all_of(HAS_WEBHOOKS, requires_facts("bodies.error")),
        key_words="webhook text/plain",
    ),
    Fault(
        "indented-pixels-refused",
        "Refuses a pixel whose JSON has line breaks.",
        "a filter against injected lines",
        "pixel.event.as-printed",
        refuse_accepted(lambda view: IS_PIXEL(view) and "\n" in view.body_text),
        HAS_PIXELS,
        key_words="pixel as printed",
    ),
    Fault(
        "pixel-required-unchecked",
        "Accepts pixels without their required fields.",
        "only posts are examined",
        "pixel.required.missing",
        accept_refused(_REQUIRED_FIELDS, when=IS_PIXEL),
        HAS_PIXELS,
        key_words="without /event accepted",
    ),
    Fault("webhook-required-unchecked", "Accepts webhooks without their required fields.",
          "other systems have other fields", "webhook.required.missing",
          accept_refused(_REQUIRED_FIELDS, when=IS_WEBHOOK), HAS_WEBHOOKS,
          key_words="without /event accepted"),
    Fault("webhook-identity-unchecked", "Accepts webhooks that name no user.",
          "other systems have other ids", "webhook.identity.missing",
          accept_refused(_IDENTITY, when=IS_WEBHOOK), HAS_WEBHOOKS, key_words="no user accepted"),
    Fault("webhook-tracks-only", "Takes nothing but track calls by a webhook.",
          "the first customer sent no others", "webhook.event.types",
          refuse_accepted(lambda view: IS_WEBHOOK(view) and view.values_of("type") not in ([], ["track"])),
          HAS_WEBHOOKS, key_words="identify refused"),
    Fault("webhook-unlimited", "Has no limit for webhooks.", "the limit is that of another route",
          "webhook.size.over", accept_refused("limits.event", when=IS_WEBHOOK), HAS_WEBHOOKS,
          key_words="accepted bytes"),
)  # fmt: skip
