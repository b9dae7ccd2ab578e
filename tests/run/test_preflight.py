"""Preflight against real sockets: one acceptance is enough, and what is wrong otherwise is named."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from functools import cache
from typing import TypeAlias

import pytest
import trustme

from conformance.contract import Contract
from conformance.core.errors import InconclusiveError
from conformance.core.model import OperationKind
from conformance.profile import load
from conformance.profile.facts import AuthScheme
from conformance.requests import Keys, PreflightResult
from conformance.run import preflight
from conformance.run.sender import Sender
from conformance.wire import Redactor, Wire, parse_target
from tests.support.scripted_server import (
    OK,
    ClientClosedError,
    ClientConnection,
    ConnectionScript,
    ReceivedRequest,
    free_port,
    scripted_server,
)

Answer: TypeAlias = Callable[[ReceivedRequest], bytes]
KEYS = Keys(write_key="Key-12345", bearer="token-67890")


@cache
def contract(profile: str = "segment") -> Contract:
    """A vendor's contract."""
    return Contract(load(profile))


def answer_bytes(status: int, body: str = "", *headers: str) -> bytes:
    """An answer."""
    lines = "".join(f"{line}\r\n" for line in headers)
    return f"HTTP/1.1 {status} So\r\n{lines}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def answer_each(answer: Answer) -> ConnectionScript:
    """Answers every request as it deserves."""

    def script(peer: ClientConnection) -> None:
        while True:
            peer.send(answer(peer.read_request()))

    return script


def run_preflight(
    url: str, profile: str = "segment", *, insecure: bool = False, deadline_s: float = 10.0
) -> PreflightResult:
    """What a preflight to an address finds."""

    async def fly() -> PreflightResult:
        target = parse_target(url, insecure=insecure)
        wire = Wire(target=target, redactor=Redactor(KEYS.placeholders_by_secret()), deadline_s=deadline_s)
        async with wire:
            return await preflight.run_preflight(contract(profile), KEYS, Sender(wire=wire))

    return asyncio.run(fly())


def preflight_result(answer: Answer, profile: str = "segment") -> PreflightResult:
    """What a preflight to a server finds."""
    with scripted_server(answer_each(answer)) as server:
        return run_preflight(server.url, profile)


def error_message(script: ConnectionScript | Answer, *, prefix: str = "", deadline_s: float = 10.0) -> str:
    """Why a preflight gives up."""
    with scripted_server(script) as server, pytest.raises(InconclusiveError) as caught:  # type: ignore[arg-type]
        run_preflight(server.url + prefix, deadline_s=deadline_s)
    message = str(caught.value)
    assert message.startswith(server.url)
    assert KEYS.write_key not in message
    assert "\n" not in message
    return message


def error_when_refused(status: int, body: str = "", *headers: str, prefix: str = "") -> str:
    """Why a preflight gives up on a server that refuses everything in the same way."""
    return error_message(answer_each(lambda _: answer_bytes(status, body, *headers)), prefix=prefix)


def accepts_all(result: PreflightResult) -> bool:
    """Whether every operation accepts the smallest request, and answered it with a success."""
    is_successful = all(200 <= item.status < 300 for item in result.successes.values())
    return bool(result.successes) and is_successful and not result.baselines and not result.dead


def test_a_server_that_accepts_everything_is_fit() -> None:
    """One request to each operation, and nothing to remember."""
    with scripted_server(answer_each(lambda _: OK)) as server:
        assert accepts_all(run_preflight(server.url))
    sent = sorted((item.method, item.target) for item in server.received)
    assert sent == sorted((item.method, item.path) for item in contract().operations)


def test_one_acceptance_is_enough() -> None:
    """The other operations are dead: what they say is remembered."""
    alive = contract().operations[0]
    ground = preflight_result(lambda received: OK if received.target == alive.path else answer_bytes(404, "no"))
    assert alive not in ground.dead
    assert set(ground.dead) == set(contract().operations[1:])
    assert {exchange.summary for exchange in ground.dead.values()} == {"404 'no'"}


def test_a_path_that_alone_hangs_up_accepts_nothing() -> None:
    """All others answer, before it and after it."""
    fatal = contract().operations[-1]

    def hang_up_on_one(peer: ClientConnection) -> None:
        while peer.read_request().target != fatal.path:
            peer.send(OK)
        raise ClientClosedError

    with scripted_server(hang_up_on_one) as server:
        assert set(run_preflight(server.url).dead) == {fatal}


