"""Faults in HTTP/1.1: lengths, chunks, versions, pipelining, and bytes after an answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.refserver.application import HttpBehavior
from conformance.refserver.faults import credentials
from conformance.refserver.faults.fault import Fault, requires_refusals
from conformance.refserver.faults.protocol_overrides import (
    BAD_REQUEST,
    append_after_reply,
    content_lengths,
    reply_before_reading,
    request_head,
    rewrite_input,
    with_content_length,
    without_header,
)
from conformance.refserver.faults.response_overrides import (
    accept_refused,
    crash_on,
    refuse_accepted,
)
from conformance.refserver.http_protocol import HttpProtocol
from conformance.refserver.server_change import ServerChange

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

    from conformance.refserver.server_change import RequestView


_CHUNK_EXTENSION = re.compile(rb"\r\n[0-9a-f]+;")

_REQUEST_START = re.compile(rb"(?=POST /\S* HTTP/1\.1\r\n)")

_MAX_HEADERS, _MAX_HEAD_BYTES = 200, 30_000

_CLIENT_HEADERS = frozenset({b"accept"})
"""Headers of the HTTP client, whose requests get no extra bytes; raw connections have none of them."""


def _with_actual_length(data: bytes) -> bytes:
    """A request that is longer than its Content-Length, with its actual length."""
    body = data.partition(b"\r\n\r\n")[2]
    is_longer = content_lengths(data) and 0 < content_lengths(data)[0] < len(body) and b"HTTP/1." not in body
    return with_content_length(data, len(body)) if is_longer else data


def _without_second_length(data: bytes) -> bytes:
    return without_header(data, b"content-length", 1)


def _without_transfer_encoding(data: bytes) -> bytes:
    return without_header(data, b"transfer-encoding") if content_lengths(data) else data


def _without_expect(data: bytes) -> bytes:
    return without_header(data, b"expect")


def _reverse_requests(data: bytes) -> bytes:
    """Pipelined requests in reverse order."""
    return b"".join(reversed(_REQUEST_START.split(data)))


def _has_same_length_twice(data: bytes) -> bool:
    """Whether a length is given twice, alike."""
    return len(content_lengths(data)) == 2 and len(set(content_lengths(data))) == 1


def _has_oversized_head(data: bytes) -> bool:
    return request_head(data).count(b"\r\n") > _MAX_HEADERS or (
        b"HTTP/1.1\r\n" in data and len(request_head(data)) > _MAX_HEAD_BYTES
    )


def _has_no_length(view: RequestView) -> bool:
    headers = view.request.headers
    return view.request.method == "POST" and not {"content-length", "transfer-encoding"} & headers.keys()


def _lacks_key_on_used_connection(view: RequestView) -> bool:
    """Whether a request without a key comes on a connection that has carried one."""
    is_first = view.request.connection.responses == 0
    return not is_first and credentials.has_no_authorization(view) and credentials.body_key(view) is None


class AcceptIncompleteProtocol(HttpProtocol):
    """Treats an incomplete request as complete when the client closes its side."""

    def eof_received(self) -> bool:  # type: ignore[override] # as of the protocol above it
        """Completes the request with the bytes received so far."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and cycle.more_body:
            cycle.more_body = False
            cycle.message_event.set()
        return super().eof_received()


class CloseOnHalfCloseProtocol(HttpProtocol):
    """Closes the connection when the client closes its side, even before an answer."""

    def eof_received(self) -> bool:  # type: ignore[override] # as of the protocol above it
        """Closes the connection."""
        return False


