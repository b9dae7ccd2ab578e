"""Text for people: suggestions for misspelt words, and nothing that a terminal or a CI system would obey."""

from __future__ import annotations

import json
import unicodedata

import pytest

from conformance.core.text import (
    did_you_mean,
    escape_controls,
    escape_log_text,
    nearest,
    nearest_hint,
    to_json_text,
)

WORDS = ("size", "auth", "accept")


def test_the_nearest_word_is_data() -> None:
    """A word, or None: a caller needs no sentence to know."""
    assert nearest("sise", WORDS) == "size"
    assert nearest("xyz", WORDS) is None


def test_a_hint_names_one_word_or_nothing() -> None:
    """An unlike word has no hint, however many words are known."""
    assert nearest_hint("sise", WORDS) == "; did you mean 'size'?"
    assert nearest_hint("xyz", WORDS) == ""


def test_known_words_are_listed_if_none_is_near() -> None:
    """In order; nothing is listed if nothing is known."""
    assert did_you_mean("sise", WORDS) == "; did you mean 'size'?"
    assert did_you_mean("xyz", WORDS) == "; known here: accept, auth, size"
    assert did_you_mean("xyz", ()) == ""


INVISIBLE = sorted(
    {
        *(code for code in range(0x110000) if unicodedata.category(chr(code)) == "Cf" ),
        *range(0x80, 0xA0),
        *range(0xFE00, 0xFE10),
        *range(0xE0100, 0xE01F0),
        0x034F, 0x115F, 0x1160, 0x3164, 0xFFA0, 0x2028, 0x2029, 0xD800, 0xDFFF,
    }
)  # fmt: skip
VISIBLE_FORMATS = {*range(0x0600, 0x0606), 0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x110BD, 0x110CD} | {
    *range(0x13430, 0x13440),
    *range(0x1BCA0, 0x1BCA4),
}
"""Format characters that are seen: signs of Arabic, Syriac, Kaithi, hieroglyphs and shorthand."""


def test_no_invisible_character_is_shown() -> None:
    """Each of them is an escape that says which character it was, in text and in JSON."""
    for code in INVISIBLE:
        if code not in VISIBLE_FORMATS:
            character = chr(code)
            escape = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
            assert escape_controls(f"a{character}b") == f"a{escape}b"
            written = to_json_text({"text": character})
            assert character not in written
            assert json.loads(written) == {"text": character}


def test_no_two_characters_have_one_escape() -> None:
    """A tag is no private character with a digit after it."""
    assert escape_controls("\U000e0001") != escape_controls("\ue000") + "1"
    assert escape_controls("\U000e0001") == "\\U000e0001"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::set-output name=x::y", "\\x3a:set-output name=x::y"),
        ("  ::anything::y", "  \\x3a:anything::y"),
        ("body:\n::stop-commands::t", "body:\n\\x3a:stop-commands::t"),
        ("AAAA::Error::y", "AAAA\\x3a:Error::y"),
        ("see ##[add-path]/tmp", "see \\x23#[add-path]/tmp"),
        ("###[group]x", "#\\x23#[group]x"),
        ("##vso[task.setvariable variable=x]y", "\\x23#vso[task.setvariable variable=x]y"),
        ("x ##VSO[task.complete]", "x \\x23#VSO[task.complete]"),
        ("##teamcity[buildStop]", "\\x23#teamcity[buildStop]"),
        ("section_start:1:name\r", "section\\x5fstart:1:name\\x0d"),
        ("section_end:1:name", "section\\x5fend:1:name"),
        ("travis_fold:start:x", "travis\\x5ffold:start:x"),
    ],
)
def test_no_command_to_a_ci_system_survives(text: str, shown: str) -> None:
    """Neither at the beginning of a line nor inside; JSON carries it so that it is no command either."""
    assert escape_controls(text) == shown
    written = to_json_text(text)
    assert json.loads(written) == text
    assert not any(marker in written.lower() for marker in ("##[", "##vso[", "##teamcity[", "n_start:", "s_fold:"))
    assert escape_log_text(text).replace("\r", "\\x0d") == shown


@pytest.mark.parametrize(
    "text",
    [
        "std::string",
        "Foo::Bar::Baz",
        "a ## b",
        "#1 [x]",
        "[::1]:8080",
        "section_1",
        "http://[::1]/",
        "a: :b",
        "##",
        "é日\t\n",
    ],
)
def test_what_is_no_command_stays(text: str) -> None:
    """Names in C++ and Ruby, addresses and headings are left alone."""
    assert escape_controls(text) == text
    assert to_json_text([text]) == json.dumps([text], ensure_ascii=False)