def test_any_success_is_an_acceptance() -> None:
    """Which one it has to be is for the checks to judge."""
    assert accepts_all(preflight_result(lambda _: answer_bytes(204)))


def test_a_partial_success_is_none() -> None:
    """A 207 for one valid event refuses it."""
    assert "refused all" in error_when_refused(207, "[]")


def test_a_full_event_may_be_accepted_where_the_smallest_is_not() -> None:
    """The target wants a field that the documents call optional: every check goes on with full events."""

    def answer(received: ReceivedRequest) -> bytes:
        return OK if "context" in received.body.decode() else answer_bytes(400, "no context")

    ground = preflight_result(answer, "segmentstream")
    (footing,) = ground.baselines.values()
    assert footing.has_all_fields
    assert not ground.dead


def test_another_content_type_may_be_accepted() -> None:
    """The target insists on a charset."""

    def answer(received: ReceivedRequest) -> bytes:
        return OK if "charset" in received.values("content-type")[0] else answer_bytes(415)

    (footing,) = preflight_result(answer, "segmentstream").baselines.values()
    assert "charset" in footing.content_type


def test_another_scheme_may_be_accepted() -> None:
    """The target takes the key in the body alone: the other promises are still judged."""

    def answer(received: ReceivedRequest) -> bytes:
        return OK if "writeKey" in json.loads(received.body) else answer_bytes(400, "no key in the body")

    ground = preflight_result(answer)
    assert {footing.scheme for footing in ground.baselines.values()} <= {AuthScheme.BEARER, AuthScheme.BODY}
    assert len(ground.baselines) == len(contract().operations)


@pytest.mark.parametrize("status", [401, 403])
def test_a_401_everywhere_is_the_key(status: int) -> None:
    """The message names the option."""
    message = error_when_refused(status)
    assert f"valid requests ({status} with an empty body): the write key looks wrong" in message
    assert "check --write-key or CONFORMANCE_WRITE_KEY" in message


@pytest.mark.parametrize("body", ["Invalid write key", '{"error":"bad api_key"}', "Authentication failed"])
def test_a_refusal_that_speaks_of_keys_is_the_key(body: str) -> None:
    """Some answer 400 to a wrong key."""
    assert "the write key looks wrong" in error_when_refused(400, body)


@pytest.mark.parametrize("status", [404, 410])
def test_a_404_everywhere_is_the_path(status: int) -> None:
    """The message names a path, with the prefix of the base URL."""
    message = error_when_refused(status, prefix="/in")
    assert "the path looks wrong: nothing is at /in/v1/" in message
    assert "drop it" not in message


def test_a_doubled_v1_is_named() -> None:
    """The base URL ends with what the paths begin with."""
    message = error_when_refused(404, prefix="/v1")
    assert "nothing is at /v1/v1/" in message
    assert message.endswith("the paths begin with /v1 themselves, so drop it from the URL")


@pytest.mark.parametrize("status", [302, 308])
def test_a_redirect_is_the_address(status: int) -> None:
    """The message says where to, and that nobody goes there."""
    message = error_when_refused(status, "", "Location: https://a.example/v1/")
    assert "the address looks wrong: it redirects to https://a.example/v1/" in message
    assert "it redirects to nowhere" in error_when_refused(status)


def test_a_500_everywhere_is_the_server() -> None:
    """Even if it speaks of tokens."""
    assert "the server looks wrong: it fails on valid events" in error_when_refused(500, "unexpected token")


def test_another_refusal_is_the_dialect() -> None:
    """Nothing more can be said."""
    assert error_when_refused(422, "no").endswith("or it speaks another vendor's dialect than the profile")


def test_the_most_frequent_refusal_is_named() -> None:
    """One odd operation does not mislead."""
    odd = contract().operations[0].path
    message = error_message(
        answer_each(lambda received: answer_bytes(500) if received.target == odd else answer_bytes(401))
    )
    assert "the write key looks wrong" in message


def test_a_lone_operation_is_named_as_such() -> None:
    """A vendor with one path has one valid request."""
    with (
        scripted_server(answer_each(lambda _: answer_bytes(400))) as server,
        pytest.raises(InconclusiveError) as caught,
    ):
        run_preflight(server.url, "segmentstream")
    assert "refused the only valid request (400 with an empty body): " in str(caught.value)


