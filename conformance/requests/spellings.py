"""Spellings: an acceptable request, written in other ways that mean the same.

Each form is one difference from an acceptable request, with its name; what a dialect has no room for is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.core.errors import NotApplicable
from conformance.requests.raw_writers import write_standard

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.core.model import RawWriter
    from conformance.requests.call import Call
    from conformance.requests.draft import Draft
    from conformance.requests.raw_writers import HeaderPairs

_JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write an acceptable request. `make` raises NotApplicable where a dialect has no room for it."""

    description: str
    make: Callable[[Call], Draft]


def _alternate(text: str) -> str:
    """`aLtErNaTe`."""
    return "".join(letter.upper() if number % 2 else letter.lower() for number, letter in enumerate(text))


def _header_lines(line: Callable[[str, str], str]) -> RawWriter:
    """Writes each header but Host as `line` says."""

    def write(start: str, headers: HeaderPairs, body: bytes) -> tuple[bytes, ...]:
        pairs = [*headers, ("Content-Length", str(len(body)))]
        lines = [f"{name}: {value}" if name == "Host" else line(name, value) for name, value in pairs]
        return ("\r\n".join([start, *lines, "", ""]).encode() + body,)

    return write


def _without(name: str) -> RawWriter:
    """Writes no header of this name."""
    return lambda start, headers, body: write_standard(start, [item for item in headers if item[0] != name], body)


def written(description: str, raw_writer: RawWriter) -> Form:
    """An acceptable request, written by `raw_writer`."""
    return Form(description, lambda call: call.acceptable_request().with_raw_writer(raw_writer))


def _header(description: str, *headers: tuple[str, str]) -> Form:
    """An acceptable request with further headers."""

    def make(call: Call) -> Draft:
        draft = call.acceptable_request()
        return replace(draft, headers=(*draft.headers, *headers))

    return Form(description, make)


def _content_type(value: str) -> Form:
    def make(call: Call) -> Draft:
        draft = call.acceptable_request()
        if draft.content_type != _JSON_TYPE or call.operation.kind == "pixel":
            raise NotApplicable(f"acceptable requests are not sent as {_JSON_TYPE}")
        return draft.with_content_type(value)

    return Form(f"the Content-Type {value}", make)


def _scheme(description: str, edit: Callable[[str], str]) -> Form:
    """The Authorization header with its scheme written in another way."""

    def make(call: Call) -> Draft:
        draft = call.acceptable_request()
        for name, value in draft.credentials.headers:
            if name == "Authorization" and value.startswith(("Basic ", "Bearer ")):
                scheme, _, token = value.partition(" ")
                headers = ((name, f"{edit(scheme)}{token}"),)
                return draft.with_credentials(replace(draft.credentials, headers=headers))
        raise NotApplicable("acceptable requests have no Authorization header with a scheme")

    return Form(description, make)


HEAD_FORMS = (
    written("the names of headers in lower case", _header_lines(lambda name, value: f"{name.lower()}: {value}")),
    written("the names of headers in upper case", _header_lines(lambda name, value: f"{name.upper()}: {value}")),
    written("the names of headers in mixed case", _header_lines(lambda name, value: f"{_alternate(name)}: {value}")),
    written("no space before the values of headers", _header_lines(lambda name, value: f"{name}:{value}")),
    written("spaces and tabs around the values of headers",
            _header_lines(lambda name, value: f"{name}: \t {value} \t")),
    written("no User-Agent", _without("User-Agent")),
    written("no Accept", write_standard),
    _header("the headers Connection: keep-alive, TE and TE: trailers",
            ("Connection", "keep-alive, TE"), ("TE", "trailers")),
    _content_type("Application/JSON"),
    _content_type("APPLICATION/JSON; CHARSET=UTF-8"),
    _content_type("application/json ; charset=utf-8"),
    _scheme("the scheme in lower case", lambda scheme: f"{scheme.lower()} "),
    _scheme("the scheme in upper case", lambda scheme: f"{scheme.upper()} "),
)  # fmt: skip
"""What HTTP calls the same head."""

