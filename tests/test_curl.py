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
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

import pytest

from conformance.contract import Contract
from conformance.model import Exchange, Kind, Request
from conformance.payloads import Call, Keys
from conformance.payloads.spoils import BAD_HEADER, NOT_UTF8, WRONG_BODY_KEY, WRONG_KEY
from conformance.profile import load
from conformance.profile.facts import Scheme
from conformance.report.curl import curl
from conformance.wire import Redactor, Wire, parse
from tests.sockets import Received, answering, serving

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.payloads import Draft
    from conformance.payloads.spoils import Spoil

STAND_IN = Path(__file__).with_name("curl_stand_in.py")

KEYS = Keys(write_key="cOnf-Key_42/a+b", bearer="bearer-Token.1")
OWN = {"host", "user-agent", "accept", "accept-encoding", "expect"}
"""Headers that every client has of its own, which no check is about."""


@cache
def call(kind: Kind = Kind.EVENT, profile: str = "segment") -> Call:
    """A call of a kind."""
    contract = Contract(load(profile))
    operation = next(item for item in contract.operations if item.kind is kind)
    return Call(contract=contract, operation=operation, keys=KEYS)


def exchanged(request: Request, url: str, keys: Keys) -> Exchange:
    """A request and its answer over the wire, with every secret redacted."""

    async def send() -> Exchange:
        async with Wire(target=parse(url), redactor=Redactor(keys.spellings())) as wire:
            return await wire.exchange(request)

    return asyncio.run(send())


