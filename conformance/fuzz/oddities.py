"""Odd values, names and texts: what parsers, databases and careless code stumble over, each with its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.fuzz.case import compact

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.model import Json

_STAND_IN = "conformance-raw-{}"


@dataclass(frozen=True, slots=True)
class Odd:
    """A value with a name; one that Python can't write stands in for its text."""

    words: str
    value: Any


_RAW = {
    "a number with a huge exponent": "1e400",
    "a number with a tiny exponent": "1e-400",
    "minus zero": "-0",
    "a number of 400 digits": "9" * 400,
    "a lone surrogate": '"conformance \\ud800"',
    "a reversed pair of surrogates": '"\\udc00\\ud800"',
    "an object with a name twice": '{"conformance":1,"conformance":2}',
}
_TEXTS = {_STAND_IN.format(number): text for number, text in enumerate(_RAW.values())}


def _nested(depth: int, opening: str, closing: str, core: str) -> str:
    return opening * depth + core + closing * depth


_TEXTS |= {
    "conformance-deep-array": _nested(100, "[", "]", ""),
    "conformance-deep-object": _nested(100, '{"a":', "}", "1"),
    "conformance-deeper-array": _nested(1_200, "[", "]", ""),
}

VALUES = (
    Odd("null", None),
    Odd("a number", 0),
    Odd("a boolean", value=True),
    Odd("a text", "conformance"),
    Odd("a list", []),
    Odd("an object", {}),
    Odd("an empty text", ""),
    Odd("an integer beyond 64 bits", 2**64 + 1),
    Odd("an object with an empty name", {"": 1}),
    Odd("a list of null", [None]),
    Odd("false", value=False),
    Odd("a negative integer beyond 64 bits", -(2**63) - 1),
    Odd("an unsigned integer of 64 bits", 2**63),
    Odd("a negative number", -1),
    Odd("a fraction", 1.5),
    Odd("a list of lists", [[[]]]),
    Odd("a list of objects", [{}]),
    Odd("an object of null", {"conformance": None}),
    Odd("a blank text", " "),
    Odd("a text with a NUL", "conformance\0"),
    Odd("an emoji", "conformance \U0001f600"),
    Odd("a text in another script", "Überprüfung 検査"),
    Odd("a text that is no date", "yesterday"),
    Odd("a date that is none", "2024-02-30T25:61:00Z"),
    Odd("a text of 1,500 characters", "conformance" * 137),
    Odd("markup", "<script>conformance()</script>"),
    Odd("a quote of SQL", "' OR '1'='1"),
    Odd("a template", "${conformance} {{7*7}} %s %n"),
    Odd("an object with a name of a prototype", {"__proto__": {"conformance": 1}}),
    Odd("an object with a dotted name", {"a.b": 1, "$c": 2}),
    Odd("an object with a long name", {"n" * 1_100: 1}),
    Odd("an object of 600 names", {f"n{number}": number for number in range(600)}),
    Odd("a deep array", "conformance-deep-array"),
    Odd("a deep object", "conformance-deep-object"),
    Odd("an array 1,200 deep", "conformance-deeper-array"),
    *(Odd(words, _STAND_IN.format(number)) for number, words in enumerate(_RAW)),
)
BRIEF = VALUES[:10]

TIMES = tuple(
    Odd(f"the time {text}", text)
    for text in (
        "2024-03-01T09:30:00Z", "2024-03-01T09:30:00.5Z", "2024-03-01T09:30:00.123456+00:00",
        "1999-12-31T23:59:59.999Z", "2024-03-01T11:30:00.000+05:45", "2024-02-29T00:00:00-08:00",
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2024-03-01", "2024-03-01 09:30:00", "1709285400",
        "2016-12-31T23:59:60Z", "2024-W09-5", "Fri, 01 Mar 2024 09:30:00 GMT", "20240301T093000Z",
    )
)  # fmt: skip

TYPES = (
    "application/json; charset=utf-8", "application/json;charset=UTF-8", "text/plain", "application/xml",
    "application/json; charset=latin-1", "", "application/x-www-form-urlencoded", "*/*", "application",
)  # fmt: skip


def written(value: Json) -> bytes:
    """A value as JSON, with the texts that stand in for what Python can't write replaced."""
    body = compact(value)
    if b"conformance-" in body:
        for stand_in, text in _TEXTS.items():
            body = body.replace(f'"{stand_in}"'.encode(), text.encode())
    return body


def _inside(text: bytes) -> Callable[[bytes], bytes]:
    """A body whose last field holds a text of ours."""
    return lambda body: body[:-1] + b',"conformance_word":' + text + b"}"


SPELLINGS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("an empty body", lambda _: b""),
    ("a body without its last byte", lambda body: body[:-1]),
    ("half a body", lambda body: body[: len(body) // 2]),
    ("a body with a word after it", lambda body: body + b" conformance"),
    ("a body with a brace too many", lambda body: body + b"}"),
    ("a body twice", lambda body: body + body),
    ("a comma after the last field", lambda body: body[:-1] + b",}"),
    ("apostrophes for quotes", lambda body: body.replace(b'"', b"'")),
    ("the word True", _inside(b"True")),
    ("the word NaN", _inside(b"NaN")),
    ("the word Infinity", _inside(b"-Infinity")),
    ("a raw line break in a text", _inside(b'"a\nb"')),
    ("a raw NUL in a text", _inside(b'"a\0b"')),
    ("a number that begins with 0", _inside(b"012")),
    ("a number that begins with +", _inside(b"+1")),
    ("a number that ends with a point", _inside(b"1.")),
    ("a number that begins with a point", _inside(b".5")),
    ("a hexadecimal number", _inside(b"0x1F")),
    ("an escape that is none", _inside(b'"\\x41"')),
    ("half an escape", _inside(b'"\\u12"')),
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
    ("bytes that are not UTF-8", _inside(b'"\xc3\x28 \xff"')),
    ("a surrogate in UTF-8", _inside(b'"\xed\xa0\x80"')),
    ("an overlong NUL in UTF-8", _inside(b'"\xc0\x80"')),
    ("UTF-16", lambda body: body.decode().encode("utf-16")),
    ("a byte order mark", lambda body: b"\xef\xbb\xbf" + body),
    ("a field without a colon", lambda body: body[:-1] + b',"conformance" 1}'),
    ("a name without quotes", lambda body: body[:-1] + b",conformance:1}"),
    ("a name twice", lambda body: body[:-1] + b',"conformance":1,"conformance":2}'),
)
