"""What a target speaks instead of HTTP/1.1, or of TLS with a certificate that we trust, is named with what to do."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

import pytest
import trustme

from conformance.core.model import Request, TransportFailure
from conformance.requests.raw_writers import write_standard
from conformance.wire import Redactor, Wire, parse_target
from conformance.wire.connections import Connections
from conformance.wire.foreign_protocols import describe_first_bytes
from tests.support.scripted_server import ClientConnection, ConnectionScript, answer_always, scripted_server

if TYPE_CHECKING:
    from pathlib import Path

EVENT = Request(method="POST", path="/v1/track", body=b'{"event":"x"}')
SETTINGS = bytes.fromhex("000012040000000000") + bytes.fromhex("000300000064000400100000000600040000")
GOAWAY = bytes.fromhex("000008070000000000") + bytes(7) + b"\x01"
TLS_ALERT = bytes.fromhex("15030100020246")
NOW = datetime.now(UTC)


Client: TypeAlias = Callable[..., Coroutine[None, None, tuple[TransportFailure | None, str]]]


class Prepared:
    """A request as fuzzing sends it."""

    data, method, events = b"POST /v1/track HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST", 1


async def send_once(url: str, **trust: str | bool) -> tuple[TransportFailure | None, str]:
    """By the client of checks."""
    async with Wire(target=parse_target(url, **trust), redactor=Redactor({})) as wire:  # type: ignore[arg-type]
        exchange = await wire.exchange(EVENT)
    return exchange.failure, exchange.failure_detail


async def send_raw(url: str, **trust: str | bool) -> tuple[TransportFailure | None, str]:
    """Byte by byte."""
    request = Request(method="POST", path="/v1/track", body=b"{}", raw_writer=write_standard)
    async with Wire(target=parse_target(url, **trust), redactor=Redactor({})) as wire:  # type: ignore[arg-type]
        (exchange,) = await wire.exchange_on_one_connection([request])
    return exchange.failure, exchange.failure_detail


async def send_prepared(url: str, **trust: str | bool) -> tuple[TransportFailure | None, str]:
    """By the client of fuzzing."""
    target = parse_target(url, **trust)  # type: ignore[arg-type]
    connections: Connections[Prepared] = Connections(target, connections=1, deadline_s=10.0)
    (reply,) = await connections.send_in_order([Prepared()])
    await connections.aclose()
    return reply.failure, reply.failure_detail


CLIENTS: list[Client] = [send_once, send_raw, send_prepared]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority that nobody else knows."""
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its certificate as a file."""
    file = tmp_path_factory.mktemp("tls") / "authority.pem"
    authority.cert_pem.write_to_path(file)
    return str(file)


def serve_certificate(certificate: trustme.LeafCert, file: Path) -> ssl.SSLContext:
    """A server's settings with the first certificate of a chain alone, without intermediate ones."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    file.write_bytes(certificate.private_key_pem.bytes() + certificate.cert_chain_pems[0].bytes())
    context.load_cert_chain(file)
    return context


def self_signed(file: Path) -> ssl.SSLContext:
    """A server's settings with the certificate of an authority itself."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    file.write_bytes(authority.private_key_pem.bytes() + authority.cert_pem.bytes())
    context.load_cert_chain(file)
    return context


CERTIFICATES: dict[str, tuple[str, Callable[[trustme.CA, Path], ssl.SSLContext]]] = {
    "expired": (
        "the certificate has expired; renew it",
        lambda authority, file: serve_certificate(
            authority.issue_cert("127.0.0.1", not_before=NOW - timedelta(9), not_after=NOW - timedelta(1)), file
        ),
    ),
    "not yet": (
        "the certificate is not valid yet; check the clocks",
        lambda authority, file: serve_certificate(
            authority.issue_cert("127.0.0.1", not_before=NOW + timedelta(9)), file
        ),
    ),
    "self-signed": ("the certificate is self-signed; pass it with --ca-bundle FILE", lambda _, file: self_signed(file)),
    "intermediate": (
        "the server does not send an intermediate certificate",
        lambda authority, file: serve_certificate(authority.create_child_ca().issue_cert("127.0.0.1"), file),
    ),
    "other authority": (
        "the authority is not trusted here; let it send the whole chain, name your authority with --ca-bundle FILE",
        lambda _, file: serve_certificate(trustme.CA().issue_cert("127.0.0.1"), file),
    ),
    "other address": (
        "the certificate is not for this IP address; use a name that it is for",
        lambda authority, file: serve_certificate(authority.issue_cert("127.0.0.9"), file),
    ),
}


@pytest.mark.parametrize("case", CERTIFICATES)
def test_what_is_wrong_with_a_certificate_is_named(
    authority: trustme.CA, bundle: str, case: str, tmp_path: Path
) -> None:
    """By all three clients, with what to do and with the library's own words."""
    words, settings = CERTIFICATES[case]
    with scripted_server(answer_always(), tls=settings(authority, tmp_path / "server.pem")) as server:
        for send in CLIENTS:
            failure, detail = asyncio.run(send(server.url, ca_bundle=bundle))
            assert failure is TransportFailure.TLS
            assert words in detail
            assert "--insecure" in detail
            assert "(certificate verify failed: " in detail


