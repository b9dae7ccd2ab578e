"""Faults in the authentication by a key in the body, in a pixel or in the address of a webhook."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.refserver.faults import credentials
from conformance.refserver.faults.fault import (
    HAS_PIXELS,
    HAS_WEBHOOKS,
    Fault,
    all_of,
    requires_facts,
)
from conformance.refserver.faults.response_overrides import (
    IS_EVENT_OR_BATCH,
    IS_PIXEL,
    IS_WEBHOOK,
    accept_refused,
    crash_on,
    edit_reply,
    refuse_accepted,
)

if TYPE_CHECKING:
    from conformance.refserver.replies import ServerReply
    from conformance.refserver.server_change import RequestView

_DISABLED = "answers.source-disabled"


def _has_key_of_other_paths(view: RequestView) -> bool:
    """Whether it carries the write key where the id of a source is asked for, or the id in place of the key."""
    authenticator = view.server.authenticator
    return credentials.basic_user(view) in {authenticator.write_key, authenticator.further_keys.source_id}


def _as_json(reply: ServerReply) -> ServerReply:
    return replace(reply, media_type="application/json", body=b'{"error": "the source is switched off"}')


FAULTS = (
    Fault(
        "key-of-other-paths-accepted",
        "Takes the write key and the id of a source on every path.",
        "one look-up finds a source by whatever names it",
        "auth.key.other-paths",
        accept_refused(credentials.UNKNOWN, when=_has_key_of_other_paths),
        requires_facts("credentials.source-id"),
        extra_operations=("internal",),
        key_words="key accepted",
    ),
    Fault(
        "disabled-source-accepted",
        "Takes the key of a source that is switched off.",
        "only whether the key exists is looked up",
        "auth.key.disabled",
        accept_refused(_DISABLED),
        requires_facts(_DISABLED),
        key_words="switched off accepted",
    ),
    Fault(
        "disabled-source-as-json",
        "Answers for a source that is switched off in JSON, and everywhere else in text.",
        "another part of the program writes that error",
        "errors.body.disabled",
        edit_reply(_as_json, _DISABLED),
        all_of(requires_facts(_DISABLED, "bodies.error"), lambda contract: not contract.has_fact("bodies.error-batch")),
        key_words="switched off type",
    ),
    Fault(
        "any-body-key-accepted",
        "Accepts any key in the body.",
        "the body is only looked at to find a key, not to compare it",
        "auth.body-key.unknown auth.body-key.suffixed auth.body-key.truncated",
        accept_refused(
            credentials.UNKNOWN, when=lambda view: IS_EVENT_OR_BATCH(view) and credentials.has_no_authorization(view)
        ),
        all_of(credentials.REFUSES_BAD_CREDENTIALS, requires_facts("credentials.body")),
        key_words="key in the body",
    ),
    Fault(
        "empty-body-key-accepted",
        "Takes an empty key in the body.",
        "only its absence is noticed",
        "auth.body-key.empty",
        accept_refused(
            credentials.MISSING, when=lambda view: IS_EVENT_OR_BATCH(view) and credentials.body_key(view) == ""
        ),
        all_of(credentials.REFUSES_BAD_CREDENTIALS, requires_facts("credentials.body")),
        key_words="empty key in the body",
    ),
    Fault(
        "body-key-crash",
        "Fails on an unknown or empty key in the body.",
        "another path to the same table",
        "auth.body-key.unknown auth.body-key.empty auth.body-key.suffixed auth.body-key.truncated "
        "errors.status.credentials",
        crash_on(
            credentials.UNKNOWN,
            credentials.MISSING,
            when=lambda view: (
                credentials.body_key(view) is not None
                and IS_EVENT_OR_BATCH(view)
                and credentials.has_no_authorization(view)
            ),
        ),
        requires_facts("credentials.body"),
        key_words="key in the body 500",
    ),
    Fault(
        "pixel-key-unchecked",
        "Takes pixels with any key, and without one.",
        "nobody sees the answer to a pixel, so nobody misses the check",
        "pixel.key.unknown pixel.key.missing",
        accept_refused("answers.pixel-key-unknown", when=IS_PIXEL),
        HAS_PIXELS,
        key_words="pixel key",
    ),
    Fault(
        "pixel-header-key-ignored",
        "Takes the key of a pixel from its data alone, never from a header.",
        "an image has no headers, but a script that loads it may",
        "pixel.key.elsewhere pixel.key.basic",
        refuse_accepted(lambda view: IS_PIXEL(view) and not credentials.has_no_authorization(view)),
        HAS_PIXELS,
        key_words="pixel Basic",
    ),
    Fault(
        "webhook-key-unchecked",
        "Takes webhooks with any key in their address.",
        "the address is secret enough, somebody thought",
        "webhook.key.unknown webhook.key.suffixed webhook.key.overridden",
        accept_refused("answers.webhook-key-unknown"),
        HAS_WEBHOOKS,
        key_words="webhook unknown key",
    ),
    Fault(
        "webhook-without-key-accepted",
        "Takes webhooks without a key.",
        "no key is mistaken for the default one",
        "webhook.key.missing",
        accept_refused("answers.webhook-key-missing"),
        HAS_WEBHOOKS,
        key_words="webhook without a key",
    ),
    Fault(
        "webhook-key-prefix-accepted",
        "Takes a webhook whose key begins with the right one.",
        "addresses are compared by their prefix",
        "webhook.key.suffixed",
        accept_refused(
            "answers.webhook-key-unknown",
            when=credentials.key_matches(
                credentials.webhook_query_key, lambda right_key, shown_key: shown_key.startswith(right_key)
            ),
        ),
        HAS_WEBHOOKS,
        key_words="webhook one more character",
    ),
    Fault(
        "webhook-body-key-counts",
        "Prefers the key in a webhook's body to the one in its address.",
        "one guard serves all routes",
        "webhook.key.overriding",
        refuse_accepted(
            lambda view: (
                IS_WEBHOOK(view) and credentials.body_key(view) not in {None, credentials.webhook_query_key(view)}
            )
        ),
        HAS_WEBHOOKS,
        key_words="webhook body refused",
    ),
    Fault(
        "webhook-body-key-suffices",
        "Takes a webhook with a wrong key in its address and the right one inside.",
        "any right key will do",
        "webhook.key.overridden",
        accept_refused(
            "answers.webhook-key-unknown",
            when=credentials.key_matches(credentials.body_key, lambda right_key, shown_key: right_key == shown_key),
        ),
        HAS_WEBHOOKS,
        key_words="webhook body accepted",
    ),
)
