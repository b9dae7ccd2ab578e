"""A request as a shell line that sends it again, with variables in place of secrets."""

from __future__ import annotations

import base64
import re
import shlex
import zlib
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from conformance.model import Request

_LONGEST = 4000
_RUN = re.compile(rb"(.{1,4}?)\1{99,}", re.DOTALL)
_KEY = r"\$CONFORMANCE_WRITE_KEY|\$CONFORMANCE_BEARER|\$HEADER_\d+"
_DERIVED = rf"swapcase\((?P<swapped>{_KEY})\)|truncated\((?P<truncated>{_KEY})\)|(?P<plain>{_KEY})"
_BODY_STAND_IN = re.compile(rf"(?P<encoded>(?!))|{_DERIVED}")
_STAND_IN = re.compile(rf"base64\((?P<encoded>.*(?:{_KEY}).*)\)$|{_DERIVED}", re.DOTALL)
_EXPECTED_FROM = 1_000_000
"""Above this size curl asks first, with Expect: 100-continue, which the wire does not."""


def curl(request: Request, url: str) -> str:
    """One line for a POSIX shell. It reads the write key from `$CONFORMANCE_WRITE_KEY`, exported."""
    parts = ["curl", "-g", "-sS", "-i", "-X", request.method]
    given = {name.lower() for name, _ in request.headers}
    for name, value in request.headers:
        parts += ["-H", _shell(f"{name}: {value}" if value else f"{name};")]
    has_body = bool(request.body) or request.method in {"POST", "PUT", "PATCH"}
    if has_body and "content-type" not in given:
        parts += ["-H", "'Content-Type:'"]
    if request.chunked:
        parts += ["-H", "'Transfer-Encoding: chunked'"]
    if len(request.body) > _EXPECTED_FROM:
        parts += ["-H", "'Expect:'"]
    source = ""
    if has_body:
        text = _printable(request.body)
        if text is None:
            source = f"python3 -c {shlex.quote(_program(request.body))} | "
        elif request.unpacked:
            source = f"printf %s {_shell(text, is_body=True)} | "
        source += "gzip -n | " if request.unpacked else ""
        parts += ["--data-binary", "@-" if source else _shell(text or "", is_body=True)]
    return f"{source}{' '.join(parts)} {_address(url, request.query)}"


def _address(url: str, query: tuple[tuple[str, str], ...]) -> str:
    """A URL with its query as one shell word; the shell encodes what it computes."""
    words = [_shell(url)]
    for index, (name, value) in enumerate(query):
        words.append(shlex.quote(f"{'&' if index else '?'}{quote(name, safe='')}="))
        words.append(
            f"\"$(printf %s {_shell(value)} | od -An -v -tx1 | tr -d ' \\n' | sed 's/../%&/g')\""
            if _STAND_IN.search(value)
            else shlex.quote(quote(value, safe=""))
        )
    return "".join(words)


def _shell(text: str, *, is_body: bool = False) -> str:
    """A text as one shell word: stand-ins of secrets are computed, all else is literal."""
    words = []
    end = 0
    for found in (_BODY_STAND_IN if is_body else _STAND_IN).finditer(text):
        if found.start() > end:
            words.append(shlex.quote(text[end : found.start()]))
        words.append(f'"{_computed(found)}"')
        end = found.end()
    if end < len(text) or not words:
        words.append(shlex.quote(text[end:]))
    return "".join(words)


def _computed(found: re.Match[str]) -> str:
    """What a shell writes for a stand-in, inside double quotes."""
    if found["encoded"] is not None:
        return f"$(printf %s {_shell(found['encoded'])} | base64 | tr -d '\\n')"
    if found["swapped"]:
        return f'$(printf %s "{found["swapped"]}" | tr a-zA-Z A-Za-z)'
    if found["truncated"]:
        return f"${{{found['truncated'][1:]}%?}}"
    return found["plain"]


def _printable(body: bytes) -> str | None:
    """A body as text that may stand on a command line, if it is short and clean enough."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return text if len(body) <= _LONGEST and "\0" not in text and not text.startswith("@") else None


def _program(body: bytes) -> str:
    """A Python program that writes a body: with runs as products, or compressed where that is shorter."""
    pieces, end = [], 0
    for found in _RUN.finditer(body):
        if found.start() > end:
            pieces.append(repr(body[end : found.start()]))
        pieces.append(f"{found[1]!r}*{len(found[0]) // len(found[1])}")
        end = found.end()
    pieces.append(repr(body[end:]))
    value = "+".join(pieces)
    imports = "os,sys"
    if len(value) > _LONGEST:
        packed = base64.b64encode(zlib.compress(body, 9)).decode()
        value, imports = f"zlib.decompress(base64.b64decode('{packed}'))", "base64,os,sys,zlib"
    if _BODY_STAND_IN.search(body.decode("latin-1")):
        value = (
            f"re.sub(rb'(swapcase|truncated)?(\\()?\\$(CONFORMANCE_WRITE_KEY|CONFORMANCE_BEARER|HEADER_\\d+)(?(2)\\))',"
            "lambda m:{None:lambda k:k,b'swapcase':lambda k:k.decode().swapcase().encode(),"
            f"b'truncated':lambda k:k.decode()[:-1].encode()}}[m[1]](os.environb[m[3]]),{value})"
        )
        imports += ",re"
    return f"import {imports};sys.stdout.buffer.write({value})"
