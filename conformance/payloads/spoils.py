"""Spoils: the ways in which an acceptable request is made unacceptable, each by one change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.errors import Silent
from conformance.payloads.credentials import NOBODY, UNKNOWN_KEY, authorization, basic, encoded
from conformance.profile.facts import Condition, Scheme

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.model import Json
    from conformance.payloads.call import Call
    from conformance.payloads.credentials import Credentials
    from conformance.payloads.draft import Draft


@dataclass(frozen=True, slots=True)
class Spoil:
    """A way to spoil a request: a slug for ids, what it is in words, the condition that it makes, and how."""

    slug: str
    words: str
    condition: Condition
    make: Callable[[Call], Draft]

    @property
    def fact(self) -> str:
        """What says how it is answered."""
        return f"answers.{self.condition}"


def _swapped_quotes(body: bytes) -> bytes:
    return body.replace(b'"', b"'")


def _bare_value(word: bytes) -> Callable[[Call], Draft]:
    """A request whose JSON ends with a field that holds a bare word."""
    return lambda call: call.event().spelled(lambda body: body[:-1] + b',"conformance_word":' + word + b"}")


def _not_utf8(body: bytes) -> bytes:
    return body[:-1] + b',"conformance_text":"\xc3\x28 \xff"}'


def oversized(call: Call) -> Draft:
    """A body one byte over its limit, or one of what else it counts."""
    limit = call.contract.body_limit(call.operation)
    size = limit.at_most + 1
    return call.roomy(size).sized(size, counted=limit.unit)


INVALID_JSON = (
    Spoil("truncated", "a body that breaks off before its end", Condition.JSON_INVALID,
          lambda call: call.event().spelled(lambda body: body[:-1])),
    Spoil("half", "a body of which only the first half is there", Condition.JSON_INVALID,
          lambda call: call.event().spelled(lambda body: body[: len(body) // 2])),
    Spoil("trailing-garbage", "a body with a word after its JSON", Condition.JSON_INVALID,
          lambda call: call.event().spelled(lambda body: body + b" conformance")),
    Spoil("trailing-brace", "a body with one closing brace too many", Condition.JSON_INVALID,
          lambda call: call.event().spelled(lambda body: body + b"}")),
    Spoil("second-value", "a body with a second JSON value after the first", Condition.JSON_INVALID,
          lambda call: call.event().spelled(lambda body: body + body)),
    Spoil("trailing-comma", "a body with a comma after its last field", Condition.JSON_INVALID,
          lambda call: call.event().spelled(lambda body: body[:-1] + b",}")),
    Spoil("single-quotes", "a body quoted with apostrophes", Condition.JSON_INVALID,
          lambda call: call.event().spelled(_swapped_quotes)),
    Spoil("unquoted-word", "a field that holds a bare word", Condition.JSON_INVALID, _bare_value(b"True")),
    Spoil("nan", "a field that holds NaN", Condition.JSON_INVALID, _bare_value(b"NaN")),
    Spoil("infinity", "a field that holds Infinity", Condition.JSON_INVALID, _bare_value(b"Infinity")),
    Spoil("minus-infinity", "a field that holds -Infinity", Condition.JSON_INVALID,
          _bare_value(b"-Infinity")),
    Spoil("raw-newline", "a string with a raw line break in it", Condition.JSON_INVALID,
          _bare_value(b'"a\nb"')),
    Spoil("empty-body", "an empty body", Condition.JSON_INVALID, lambda call: call.event().verbatim(b"")),
    Spoil("plain-text", "a body of plain words", Condition.JSON_INVALID,
          lambda call: call.event().verbatim(b"conformance")),
)  # fmt: skip

NOT_OBJECT = (
    Spoil("array", "an array at the top level", Condition.JSON_NOT_OBJECT,
          lambda call: call.event().spelled(lambda body: b"[" + body + b"]")),
    Spoil("string", "a string at the top level", Condition.JSON_NOT_OBJECT,
          lambda call: call.event().verbatim(b'"conformance"')),
    Spoil("number", "a number at the top level", Condition.JSON_NOT_OBJECT,
          lambda call: call.event().verbatim(b"42")),
    Spoil("boolean", "a boolean at the top level", Condition.JSON_NOT_OBJECT,
          lambda call: call.event().verbatim(b"true")),
    Spoil("null", "null at the top level", Condition.JSON_NOT_OBJECT,
          lambda call: call.event().verbatim(b"null")),
)  # fmt: skip

NOT_UTF8 = (
    Spoil("invalid-utf8", "a body that is not UTF-8", Condition.JSON_NOT_UTF8,
          lambda call: call.event().spelled(_not_utf8)),
)  # fmt: skip

BAD_HEADER = (
    Spoil("credentials.missing", "no credentials at all", Condition.CREDENTIALS_MISSING,
          lambda call: call.event().by(NOBODY)),
    Spoil("header.empty", "an Authorization header that names a scheme and nothing else",
          Condition.CREDENTIALS_MALFORMED, lambda call: call.event().by(authorization("Basic"))),
    Spoil("user.empty", "an empty user name", Condition.CREDENTIALS_MALFORMED,
          lambda call: call.event().by(basic(""))),
    Spoil("user.swapped", "the right key as the password of an empty user", Condition.CREDENTIALS_MALFORMED,
          lambda call: call.event().by(authorization(f"Basic {encoded(f':{call.keys.write_key}')}"))),
    Spoil("scheme.wrong", "the right key under a scheme that nobody documents",
          Condition.CREDENTIALS_MALFORMED,
          lambda call: call.event().by(authorization(f"Digest {encoded(f'{call.keys.write_key}:')}"))),
    Spoil("base64.invalid", "an Authorization header that is not base64", Condition.CREDENTIALS_MALFORMED,
          lambda call: call.event().by(authorization("Basic !conformance!"))),
    Spoil("base64.plain", "the right key that was never encoded", Condition.CREDENTIALS_MALFORMED,
          lambda call: call.event().by(authorization(f"Basic {call.keys.write_key}:"))),
)  # fmt: skip


def _key(slug: str, words: str, wrong: Callable[[Call], str]) -> Spoil:
    """A wrong key in the scheme that requests of other areas use."""
    return Spoil(f"key.{slug}", words, Condition.CREDENTIALS_UNKNOWN,
                 lambda call: call.event().by(call.credentials(key=wrong(call))))  # fmt: skip


WRONG_KEY = (
    _key("unknown", "a key that nobody gave out", lambda _: UNKNOWN_KEY),
    _key("suffixed", "the right key with one more character after it", lambda call: call.keys.suffixed),
    _key("prefixed", "the right key with one more character before it", lambda call: call.keys.prefixed),
    _key("truncated", "the right key without its last character", lambda call: call.keys.truncated),
    _key("other-case", "the right key in the other case of letters", lambda call: call.keys.other_case),
)

WRONG_BODY_KEY = (
    Spoil("body-key.unknown", "an unknown key in the body and no header", Condition.CREDENTIALS_UNKNOWN,
          lambda call: call.event().by(call.credentials(Scheme.BODY, UNKNOWN_KEY))),
    Spoil("body-key.suffixed", "the right key with one more character, in the body",
          Condition.CREDENTIALS_UNKNOWN,
          lambda call: call.event().by(call.credentials(Scheme.BODY, call.keys.suffixed))),
    Spoil("body-key.truncated", "the right key without its last character, in the body",
          Condition.CREDENTIALS_UNKNOWN,
          lambda call: call.event().by(call.credentials(Scheme.BODY, call.keys.truncated))),
    Spoil("body-key.empty", "an empty key in the body and no header", Condition.CREDENTIALS_MISSING,
          lambda call: call.event().by(call.credentials(Scheme.BODY, ""))),
)  # fmt: skip

NO_IDENTITY = Spoil(
    "no-identity", "an event that names no user", Condition.IDENTITY_MISSING,
    lambda call: call.event().drop(*call.contract.identities(call.operation.type).values()),
)  # fmt: skip


def _with_second(call: Call, second: Json) -> Draft:
    """A batch of one good event and one thing that is no event."""
    return call.event().carrying(call.plain(call.operation.type), second)


def _type_pointer(call: Call) -> str:
    """Where an event names its type. Raises Silent if this dialect's events don't."""
    pointer = call.contract.profile.pointers.type
    if pointer is None:
        raise Silent("the events of this dialect do not name their type")
    return pointer


BAD_BATCH = (
    Spoil("list.missing", "a batch without its list", Condition.BATCH_MISSING,
          lambda call: call.event().listing()),
    Spoil("list.object", "a batch whose list is an object", Condition.BATCH_NOT_ARRAY,
          lambda call: call.event().listing({})),
    Spoil("list.string", "a batch whose list is a string", Condition.BATCH_NOT_ARRAY,
          lambda call: call.event().listing("conformance")),
    Spoil("list.number", "a batch whose list is a number", Condition.BATCH_NOT_ARRAY,
          lambda call: call.event().listing(42)),
    Spoil("list.null", "a batch whose list is null", Condition.BATCH_NOT_ARRAY,
          lambda call: call.event().listing(None)),
    Spoil("list.empty", "an empty batch", Condition.BATCH_EMPTY, lambda call: call.event().carrying()),
    Spoil("events.string", "a batch with a string among its events", Condition.BATCH_EVENT_NOT_OBJECT,
          lambda call: _with_second(call, "conformance")),
    Spoil("events.number", "a batch with a number among its events", Condition.BATCH_EVENT_NOT_OBJECT,
          lambda call: _with_second(call, 42)),
    Spoil("events.null", "a batch with null among its events", Condition.BATCH_EVENT_NOT_OBJECT,
          lambda call: _with_second(call, None)),
    Spoil("events.array", "a batch with an array among its events", Condition.BATCH_EVENT_NOT_OBJECT,
          lambda call: _with_second(call, [])),
    Spoil("type.missing", "a batch with an event that has no type", Condition.BATCH_TYPE_MISSING,
          lambda call: call.event().drop(_type_pointer(call))),
    Spoil("type.missing-second", "a batch whose second event has no type", Condition.BATCH_TYPE_MISSING,
          lambda call: call.repeated(2).drop(_type_pointer(call)).reversed()),
    Spoil("type.unknown-second", "a batch whose second event is of an unknown type",
          Condition.BATCH_TYPE_UNKNOWN,
          lambda call: call.repeated(2).put(_type_pointer(call), "conformance-unknown").reversed()),
    Spoil("type.unknown", "a batch with an event of an unknown type", Condition.BATCH_TYPE_UNKNOWN,
          lambda call: call.event().put(_type_pointer(call), "conformance-unknown")),
)  # fmt: skip


def _pixel_data(value: str) -> Callable[[Call], Draft]:
    """A pixel with something else as its data."""
    return lambda call: call.event().querying(call.contract.pixel_parameter, value)


BAD_PIXEL = (
    Spoil("data.missing", "a pixel without data", Condition.PIXEL_DATA_MISSING,
          lambda call: call.event().unqueried(call.contract.pixel_parameter)),
    Spoil("data.empty", "a pixel with empty data", Condition.PIXEL_DATA_MISSING, _pixel_data("")),
    Spoil("data.not-base64", "a pixel whose data is not base64", Condition.PIXEL_DATA_INVALID,
          _pixel_data("!conformance!")),
    Spoil("data.not-json", "a pixel whose data is base64 of something else than JSON",
          Condition.PIXEL_DATA_INVALID, _pixel_data(encoded("conformance, but no JSON"))),
    Spoil("data.truncated", "a pixel whose JSON breaks off", Condition.PIXEL_DATA_INVALID,
          lambda call: call.event().spelled(lambda body: body[:-1])),
    Spoil("data.array", "a pixel whose data is a list", Condition.PIXEL_DATA_INVALID,
          lambda call: call.event().spelled(lambda body: b"[" + body + b"]")),
    Spoil("identity.missing", "a pixel with an event that names no user", Condition.PIXEL_IDENTITY_MISSING,
          NO_IDENTITY.make),
    Spoil("key.unknown", "a pixel with an unknown key", Condition.PIXEL_KEY_UNKNOWN,
          lambda call: call.event().by(call.credentials(key=UNKNOWN_KEY))),
    Spoil("key.missing", "a pixel without a key", Condition.PIXEL_KEY_UNKNOWN,
          lambda call: call.event().by(NOBODY)),
)  # fmt: skip


def _keys(call: Call, *, query: str, body: str) -> Credentials:
    """A key in the query and another one in the body."""
    return replace(call.credentials(key=query), body_key=body)


def overriding(call: Call) -> Draft:
    """A webhook with the right key in its query and a wrong one in its body."""
    return call.event().by(_keys(call, query=call.keys.write_key, body=UNKNOWN_KEY))


BAD_WEBHOOK = (
    Spoil("key.missing", "a webhook without a key", Condition.WEBHOOK_KEY_MISSING,
          lambda call: call.event().by(NOBODY)),
    Spoil("key.unknown", "a webhook with an unknown key", Condition.WEBHOOK_KEY_UNKNOWN,
          lambda call: call.event().by(call.credentials(key=UNKNOWN_KEY))),
    Spoil("key.suffixed", "a webhook whose key has one more character", Condition.WEBHOOK_KEY_UNKNOWN,
          lambda call: call.event().by(call.credentials(key=call.keys.suffixed))),
    Spoil("key.overridden", "a webhook with an unknown key in its query and the right one in its body",
          Condition.WEBHOOK_KEY_UNKNOWN,
          lambda call: call.event().by(_keys(call, query=UNKNOWN_KEY, body=call.keys.write_key))),
)  # fmt: skip
