"""What a browser asks of a server before a page of another site may send to it, and read the answer.

By the Fetch Standard, https://fetch.spec.whatwg.org/: sections "CORS-preflight fetch" and "CORS check". SDKs send
without cookies, so that `*` stands for any origin and any header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.core.model import Exchange, Response

_SAFELISTED_HEADERS = frozenset({"accept", "accept-language", "content-language"})
_SAFELISTED_MEDIA_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
_BROWSERS_OWN_HEADERS = frozenset({"user-agent", "origin", "referer", "host", "connection", "content-length"})
_SAFELISTED_METHODS = frozenset({"GET", "HEAD", "POST"})
_EXPOSE_HEADERS = "Access-Control-Expose-Headers"
_OK_STATUSES = range(200, 300)
_ALLOW_ORIGIN, _ALLOW_HEADERS = "Access-Control-Allow-Origin", "Access-Control-Allow-Headers"
_ALLOW_METHODS, _ALLOW_CREDENTIALS = "Access-Control-Allow-Methods", "Access-Control-Allow-Credentials"


def headers_to_ask_for(names: Iterable[str], content_type: str) -> tuple[str, ...]:
    """The headers of a request that a preflight asks for, in lower case and sorted; empty if it needs no preflight."""
    asked = {name.lower() for name in names} - _SAFELISTED_HEADERS - _BROWSERS_OWN_HEADERS
    if content_type.partition(";")[0].strip().lower() in _SAFELISTED_MEDIA_TYPES:
        asked.discard("content-type")
    else:
        asked.add("content-type")
    return tuple(sorted(asked))


def find_preflight_problem(exchange: Exchange, origin: str, method: str, asked: Iterable[str]) -> str:
    """Why a browser does not send a request after this answer to its preflight; empty if it does."""
    response = exchange.response
    if response is None:
        return "the preflight has no answer"
    if response.status not in _OK_STATUSES:
        return f"the preflight is answered {response.status}"
    origin_problem = _find_origin_problem(response, origin)
    if origin_problem:
        return f"the answer to the preflight {origin_problem}"
    methods, headers = _list_header(response, _ALLOW_METHODS), _list_header(response, _ALLOW_HEADERS)
    if method not in _SAFELISTED_METHODS and not {method.lower(), "*"} & methods:
        return f"{_ALLOW_METHODS} of the preflight does not name {method}"
    missing = [name for name in asked if name not in headers and "*" not in headers]
    if missing:
        return f"{_ALLOW_HEADERS} of the preflight does not name {', '.join(missing)}"
    return ""


def find_preflight_remark(exchange: Exchange, asked: Iterable[str]) -> str:
    """What browsers let pass, and the standard does not: `*` does not stand for Authorization. Empty if nothing."""
    headers = _list_header(exchange.response, _ALLOW_HEADERS) if exchange.response else set()
    if "authorization" in asked and "authorization" not in headers:
        return (
            f"{_ALLOW_HEADERS}: * does not cover Authorization by the Fetch Standard, which browsers do not enforce yet"
        )
    return ""


def find_answer_problem(exchange: Exchange, origin: str) -> str:
    """Why a browser does not show this answer to a page, which sees a failed connection; empty if it does."""
    problem = _find_origin_problem(exchange.response, origin) if exchange.response else ""
    return f"the answer {problem}" if problem else ""


def find_hidden_header(exchange: Exchange, name: str) -> str:
    """Why a page does not see a header that an answer has; empty if it does, or if there is none."""
    response = exchange.response
    if response is None or response.header(name) is None:
        return ""
    exposed = _list_header(response, _EXPOSE_HEADERS)
    return "" if {name.lower(), "*"} & exposed else f"{_EXPOSE_HEADERS} does not name {name}"


def has_useless_wildcard(exchange: Exchange) -> bool:
    """Whether an answer allows any origin by `*` and credentials too, which browsers do not combine."""
    response = exchange.response
    if response is None:
        return False
    allows_credentials = (response.header(_ALLOW_CREDENTIALS) or "").strip() == "true"
    return allows_credentials and (response.header(_ALLOW_ORIGIN) or "").strip() == "*"


def _find_origin_problem(response: Response, origin: str) -> str:
    """What is wrong with Access-Control-Allow-Origin; several of them are one value, which names no origin."""
    values = [value.strip() for name, value in response.headers if name.lower() == _ALLOW_ORIGIN.lower()]
    if not any(values):
        return f"has no {_ALLOW_ORIGIN}"
    joined = ", ".join(values)
    return "" if joined in {"*", origin} else f"has {_ALLOW_ORIGIN}: {joined}"


def _list_header(response: Response, name: str) -> set[str]:
    """The items of a header that is a list, in lower case."""
    values = [value for key, value in response.headers if key.lower() == name.lower()]
    return {item.strip().lower() for value in values for item in value.split(",") if item.strip()}
