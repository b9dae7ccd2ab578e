"""Faults in the authentication by HTTP Basic: wrong comparisons of keys, gaps on one path, wrong answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.statuses import UNAUTHORIZED
from conformance.profile.facts import Condition
from conformance.refserver.faults import credentials
from conformance.refserver.faults.fault import (
    HAS_BATCHES,
    Fault,
    all_of,
    requires_facts,
)
from conformance.refserver.faults.response_overrides import (
    IS_BATCH,
    IS_EVENT_OR_BATCH,
    accept_refused,
    change_refusal_status,
    crash_on,
    edit_reply,
    error_reply,
    success_reply,
)

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.refserver.replies import ServerReply
    from conformance.refserver.server_change import RequestView


def _shows_no_key(view: RequestView) -> bool:
    """Whether no key is shown anywhere."""
    return credentials.has_no_authorization(view) and credentials.body_key(view) is None


_is_key_with_suffix = credentials.key_matches(
    credentials.basic_user, lambda right_key, shown_key: shown_key.startswith(right_key)
)

_is_key_with_prefix = credentials.key_matches(
    credentials.basic_user, lambda right_key, shown_key: shown_key.endswith(right_key)
)

_is_truncated_key = credentials.key_matches(
    credentials.basic_user, lambda right_key, shown_key: bool(shown_key) and right_key.startswith(shown_key)
)

_is_key_in_any_case = credentials.key_matches(
    credentials.basic_user, lambda right_key, shown_key: right_key.lower() == shown_key.lower()
)

_is_key_as_password = credentials.key_matches(
    credentials.basic_user_and_password, lambda right_key, shown_key: shown_key.endswith(f":{right_key}")
)

_is_key_unencoded = credentials.key_matches(
    credentials.auth_token, lambda right_key, shown_key: shown_key.partition(":")[0] == right_key
)

_is_key_under_other_scheme = credentials.key_matches(
    lambda view: credentials.basic_user(view) if credentials.auth_scheme(view) != "Basic" else None,
    lambda right_key, shown_key: right_key == shown_key,
)


def _invert_for_padded_key(view: RequestView) -> ServerReply | None:
    """Another answer than the correct one to a key with white space around it."""
    if not credentials.key_matches(
        credentials.basic_user, lambda right_key, shown_key: shown_key != right_key == shown_key.strip()
    )(view):
        return None
    return error_reply(view, 401) if view.is_accepted else success_reply(view)


def _answers_401(contract: Contract) -> bool:
    """Holds for contracts that answer missing credentials with 401 first of all."""
    return contract.has_fact(credentials.MISSING) and (
        contract.expected_response(Condition.CREDENTIALS_MISSING).expect[0] == UNAUTHORIZED
    )


FAULTS = (
    Fault(
        "unknown-key-accepted",
        "Accepts any key.",
        "keys are looked up after the answer, if at all: a silent 200 loses every event",
        "auth.key.unknown auth.key.suffixed auth.key.prefixed auth.key.truncated auth.key.other-case",
        accept_refused(
            credentials.UNKNOWN,
            when=lambda view: IS_EVENT_OR_BATCH(view) and not credentials.has_no_authorization(view),
        ),
        credentials.REFUSES_BAD_CREDENTIALS,
        key_words="key accepted",
    ),
    Fault(
        "unknown-key-accepted-in-batches",
        "Does not check the key on the path of batches.",
        "a second route is added, and its guard forgotten",
        "auth.key.unknown",
        accept_refused(
            credentials.UNKNOWN, when=lambda view: IS_BATCH(view) and credentials.basic_user(view) is not None
        ),
        all_of(credentials.REFUSES_BAD_CREDENTIALS, HAS_BATCHES),
        extra_operations=("batch",),
        key_words="key accepted",
    ),
    Fault(
        "no-credentials-accepted",
        "Accepts events without any key.",
        "the guard runs only where the header is there",
        "auth.credentials.missing",
        accept_refused(credentials.MISSING, when=lambda view: IS_EVENT_OR_BATCH(view) and _shows_no_key(view)),
        credentials.REFUSES_BAD_CREDENTIALS,
        key_words="without credentials",
    ),
    Fault(
        "no-credentials-accepted-on-one-path",
        "Takes events without a key on one path of several.",
        "one route of many lacks the guard",
        "auth.credentials.missing",
        accept_refused(credentials.MISSING, when=lambda view: _shows_no_key(view) and view.is_secondary_operation),
        all_of(credentials.REFUSES_BAD_CREDENTIALS, HAS_BATCHES),
        extra_operations=("identify",),
        key_words="without credentials",
    ),
    Fault(
        "suffix-accepted",
        "Takes a key that begins with the right one.",
        "keys are compared by their prefix",
        "auth.key.suffixed",
        accept_refused(credentials.UNKNOWN, when=_is_key_with_suffix),
        credentials.REFUSES_BAD_CREDENTIALS,
        key_words="after key",
    ),
    Fault(
        "prefix-accepted",
        "Takes a key that ends with the right one.",
        "keys are searched for, not compared",
        "auth.key.prefixed",
        accept_refused(credentials.UNKNOWN, when=_is_key_with_prefix),
        credentials.REFUSES_BAD_CREDENTIALS,
        key_words="before key",
    ),
    Fault(
        "truncated-key-accepted",
        "Takes a key that the right one begins with.",
        "the shorter length decides how much is compared",
        "auth.key.truncated",
        accept_refused(credentials.UNKNOWN, when=_is_truncated_key),
        credentials.REFUSES_BAD_CREDENTIALS,
        key_words="key without its last character",
    ),
    Fault(
        "key-case-ignored",
        "Takes the key in any case of letters.",
        "tables that compare without case",
        "auth.key.other-case",
        accept_refused(credentials.UNKNOWN, when=_is_key_in_any_case),
        credentials.REFUSES_BAD_CREDENTIALS,
        key_words="upper and lower case",
    ),
    Fault(
        "padded-key-otherwise",
        "Trims the white space around keys, or refuses them for it.",
        "not documented, but people who paste keys want to know",
        "auth.key.padded",
        _invert_for_padded_key,
        key_words="white space",
    ),
    Fault(
        "empty-user-accepted",
        "Takes an empty user name.",
        "no key is mistaken for any key",
        "auth.user.empty auth.user.swapped",
        accept_refused(credentials.MALFORMED, when=lambda view: credentials.basic_user(view) == ""),
        credentials.REFUSES_BAD_CREDENTIALS,
        key_words="empty user",
    ),
    Fault(
        "password-accepted",
        "Takes the key as the password.",
        "other vendors put it there",
        "auth.user.swapped",
        accept_refused(credentials.MALFORMED, when=_is_key_as_password),
        credentials.REFUSES_BAD_CREDENTIALS,
        key_words="password",
    ),
    Fault(
        "any-scheme-accepted",
        "Ignores the scheme before the credentials.",
        "the header is split at the space, and the first half thrown away",
        "auth.scheme.wrong",
        accept_refused(credentials.MALFORMED, when=_is_key_under_other_scheme),
        credentials.REFUSES_BAD_CREDENTIALS,
        key_words="scheme",
    ),
    Fault(
        "bad-base64-accepted",
        "Accepts credentials that are not base64.",
        "an exception is swallowed",
        "auth.base64.invalid auth.base64.plain auth.header.empty",
        accept_refused(
            credentials.MALFORMED,
            when=lambda view: (
                credentials.auth_scheme(view) == "Basic" and credentials.basic_user_and_password(view) is None
            ),
        ),
        credentials.REFUSES_BAD_CREDENTIALS,
        key_words="base64 accepted",
    ),
    Fault("plain-key-accepted", "Takes the key as it is, never encoded.", "a shortcut left from debugging",
          "auth.base64.plain", accept_refused(credentials.MALFORMED, when=_is_key_unencoded),
          credentials.REFUSES_BAD_CREDENTIALS, key_words="without base64"),
    Fault(
        "garbled-credentials-crash",
        "Fails on credentials that are not base64.",
        "a decoder raises",
        "auth.base64.invalid auth.base64.plain errors.status.credentials",
        crash_on(
            credentials.MALFORMED,
            when=lambda view: bool(credentials.auth_token(view)) and credentials.basic_user_and_password(view) is None,
        ),
        key_words="base64 500",
    ),
    Fault(
        "empty-credentials-crash",
        "Fails on a header that names a scheme and nothing else.",
        "the second half of a split is taken for granted",
        "auth.header.empty errors.status.credentials",
        crash_on(
            credentials.MALFORMED,
            when=lambda view: credentials.auth_scheme(view) == "Basic" and not credentials.auth_token(view),
        ),
        key_words="scheme and nothing else 500",
    ),
    Fault(
        "any-bearer-accepted",
        "Takes any token under the scheme Bearer.",
        "a library checks the form of a token, and nobody whose it is",
        "auth.schemes.unknown-key",
        accept_refused(
            credentials.MALFORMED,
            credentials.UNKNOWN,
            when=lambda view: IS_EVENT_OR_BATCH(view) and credentials.auth_scheme(view) == "Bearer",
        ),
        credentials.REFUSES_BAD_CREDENTIALS,
        key_words="Bearer",
    ),
    Fault(
        "token-crash",
        "Fails on the scheme Token.",
        "a parser of parameters is called on it",
        "auth.schemes.unknown-key auth.schemes.right-key",
        crash_on(
            credentials.MALFORMED,
            when=lambda view: IS_EVENT_OR_BATCH(view) and credentials.auth_scheme(view) == "Token",
        ),
        key_words="Token 500",
    ),
    Fault("no-challenge", "Answers 401 and does not say which credentials it takes.",
          "the status is set by hand", "auth.challenge.present",
          edit_reply(lambda reply: reply.with_headers(WWW_Authenticate="") if reply.status == UNAUTHORIZED else reply),
          _answers_401, key_words="WWW-Authenticate"),
    Fault("unknown-key-403", "Answers an unknown key with 403.", "SDKs know the documented statuses",
          "auth.key.unknown auth.key.suffixed",
          change_refusal_status(403, credentials.UNKNOWN, when=IS_EVENT_OR_BATCH),
          requires_facts(credentials.UNKNOWN), key_words="key 403"),
    Fault(
        "malformed-credentials-403",
        "Answers credentials that it can't read with 403.",
        "a gateway in front of the server",
        "auth.base64.invalid auth.base64.plain auth.header.empty auth.scheme.wrong auth.user.empty auth.user.swapped",
        change_refusal_status(403, credentials.MALFORMED, when=IS_EVENT_OR_BATCH),
        requires_facts(credentials.MALFORMED),
        key_words="base64 403",
    ),
    Fault("missing-credentials-404", "Answers missing credentials with 404.",
          "sources are looked up by key", "auth.credentials.missing",
          change_refusal_status(404, credentials.MISSING, when=IS_EVENT_OR_BATCH),
          requires_facts(credentials.MISSING), key_words="404"),
    Fault(
        "unknown-key-crash",
        "Fails on an unknown key.",
        "a row that is not there is used",
        "auth.key.unknown auth.key.prefixed errors.status.credentials robustness.headers.key-twice",
        crash_on(
            credentials.UNKNOWN,
            when=lambda view: IS_EVENT_OR_BATCH(view) and not credentials.has_no_authorization(view),
        ),
        requires_facts(credentials.UNKNOWN),
        key_words="key 500",
    ),
)  # fmt: skip