def test_a_certificate_for_another_name_is_named(authority: trustme.CA, bundle: str) -> None:
    """The target is asked by name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example").configure_cert(context)
    with scripted_server(answer_always(), tls=context) as server:
        _, detail = asyncio.run(send_once(server.url.replace("127.0.0.1", "localhost"), ca_bundle=bundle))
    assert "the certificate is for another host; use a name that it is for" in detail


def test_a_client_certificate_that_is_wanted_is_named(authority: trustme.CA, bundle: str) -> None:
    """TLS 1.3 says so only after the handshake, where it looks like a closed connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with scripted_server(answer_always(), tls=context) as server:
        failure, detail = asyncio.run(send_once(server.url, ca_bundle=bundle))
    assert (failure, "wants a certificate of the client" in detail) == (TransportFailure.TLS, True)


def after_first_bytes(answer: bytes) -> ConnectionScript:
    """Answers a ClientHello, whatever it says, or the head of a request."""

    def script(peer: ClientConnection) -> None:
        peer._read(5)  # noqa: SLF001 - a ClientHello is no request
        peer.send(answer)
        peer.stay_silent()

    return script


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (bytes.fromhex("15030300020278"), "such as HTTP/2 alone; the requests are HTTP/1.1"),
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "the port speaks plain HTTP, or something else"),
        (SETTINGS, "the server does not answer with TLS"),
        (bytes.fromhex("15030300020246"), "let it speak TLS 1.2 or 1.3"),
        (bytes.fromhex("15030300020228"), "refuses all versions, ciphers and certificates"),
    ],
    ids=["ALPN", "plain HTTP", "plain HTTP/2", "old TLS", "no cipher"],
)
@pytest.mark.parametrize("send", CLIENTS)
def test_a_handshake_that_fails_is_named(send: Client, answer: bytes, words: str) -> None:
    """Alerts, and what is no TLS."""
    with scripted_server(after_first_bytes(answer)) as server:
        url = server.url.replace("http:", "https:")
        failure, detail = asyncio.run(send(url, insecure=True))
    assert failure is TransportFailure.TLS
    assert words in detail


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (TLS_ALERT, "it is TLS: write https:// in the URL"),
        (SETTINGS, "it is HTTP/2; the requests are HTTP/1.1"),
        (SETTINGS + GOAWAY, "it is HTTP/2; the requests are HTTP/1.1"),
        (GOAWAY, "it is HTTP/2; the requests are HTTP/1.1"),
    ],
    ids=["TLS", "SETTINGS", "SETTINGS and GOAWAY", "GOAWAY"],
)
@pytest.mark.parametrize("send", CLIENTS)
def test_another_protocol_on_a_plain_port_is_named(send: Client, answer: bytes, words: str) -> None:
    """By the first bytes that come."""
    with scripted_server(after_first_bytes(answer)) as server:
        failure, detail = asyncio.run(send(server.url))
    assert failure is TransportFailure.NOT_HTTP
    assert re.fullmatch(rf"the answer is not HTTP: {re.escape(words)}.*", detail)


@pytest.mark.parametrize("data", [b"", b"\x15", b"SSH-2.0", b"<html>", b"\x00\x00", b"HTTP/1.1 200", bytes(16)])
def test_bytes_that_say_nothing_are_not_named(data: bytes) -> None:
    """Nothing is guessed."""
    assert describe_first_bytes(data) == ""
