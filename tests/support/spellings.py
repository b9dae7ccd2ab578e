"""Ways in which a server may write down what it was sent."""

from __future__ import annotations

import base64
import gzip
import html
import json
import quopri
import re
import zlib
from urllib.parse import quote, quote_plus

ZERO_WIDTH = "\u200b"


def b64(data: bytes) -> str:
    """Base64 as text."""
    return base64.b64encode(data).decode()


def hexadecimal(data: bytes, separator: str = "") -> str:
    """Hexadecimal digits as text."""
    return data.hex(separator) if separator else data.hex()


def percent(data: bytes) -> str:
    """Every byte as an escape of URLs."""
    return "".join(f"%{byte:02X}" for byte in data)


def entities(text: str, form: str = "&#{};") -> str:
    """Every character as a numeric entity of HTML."""
    return "".join(form.format(ord(character)) for character in text)


def utf_7(text: str) -> str:
    """Every character in UTF-7 (RFC 2152)."""
    return f"+{b64(text.encode('utf-16-be')).rstrip('=')}-"


def bits(data: bytes, separator: str = "") -> str:
    """Zeros and ones, eight for each byte."""
    return separator.join(f"{byte:08b}" for byte in data)


def spellings(secret: str) -> dict[str, str]:
    """The spellings of a secret by what they are."""
    raw = secret.encode()
    doubled = b64(b64(raw).encode())
    wide = secret.encode("utf-16-le") if secret.isascii() else raw
    json_escapes = "".join(f"\\u{ord(character):04x}" for character in secret)
    return {
        "plain": secret,
        "lower case": secret.lower(),
        "upper case": secret.upper(),
        "title case": secret.title(),
        "swapped case": secret.swapcase(),
        "percent": quote(secret, safe=""),
        "percent, every byte": percent(raw),
        "percent, lower case": percent(raw).lower(),
        "percent, twice": quote(percent(raw), safe=""),
        "percent, three times": quote(quote(percent(raw), safe=""), safe=""),
        "percent, upper case of the text": percent(secret.upper().encode()),
        "form": quote_plus(secret),
        "HTML": html.escape(secret),
        "HTML, decimal": entities(secret),
        "HTML, hexadecimal": entities(secret, "&#x{:x};"),
        "HTML, padded": entities(secret, "&#x{:06X};"),
        "HTML, twice": html.escape(entities(secret)),
        "JSON, every character": json_escapes,
        "JSON, upper case digits": "".join(f"\\u{ord(character):04X}" for character in secret),
        "JSON, the first character": f"\\u{ord(secret[0]):04x}{secret[1:]}",
        "JSON, the first character, in braces": f"\\u{{{ord(secret[0]):x}}}{secret[1:]}",
        "JSON in JSON": json.dumps(json.dumps(secret)),
        "JSON escapes in JSON": json.dumps(json_escapes),
        "hexadecimal escapes": "".join(f"\\x{byte:02x}" for byte in raw),
        "octal escapes": "".join(f"\\{byte:03o}" for byte in raw),
        "quoted-printable": quopri.encodestring(raw, quotetabs=True).decode(),
        "hexadecimal": hexadecimal(raw),
        "hexadecimal, upper case": hexadecimal(raw).upper(),
        "hexadecimal with colons": hexadecimal(raw, ":"),
        "hexadecimal with blanks": hexadecimal(raw, " "),
        "hexadecimal of hexadecimal": hexadecimal(hexadecimal(raw).encode()),
        "hexadecimal, 0x": ", ".join(f"0x{byte:02x}" for byte in raw),
        "base64": b64(raw),
        "base64 without padding": b64(raw).rstrip("="),
        "base64, URL-safe": base64.urlsafe_b64encode(raw).decode(),
        "base64 of a header": b64(b"Basic " + b64(raw + b":").encode()),
        "base64 of credentials": b64(raw + b":"),
        "base64 after one byte": b64(b"x" + raw),
        "base64 after two bytes": b64(b"xy" + raw),
        "base64, cut at its beginning": b64(raw)[1:],
        "base64, cut at its end": b64(raw)[:-3],
        "base64, cut at both ends": b64(raw + b":")[2:-2],
        "base64 of another case": b64(secret.upper().encode()),
        "base64, doubled": doubled,
        "base64, doubled and cut": doubled[2:-2],
        "base64, three times": b64(doubled.encode()),
        "base64 in lines": "\r\n".join(b64(b"a" * 30 + raw)[at : at + 16] for at in range(0, 90, 16)),
        "base64, percent": quote(b64(raw + b"?>"), safe=""),
        "base64 of JSON": b64(json.dumps({"key": json_escapes}).encode()),
        "base64 of hexadecimal": b64(hexadecimal(raw).encode()),
        "hexadecimal of base64": hexadecimal(b64(raw).encode()),
        "UTF-16 in base64": b64(wide),
        "UTF-16 in base64 in a text": f"the key {b64(wide)} is not known, and nobody has ever heard of it",
        "percent in UTF-16": percent(raw).encode("utf-16-le").decode(),
        "codes": json.dumps([*raw]),
        "codes in lines": json.dumps([*raw], indent=2),
        "codes in an object": json.dumps({str(place): byte for place, byte in enumerate(raw)}),
        "octal codes": " ".join(f"{byte:o}" for byte in raw),
        "bits": bits(raw),
        "bits in bytes": bits(raw, " "),
        "bits as JavaScript writes them": " ".join(f"{byte:b}" for byte in raw.replace(b" ", b"_")),
        "base32": base64.b32encode(raw).decode(),
        "base32, lower case": base64.b32encode(raw).decode().lower().rstrip("="),
        "base32 after three bytes": base64.b32encode(b"xyz" + raw).decode(),
        "base32 in base64": b64(base64.b32encode(raw)),
        "gzip in base64": b64(gzip.compress(raw, mtime=0)),
        "gzip in base64 in JSON": json.dumps({"data": b64(gzip.compress(b"a key: " + raw, mtime=0))}),
        "zlib in hexadecimal": zlib.compress(raw).hex(),
        "zlib in base64, twice": b64(b64(zlib.compress(raw, 9)).encode()),
        "UTF-7": utf_7(secret),
        "UTF-7, signs": re.sub("[!-/:-@]", lambda sign: utf_7(sign[0]), secret),
        "reversed": secret[::-1],
        "reversed in base64": b64(secret[::-1].encode()) if secret.isascii() else secret[::-1],
        "dotted": ".".join(secret),
        "letters in a list": json.dumps([*secret], ensure_ascii=False),
        "spaced": " ".join(secret),
        "in lines": "\n".join(secret),
        "with tags": "<wbr>".join(secret),
        "with colours": "\x1b[0;1m".join(secret),
        "wide letters": "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in secret),
        "with zero-width spaces": ZERO_WIDTH.join(secret),
        "with zero-width spaces, in a header": ZERO_WIDTH.join(secret).encode().decode("latin-1"),
        "with zero-width spaces, as Python shows it": repr(bytearray(ZERO_WIDTH.join(secret).encode())),
        "as Python shows it": repr(raw),
        "as Python shows its characters": repr(bytearray(raw)),
    }
