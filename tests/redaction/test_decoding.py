"""Secrets are found by decoding: in every spelling, nested, cut, and at the right place."""

from __future__ import annotations

import json
import tracemalloc
import zlib

import pytest

from conformance.redaction import TextRedactor
from conformance.redaction.digit_views import base64_views, hex_views
from conformance.redaction.search import SecretSearch
from conformance.redaction.views import escaped_views
from tests.support.spellings import b64, spellings

KEY = "Canary-7f3A/9b2C+51dE"
SHORT_KEY = "k9Zq-x"
WIDE_KEY = "Schlüssel-日本-Ωmega"
REDACTOR = TextRedactor({KEY: "$KEY"})


@pytest.mark.parametrize("key", [KEY, WIDE_KEY, "aaaa-aaaa-aaaa-AAAA", "0123456789abcdef0123456789ABCDEF"])
def test_every_spelling_is_replaced(key: str) -> None:
    """With what stands around it left as it is."""
    redactor = TextRedactor({key: "$KEY"})
    for name, spelling in spellings(key).items():
        shown = redactor.redact_text(f"<<{spelling}>>")
        assert "$KEY" in shown, name
        assert (shown[:2], shown[-2:]) == ("<<", ">>"), name
        assert spelling not in shown, name
        body = redactor.redact_body(f"<<{spelling}>>".encode())
        assert body.decode() == shown, name


@pytest.mark.parametrize("name", ["lower case", "hexadecimal", "base64", "percent, twice", "base64, doubled"])
def test_a_short_key_is_found_whole(name: str) -> None:
    """From four characters on; parts of it are no secrets."""
    redactor = TextRedactor({SHORT_KEY: "$KEY"})
    assert "$KEY" in redactor.redact_text(f"({spellings(SHORT_KEY)[name]})")
    assert redactor.redact_text(SHORT_KEY[:-1]) == SHORT_KEY[:-1]


def test_nothing_of_a_spelling_is_left() -> None:
    """Neither the first nor the last characters: the place is exact."""
    for name in (
        "percent, every byte",
        "JSON, every character",
        "hexadecimal with colons",
        "HTML, decimal",
        "octal escapes",
    ):
        assert REDACTOR.redact_text(f"<{spellings(KEY)[name]}>") == "<$KEY>", name


@pytest.mark.parametrize(
    "form",
    ['"Canary-7" + "f3A/9b2C" + "+51dE"', "Canary.7f3A.9b2C.51dE", "canary7f3a9b2c51de", "Canary_7f3A: 9b2C, 51dE"],
)
def test_pieces_are_put_together(form: str) -> None:
    """Whatever signs are between them, and whatever became of the key's own."""
    assert "$KEY" in REDACTOR.redact_text(f"({form})")


def test_words_of_a_key_are_no_secret_in_a_sentence() -> None:
    """A key of words, without a digit, counts with its own signs, across blanks, or letter by letter."""
    redactor = TextRedactor({"open-sesame-please": "$KEY"})
    for text in ("Say open sesame, please.", "openSesamePlease", "open/sesame/please"):
        assert redactor.redact_text(text) == text
    for text in (
        "open-sesame-please",
        "open-sesame\n -please",
        "o.p.e.n. .s.e.s.a.m.e. .p.l.e.a.s.e",
        "esaelp-emases-nepo",
    ):
        assert redactor.redact_text(f"({text})") == "($KEY)"


def test_what_is_packed_is_unpacked_up_to_a_size() -> None:
    """A bomb costs no more than other texts, and a key at its beginning is found all the same."""
    bomb = b64(zlib.compress(KEY.encode() + bytes(50_000_000), 9))
    assert SecretSearch({KEY: "$KEY"}).find(bomb.encode())
    assert TextRedactor({KEY: "$KEY"}).redact_text(f"<{b64(zlib.compress(bytes(1_000_000)))}>").startswith("<eJ")


def test_what_is_cut_is_called_a_part() -> None:
    """Three quarters of a key are a secret, half of it is none."""
    assert REDACTOR.redact_text(f"<{KEY[:-4]}>") == "<part($KEY)>"
    assert REDACTOR.redact_text(f"<{KEY[3:]}>") == "<part($KEY)>"
    assert REDACTOR.redact_text(f"<{KEY[:10]}>") == f"<{KEY[:10]}>"


