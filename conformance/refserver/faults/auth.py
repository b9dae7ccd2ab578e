"""Faults in who is let in: holes in the comparison of keys, holes on one path, wrong answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.model import OperationKind
from conformance.refserver.faults import credentials
from conformance.refserver.faults.fault import (
    Fault,
    all_of,
    requires_facts,
    requires_kinds,
    requires_refusals,
)
from conformance.refserver.faults.response_overrides import (
    IS_BATCH,
    IS_EVENT,
    IS_PIXEL,
    IS_WEBHOOK,
    accept_refused,
    change_refusal_status,
    crash_on,
    error_reply,
    refuse_accepted,
    success_reply,
)

if TYPE_CHECKING:
    from conformance.refserver.fault_change import RequestView
    from conformance.refserver.replies import ServerReply

_ANY_CREDENTIALS = "answers.credentials-*"
_MISSING, _MALFORMED, _UNKNOWN = (f"answers.credentials-{word}" for word in ("missing", "malformed", "unknown"))
_REFUSES_BAD_CREDENTIALS = requires_refusals(_MISSING, _MALFORMED, _UNKNOWN)


def _is_event_or_batch(sight: RequestView) -> bool:
    return IS_EVENT(sight) or IS_BATCH(sight)


def _shows_no_key(sight: RequestView) -> bool:
    """Whether no key is shown anywhere."""
    return credentials.has_no_authorization(sight) and credentials.body_key(sight) is None


_is_key_with_suffix = credentials.key_matches(credentials.basic_user, lambda own, shown: shown.startswith(own))
_is_key_with_prefix = credentials.key_matches(credentials.basic_user, lambda own, shown: shown.endswith(own))
_is_truncated_key = credentials.key_matches(
    credentials.basic_user, lambda own, shown: bool(shown) and own.startswith(shown)
)
_is_key_in_any_case = credentials.key_matches(credentials.basic_user, lambda own, shown: own.lower() == shown.lower())
_is_key_as_password = credentials.key_matches(
    credentials.basic_user_and_password, lambda own, shown: shown.endswith(f":{own}")
)
_is_key_unencoded = credentials.key_matches(credentials.auth_token, lambda own, shown: shown.partition(":")[0] == own)
_is_key_under_other_scheme = credentials.key_matches(
    lambda sight: credentials.basic_user(sight) if credentials.auth_scheme(sight) != "Basic" else None,
    lambda own, shown: own == shown,
)


def _invert_for_padded_key(sight: RequestView) -> ServerReply | None:
    """Another answer than the correct one to a key with white space around it."""
    if not credentials.key_matches(credentials.basic_user, lambda own, shown: shown != own == shown.strip())(sight):
        return None
    return error_reply(sight, 401) if sight.is_accepted else success_reply(sight)


FAULTS = (
    Fault(
        "unknown-key-accepted",
        "Takes any key, as long as there is one.",
        "keys are looked up after the answer, if at all: a silent 200 loses every event",
        "auth.key.unknown auth.key.suffixed auth.key.prefixed auth.key.truncated auth.key.other-case",
        accept_refused(
            _UNKNOWN, when=lambda sight: _is_event_or_batch(sight) and not credentials.has_no_authorization(sight)
        ),
        _REFUSES_BAD_CREDENTIALS,
    ),
    Fault(
        "unknown-key-accepted-in-batches",
        "Looks at the key everywhere but on the path of batches.",
        "a second route is added, and its guard forgotten",
        "auth.key.unknown",
        accept_refused(_UNKNOWN, when=lambda sight: IS_BATCH(sight) and credentials.basic_user(sight) is not None),
        all_of(_REFUSES_BAD_CREDENTIALS, requires_kinds(OperationKind.BATCH)),
        extra_operations=("batch",),
    ),
    Fault(
        "no-credentials-accepted",
        "Takes events from anybody who shows no key at all.",
        "the guard runs only where the header is there",
        "auth.credentials.missing robustness.connection.credentials",
        accept_refused(_MISSING, when=lambda sight: _is_event_or_batch(sight) and _shows_no_key(sight)),
        _REFUSES_BAD_CREDENTIALS,
    ),
    Fault(
        "no-credentials-accepted-on-one-path",
        "Takes events without a key on one path of several.",
        "one route of many lacks the guard",
        "auth.credentials.missing",
        accept_refused(_MISSING, when=lambda sight: _shows_no_key(sight) and sight.is_secondary_operation),
        all_of(_REFUSES_BAD_CREDENTIALS, requires_kinds(OperationKind.BATCH)),
        extra_operations=("identify",),
    ),
    Fault(
        "suffix-accepted",
        "Takes a key that begins with the right one.",
        "keys are compared by their prefix",
        "auth.key.suffixed",
        accept_refused(_UNKNOWN, when=_is_key_with_suffix),
        _REFUSES_BAD_CREDENTIALS,
    ),
    Fault(
        "prefix-accepted",
        "Takes a key that ends with the right one.",
        "keys are searched for, not compared",
        "auth.key.prefixed",
        accept_refused(_UNKNOWN, when=_is_key_with_prefix),
        _REFUSES_BAD_CREDENTIALS,
    ),
    Fault(
        "truncated-key-accepted",
        "Takes a key that the right one begins with.",
        "the shorter length decides how much is compared",
        "auth.key.truncated",
        accept_refused(_UNKNOWN, when=_is_truncated_key),
        _REFUSES_BAD_CREDENTIALS,
    ),
    Fault(
        "key-case-ignored",
        "Takes the key in any case of letters.",
        "tables that compare without case",
        "auth.key.other-case",
        accept_refused(_UNKNOWN, when=_is_key_in_any_case),
        _REFUSES_BAD_CREDENTIALS,
    ),
    Fault(
        "padded-key-otherwise",
        "Trims the white space around keys, or refuses them for it.",
        "nobody documents it, and people who paste keys want to know",
        "auth.key.padded",
        _invert_for_padded_key,
    ),
    Fault(
        "empty-user-accepted",
        "Takes an empty user name.",
        "no key is mistaken for any key",
        "auth.user.empty auth.user.swapped",
        accept_refused(_MALFORMED, when=lambda sight: credentials.basic_user(sight) == ""),
        _REFUSES_BAD_CREDENTIALS,
    ),
    Fault(
        "password-accepted",
        "Takes the key as the password.",
        "other vendors put it there",
        "auth.user.swapped",
        accept_refused(_MALFORMED, when=_is_key_as_password),
        _REFUSES_BAD_CREDENTIALS,
    ),
    Fault(
        "any-scheme-accepted",
        "Ignores the scheme before the credentials.",
        "the header is split at the space, and the first half thrown away",
        "auth.scheme.wrong",
        accept_refused(_MALFORMED, when=_is_key_under_other_scheme),
        _REFUSES_BAD_CREDENTIALS,
    ),
    Fault(
        "bad-base64-accepted",
        "Takes what is not base64 for no credentials, and those for granted.",
        "an exception is swallowed",
        "auth.base64.invalid auth.base64.plain auth.header.empty",
        accept_refused(
            _MALFORMED,
            when=lambda sight: (
                credentials.auth_scheme(sight) == "Basic" and credentials.basic_user_and_password(sight) is None
            ),
        ),
        _REFUSES_BAD_CREDENTIALS,
    ),
    Fault(
        "plain-key-accepted",
        "Takes the key as it is, never encoded.",
        "a shortcut left from debugging",
        "auth.base64.plain",
        accept_refused(_MALFORMED, when=_is_key_unencoded),
        _REFUSES_BAD_CREDENTIALS,
    ),
    Fault(
        "garbled-credentials-crash",
        "Fails on credentials that are not base64.",
        "a decoder raises",
        "auth.base64.invalid auth.base64.plain errors.status.credentials",
        crash_on(
            _MALFORMED,
            when=lambda sight: (
                bool(credentials.auth_token(sight)) and credentials.basic_user_and_password(sight) is None
            ),
        ),
    ),
    Fault(
        "empty-credentials-crash",
        "Fails on a header that names a scheme and nothing else.",
        "the second half of a split is taken for granted",
        "auth.header.empty errors.status.credentials",
        crash_on(
            _MALFORMED,
            when=lambda sight: credentials.auth_scheme(sight) == "Basic" and not credentials.auth_token(sight),
        ),
    ),
    Fault(
        "unknown-key-403",
        "Answers an unknown key with 403.",
        "SDKs know the documented statuses",
        "auth.key.unknown auth.key.suffixed",
        change_refusal_status(403, _UNKNOWN, when=_is_event_or_batch),
        requires_facts(_UNKNOWN),
    ),
    Fault(
        "malformed-credentials-403",
        "Answers credentials that it can't read with 403.",
        "a gateway in front of the server",
        "auth.base64.invalid auth.base64.plain auth.header.empty auth.scheme.wrong auth.user.empty auth.user.swapped",
        change_refusal_status(403, _MALFORMED, when=_is_event_or_batch),
        requires_facts(_MALFORMED),
    ),
    Fault(
        "missing-credentials-404",
        "Answers missing credentials with 404.",
        "sources are looked up by key",
        "auth.credentials.missing robustness.connection.credentials",
        change_refusal_status(404, _MISSING, when=_is_event_or_batch),
        requires_facts(_MISSING),
    ),
    Fault(
        "unknown-key-crash",
        "Fails on an unknown key.",
        "a row that is not there is used",
        "auth.key.unknown auth.key.prefixed errors.status.credentials robustness.headers.key-twice",
        crash_on(
            _UNKNOWN, when=lambda sight: _is_event_or_batch(sight) and not credentials.has_no_authorization(sight)
        ),
        requires_facts(_UNKNOWN),
    ),
    Fault(
        "any-body-key-accepted",
        "Takes any key in the body, as long as there is one.",
        "the body is only looked at to find a key, not to compare it",
        "auth.body-key.unknown auth.body-key.suffixed auth.body-key.truncated",
        accept_refused(
            _UNKNOWN, when=lambda sight: _is_event_or_batch(sight) and credentials.has_no_authorization(sight)
        ),
        all_of(_REFUSES_BAD_CREDENTIALS, requires_facts("credentials.body")),
    ),
    Fault(
        "empty-body-key-accepted",
        "Takes an empty key in the body.",
        "only its absence is noticed",
        "auth.body-key.empty",
        accept_refused(_MISSING, when=lambda sight: _is_event_or_batch(sight) and credentials.body_key(sight) == ""),
        all_of(_REFUSES_BAD_CREDENTIALS, requires_facts("credentials.body")),
    ),
    Fault(
        "body-key-crash",
        "Fails on an unknown or empty key in the body.",
        "another path to the same table",
        "auth.body-key.unknown auth.body-key.empty auth.body-key.suffixed auth.body-key.truncated "
        "errors.status.credentials",
        crash_on(
            _UNKNOWN,
            _MISSING,
            when=lambda sight: (
                credentials.body_key(sight) is not None
                and _is_event_or_batch(sight)
                and credentials.has_no_authorization(sight)
            ),
        ),
        requires_facts("credentials.body"),
    ),
    Fault(
        "pixel-key-unchecked",
        "Takes pixels with any key, and without one.",
        "nobody sees the answer to a pixel, so nobody misses the check",
        "pixel.key.unknown pixel.key.missing",
        accept_refused("answers.pixel-key-unknown", when=IS_PIXEL),
        requires_kinds(OperationKind.PIXEL),
    ),
    Fault(
        "pixel-header-key-ignored",
        "Takes the key of a pixel from its data alone, never from a header.",
        "an image has no headers, but a script that loads it may",
        "pixel.key.elsewhere",
        refuse_accepted(lambda sight: IS_PIXEL(sight) and not credentials.has_no_authorization(sight)),
        requires_kinds(OperationKind.PIXEL),
    ),
    Fault(
        "webhook-key-unchecked",
        "Takes webhooks with any key in their address.",
        "the address is secret enough, somebody thought",
        "webhook.key.unknown webhook.key.suffixed webhook.key.overridden",
        accept_refused("answers.webhook-key-unknown"),
        requires_kinds(OperationKind.WEBHOOK),
    ),
    Fault(
        "webhook-without-key-accepted",
        "Takes webhooks without a key.",
        "no key is mistaken for the default one",
        "webhook.key.missing",
        accept_refused("answers.webhook-key-missing"),
        requires_kinds(OperationKind.WEBHOOK),
    ),
    Fault(
        "webhook-key-prefix-accepted",
        "Takes a webhook whose key begins with the right one.",
        "addresses are compared by their prefix",
        "webhook.key.suffixed",
        accept_refused(
            "answers.webhook-key-unknown",
            when=credentials.key_matches(credentials.webhook_query_key, lambda own, shown: shown.startswith(own)),
        ),
        requires_kinds(OperationKind.WEBHOOK),
    ),
    Fault(
        "webhook-body-key-counts",
        "Prefers the key in a webhook's body to the one in its address.",
        "one guard serves all routes",
        "webhook.key.overriding",
        refuse_accepted(
            lambda sight: (
                IS_WEBHOOK(sight) and credentials.body_key(sight) not in {None, credentials.webhook_query_key(sight)}
            )
        ),
        requires_kinds(OperationKind.WEBHOOK),
    ),
    Fault(
        "webhook-body-key-suffices",
        "Takes a webhook with a wrong key in its address and the right one inside.",
        "any right key will do",
        "webhook.key.overridden",
        accept_refused(
            "answers.webhook-key-unknown",
            when=credentials.key_matches(credentials.body_key, lambda own, shown: own == shown),
        ),
        requires_kinds(OperationKind.WEBHOOK),
    ),
)
