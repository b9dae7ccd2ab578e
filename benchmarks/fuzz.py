"""How fast fuzzing is, next to schemathesis' own command and to wrk, on the same document and server.

    python -m benchmarks.fuzz [PROFILE] [REQUESTS]

The server does almost nothing, so that the clients are measured: it reads a request to its end and says
that it is fine. Prints requests a second of `conformance fuzz`, cold and warm, start-up and generating
included; of its sending alone; of `schemathesis run` with all its phases and one worker; of wrk with 8
connections, where it is installed, both with a sample of the same requests and with one small one; and the
ratios between them.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.contract import Contract
from conformance.contract.openapi import render
from conformance.fuzz.corpus import load_or_generate
from conformance.fuzz.request_renderer import LARGE_BYTES
from conformance.profile import load
from conformance.profile.facts import Condition

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "conformance-benchmark-key"
SMALL = b'{"userId":"conformance-user","event":"conformance"}'
WRK_SECONDS = 4
SAMPLES = 2_000
_LUA = """
local given = {{
{requests}
}}
local made, at = {{}}, 0
function init()
  local headers = {{ ["Content-Type"] = "application/json", ["Authorization"] = "Basic Y29uZm9ybWFuY2U6" }}
  for i, item in ipairs(given) do made[i] = wrk.format("POST", item[1], headers, item[2]) end
end
function request()
  at = at % #made + 1
  return made[at]
end
"""
_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)


def main(profile: str = "rudderstack", requests: str = "50000") -> None:
    """Measures and prints."""
    contract = Contract(load(profile))
    with tempfile.TemporaryDirectory() as cache, _server_process(profile) as url:
        environment = {**os.environ, "XDG_CACHE_HOME": cache, "CONFORMANCE_WRITE_KEY": KEY}
        cold = _conformance_rates(url, profile, requests, environment)
        warm = _conformance_rates(url, profile, requests, environment)
        small = _conformance_rates(url, profile, "5000", {**environment, "XDG_CACHE_HOME": f"{cache}/small"})
        theirs = _schemathesis_rate(url, contract, Path(cache))
        os.environ["XDG_CACHE_HOME"] = cache
        wrk = _wrk_rate(url, _lua_requests(contract), Path(cache))
        small_wrk = _wrk_rate(url, [_in_lua(contract.operations[0].path, SMALL)], Path(cache))
    print(f"profile {profile}, a server that does almost nothing")
    rows = {
        f"conformance fuzz, {requests} requests, cold": cold[0],
        f"conformance fuzz, {requests} requests, warm": warm[0],
        "conformance fuzz, 5000 requests, cold": small[0],
        "its sending and judging alone": warm[1],
        "schemathesis run, all phases, one worker": theirs,
        "wrk, 8 connections, the same requests": wrk,
        "wrk, 8 connections, one small request": small_wrk,
    }
    for name, rate in rows.items():
        print(f"  {name:46} {rate:10,.0f} requests/s")
    print(f"  warm / schemathesis: {warm[1] / theirs:.0f} (start-up included: {warm[0] / theirs:.0f})")
    print(f"  cold / schemathesis: {small[0] / theirs:.1f} with 5000, {cold[0] / theirs:.1f} with {requests}")
    if wrk:
        print(f"  warm / wrk: {warm[1] / wrk:.2f} (start-up included: {warm[0] / wrk:.2f})")
        print(f"  warm / wrk with one small request: {warm[1] / small_wrk:.2f}")


def _conformance_rates(url: str, profile: str, requests: str, environment: dict[str, str]) -> tuple[float, float]:
    """Requests a second of the whole command, and of what it says of its sending."""
    command = [sys.executable, "-m", "conformance", "fuzz", url, "--profile", profile, "--fuzz", requests]
    start_s = time.perf_counter()
    completed = subprocess.run(
        [*command, "--json", "-", "--quiet"], env=environment, check=False, capture_output=True, text=True
    )
    whole_s = time.perf_counter() - start_s
    summary = json.loads(completed.stdout)
    return summary["requests"] / whole_s, summary["per_s"]


def _schemathesis_rate(url: str, contract: Contract, place: Path) -> float:
    """Requests a second of schemathesis' own command."""
    document = place / "openapi.json"
    document.write_text(json.dumps(render(contract)), encoding="utf-8")
    command = [sys.executable, "-m", "schemathesis.cli", "run", str(document), "--url", url, "--workers", "1"]
    before, start_s = _request_count(url), time.perf_counter()
    subprocess.run(
        [*command, "--checks", "not_a_server_error", "--max-examples", "60"],
        check=False, capture_output=True, cwd=place,
    )  # fmt: skip
    return (_request_count(url) - before) / (time.perf_counter() - start_s)


def _wrk_rate(url: str, requests: list[str], place: Path) -> float:
    """Requests a second of wrk, which sends some requests in turn; 0 where it is not installed."""
    program = shutil.which("wrk")
    if program is None:
        return 0.0
    script = place / "requests.lua"
    script.write_text(_LUA.format(requests=",\n".join(requests)), encoding="utf-8")
    completed = subprocess.run(
        [program, "-t1", "-c8", f"-d{WRK_SECONDS}s", "-s", str(script), url],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return float(completed.stdout.partition("Requests/sec:")[2].split()[0])


def _lua_requests(contract: Contract) -> list[str]:
    """Requests as they are sent by us, every so many of the stored ones, as wrk's script has them."""
    cases = [case for case in load_or_generate(contract, 1, 50_000).cases(50_000) if len(case.body) < LARGE_BYTES]
    return [_in_lua(case.call.split()[1], case.body) for case in cases[:: len(cases) // SAMPLES]]


def _in_lua(path: str, body: bytes) -> str:
    """A request as an entry of a table in Lua."""
    text = "".join(f"\\{byte:03}" for byte in body)
    return f'{{"{path}", "{text}"}}'


def _request_count(url: str) -> int:
    """How many requests the server has had."""
    with urllib.request.urlopen(f"{url}/count") as answer:  # noqa: S310 - our own server
        return int(answer.read())


@contextmanager
def _server_process(profile: str) -> Iterator[str]:
    """The server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.fuzz", "--serve", profile]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        yield process.stdout.readline().strip()
        process.kill()


class CountingProtocol(asyncio.Protocol):
    """A server that reads requests and answers each in the same way."""

    count = 0
    answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes a connection."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP has such
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answers every request that is whole."""
        data = self._buffer + data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            length_match = _LENGTH.search(data, 0, end)
            whole = end + 4 + (int(length_match[1]) if length_match else 0)
            if len(data) < whole:
                break
            is_question = data.startswith(b"GET /count")
            data = data[whole:]
            self._transport.write(self._counted() if is_question else self.answer)
            CountingProtocol.count += not is_question
        self._buffer = data

    def _counted(self) -> bytes:
        text = str(CountingProtocol.count).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(text), text)


async def _serve(profile: str) -> None:
    """The other end of `_served`."""
    contract = Contract(load(profile))
    status = HTTPStatus(contract.expected_response(Condition.ACCEPTED).expect[0])
    body = b"" if status is HTTPStatus.NO_CONTENT else b"OK"
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: text/plain",
        f"Content-Length: {len(body)}",
    ]
    CountingProtocol.answer = "\r\n".join([*lines, "", ""]).encode() + body
    server = await asyncio.get_running_loop().create_server(CountingProtocol, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        asyncio.run(_serve(sys.argv[2]))
    else:
        main(*sys.argv[1:])
