"""The shell line of a request sends what the wire has sent: run by bash, with curl if there is one."""

from __future__ import annotations

import asyncio
import gzip
import os
import shlex
import shutil
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

import pytest

from conformance.contract import Contract
from conformance.core.model import Exchange, OperationKind, Request
from conformance.profile import load
from conformance.profile.facts import AuthScheme
from conformance.report.curl import curl_command
from conformance.requests import Call, Keys
from conformance.requests.invalid_cases import NOT_UTF8
from conformance.requests.invalid_credentials import INVALID_AUTHORIZATION, WRONG_BODY_KEY, WRONG_KEY
from conformance.wire import Redactor, Wire, parse_target
from tests.support import paths
from tests.support.scripted_server import ReceivedRequest, answer_always, scripted_server

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.requests import Draft
    from conformance.requests.invalid_cases import InvalidCase

FAKE_CURL = paths.TESTS / "support" / "fake_curl.py"

KEYS = Keys(write_key="cOnf-Key_42/a+b", bearer="bearer-Token.1")
CLIENT_HEADERS = {"host", "user-agent", "accept", "accept-encoding", "expect"}
"""Headers that every client has of its own, which no check is about."""


@cache
def call(kind: OperationKind = OperationKind.EVENT, profile: str = "segment") -> Call:
    """A call of a kind."""
    contract = Contract(load(profile))
    operation = next(item for item in contract.operations if item.kind is kind)
    return Call(contract=contract, operation=operation, keys=KEYS)


def exchange_by_wire(request: Request, url: str, keys: Keys) -> Exchange:
    """A request and its answer over the wire, with every secret redacted."""

    async def send() -> Exchange:
        async with Wire(target=parse_target(url), redactor=Redactor(keys.placeholders_by_secret())) as wire:
            return await wire.exchange(request)

    return asyncio.run(send())


def run_in_bash(line: str, keys: Keys) -> None:
    """Runs a shell line as a person would who has exported the keys."""
    secrets = {"CONFORMANCE_WRITE_KEY": keys.write_key, "CONFORMANCE_BEARER": keys.bearer or ""}
    if shutil.which("curl") is None:
        line = f'curl() {{ {shlex.quote(sys.executable)} {shlex.quote(str(FAKE_CURL))} "$@"; }}; {line}'
    completed = subprocess.run(
        ["/bin/bash", "-c", line], env={**os.environ, **secrets}, capture_output=True, timeout=60, check=False
    )
    assert completed.returncode == 0, completed.stderr.decode()


def requests_of_wire_and_curl(
    request: Request, keys: Keys = KEYS, *, prefix: str = ""
) -> tuple[ReceivedRequest, ReceivedRequest]:
    """What a server receives of a request over the wire, and from its shell line."""
    with scripted_server(answer_always()) as server:
        exchange = exchange_by_wire(request, server.url + prefix, keys)
        line = curl_command(exchange.request, exchange.url)
        assert keys.write_key not in line
        run_in_bash(line, keys)
    first, second = server.received
    return first, second