FAULTS = (
    Fault(
        "length-ignored",
        "Reads on behind the Content-Length.",
        "it takes whatever has come",
        "robustness.length.too-small",
        rewrite_input(_with_actual_length),
        key_words="Content-Length accepted",
    ),
    Fault(
        "incomplete-accepted",
        "Accepts an incomplete body.",
        "the end of a connection ends the body",
        "robustness.length.too-large",
        AcceptIncompleteProtocol,
        key_words="ends before Content-Length",
    ),
    Fault(
        "lengthless-crash",
        "Fails on a request without a length.",
        "a header that is not there",
        "robustness.length.missing",
        crash_on(when=_has_no_length),
        key_words="without length 500",
    ),
    Fault(
        "double-length-crash",
        "Fails on a length that is given twice.",
        "a list is not a number",
        "robustness.length.doubled",
        reply_before_reading(_has_same_length_twice),
        key_words="repeated Content-Length 500",
    ),
    Fault(
        "first-length-believed",
        "Trusts the first of two lengths.",
        "a proxy that trusts the other disagrees",
        "robustness.length.conflict",
        rewrite_input(_without_second_length),
        key_words="length smaller",
    ),
    Fault(
        "length-before-chunks",
        "Trusts a length where there are chunks too.",
        "a proxy that trusts the chunks disagrees",
        "robustness.length.with-chunks",
        rewrite_input(_without_transfer_encoding),
        key_words="length chunks",
    ),
    Fault(
        "question-ignored",
        "Waits for a body that waits for an answer.",
        "many HTTP libraries ask first",
        "robustness.expect.continue",
        rewrite_input(_without_expect),
        key_words="Expect",
    ),
    Fault(
        "question-refused",
        "Refuses clients that ask before they send.",
        "a header that it does not know is an error to it",
        "robustness.expect.continue",
        refuse_accepted(lambda view: "expect" in view.request.headers, 400),
        key_words="Expect refused",
    ),
    Fault(
        "extensions-refused",
        "Refuses chunks with extensions.",
        "unknown extensions have to be ignored",
        "robustness.chunks.extended",
        reply_before_reading(_CHUNK_EXTENSION.search, BAD_REQUEST),
        key_words="chunks extensions",
    ),
    Fault(
        "second-host-crash",
        "Fails on a second Host.",
        "a list is not a name",
        "robustness.headers.host-twice",
        reply_before_reading(lambda data: request_head(data).lower().count(b"\r\nhost:") > 1),
        key_words="second Host 500",
    ),
    Fault(
        "joined-keys-crash",
        "Fails on credentials with a comma in them.",
        "two headers are joined to one",
        "robustness.headers.key-twice",
        reply_before_reading(lambda data: request_head(data).lower().count(b"\r\nauthorization:") > 1),
        key_words="second key 500",
    ),
    Fault(
        "flood-crash",
        "Fails on hundreds of headers, or on a long one.",
        "a buffer is full",
        "robustness.headers.flood",
        reply_before_reading(_has_oversized_head),
        key_words="headers 500",
    ),
    Fault(
        "old-version-refused",
        "Refuses HTTP/1.0.",
        "health checks and old proxies speak it",
        "robustness.version.http-10",
        refuse_accepted(lambda view: view.request.version == "1.0", 505),
        key_words="HTTP/1.0",
    ),
    Fault(
        "pipeline-reversed",
        "Answers pipelined requests in another order.",
        "each goes to a worker of its own",
        "robustness.pipelining.order",
        rewrite_input(_reverse_requests),
        key_words="pipelined",
    ),
    Fault(
        "half-closed-left",
        "Closes the connection when the client closes its side.",
        "shell scripts do before they read",
        "robustness.connection.half-closed",
        ServerChange(protocol=CloseOnHalfCloseProtocol, behavior=HttpBehavior(delay_s=0.02)),
        key_words="closes",
    ),
    Fault(
        "connection-remembered",
        "Takes one key for all that follows on its connection.",
        "behind a proxy, one connection carries the requests of many",
        "robustness.connection.credentials",
        accept_refused("answers.credentials-missing", when=_lacks_key_on_used_connection),
        requires_refusals("answers.credentials-missing"),
        collateral_reason="requests without a key come on connections that have carried one",
        key_words="connection without credentials",
    ),
    Fault(
        "bytes-after-success",
        "Sends more bytes than announced after a success.",
        "a line break too many",
        "robustness.framing.accepted",
        append_after_reply(b"\n\n", lambda headers, status: status < 300 and not headers & _CLIENT_HEADERS),
        key_words="followed bytes",
    ),
    Fault(
        "bytes-after-refusal",
        "Sends more bytes than announced after a refusal.",
        "a line break too many",
        "robustness.framing.refused",
        append_after_reply(b"0\r\n", lambda headers, status: status == 400 and not headers & _CLIENT_HEADERS),
        key_words="followed bytes",
    ),
    Fault(
        "head-with-content",
        "Answers HEAD with content.",
        "what follows the head is taken for the next answer",
        "robustness.head.content",
        append_after_reply(b"wrong method", lambda headers, status: status == 405 and not headers & _CLIENT_HEADERS),
        key_words="HEAD bytes",
    ),
)
