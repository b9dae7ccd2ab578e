"""Interesting values and texts: those that parsers, databases and careless code are known to fail on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.fuzz.case import compact_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.core.model import Json

_PLACEHOLDER = "conformance-raw-{}"


@dataclass(frozen=True, slots=True)
class InterestingValue:
    """A value with a description; a placeholder if Python can't write the value as JSON."""

    description: str
    value: Any


_RAW_JSON = {
    "a number with a huge exponent": "1e400",
    "a number with a tiny exponent": "1e-400",
    "minus zero": "-0",
    "a number of 400 digits": "9" * 400,
    "a lone surrogate": '"conformance \\ud800"',
    "a reversed pair of surrogates": '"\\udc00\\ud800"',
    "an object with a name twice": '{"conformance":1,"conformance":2}',
}
_JSON_BY_PLACEHOLDER = {_PLACEHOLDER.format(number): text for number, text in enumerate(_RAW_JSON.values())}


def _nested(depth: int, opening: str, closing: str, core: str) -> str:
    return opening * depth + core + closing * depth


_JSON_BY_PLACEHOLDER |= {
    "conformance-deep-array": _nested(100, "[", "]", ""),
    "conformance-deep-object": _nested(100, '{"a":', "}", "1"),
    "conformance-deeper-array": _nested(1_200, "[", "]", ""),
}

VALUES = (
    InterestingValue("null", None),
    InterestingValue("a number", 0),
    InterestingValue("a boolean", value=True),
    InterestingValue("a text", "conformance"),
    InterestingValue("a list", []),
    InterestingValue("an object", {}),
    InterestingValue("an empty text", ""),
    InterestingValue("an integer beyond 64 bits", 2**64 + 1),
    InterestingValue("an object with an empty name", {"": 1}),
    InterestingValue("a list of null", [None]),
    InterestingValue("false", value=False),
    InterestingValue("a negative integer beyond 64 bits", -(2**63) - 1),
    InterestingValue("an unsigned integer of 64 bits", 2**63),
    InterestingValue("a negative number", -1),
    InterestingValue("a fraction", 1.5),
    InterestingValue("a list of lists", [[[]]]),
    InterestingValue("a list of objects", [{}]),
    InterestingValue("an object of null", {"conformance": None}),
    InterestingValue("a blank text", " "),
    InterestingValue("a text with a NUL", "conformance\0"),
    InterestingValue("an emoji", "conformance \U0001f600"),
    InterestingValue("a text in another script", "Überprüfung 検査"),
    InterestingValue("a text that is not a date", "yesterday"),
    InterestingValue("an impossible date", "2024-02-30T25:61:00Z"),
    InterestingValue("a text of 1,500 characters", "conformance" * 137),
    InterestingValue("markup", "<script>conformance()</script>"),
    InterestingValue("a quote of SQL", "' OR '1'='1"),
    InterestingValue("a template", "${conformance} {{7*7}} %s %n"),
    InterestingValue("an object with a name of a prototype", {"__proto__": {"conformance": 1}}),
    InterestingValue("an object with a dotted name", {"a.b": 1, "$c": 2}),
    InterestingValue("an object with a long name", {"n" * 1_100: 1}),
    InterestingValue("an object of 600 names", {f"n{number}": number for number in range(600)}),
    InterestingValue("a deep array", "conformance-deep-array"),
    InterestingValue("a deep object", "conformance-deep-object"),
    InterestingValue("an array 1,200 deep", "conformance-deeper-array"),
    *(InterestingValue(words, _PLACEHOLDER.format(number)) for number, words in enumerate(_RAW_JSON)),
)
BASIC_VALUES = VALUES[:10]

