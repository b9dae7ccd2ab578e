"""Spoils: the ways in which an acceptable request is made unacceptable, each by one change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.core.errors import NotApplicable
from conformance.profile.facts import AuthScheme, Condition
from conformance.requests.credentials import NO_CREDENTIALS, UNKNOWN_KEY, authorization, basic, encode_base64

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.core.model import Json
    from conformance.requests.call import Call
    from conformance.requests.credentials import Credentials
    from conformance.requests.draft import Draft


@dataclass(frozen=True, slots=True)
class InvalidCase:
    """A way to spoil a request: a slug for ids, what it is in words, the condition that it makes, and how."""

    slug: str
    description: str
    condition: Condition
    make_draft: Callable[[Call], Draft]

    @property
    def fact(self) -> str:
        """What says how it is answered."""
        return f"answers.{self.condition}"


def _swap_quotes(body: bytes) -> bytes:
    return body.replace(b'"', b"'")


def _request_with_bare_word(word: bytes) -> Callable[[Call], Draft]:
    """A request whose JSON ends with a field that holds a bare word."""
    return lambda call: call.acceptable_request().with_json_bytes(
        lambda body: body[:-1] + b',"conformance_word":' + word + b"}"
    )


def _append_invalid_utf8(body: bytes) -> bytes:
    return body[:-1] + b',"conformance_text":"\xc3\x28 \xff"}'


def oversized_request(call: Call) -> Draft:
    """A body one byte over its limit, or one of what else it counts."""
    limit = call.contract.body_size_limit(call.operation)
    size = limit.at_most + 1
    return call.request_with_room_for(size).with_body_size(size, size_unit=limit.unit)


INVALID_JSON = (
    InvalidCase(
        "truncated",
        "a body that breaks off before its end",
        Condition.JSON_INVALID,
        lambda call: call.acceptable_request().with_json_bytes(lambda body: body[:-1]),
    ),
    InvalidCase(
        "half",
        "a body of which only the first half is there",
        Condition.JSON_INVALID,
        lambda call: call.acceptable_request().with_json_bytes(lambda body: body[: len(body) // 2]),
    ),
    InvalidCase(
        "trailing-garbage",
        "a body with a word after its JSON",
        Condition.JSON_INVALID,
        lambda call: call.acceptable_request().with_json_bytes(lambda body: body + b" conformance"),
    ),
    InvalidCase(
        "trailing-brace",
        "a body with one closing brace too many",
        Condition.JSON_INVALID,
        lambda call: call.acceptable_request().with_json_bytes(lambda body: body + b"}"),
    ),
    InvalidCase(
        "second-value",
        "a body with a second JSON value after the first",
        Condition.JSON_INVALID,
        lambda call: call.acceptable_request().with_json_bytes(lambda body: body + body),
    ),
    InvalidCase(
        "trailing-comma",
        "a body with a comma after its last field",
        Condition.JSON_INVALID,
        lambda call: call.acceptable_request().with_json_bytes(lambda body: body[:-1] + b",}"),
    ),
    InvalidCase(
        "single-quotes",
        "a body quoted with apostrophes",
        Condition.JSON_INVALID,
        lambda call: call.acceptable_request().with_json_bytes(_swap_quotes),
    ),
    InvalidCase(
        "unquoted-word", "a field that holds a bare word", Condition.JSON_INVALID, _request_with_bare_word(b"True")
    ),
    InvalidCase("nan", "a field that holds NaN", Condition.JSON_INVALID, _request_with_bare_word(b"NaN")),
    InvalidCase(
        "infinity", "a field that holds Infinity", Condition.JSON_INVALID, _request_with_bare_word(b"Infinity")
    ),
    InvalidCase(
        "minus-infinity", "a field that holds -Infinity", Condition.JSON_INVALID, _request_with_bare_word(b"-Infinity")
    ),
    InvalidCase(
        "raw-newline",
        "a string with a raw line break in it",
        Condition.JSON_INVALID,
        _request_with_bare_word(b'"a\nb"'),
    ),
    InvalidCase(
        "empty-body",
        "an empty body",
        Condition.JSON_INVALID,
        lambda call: call.acceptable_request().with_body_bytes(b""),
    ),
    InvalidCase(
        "plain-text",
        "a body of plain words",
        Condition.JSON_INVALID,
        lambda call: call.acceptable_request().with_body_bytes(b"conformance"),
    ),
)

NOT_OBJECT = (
    InvalidCase("array", "an array at the top level", Condition.JSON_NOT_OBJECT,
          lambda call: call.acceptable_request().with_json_bytes(lambda body: b"[" + body + b"]")),
    InvalidCase("string", "a string at the top level", Condition.JSON_NOT_OBJECT,
          lambda call: call.acceptable_request().with_body_bytes(b'"conformance"')),
    InvalidCase("number", "a number at the top level", Condition.JSON_NOT_OBJECT,
          lambda call: call.acceptable_request().with_body_bytes(b"42")),
    InvalidCase("boolean", "a boolean at the top level", Condition.JSON_NOT_OBJECT,
          lambda call: call.acceptable_request().with_body_bytes(b"true")),
    InvalidCase("null", "null at the top level", Condition.JSON_NOT_OBJECT,
          lambda call: call.acceptable_request().with_body_bytes(b"null")),
)  # fmt: skip

NOT_UTF8 = (
    InvalidCase("invalid-utf8", "a body that is not UTF-8", Condition.JSON_NOT_UTF8,
          lambda call: call.acceptable_request().with_json_bytes(_append_invalid_utf8)),
)  # fmt: skip

INVALID_AUTHORIZATION = (
    InvalidCase(
        "credentials.missing",
        "no credentials at all",
        Condition.CREDENTIALS_MISSING,
        lambda call: call.acceptable_request().with_credentials(NO_CREDENTIALS),
    ),
    InvalidCase(
        "header.empty",
        "an Authorization header that names a scheme and nothing else",
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
        "the right key as the password of an empty user",
        Condition.CREDENTIALS_MALFORMED,
        lambda call: call.acceptable_request().with_credentials(
            authorization(f"Basic {encode_base64(f':{call.keys.write_key}')}")
        ),
    ),
    InvalidCase(
        "scheme.wrong",
        "the right key under a scheme that nobody documents",
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
        "the right key that was never encoded",
        Condition.CREDENTIALS_MALFORMED,
        lambda call: call.acceptable_request().with_credentials(authorization(f"Basic {call.keys.write_key}:")),
    ),
)


def _wrong_key_case(slug: str, description: str, make_key: Callable[[Call], str]) -> InvalidCase:
    """A wrong key in the scheme that requests of other areas use."""
    return InvalidCase(
        f"key.{slug}",
        description,
        Condition.CREDENTIALS_UNKNOWN,
        lambda call: call.acceptable_request().with_credentials(call.credentials(key=make_key(call))),
    )


WRONG_KEY = (
    _wrong_key_case("unknown", "a key that nobody gave out", lambda _: UNKNOWN_KEY),
    _wrong_key_case("suffixed", "the right key with one more character after it", lambda call: call.keys.suffixed),
    _wrong_key_case("prefixed", "the right key with one more character before it", lambda call: call.keys.prefixed),
    _wrong_key_case("truncated", "the right key without its last character", lambda call: call.keys.truncated),
    _wrong_key_case("other-case", "the right key in the other case of letters", lambda call: call.keys.other_case),
)

WRONG_BODY_KEY = (
    InvalidCase(
        "body-key.unknown",
        "an unknown key in the body and no header",
        Condition.CREDENTIALS_UNKNOWN,
        lambda call: call.acceptable_request().with_credentials(call.credentials(AuthScheme.BODY, UNKNOWN_KEY)),
    ),
    InvalidCase(
        "body-key.suffixed",
        "the right key with one more character, in the body",
        Condition.CREDENTIALS_UNKNOWN,
        lambda call: call.acceptable_request().with_credentials(call.credentials(AuthScheme.BODY, call.keys.suffixed)),
    ),
    InvalidCase(
        "body-key.truncated",
        "the right key without its last character, in the body",
        Condition.CREDENTIALS_UNKNOWN,
        lambda call: call.acceptable_request().with_credentials(call.credentials(AuthScheme.BODY, call.keys.truncated)),
    ),
    InvalidCase(
        "body-key.empty",
        "an empty key in the body and no header",
        Condition.CREDENTIALS_MISSING,
        lambda call: call.acceptable_request().with_credentials(call.credentials(AuthScheme.BODY, "")),
    ),
)

NO_IDENTITY = InvalidCase(
    "no-identity",
    "an event that names no user",
    Condition.IDENTITY_MISSING,
    lambda call: call.acceptable_request().without_fields(
        *call.contract.identity_pointers(call.operation.event_type).values()
    ),
)


def _batch_with_second(call: Call, second: Json) -> Draft:
    """A batch of one good event and one thing that is no event."""
    return call.acceptable_request().with_events(call.baseline_event(call.operation.event_type), second)


def _type_pointer(call: Call) -> str:
    """Where an event names its type. Raises Silent if this dialect's events don't."""
    pointer = call.contract.profile.pointers.type
    if pointer is None:
        raise NotApplicable("the events of this dialect do not name their type")
    return pointer


INVALID_BATCH = (
    InvalidCase(
        "list.missing",
        "a batch without its list",
        Condition.BATCH_MISSING,
        lambda call: call.acceptable_request().with_batch_list(),
    ),
    InvalidCase(
        "list.object",
        "a batch whose list is an object",
        Condition.BATCH_NOT_ARRAY,
        lambda call: call.acceptable_request().with_batch_list({}),
    ),
    InvalidCase(
        "list.string",
        "a batch whose list is a string",
        Condition.BATCH_NOT_ARRAY,
        lambda call: call.acceptable_request().with_batch_list("conformance"),
    ),
    InvalidCase(
        "list.number",
        "a batch whose list is a number",
        Condition.BATCH_NOT_ARRAY,
        lambda call: call.acceptable_request().with_batch_list(42),
    ),
    InvalidCase(
        "list.null",
        "a batch whose list is null",
        Condition.BATCH_NOT_ARRAY,
        lambda call: call.acceptable_request().with_batch_list(None),
    ),
    InvalidCase(
        "list.empty", "an empty batch", Condition.BATCH_EMPTY, lambda call: call.acceptable_request().with_events()
    ),
    InvalidCase(
        "events.string",
        "a batch with a string among its events",
        Condition.BATCH_EVENT_NOT_OBJECT,
        lambda call: _batch_with_second(call, "conformance"),
    ),
    InvalidCase(
        "events.number",
        "a batch with a number among its events",
        Condition.BATCH_EVENT_NOT_OBJECT,
        lambda call: _batch_with_second(call, 42),
    ),
    InvalidCase(
        "events.null",
        "a batch with null among its events",
        Condition.BATCH_EVENT_NOT_OBJECT,
        lambda call: _batch_with_second(call, None),
    ),
    InvalidCase(
        "events.array",
        "a batch with an array among its events",
        Condition.BATCH_EVENT_NOT_OBJECT,
        lambda call: _batch_with_second(call, []),
    ),
    InvalidCase(
        "type.missing",
        "a batch with an event that has no type",
        Condition.BATCH_TYPE_MISSING,
        lambda call: call.acceptable_request().without_fields(_type_pointer(call)),
    ),
    InvalidCase(
        "type.missing-second",
        "a batch whose second event has no type",
        Condition.BATCH_TYPE_MISSING,
        lambda call: call.batch_of(2).without_fields(_type_pointer(call)).with_events_reversed(),
    ),
    InvalidCase(
        "type.unknown-second",
        "a batch whose second event is of an unknown type",
        Condition.BATCH_TYPE_UNKNOWN,
        lambda call: call.batch_of(2).with_field(_type_pointer(call), "conformance-unknown").with_events_reversed(),
    ),
    InvalidCase(
        "type.unknown",
        "a batch with an event of an unknown type",
        Condition.BATCH_TYPE_UNKNOWN,
        lambda call: call.acceptable_request().with_field(_type_pointer(call), "conformance-unknown"),
    ),
)


def _request_with_pixel_data(value: str) -> Callable[[Call], Draft]:
    """A pixel with something else as its data."""
    return lambda call: call.acceptable_request().with_query(call.contract.pixel_parameter, value)


INVALID_PIXEL = (
    InvalidCase("data.missing", "a pixel without data", Condition.PIXEL_DATA_MISSING,
          lambda call: call.acceptable_request().without_query(call.contract.pixel_parameter)),
    InvalidCase("data.empty", "a pixel with empty data", Condition.PIXEL_DATA_MISSING, _request_with_pixel_data("")),
    InvalidCase("data.not-base64", "a pixel whose data is not base64", Condition.PIXEL_DATA_INVALID,
          _request_with_pixel_data("!conformance!")),
    InvalidCase("data.not-json", "a pixel whose data is base64 of something else than JSON",
          Condition.PIXEL_DATA_INVALID, _request_with_pixel_data(encode_base64("conformance, but no JSON"))),
    InvalidCase("data.truncated", "a pixel whose JSON breaks off", Condition.PIXEL_DATA_INVALID,
          lambda call: call.acceptable_request().with_json_bytes(lambda body: body[:-1])),
    InvalidCase("data.array", "a pixel whose data is a list", Condition.PIXEL_DATA_INVALID,
          lambda call: call.acceptable_request().with_json_bytes(lambda body: b"[" + body + b"]")),
    InvalidCase("identity.missing", "a pixel with an event that names no user", Condition.PIXEL_IDENTITY_MISSING,
          NO_IDENTITY.make_draft),
    InvalidCase("key.unknown", "a pixel with an unknown key", Condition.PIXEL_KEY_UNKNOWN,
          lambda call: call.acceptable_request().with_credentials(call.credentials(key=UNKNOWN_KEY))),
    InvalidCase("key.missing", "a pixel without a key", Condition.PIXEL_KEY_UNKNOWN,
          lambda call: call.acceptable_request().with_credentials(NO_CREDENTIALS)),
)  # fmt: skip


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
