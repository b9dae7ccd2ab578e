"""The wire under TLS: whom it trusts, and that it hears early refusals there too."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from conformance.core.errors import UsageError
from conformance.core.model import Exchange, Request, TransportFailure
from conformance.wire import Redactor, Wire, parse_target
from tests.support.scripted_server import (
    OK,
    TOO_LARGE_AND_CLOSE,
    ClientConnection,
    ConnectionScript,
    answer_always,
    scripted_server,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

EVENT = Request(method="POST", path="/v1/track", body=b'{"event":"x"}')


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority that nobody else knows."""
    return trustme.CA()


@pytest.fixture(scope="module")
def certified(authority: trustme.CA) -> ssl.SSLContext:
    """A server's settings with a certificate for 127.0.0.1."""
    return server_side(authority, "127.0.0.1")


@pytest.fixture(scope="module")
def bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The authority's certificate as a file."""
    return pem(authority, tmp_path_factory.mktemp("tls"))


def server_side(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """A server's settings with a certificate for some names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def pem(authority: trustme.CA, place: Path) -> str:
    """An authority's certificate as a file in a directory."""
    file = place / "authority.pem"
    authority.cert_pem.write_to_path(file)
    return str(file)


def send_requests(  # noqa: PLR0913 - what a run may set
    script: ConnectionScript,
    tls: ssl.SSLContext | None,
    *,
    ca_bundle: str | None = None,
    insecure: bool = False,
    requests: Sequence[Request] = (EVENT,),
    deadline_s: float = 10.0,
) -> list[Exchange]:
    """What comes of requests over https to a server with these settings, or to one that knows no TLS."""

    async def send(url: str) -> list[Exchange]:
        target = parse_target(url, ca_bundle=ca_bundle, insecure=insecure)
        async with Wire(target=target, redactor=Redactor({}), deadline_s=deadline_s) as wire:
            return [await wire.exchange(request) for request in requests]

    with scripted_server(script, tls=tls) as server:
        return asyncio.run(send(server.url.replace("http:", "https:")))


def test_a_certificate_of_a_given_authority_is_trusted(certified: ssl.SSLContext, bundle: str) -> None:
    """With --ca-bundle the answer comes, and names an https URL."""
    (exchange,) = send_requests(answer_always(), certified, ca_bundle=bundle)
    assert (exchange.status, exchange.failure) == (200, None)
    assert exchange.url.startswith("https://127.0.0.1:")


def test_a_connection_under_tls_is_reused(certified: ssl.SSLContext, bundle: str) -> None:
    """One handshake serves several requests: the server answers more than one on a connection."""

    def script(peer: ClientConnection) -> None:
        for _ in range(3):
            peer.read_request()
            peer.send(OK)
        assert peer.number == 1

    exchanges = send_requests(script, certified, ca_bundle=bundle, requests=[EVENT] * 3)
    assert [item.status for item in exchanges] == [200] * 3


def test_a_connection_under_tls_that_was_closed_is_replaced(certified: ssl.SSLContext, bundle: str) -> None:
    """A server may close under TLS as it may without, with or without a farewell."""

    def script(peer: ClientConnection) -> None:
        peer.read_request()
        peer.send(OK)
        peer.read_request()
        if peer.number > 1:
            peer.send(OK)

    exchanges = send_requests(script, certified, ca_bundle=bundle, requests=[EVENT] * 4)
    assert [item.status for item in exchanges] == [200] * 4


def test_a_certificate_of_an_unknown_authority_is_refused(certified: ssl.SSLContext) -> None:
    """Without --ca-bundle the exchange is a mishap that speaks of the certificate."""
    (exchange,) = send_requests(answer_always(), certified)
    assert exchange.failure is TransportFailure.TLS
    assert exchange.failure_detail.startswith("the TLS handshake failed: ")
    assert "certificate verify failed" in exchange.failure_detail
    assert exchange.is_certificate_rejected


def test_a_certificate_for_another_host_is_refused(authority: trustme.CA, bundle: str) -> None:
    """A known authority is not enough: the name counts."""
    (exchange,) = send_requests(answer_always(), server_side(authority, "other.example"), ca_bundle=bundle)
    assert exchange.failure is TransportFailure.TLS
    assert "certificate" in exchange.failure_detail
    assert exchange.is_certificate_rejected


def test_insecure_takes_any_certificate(authority: trustme.CA) -> None:
    """With --insecure neither the authority nor the name matters."""
    (exchange,) = send_requests(answer_always(), server_side(authority, "other.example"), insecure=True)
    assert exchange.status == 200


def test_a_server_without_tls_is_a_tls_mishap() -> None:
    """The port speaks plain HTTP."""

    def script(peer: ClientConnection) -> None:
        peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        peer.stay_silent()

    (exchange,) = send_requests(script, None, insecure=True)
    assert exchange.failure is TransportFailure.TLS
    assert not exchange.is_certificate_rejected


def test_a_server_that_hangs_up_in_the_handshake_is_a_tls_mishap() -> None:
    """No word of why: the detail says when it happened."""
    (exchange,) = send_requests(lambda peer: peer.send(b""), None, insecure=True)
    assert exchange.failure is TransportFailure.TLS
    assert exchange.failure_detail.startswith("the TLS handshake failed: ")


def test_a_handshake_that_never_ends_meets_the_deadline() -> None:
    """The deadline covers the handshake."""
    (exchange,) = send_requests(ClientConnection.stay_silent, None, insecure=True, deadline_s=0.3)
    assert exchange.failure is TransportFailure.TIMEOUT


def test_a_server_that_hangs_up_after_the_handshake_is_a_mishap(certified: ssl.SSLContext, bundle: str) -> None:
    """It has read the request and closes without an answer."""
    (exchange,) = send_requests(ClientConnection.read_request, certified, ca_bundle=bundle)
    assert exchange.failure is TransportFailure.CLOSED


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
@pytest.mark.parametrize("size", [600_000, 5_000_000])
def test_an_early_refusal_is_heard(
    certified: ssl.SSLContext,
    bundle: str,
    size: int,
    chunked: bool,  # noqa: FBT001 - a parameter
) -> None:
    """A refusal after the head, before a reset, is heard every time under TLS too."""

    def script(peer: ClientConnection) -> None:
        peer.read_head()
        peer.send(TOO_LARGE_AND_CLOSE)

    request = Request(method="POST", path="/v1/batch", body=b"a" * size, chunked=chunked)
    exchanges = send_requests(script, certified, ca_bundle=bundle, requests=[request] * 30)
    assert [item.status for item in exchanges] == [413] * 30


def test_an_early_answer_is_heard_while_the_server_reads_no_more(certified: ssl.SSLContext, bundle: str) -> None:
    """A server that answers, stops reading and does not close can't make the wire wait for its deadline."""

    def script(peer: ClientConnection) -> None:
        peer.read_head()
        peer.send(TOO_LARGE_AND_CLOSE)
        peer.stay_silent()

    request = Request(method="POST", path="/v1/batch", body=b"a" * 5_000_000)
    (exchange,) = send_requests(script, certified, ca_bundle=bundle, requests=[request])
    assert (exchange.status, exchange.failure) == (413, None)


def test_a_missing_bundle_is_explained() -> None:
    """A file that is not there is named."""
    with pytest.raises(UsageError, match=r"^--ca-bundle /nowhere/ca\.pem: the file can't be read: No such"):
        parse_target("https://a.example", ca_bundle="/nowhere/ca.pem")


def test_a_bundle_without_a_certificate_is_explained(tmp_path: Path) -> None:
    """A file of something else is named."""
    file = tmp_path / "notes.txt"
    file.write_text("no certificate")
    with pytest.raises(UsageError, match=r"the file holds no certificate$"):
        parse_target("https://a.example", ca_bundle=str(file))
