"""Invalid credentials: requests without the right key, or with it in the wrong place or form."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.profile.facts import AuthScheme, Condition
from conformance.requests.credentials import NO_CREDENTIALS, UNKNOWN_KEY, authorization, basic, encode_base64
from conformance.requests.invalid_cases import INVALID_PIXEL_DATA, InvalidCase

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.requests.call import Call
    from conformance.requests.credentials import Credentials
    from conformance.requests.draft import Draft

MISSING_CREDENTIALS = InvalidCase(
    "credentials.missing",
    "a request without credentials",
    Condition.CREDENTIALS_MISSING,
    lambda call: call.acceptable_request().with_credentials(NO_CREDENTIALS),
)
INVALID_AUTHORIZATION = (
    MISSING_CREDENTIALS,
    InvalidCase(
        "header.empty",
        "an Authorization header with a scheme and nothing else",
        Condition.CREDENTIALS_MALFORMED,
        lambda call: call.acceptable_request().with_credentials(authorization("Basic")),
    ),
    InvalidCase(
        "user.empty",
        "an empty user name",
        Condition.CREDENTIALS_MALFORMED,
        lambda call: call.acceptable_request().with_credentials(basic("")),
    ),
    InvalidCase(
        "user.swapped",
        "an empty user name with the right key as its password",
        Condition.CREDENTIALS_MALFORMED,
        lambda call: call.acceptable_request().with_credentials(
            authorization(f"Basic {encode_base64(f':{call.keys.write_key}')}")
        ),
    ),
    InvalidCase(
        "scheme.wrong",
        "the right key under an undocumented scheme",
        Condition.CREDENTIALS_MALFORMED,
        lambda call: call.acceptable_request().with_credentials(
            authorization(f"Digest {encode_base64(f'{call.keys.write_key}:')}")
        ),
    ),
    InvalidCase(
        "base64.invalid",
        "an Authorization header that is not base64",
        Condition.CREDENTIALS_MALFORMED,
        lambda call: call.acceptable_request().with_credentials(authorization("Basic !conformance!")),
    ),
    InvalidCase(
        "base64.plain",
        "the right key without base64 encoding",
        Condition.CREDENTIALS_MALFORMED,
        lambda call: call.acceptable_request().with_credentials(authorization(f"Basic {call.keys.write_key}:")),
    ),
)


def _wrong_key_case(slug: str, description: str, make_key: Callable[[Call], str]) -> InvalidCase:
    """A wrong key, in the scheme that all other requests use."""
    return InvalidCase(
        f"key.{slug}",
        description,
        Condition.CREDENTIALS_UNKNOWN,
        lambda call: call.acceptable_request().with_credentials(call.credentials(key=make_key(call))),
    )


UNKNOWN_KEY_CASE = _wrong_key_case("unknown", "an unknown key", lambda _: UNKNOWN_KEY)
WRONG_KEY = (
    UNKNOWN_KEY_CASE,
    _wrong_key_case("suffixed", "the right key with one more character after it", lambda call: call.keys.suffixed),
    _wrong_key_case("prefixed", "the right key with one more character before it", lambda call: call.keys.prefixed),
    _wrong_key_case("truncated", "the right key without its last character", lambda call: call.keys.truncated),
    _wrong_key_case("other-case", "the right key with upper and lower case swapped", lambda call: call.keys.other_case),
)

OTHER_PATHS_KEY = _wrong_key_case(
    "other-paths",
    "the write key in place of the id of a source, or the id in place of the key,",
    lambda call: call.keys.of_another_path,
)
"""What some paths take is no credential on the others."""

DISABLED_KEY = InvalidCase(
    "key.disabled",
    "the key of a source that is switched off",
    Condition.SOURCE_DISABLED,
    lambda call: call.acceptable_request().with_credentials(call.credentials(key=call.keys.of_disabled_source)),
)

WRONG_BODY_KEY = (
    InvalidCase(
        "body-key.unknown",
        "an unknown key in the body alone",
        Condition.CREDENTIALS_UNKNOWN,
        lambda call: call.acceptable_request().with_credentials(call.credentials(AuthScheme.BODY, UNKNOWN_KEY)),
    ),
    InvalidCase(
        "body-key.suffixed",
        "a key in the body with one character too many",
        Condition.CREDENTIALS_UNKNOWN,
        lambda call: call.acceptable_request().with_credentials(call.credentials(AuthScheme.BODY, call.keys.suffixed)),
    ),
    InvalidCase(
        "body-key.truncated",
        "a key in the body without its last character",
        Condition.CREDENTIALS_UNKNOWN,
        lambda call: call.acceptable_request().with_credentials(call.credentials(AuthScheme.BODY, call.keys.truncated)),
    ),
    InvalidCase(
        "body-key.empty",
        "an empty key in the body alone",
        Condition.CREDENTIALS_MISSING,
        lambda call: call.acceptable_request().with_credentials(call.credentials(AuthScheme.BODY, "")),
    ),
)

WRONG_BEARER = (
    InvalidCase(
        "unknown-token",
        "an unknown token with the right key in the body",
        Condition.CREDENTIALS_UNKNOWN,
        lambda call: call.acceptable_request().with_credentials(
            replace(call.credentials(AuthScheme.BEARER), headers=authorization(f"Bearer {UNKNOWN_KEY}").headers)
        ),
    ),
    InvalidCase(
        "expired",
        "a token that has expired with the right key in the body",
        Condition.CREDENTIALS_UNKNOWN,
        lambda call: call.acceptable_request().with_credentials(
            replace(
                call.credentials(AuthScheme.BEARER), headers=authorization(f"Bearer {call.keys.expired_token}").headers
            )
        ),
    ),
    InvalidCase(
        "missing-key",
        "the right token without a key in the body",
        Condition.CREDENTIALS_MISSING,
        lambda call: call.acceptable_request().with_credentials(
            replace(call.credentials(AuthScheme.BEARER), body_key=None)
        ),
    ),
)

INVALID_PIXEL = (
    *INVALID_PIXEL_DATA,
    InvalidCase(
        "key.unknown",
        "a pixel with an unknown key",
        Condition.PIXEL_KEY_UNKNOWN,
        lambda call: call.acceptable_request().with_credentials(call.credentials(key=UNKNOWN_KEY)),
    ),
    InvalidCase(
        "key.missing",
        "a pixel without a key",
        Condition.PIXEL_KEY_UNKNOWN,
        lambda call: call.acceptable_request().with_credentials(NO_CREDENTIALS),
    ),
)


def _conflicting_credentials(call: Call, *, query: str, body: str) -> Credentials:
    """A key in the query and another one in the body."""
    return replace(call.credentials(key=query), body_key=body)


def webhook_with_wrong_body_key(call: Call) -> Draft:
    """A webhook with the right key in its query and a wrong one in its body."""
    return call.acceptable_request().with_credentials(
        _conflicting_credentials(call, query=call.keys.write_key, body=UNKNOWN_KEY)
    )


INVALID_WEBHOOK = (
    InvalidCase(
        "key.missing",
        "a webhook without a key",
        Condition.WEBHOOK_KEY_MISSING,
        lambda call: call.acceptable_request().with_credentials(NO_CREDENTIALS),
    ),
    InvalidCase(
        "key.unknown",
        "a webhook with an unknown key",
        Condition.WEBHOOK_KEY_UNKNOWN,
        lambda call: call.acceptable_request().with_credentials(call.credentials(key=UNKNOWN_KEY)),
    ),
    InvalidCase(
        "key.suffixed",
        "a webhook whose key has one more character",
        Condition.WEBHOOK_KEY_UNKNOWN,
        lambda call: call.acceptable_request().with_credentials(call.credentials(key=call.keys.suffixed)),
    ),
    InvalidCase(
        "key.overridden",
        "a webhook with an unknown key in its query and the right one in its body",
        Condition.WEBHOOK_KEY_UNKNOWN,
        lambda call: call.acceptable_request().with_credentials(
            _conflicting_credentials(call, query=UNKNOWN_KEY, body=call.keys.write_key)
        ),
    ),
)
