"""Faults on requests that are spelled otherwise: letters of the other case, other pieces, other JSON."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.refserver.faults.fault import Fault
from conformance.refserver.faults.protocol_overrides import BAD_REQUEST, reply_before_reading, request_head
from conformance.refserver.faults.response_overrides import (
    HAS_JSON_BODY,
    error_reply,
    refuse_accepted,
)

if TYPE_CHECKING:
    from conformance.refserver.replies import ServerReply
    from conformance.refserver.server_change import RequestView

_NAME_IN_CAPITALS = re.compile(rb"\r\n(?:AUTHORIZATION|CONTENT-TYPE):")
_MAX_HEADERS = 50


def _is_head_alone(data: bytes) -> bool:
    """Whether a piece ends with a head that announces a body."""
    return (
        data.startswith(b"POST ")
        and data.endswith(b"\r\n\r\n")
        and b"\r\nexpect:" not in data.lower()
        and (
            b"\r\nContent-Length: 0" not in data
            and b"\r\nContent-Length: " in data
            and b"\r\naccept: " not in data.lower()
        )
    )


def _has_media_type_in_capitals(view: RequestView) -> bool:
    return view.request.headers.get("content-type", "").startswith("APPLICATION/")


def _has_plain_escape(view: RequestView) -> bool:
    return HAS_JSON_BODY(view) and re.search(r"\\u00[67]", view.body_text) is not None


def _has_several_members(view: RequestView) -> bool:
    """Whether a body in gzip has more than one member."""
    return view.request.body.count(b"\x1f\x8b\x08\x00") > 1 and "content-encoding" in view.request.headers


def _is_slow(data: bytes) -> bool:
    """Whether a piece is one byte of a body."""
    return len(data) == 1


def _gzip_unlabelled(view: RequestView) -> ServerReply | None:
    """Compresses refusals for those who take gzip, and does not say so."""
    reply = view.correct_reply()
    if view.is_accepted or "gzip" not in view.request.headers.get("accept-encoding", ""):
        return None
    return replace(reply, body=gzip.compress(reply.body, mtime=0))


FAULTS = (
    Fault(
        "names-in-capitals-unknown",
        "Refuses headers whose names are in capitals.",
        "a table of headers is looked up by their usual spelling",
        "same.headers.spelled",
        reply_before_reading(lambda data: _NAME_IN_CAPITALS.search(request_head(data)), BAD_REQUEST),
        key_words="headers upper case",
    ),
    Fault(
        "type-in-capitals-refused",
        "Refuses the type of JSON in capitals.",
        "texts are compared letter by letter",
        "same.headers.spelled",
        refuse_accepted(_has_media_type_in_capitals, 415),
        key_words="APPLICATION/JSON",
    ),
    Fault(
        "many-headers-refused",
        "Refuses requests with more than fifty headers.",
        "each proxy on the way adds some",
        "same.headers.usual",
        refuse_accepted(lambda view: _MAX_HEADERS < len(view.request.headers) < 2 * _MAX_HEADERS, 431),
        key_words="headers refused",
    ),
    Fault(
        "absolute-form-unknown",
        "Does not know its path in absolute form.",
        "the whole target is looked up in the table of routes",
        "same.target.absolute",
        reply_before_reading(lambda data: data.split(b" ", 2)[1:2] and b"://" in data.split(b" ", 2)[1], BAD_REQUEST),
        key_words="absolute form",
    ),
    Fault(
        "parameters-refused",
        "Refuses a query that it does not know.",
        "a validator lists what is allowed",
        "same.target.usual",
        lambda view: error_reply(view, 400) if view.is_accepted and "utm_source" in view.request.query else None,
        key_words="query refused",
    ),
    Fault(
        "encoded-path-unknown",
        "Does not know a path with a percent-encoded letter.",
        "routes are compared letter by letter",
        "same.target.encoded",
        reply_before_reading(lambda data: re.match(rb"\S+ \S*/%[0-9A-F]{2}[^/]* ", data), BAD_REQUEST),
        key_words="percent",
    ),
    Fault(
        "body-expected-with-head",
        "Refuses a body that comes in another piece than its head.",
        "it reads once",
        "same.pieces.split",
        reply_before_reading(_is_head_alone, BAD_REQUEST),
        key_words="each piece",
    ),
    Fault(
        "single-bytes-refused",
        "Refuses pieces of one byte.",
        "a parser is called for each read",
        "same.pieces.slow",
        reply_before_reading(_is_slow, BAD_REQUEST),
        key_words="byte refused",
    ),
    Fault(
        "chunked-in-capitals-refused",
        "Refuses Transfer-Encoding: Chunked.",
        "texts are compared letter by letter",
        "same.chunks.spelled",
        reply_before_reading(
            lambda data: (
                re.search(rb"\r\ntransfer-encoding: *C", request_head(data), re.IGNORECASE)
                and b": chunked" not in request_head(data)
            ),
            BAD_REQUEST,
        ),
        key_words="Chunked",
    ),
    Fault(
        "members-refused",
        "Refuses gzip of several members.",
        "the decompressor stops at the end of the first",
        "same.coding.spelled",
        refuse_accepted(_has_several_members),
        key_words="gzip members",
    ),
    Fault(
        "alias-refused",
        "Refuses x-gzip.",
        "a table of codings has one name for each",
        "same.coding.alias",
        refuse_accepted(lambda view: view.request.headers.get("content-encoding") == "x-gzip", 415),
        key_words="x-gzip",
    ),
    Fault(
        "plain-escapes-refused",
        "Refuses escapes of plain letters in JSON.",
        "names are compared before they are decoded",
        "same.json.spelled",
        refuse_accepted(_has_plain_escape),
        key_words="escapes refused",
    ),
    Fault(
        "gzip-unlabelled",
        "Compresses refusals for those who take gzip, and does not label them.",
        "a middleware for errors sets headers of its own",
        "same.answer.encoded",
        _gzip_unlabelled,
        key_words="gzip Content-Encoding",
    ),
)