def run(line: str, keys: Keys) -> None:
    """Runs a shell line as a person would who has exported the keys."""
    secrets = {"CONFORMANCE_WRITE_KEY": keys.write_key, "CONFORMANCE_BEARER": keys.bearer or ""}
    if shutil.which("curl") is None:
        line = f'curl() {{ {shlex.quote(sys.executable)} {shlex.quote(str(STAND_IN))} "$@"; }}; {line}'
    done = subprocess.run(
        ["/bin/bash", "-c", line], env={**os.environ, **secrets}, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def both(request: Request, keys: Keys = KEYS, *, prefix: str = "") -> tuple[Received, Received]:
    """What a server receives of a request over the wire, and from its shell line."""
    with serving(answering()) as server:
        exchange = exchanged(request, server.url + prefix, keys)
        line = curl(exchange.request, exchange.url)
        assert keys.write_key not in line
        run(line, keys)
    first, second = server.received
    return first, second


def own(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """A request's headers without those that every client has of its own."""
    return sorted((name.lower(), value) for name, value in headers if name.lower() not in OWN)


def assert_same(draft: Draft, keys: Keys = KEYS) -> None:
    """The shell line of a draft sends what the wire sends."""
    request = draft.request()
    wired, curled = both(request, keys)
    assert (curled.method, unquote_plus(curled.target)) == (wired.method, unquote_plus(wired.target))
    assert curled.body == wired.body
    assert own(curled.headers) == own(wired.headers)
    assert wired.body == request.body


def test_a_plain_event_is_the_same() -> None:
    """The line shows the key as a variable, and the body as it is."""
    assert_same(call().event())


def test_a_full_event_is_the_same() -> None:
    """Nested objects, numbers and lists stand on the command line."""
    assert_same(call().full())


def test_a_batch_is_the_same() -> None:
    """One event of each type."""
    assert_same(call(Kind.BATCH).full(*call(Kind.BATCH).contract.batch_types()))


def test_a_key_in_the_body_is_the_same() -> None:
    """The shell puts the key into the JSON."""
    assert_same(call().event().by(call().credentials(Scheme.BODY)))


def test_a_key_in_a_large_body_is_the_same() -> None:
    """The program that writes a large body puts the key in."""
    assert_same(call().event().by(call().credentials(Scheme.BODY)).sized(33_000))


def test_a_bearer_token_is_the_same() -> None:
    """It has a variable of its own."""
    assert_same(call().event().by(call().credentials(Scheme.BEARER)))


@pytest.mark.parametrize("spoil", [*WRONG_KEY, *BAD_HEADER, *WRONG_BODY_KEY], ids=lambda spoil: spoil.slug)
def test_wrong_credentials_are_the_same(spoil: Spoil) -> None:
    """A key that is nearly right is computed from the right one."""
    assert_same(spoil.make(call()))


def test_a_body_that_is_not_utf8_is_the_same() -> None:
    """Bytes that no shell can hold come from a program."""
    assert_same(NOT_UTF8[0].make(call()))


@pytest.mark.parametrize("unit", ["a", "é", "日", "😀"])
def test_a_filled_body_is_the_same(unit: str) -> None:
    """33 KB of one character are a product in a program, not an argument."""
    draft = call().event().sized(33_000, unit)
    assert_same(draft)
    assert len(curl(draft.request(), "http://a.example")) < 2000


def test_an_escaped_body_is_the_same() -> None:
    """JSON escapes keep their backslashes."""
    assert_same(call().event().escaped().sized(33_000, "日"))


def test_a_large_batch_is_the_same() -> None:
    """4 MB in several hundred events fit into one line, packed."""
    batch = call(Kind.BATCH)
    assert_same(batch.roomy(4_000_000).sized(4_000_000))


@pytest.mark.parametrize("size", [300, 100_000])
def test_a_chunked_body_is_the_same(size: int) -> None:
    """It goes out in chunks, without a Content-Length."""
    assert_same(call().event().chunked().sized(size))


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
    assert_same(call().event().verbatim(body))


def test_a_body_without_a_type_is_the_same() -> None:
    """No Content-Type of curl's own stands in for it."""
    assert_same(call().event().typed(None))


@pytest.mark.parametrize("content_type", ["text/plain", 'application/json; charset="utf-8"', "a'b"])
def test_another_type_is_the_same(content_type: str) -> None:
    """Quotes in a header survive."""
    assert_same(call().event().typed(content_type))


def test_a_pixel_is_the_same() -> None:
    """A GET whose query carries the event and the key in it, as base64."""
    assert_same(call(Kind.PIXEL, "metarouter").event())


def test_a_webhook_is_the_same() -> None:
    """A POST with a body, and the key in the query."""
    assert_same(call(Kind.WEBHOOK, "metarouter").event())


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_an_empty_body_is_the_same(chunked: bool) -> None:  # noqa: FBT001 - a parameter
    """A POST of nothing has a length of nothing, or one empty chunk."""
    draft = call().event().verbatim(b"")
    assert_same(draft.chunked() if chunked else draft)


def test_a_large_body_is_sent_without_asking() -> None:
    """By itself curl asks for a 100 before it sends more than a megabyte; the wire does not."""
    _, curled = both(call().event().sized(2_000_000).request())
    assert curled.values("expect") == []


@pytest.mark.parametrize("wrong", [KEYS.truncated, KEYS.other_case, KEYS.suffixed])
def test_a_wrong_key_in_a_large_body_is_the_same(wrong: str) -> None:
    """The program that writes the body makes it of the right key."""
    draft = call().event().by(call().credentials(Scheme.BODY, wrong))
    assert_same(draft.sized(33_000))
    assert_same(draft.spelled(lambda body: body[:-1] + b',"x":"\xff"}'))


def test_words_that_look_like_a_stand_in_are_the_same() -> None:
    """A body may speak of base64."""
    assert_same(call().event().verbatim(b'{"a":"base64(hello)"}'))


def test_extra_headers_are_in_the_line() -> None:
    """What the command line adds to every request is sent by curl as well, from variables."""
    with serving(answering()) as server:
        target = parse(server.url, headers=("X-Tenant: tenant-7",))

        async def send() -> Exchange:
            async with Wire(target=target, redactor=Redactor({"tenant-7": "$HEADER_1"})) as wire:
                return await wire.exchange(call().event().request())

        exchange = asyncio.run(send())
        line = curl(exchange.request, exchange.url)
        assert "tenant-7" not in line
        run(f"export HEADER_1=tenant-7; {line}", KEYS)
    assert [item.values("x-tenant") for item in server.received] == [["tenant-7"]] * 2


def test_the_prefix_is_in_the_line() -> None:
    """The path of the base URL comes first."""
    wired, curled = both(call().event().request(), prefix="/in")
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
    assert_same(odd.event(), keys)
    assert_same(odd.event().by(odd.credentials(key=keys.truncated)), keys)


@pytest.mark.parametrize("size", [30, 20_000], ids=["short", "long"])
def test_a_packed_body_is_the_same(size: int) -> None:
    """It is shown unpacked, so that no key hides in it, and packed again by the line."""
    draft = call().event().by(call().credentials(Scheme.BODY)).sized(size + 200).spelled(gzip.compress)
    first, second = both(draft.headed("Content-Encoding", "gzip").request())
    assert gzip.decompress(first.body) == gzip.decompress(second.body)
    assert KEYS.write_key.encode() in gzip.decompress(second.body)
    assert second.values("content-encoding") == ["gzip"]


@pytest.mark.parametrize("body", [b"no gzip at all", gzip.compress(b"{}")[:-3]], ids=["plain", "cut"])
def test_what_is_no_gzip_is_sent_as_it_is(body: bytes) -> None:
    """Whatever its header says."""
    first, second = both(call().event().verbatim(body).headed("Content-Encoding", "gzip").request())
    assert first.body == second.body == body