_TRACING = (
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("tracestate", ",".join(f"vendor{number}={'t' * 110}" for number in range(4))),
    ("baggage", ",".join(f"key{number}={'b' * 100}" for number in range(36))),
)
_PROXIES = (
    ("X-Forwarded-For", "203.0.113.7, 198.51.100.2"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "443"),
    ("X-Real-IP", "203.0.113.7"), ("Via", "1.1 proxy"), ("Forwarded", "for=203.0.113.7;proto=https"),
)  # fmt: skip


def _numbered(count: int) -> tuple[tuple[str, str], ...]:
    return tuple((f"X-Conformance-{number}", f"value-{number}-{'v' * 20}") for number in range(count))


USUAL_HEADERS = (
    _header("a header without a value", ("X-Conformance-Empty", "")),
    _header("20 more headers", *_numbered(20)),
    _header("60 more headers", *_numbered(60)),
    _header("a cookie of 4 KB", ("Cookie", f"session={'c' * 4_000}")),
    _header("cookies of 7 KB",
            ("Cookie", "; ".join(f"cookie{number}={'c' * 340}" for number in range(20)))),
    _header("headers of tracing", *_TRACING),
    _header("headers of proxies", *_PROXIES),
    _header("Accept: application/xml", ("Accept", "application/xml")),
    _header("Accept: application/json", ("Accept", "application/json")),
    _header("Accept-Encoding: gzip, deflate, br, zstd", ("Accept-Encoding", "gzip, deflate, br, zstd")),
    _header("Accept-Language and Cache-Control", ("Accept-Language", "de-DE,de;q=0.9,*;q=0.5"),
            ("Cache-Control", "no-cache"), ("Pragma", "no-cache")),
    _header("an Origin and a Referer", ("Origin", "https://shop.example"), ("Referer", "https://shop.example/cart?a=1")),
    _header("Keep-Alive and Connection: keep-alive", ("Keep-Alive", "timeout=5"), ("Connection", "keep-alive")),
    _header("the headers that browsers add", ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "cors"),
            ("Sec-Fetch-Dest", "empty"), ("DNT", "1"), ("Priority", "u=4, i")),
)  # fmt: skip
"""What clients and proxies add to a request."""


def absolute_form(url: str) -> RawWriter:
    """Writes the target with scheme and authority, as it is sent to proxies. `url` is that of any exchange."""
    parts = urlsplit(url)

    def write(start: str, headers: HeaderPairs, body: bytes) -> tuple[bytes, ...]:
        method, target, version = start.split(" ")
        return write_standard(f"{method} {parts.scheme}://{dict(headers)['Host']}{target} {version}", headers, body)

    return write


def _percent_encoded(call: Call) -> Draft:
    """The first letter of the last part of the path, percent-encoded."""

    def write(start: str, headers: HeaderPairs, body: bytes) -> tuple[bytes, ...]:
        method, target, version = start.split(" ")
        path, mark, query = target.partition("?")
        head, slash, last = path.rpartition("/")
        encoded = f"{head}{slash}%{ord(last[0]):02X}{last[1:]}"
        return write_standard(f"{method} {encoded}{mark}{query} {version}", headers, body)

    if not any(letter.isascii() and letter.isalpha() for letter in call.operation.path.rpartition("/")[2]):
        raise NotApplicable("the path has no letter")
    return call.acceptable_request().with_raw_writer(write)


ENCODED_TARGET = Form("a percent-encoded letter in the path", _percent_encoded)
USUAL_TARGETS = (
    Form("a query that is not documented", lambda call: call.acceptable_request().with_query("utm_source", "mail")),
    Form("a parameter of a cache", lambda call: call.acceptable_request().with_query("_", "1700000000000")),
)