TIMESTAMPS = tuple(
    InterestingValue(f"the time {text}", text)
    for text in (
        "2024-03-01T09:30:00Z", "2024-03-01T09:30:00.5Z", "2024-03-01T09:30:00.123456+00:00",
        "1999-12-31T23:59:59.999Z", "2024-03-01T11:30:00.000+05:45", "2024-02-29T00:00:00-08:00",
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2024-03-01", "2024-03-01 09:30:00", "1709285400",
        "2016-12-31T23:59:60Z", "2024-W09-5", "Fri, 01 Mar 2024 09:30:00 GMT", "20240301T093000Z",
    )
)  # fmt: skip

CONTENT_TYPES = (
    "application/json; charset=utf-8", "application/json;charset=UTF-8", "text/plain", "application/xml",
    "application/json; charset=latin-1", "", "application/x-www-form-urlencoded", "*/*", "application",
)  # fmt: skip


def to_json_bytes(value: Json) -> bytes:
    """A value as JSON, with the placeholders replaced by what Python can't write."""
    body = compact_json(value)
    if b"conformance-" in body:
        for placeholder, text in _JSON_BY_PLACEHOLDER.items():
            body = body.replace(f'"{placeholder}"'.encode(), text.encode())
    return body


def _append_field(text: bytes) -> Callable[[bytes], bytes]:
    """A rewrite that adds a field with some bytes as its value."""
    return lambda body: body[:-1] + b',"conformance_word":' + text + b"}"


BODY_REWRITES: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("an empty body", lambda _: b""),
    ("a body without its last byte", lambda body: body[:-1]),
    ("half a body", lambda body: body[: len(body) // 2]),
    ("a body with a word after it", lambda body: body + b" conformance"),
    ("a body with an extra brace", lambda body: body + b"}"),
    ("a body twice", lambda body: body + body),
    ("a comma after the last field", lambda body: body[:-1] + b",}"),
    ("apostrophes for quotes", lambda body: body.replace(b'"', b"'")),
    ("the word True", _append_field(b"True")),
    ("the word NaN", _append_field(b"NaN")),
    ("the word Infinity", _append_field(b"-Infinity")),
    ("a raw line break in a text", _append_field(b'"a\nb"')),
    ("a raw NUL in a text", _append_field(b'"a\0b"')),
    ("a number that begins with 0", _append_field(b"012")),
    ("a number that begins with +", _append_field(b"+1")),
    ("a number that ends with a point", _append_field(b"1.")),
    ("a number that begins with a point", _append_field(b".5")),
    ("a hexadecimal number", _append_field(b"0x1F")),
    ("an invalid escape", _append_field(b'"\\x41"')),
    ("half an escape", _append_field(b'"\\u12"')),
    ("a comment", lambda body: b"/* conformance */" + body),
    ("a list in place of the object", lambda body: b"[" + body + b"]"),
    ("a text in place of the object", lambda _: b'"conformance"'),
    ("a number in place of the object", lambda _: b"42"),
    ("true in place of the object", lambda _: b"true"),
    ("null in place of the object", lambda _: b"null"),
    ("an empty list in place of the object", lambda _: b"[]"),
    ("an empty object", lambda _: b"{}"),
    ("plain words", lambda _: b"conformance"),
    ("white space", lambda _: b" \r\n\t "),
    ("white space around", lambda body: b"\r\n " + body + b"\n\t "),
    ("bytes that are not UTF-8", _append_field(b'"\xc3\x28 \xff"')),
    ("a surrogate in UTF-8", _append_field(b'"\xed\xa0\x80"')),
    ("an overlong NUL in UTF-8", _append_field(b'"\xc0\x80"')),
    ("UTF-16", lambda body: body.decode().encode("utf-16")),
    ("a byte order mark", lambda body: b"\xef\xbb\xbf" + body),
    ("a field without a colon", lambda body: body[:-1] + b',"conformance" 1}'),
    ("a name without quotes", lambda body: body[:-1] + b",conformance:1}"),
    ("a name twice", lambda body: body[:-1] + b',"conformance":1,"conformance":2}'),
)