def test_nobody_there_is_said() -> None:
    """With the port."""
    port = free_port()
    with pytest.raises(InconclusiveError, match=rf"^http://127\.0\.0\.1:{port} can't be reached: .*port {port}"):
        run_preflight(f"http://127.0.0.1:{port}")


def test_a_host_that_does_not_resolve_is_said() -> None:
    """With the name."""
    with pytest.raises(InconclusiveError, match=r"can't be reached: the host 'nobody\.invalid' does not resolve"):
        run_preflight("http://nobody.invalid")


def test_a_silent_server_is_said() -> None:
    """With the deadline."""
    assert error_message(ClientConnection.stay_silent, deadline_s=0.3).endswith(
        "does not answer: no answer within 0.3 s"
    )


def test_a_server_that_hangs_up_is_asked_about_tls() -> None:
    """That is what plain HTTP to a TLS port often looks like."""
    assert error_message(ClientConnection.read_request).endswith(
        "does it speak HTTP, and is TLS on both sides or none?"
    )


def test_what_is_not_http_is_said() -> None:
    """With what came instead."""
    assert "does not speak HTTP/1.1: " in error_message(lambda peer: peer.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (answer_bytes(400, "Client sent an HTTP request to an HTTPS server.\n"), "speaks TLS; write https://"),
        (answer_bytes(400, "<h1>400</h1> The plain HTTP request was sent to HTTPS port"), "speaks TLS; write https://"),
        (answer_bytes(400, "You're speaking plain HTTP to an SSL-enabled server port."), "speaks TLS; write https://"),
        (answer_bytes(403, "Missing ALPN Protocol, expected `h2` to be available."), "switch that on at the server"),
        (answer_bytes(400, "An HTTP/1.x request was sent to an HTTP/2 only endpoint."), "switch that on at the server"),
        (answer_bytes(426, "", "Upgrade: h2c"), "switch that on at the server"),
        (answer_bytes(505), "switch that on at the server"),
    ],
)
def test_a_refusal_of_the_protocol_is_no_matter_of_keys_or_paths(answer: bytes, words: str) -> None:
    """Go, nginx, Apache, Node.js and ASP.NET Core say in plain HTTP what they want instead."""
    assert words in error_message(answer_each(lambda _: answer))


@pytest.fixture(scope="module")
def certified() -> ssl.SSLContext:
    """A server's settings with a certificate of an unknown authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_an_unknown_authority_is_said(certified: ssl.SSLContext) -> None:
    """With the two ways out."""
    with (
        scripted_server(answer_each(lambda _: OK), tls=certified) as server,
        pytest.raises(InconclusiveError) as caught,
    ):
        run_preflight(server.url)
    assert "can't be reached: the TLS handshake failed" in str(caught.value)
    assert "name your authority with --ca-bundle FILE, or pass --insecure (" in str(caught.value)


def test_with_insecure_any_authority_will_do(certified: ssl.SSLContext) -> None:
    """The preflight goes through."""
    with scripted_server(answer_each(lambda _: OK), tls=certified) as server:
        assert accepts_all(run_preflight(server.url, insecure=True))


def test_pixels_and_webhooks_are_flown_too() -> None:
    """Every operation of the profile is tried."""
    with scripted_server(answer_each(lambda _: OK)) as server:
        assert accepts_all(run_preflight(server.url, "metarouter"))
    paths = {item.target.partition("?")[0] for item in server.received}
    assert paths == {item.path for item in contract("metarouter").operations}
    assert {item.kind for item in contract("metarouter").operations} == set(OperationKind)


def test_a_success_whose_body_says_otherwise_is_a_second_choice() -> None:
    """A full request is preferred where only that is taken; where every body says no, the smallest one stays."""

    def answer(request: ReceivedRequest) -> bytes:
        is_full = b"context" in request.body
        return answer_bytes(200, '{"ok": true}' if is_full else '{"ok": false}')

    result = preflight_result(answer)
    assert {baseline.has_all_fields for baseline in result.baselines.values()} == {True}
    assert {item.response and item.response.text for item in result.successes.values()} == {'{"ok": true}'}
    assert not result.dead
    hopeless = preflight_result(lambda _: answer_bytes(200, '{"ok": false}'))
    assert not hopeless.dead
    assert len(hopeless.successes) == len(contract().operations)
