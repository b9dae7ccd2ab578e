"""A target that says secrets back, in every spelling and in every place of its answers."""

from __future__ import annotations

import base64
import binascii
import html
import itertools
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tests.support.spellings import spellings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.scripted_server import ClientConnection, ConnectionScript, ReceivedRequest

_MAX_HEADER_SPELLINGS = 6
_STATUSES = (b"200", b"200", b"200", b"400", b"200", b"500", b"401")
_PATHS = ("/track", "/identify", "/page", "/batch")
_MIN_PART = 12
"""The part of a canary that must not be found, however it is cut out."""


def echo_script(secrets: Sequence[str], *, is_orderly: bool = False) -> ConnectionScript:
    """Says the secrets back in each answer.

    If it is orderly, that is a success or a refusal as the request deserves it, else in turn a success, a refusal, a
    crash and something that is no HTTP.
    """
    forms = [form for secret in secrets for form in spellings(secret).values()]
    lines = [form.encode() for form in forms if form.isascii() and not set(form) & set("\r\n\0")]
    numbers = itertools.count()

    def script(peer: ClientConnection) -> None:
        while True:
            request = peer.read_request()
            number = next(numbers)
            some = [lines[(number * 7 + offset) % len(lines)] for offset in range(_MAX_HEADER_SPELLINGS)]
            if number % 11 == 10 and not is_orderly:
                peer.send(b"HTTP/1.1 200 " + some[0] + b"\r\n" + some[1] + b"\x00: no header\r\n\r\n")
                return
            status = _deserved_status(request) if is_orderly else _STATUSES[number % len(_STATUSES)]
            text = [forms[(number * 5 + offset) % len(forms)] for offset in range(10)]
            body = json.dumps({"success": True, "message": " ".join(text[:6]), "echo": text[6:]}).encode()
            peer.send(_answer(status + b" " + some[0], some, body, is_chunked=number % 2 == 0))

    return script


def _deserved_status(request: ReceivedRequest) -> bytes:
    """A success only for a POST of a JSON object to a path that there is, with credentials."""
    try:
        is_object = isinstance(json.loads(request.body), dict)
    except ValueError:
        is_object = False
    is_known = request.method == "POST" and request.target.endswith(_PATHS)
    return b"404" if not is_known else b"400" if not is_object else b"200"


def _answer(first_line: bytes, values: list[bytes], body: bytes, *, is_chunked: bool) -> bytes:
    """An answer with headers, and with trailers if it comes in chunks (RFC 9112, section 7.1.2)."""
    headers = b"".join(b"X-Echo-%d: %b\r\n" % item for item in enumerate(values))
    head = b"HTTP/1.1 " + first_line + b"\r\nContent-Type: application/json\r\n" + headers
    if not is_chunked:
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    chunk = b"%x\r\n%b\r\n0\r\n" % (len(body), body)
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"X-Trailer: " + values[-1] + b"\r\n\r\n"


def said_secrets(text: str, secrets: Sequence[str]) -> list[str]:
    """What a text says of secrets, found by decoding it in other ways than the suite does."""
    found = []
    decoded = [(item, _squeezed(item)) for item in _decoded(text)]
    for secret in secrets:
        found += [f"{name}: {form}" for name, form in spellings(secret).items() if len(form) > 8 and form in text]
        parts = {
            _squeezed(secret)[start : start + _MIN_PART] for start in range(len(_squeezed(secret)) - _MIN_PART + 1)
        }
        for item, squeezed in decoded:
            found += [f"{part}: {item[:100]}" for part in parts if part in squeezed]
    return found


def _squeezed(text: str) -> str:
    """The letters, digits and signs of a text, in lower case."""
    return "".join(re.findall(r"[!-~]", text)).lower()


def _decoded(text: str) -> Iterator[str]:
    """A text, and what it says if escapes and runs of base64 and of hexadecimal digits are decoded, some times over."""
    texts = {text}
    for _ in range(4):
        unescaped = {_unescaped(item) for item in texts}
        runs = {run for item in texts | unescaped for run in re.findall(r"[A-Za-z0-9+/_-]{14,}", item)}
        texts = (unescaped - texts) | {item for run in runs for item in _decodings(run)}
        yield from texts
    yield text


def _unescaped(text: str) -> str:
    plain = html.unescape(unquote(text))
    plain = re.sub(
        r"\\+u([0-9a-fA-F]{4})|\\+x([0-9a-fA-F]{2})", lambda found: chr(int(found[1] or found[2], 16)), plain
    )
    return re.sub(r"\\+([0-3][0-7]{2})", lambda found: chr(int(found[1], 8)), plain)


def _decodings(run: str) -> Iterator[str]:
    """What a run of characters is the base64 of, or the hexadecimal digits, from each of its first characters on."""
    standard = run.translate(str.maketrans("-_", "+/"))
    for shift in range(4):
        whole = standard[shift : shift + (len(run) - shift) // 4 * 4]
        decoded = base64.b64decode(whole)
        if sum(0x20 <= byte < 0x7F for byte in decoded) > len(decoded) // 2:
            yield decoded.decode("latin-1")
    if re.fullmatch("[0-9a-fA-F]+", run):
        yield binascii.a2b_hex(run[: len(run) // 2 * 2]).decode("latin-1")
