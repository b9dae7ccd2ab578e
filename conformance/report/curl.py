"""A request as a curl command, with variables in place of secrets."""

from __future__ import annotations

import base64
import re
import shlex
import zlib
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from conformance.core.model import Request

_MAX_LITERAL_LENGTH = 4000
_REPEATED_BYTES = re.compile(rb"(.{1,4}?)\1{99,}", re.DOTALL)
_VARIABLE = r"\$CONFORMANCE_WRITE_KEY|\$CONFORMANCE_BEARER|\$HEADER_\d{1,9}"
_PLACEHOLDER = re.compile(
    rf"swapcase\((?P<swapped>{_VARIABLE})\)|truncated\((?P<truncated>{_VARIABLE})\)|(?P<plain>{_VARIABLE})"
)
_READ_VARIABLE = re.compile(r"\$\{?(CONFORMANCE_WRITE_KEY|CONFORMANCE_BEARER|HEADER_\d{1,9})")
_ENCODED_START = "base64("
_MAX_BYTES_WITHOUT_EXPECT = 1_000_000
"""Above this size curl sends Expect: 100-continue, which our client does not."""


def curl_command(request: Request, url: str) -> str:
    """A command in one line for a POSIX shell. It reads the write key from the variable `$CONFORMANCE_WRITE_KEY`."""
    parts = ["curl", "-g", "-sS", "-i", "-X", request.method]
    header_names = {name.lower() for name, _ in request.headers}
    for name, value in request.headers:
        parts += ["-H", _quote_word(f"{name}: {value}" if value else f"{name};")]
    has_body = bool(request.body) or request.method in {"POST", "PUT", "PATCH"}
    if has_body and "content-type" not in header_names:
        parts += ["-H", "'Content-Type:'"]
    if request.chunked:
        parts += ["-H", "'Transfer-Encoding: chunked'"]
    if len(request.body) > _MAX_BYTES_WITHOUT_EXPECT:
        parts += ["-H", "'Expect:'"]
    source = ""
    if has_body:
        text = _as_shell_text(request.body)
        if text is None:
            source = f"python3 -c {shlex.quote(_python_program(request.body))} | "
        elif request.is_decompressed:
            source = f"printf %s {_quote_word(text, is_body=True)} | "
        source += "gzip -n | " if request.is_decompressed else ""
        parts += ["--data-binary", "@-" if source else _quote_word(text or "", is_body=True)]
    return f"{source}{' '.join(parts)} {_quote_url(url, request.query)}"


def variables_of(command: str) -> tuple[str, ...]:
    """The names of the variables with secrets that a command of `curl_command` reads."""
    return tuple(dict.fromkeys(_READ_VARIABLE.findall(command)))


def _quote_url(url: str, query: tuple[tuple[str, str], ...]) -> str:
    """A URL with its query as one shell word; values with a secret are encoded by the shell."""
    words = [_quote_word(url)]
    for index, (name, value) in enumerate(query):
        words.append(shlex.quote(f"{'&' if index else '?'}{quote(name, safe='')}="))
        words.append(
            f"\"$(printf %s {_quote_word(value)} | od -An -v -tx1 | tr -d ' \\n' | sed 's/../%&/g')\""
            if _PLACEHOLDER.search(value)
            else shlex.quote(quote(value, safe=""))
        )
    return "".join(words)


def _quote_word(text: str, *, is_body: bool = False) -> str:
    """A text as one shell word: placeholders of secrets become expressions, all else is literal."""
    plain, encoded = (text, "") if is_body else _split_encoded(text)
    words = []
    end = 0
    for match in _PLACEHOLDER.finditer(plain):
        if match.start() > end:
            words.append(shlex.quote(plain[end : match.start()]))
        words.append(f'"{_shell_expression(match)}"')
        end = match.end()
    if end < len(plain) or not (words or encoded):
        words.append(shlex.quote(plain[end:]))
    if encoded:
        words.append(f"\"$(printf %s {_quote_word(encoded)} | base64 | tr -d '\\n')\"")
    return "".join(words)


def _split_encoded(text: str) -> tuple[str, str]:
    """What is before `base64(...)` at the end of a text, and what is inside; nothing is, if that holds no secret."""
    before, _, inside = text.partition(_ENCODED_START)
    if inside.endswith(")") and _PLACEHOLDER.search(inside[:-1]):
        return before, inside[:-1]
    return text, ""


def _shell_expression(match: re.Match[str]) -> str:
    """The shell expression for a placeholder, inside double quotes."""
    if match["swapped"]:
        return f'$(printf %s "{match["swapped"]}" | tr a-zA-Z A-Za-z)'
    if match["truncated"]:
        return f"${{{match['truncated'][1:]}%?}}"
    return match["plain"]


def _as_shell_text(body: bytes) -> str | None:
    """A body as text for a command line; None if it is too long, is not UTF-8, has a NUL or starts with @."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return text if len(body) <= _MAX_LITERAL_LENGTH and "\0" not in text and not text.startswith("@") else None


def _python_program(body: bytes) -> str:
    """A Python program that writes a body, with repeated bytes as products, or compressed if it is long."""
    pieces, end = [], 0
    for match in _REPEATED_BYTES.finditer(body):
        if match.start() > end:
            pieces.append(repr(body[end : match.start()]))
        pieces.append(f"{match[1]!r}*{len(match[0]) // len(match[1])}")
        end = match.end()
    pieces.append(repr(body[end:]))
    value = "+".join(pieces)
    imports = "os,sys"
    if len(value) > _MAX_LITERAL_LENGTH:
        compressed = base64.b64encode(zlib.compress(body, 9)).decode()
        value, imports = f"zlib.decompress(base64.b64decode('{compressed}'))", "base64,os,sys,zlib"
    if _PLACEHOLDER.search(body.decode("latin-1")):
        value = (
            f"re.sub(rb'(swapcase|truncated)?(\\()?\\$(CONFORMANCE_WRITE_KEY|CONFORMANCE_BEARER|HEADER_\\d+)(?(2)\\))',"
            "lambda m:{None:lambda k:k,b'swapcase':lambda k:k.decode().swapcase().encode(),"
            f"b'truncated':lambda k:k.decode()[:-1].encode()}}[m[1]](os.environb[m[3]]),{value})"
        )
        imports += ",re"
    return f"import {imports};sys.stdout.buffer.write({value})"