def test_several_places_are_replaced() -> None:
    """In one text, in several spellings, of several secrets."""
    redactor = TextRedactor({KEY: "$KEY", "other-secret-9": "$OTHER"})
    shown = redactor.redact_text(f"{KEY.upper()} {b64(b'xx' + KEY.encode())} {b'other-secret-9'.hex()} {KEY.lower()}")
    assert shown.count("$KEY") == 3
    assert shown.count("$OTHER") == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "An ordinary message: 100 % of it, a&b=c&amp;d, C:\\new\\table",
        '{"success":true,"id":"019f2c1e-7d4b-7c11-a0de-5b1c2f3d4e5f","n":[10,20,30,40,50,60,70]}',
        "QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "deadbeef" * 8,
        "%zz%4 &#; &#x; &nosuch; \\u12 \\x \\777 &#99999999;",
        "&#1114112; \ud800 \\ud800 \\U0010ffff",
        "canary bird, canaries",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" * 3,
        "01" * 100,
        b64(zlib.compress(b"an ordinary text")),
        "H4sIAAAAAAAAA and eJz are no text that is packed, +AGE- is an a",
        "2026-11-29 23:16:42.123, 10.0.0.1:8080, 1.2.3",
    ],
)  # fmt: skip
def test_other_texts_stay(text: str) -> None:
    """Whatever they decode to."""
    assert REDACTOR.redact_text(text) == text


def test_json_stays_json() -> None:
    """An answer with an escaped key is as readable as before."""
    body = f'{{"error":"bad key {spellings(KEY)["JSON, every character"]}","ok":false}}'.encode()
    assert json.loads(REDACTOR.redact_body(body)) == {"error": "bad key $KEY", "ok": False}


def test_a_placeholder_is_not_replaced_again() -> None:
    """Even if the key is one of its words."""
    assert TextRedactor({"conformance": "$CONFORMANCE_KEY"}).redact_text("a conformance") == "a $CONFORMANCE_KEY"


@pytest.mark.parametrize(
    "text",
    [
        b"A2" * 64_000, b"a2" * 64_000, b"01" * 64_000, b"x\x9c" * 64_000, b"\x1f\x8b\x08" * 40_000, b"+AGE-" * 25_000,
        b"1-" * 64_000, b'"1":' * 32_000, b"123456" * 20_000, b"12-" * 5 + b"-" * 128_000,
        b"%41" * 40_000, b"&amp;" * 25_000, b"\\" * 128_000, b"\\u0041" * 20_000, b"A" * 128_000, b"f" * 128_000,
        b" " * 128_000, b"1, " * 40_000, b"12 " * 40_000, b"=" * 128_000, b"&#" * 64_000, b"&aaaaaaa" * 16_000,
        b64(b64(b64(b"x" * 40_000).encode()).encode()).encode()[:128_000],
    ],
    ids=lambda text: repr(text[:6]),
)  # fmt: skip
def test_the_work_is_bounded(text: bytes) -> None:
    """What is decoded of the worst texts is at most a few dozen times as large, and so is the memory for it."""
    tracemalloc.start()
    assert SecretSearch({KEY: "$KEY"}).find(text) == []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * len(text)


def test_a_text_full_of_secrets_is_read_once() -> None:
    """All places of a view are found in one pass."""
    body = (b64(b"xx" + KEY.encode()) + " ").encode() * 3_000
    shown = REDACTOR.redact_body(body)
    assert shown.count(b"$KEY") == 3_000
    assert len(shown) < len(body)


def test_views_know_where_their_parts_are() -> None:
    """The place of each part of a view, in what it was made from."""
    data = b"ab%43d &amp; \\u00e9!"
    (view,) = escaped_views(data)
    assert view.data == "abCd & é!".encode()
    assert [data[slice(*view.outer((at, at + 1)))] for at in (1, 2, 3, 5)] == [b"b", b"%43", b"d", b"&amp;"]
    assert data[slice(*view.outer((7, 9)))] == b"\\u00e9"
    view = next(hex_views(b"-41:42:43-", 2))
    assert (view.data, view.outer((1, 3))) == (b"ABC", (4, 9))
    view = next(base64_views(b"<QU JD>", 4))
    assert (view.data[:3], view.outer((0, 3))) == (b"ABC", (1, 6))