def headers_of_client(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """A request's headers without those that every client has of its own."""
    return sorted((name.lower(), value) for name, value in headers if name.lower() not in CLIENT_HEADERS)


def assert_same(draft: Draft, keys: Keys = KEYS) -> None:
    """The shell line of a draft sends what the wire sends."""
    request = draft.build_request()
    wired, curled = requests_of_wire_and_curl(request, keys)
    assert (curled.method, unquote_plus(curled.target)) == (wired.method, unquote_plus(wired.target))
    assert curled.body == wired.body
    assert headers_of_client(curled.headers) == headers_of_client(wired.headers)
    assert wired.body == request.body


def test_a_plain_event_is_the_same() -> None:
    """The line shows the key as a variable, and the body as it is."""
    assert_same(call().acceptable_request())


def test_a_full_event_is_the_same() -> None:
    """Nested objects, numbers and lists stand on the command line."""
    assert_same(call().full_request())


def test_a_batch_is_the_same() -> None:
    """One event of each type."""
    assert_same(call(OperationKind.BATCH).full_request(*call(OperationKind.BATCH).contract.batch_types()))


def test_a_key_in_the_body_is_the_same() -> None:
    """The shell puts the key into the JSON."""
    assert_same(call().acceptable_request().with_credentials(call().credentials(AuthScheme.BODY)))


def test_a_key_in_a_large_body_is_the_same() -> None:
    """The program that writes a large body puts the key in."""
    assert_same(
        call().acceptable_request().with_credentials(call().credentials(AuthScheme.BODY)).with_body_size(33_000)
    )


def test_a_bearer_token_is_the_same() -> None:
    """It has a variable of its own."""
    assert_same(call().acceptable_request().with_credentials(call().credentials(AuthScheme.BEARER)))


@pytest.mark.parametrize("spoil", [*WRONG_KEY, *INVALID_AUTHORIZATION, *WRONG_BODY_KEY], ids=lambda spoil: spoil.slug)
def test_wrong_credentials_are_the_same(spoil: InvalidCase) -> None:
    """A key that is nearly right is computed from the right one."""
    assert_same(spoil.make_draft(call()))


def test_a_body_that_is_not_utf8_is_the_same() -> None:
    """Bytes that no shell can hold come from a program."""
    assert_same(NOT_UTF8.make_draft(call()))


@pytest.mark.parametrize("unit", ["a", "é", "日", "😀"])
def test_a_filled_body_is_the_same(unit: str) -> None:
    """33 KB of one character are a product in a program, not an argument."""
    draft = call().acceptable_request().with_body_size(33_000, unit)
    assert_same(draft)
    assert len(curl_command(draft.build_request(), "http://a.example")) < 2000


def test_an_escaped_body_is_the_same() -> None:
    """JSON escapes keep their backslashes."""
    assert_same(call().acceptable_request().with_ascii_escapes().with_body_size(33_000, "日"))


def test_a_large_batch_is_the_same() -> None:
    """4 MB in several hundred events fit into one line, packed."""
    batch = call(OperationKind.BATCH)
    assert_same(batch.request_with_room_for(4_000_000).with_body_size(4_000_000))


@pytest.mark.parametrize("size", [300, 100_000])
def test_a_chunked_body_is_the_same(size: int) -> None:
    """It goes out in chunks, without a Content-Length."""
    assert_same(call().acceptable_request().with_chunked_encoding().with_body_size(size))


@pytest.mark.parametrize(
    "body",
    [
        b"@/etc/hostname",
        b"@",
        b"""'single' "double" `id` $HOME $(id) ${HOME} \\n \\ !! * ~ # & ; | < >""",
        b"two\nlines\r\n\ttab\n",
        b"a\0b",
        "é 日 😀 \u2028".encode(),
        b"\xff\xfe\0\0",
        b"-d",
        b"%41%s%%",
        b" ",
    ],
)
def test_an_odd_body_is_the_same(body: bytes) -> None:
    """Nothing in a body means anything to the shell or to curl."""
    assert_same(call().acceptable_request().with_body_bytes(body))


def test_a_body_without_a_type_is_the_same() -> None:
    """No Content-Type of curl's own stands in for it."""
    assert_same(call().acceptable_request().with_content_type(None))


@pytest.mark.parametrize("content_type", ["text/plain", 'application/json; charset="utf-8"', "a'b"])
def test_another_type_is_the_same(content_type: str) -> None:
    """Quotes in a header survive."""
    assert_same(call().acceptable_request().with_content_type(content_type))


def test_a_pixel_is_the_same() -> None:
    """A GET whose query carries the event and the key in it, as base64."""
    assert_same(call(OperationKind.PIXEL, "metarouter").acceptable_request())


def test_a_webhook_is_the_same() -> None:
    """A POST with a body, and the key in the query."""
    assert_same(call(OperationKind.WEBHOOK, "metarouter").acceptable_request())


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_an_empty_body_is_the_same(chunked: bool) -> None:  # noqa: FBT001 - a parameter
    """A POST of nothing has a length of nothing, or one empty chunk."""
    draft = call().acceptable_request().with_body_bytes(b"")
    assert_same(draft.with_chunked_encoding() if chunked else draft)


def test_a_large_body_is_sent_without_asking() -> None:
    """By itself curl asks for a 100 before it sends more than a megabyte; the wire does not."""
    _, curled = requests_of_wire_and_curl(call().acceptable_request().with_body_size(2_000_000).build_request())
    assert curled.values("expect") == []


@pytest.mark.parametrize("wrong", [KEYS.truncated, KEYS.other_case, KEYS.suffixed])
def test_a_wrong_key_in_a_large_body_is_the_same(wrong: str) -> None:
    """The program that writes the body makes it of the right key."""
    draft = call().acceptable_request().with_credentials(call().credentials(AuthScheme.BODY, wrong))
    assert_same(draft.with_body_size(33_000))
    assert_same(draft.with_json_bytes(lambda body: body[:-1] + b',"x":"\xff"}'))


def test_words_that_look_like_a_stand_in_are_the_same() -> None:
    """A body may speak of base64."""
    assert_same(call().acceptable_request().with_body_bytes(b'{"a":"base64(hello)"}'))


def test_extra_headers_are_in_the_line() -> None:
    """What the command line adds to every request is sent by curl as well, from variables."""
    with scripted_server(answer_always()) as server:
        target = parse_target(server.url, headers=("X-Tenant: tenant-7",))

        async def send() -> Exchange:
            async with Wire(target=target, redactor=Redactor({"tenant-7": "$HEADER_1"})) as wire:
                return await wire.exchange(call().acceptable_request().build_request())

        exchange = asyncio.run(send())
        line = curl_command(exchange.request, exchange.url)
        assert "tenant-7" not in line
        run_in_bash(f"export HEADER_1=tenant-7; {line}", KEYS)
    assert [item.values("x-tenant") for item in server.received] == [["tenant-7"]] * 2


def test_the_prefix_is_in_the_line() -> None:
    """The path of the base URL comes first."""
    wired, curled = requests_of_wire_and_curl(call().acceptable_request().build_request(), prefix="/in")
    assert curled.target == wired.target == f"/in{call().operation.path}"


@pytest.mark.parametrize(
    "write_key",
    ["plainkey", "sp ace$HOME`id`", "it's", 'say"so"', "back\\slash", "per%cent", "-n -e x", "日本語キー"],
)
def test_an_odd_key_is_the_same(write_key: str) -> None:
    """Whatever is in the variable, the header is that of the wire."""
    keys = Keys(write_key=write_key)
    contract = call().contract
    odd = Call(contract=contract, operation=contract.operations[0], keys=keys)
    assert_same(odd.acceptable_request(), keys)
    assert_same(odd.acceptable_request().with_credentials(odd.credentials(key=keys.truncated)), keys)


@pytest.mark.parametrize("size", [30, 20_000], ids=["short", "long"])
def test_a_packed_body_is_the_same(size: int) -> None:
    """It is shown unpacked, so that no key hides in it, and packed again by the line."""
    draft = (
        call()
        .acceptable_request()
        .with_credentials(call().credentials(AuthScheme.BODY))
        .with_body_size(size + 200)
        .with_json_bytes(gzip.compress)
    )
    first, second = requests_of_wire_and_curl(draft.with_header("Content-Encoding", "gzip").build_request())
    assert gzip.decompress(first.body) == gzip.decompress(second.body)
    assert KEYS.write_key.encode() in gzip.decompress(second.body)
    assert second.values("content-encoding") == ["gzip"]


@pytest.mark.parametrize("body", [b"no gzip at all", gzip.compress(b"{}")[:-3]], ids=["plain", "cut"])
def test_what_is_no_gzip_is_sent_as_it_is(body: bytes) -> None:
    """Whatever its header says."""
    first, second = requests_of_wire_and_curl(
        call().acceptable_request().with_body_bytes(body).with_header("Content-Encoding", "gzip").build_request()
    )
    assert first.body == second.body == body
