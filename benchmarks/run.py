"""How long `conformance run` takes, next to a bare httpx replay of the very same requests.

    python -m benchmarks.run [PROFILE]

Prints, for the embedded reference server and for one that waits 50 ms before each answer: the wall time
of the command, its start-up, the number of requests, and the ratios that matter: to the bare replay with
the same concurrency, and to requests x latency / jobs.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx

from conformance.cases import CHECKS
from conformance.contract import Contract
from conformance.profile import load
from conformance.refserver import Server
from conformance.run.execution import execute
from conformance.run.plan import Plan, build_plan
from conformance.settings import table
from conformance.wire import Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from conformance.core.model import Exchange, Request

KEY = "conformance-benchmark-key"
LATENCY_S = 0.05
JOBS = 8


def main(profile: str = "segment") -> None:
    """Measures and prints."""
    contract = Contract(load(profile))
    os.environ["CONFORMANCE_WRITE_KEY"] = KEY
    start_up_s = min(_command_s(["--help"]) for _ in range(3))
    print(f"profile {profile}, {JOBS} jobs; `conformance --help` alone: {start_up_s:.2f} s")
    for name, delay_s in (("embedded server", 0.0), ("server that waits 50 ms", LATENCY_S)):
        with _server_process(profile, delay_s) as url:
            requests = asyncio.run(_requests_of_run(_plan(url, contract)))
            replay_s = asyncio.run(_replay_s(requests, url))
            run_s = _command_s(["run", url, "--profile", profile, "--jobs", str(JOBS), "--quiet"])
        print(f"{name}: {len(requests)} requests, command {run_s:.2f} s, bare replay {replay_s:.2f} s")
        print(f"  command / bare replay: {run_s / replay_s:.2f}")
        if delay_s:
            ideal_s = len(requests) * delay_s / JOBS
            print(f"  command / (requests x {delay_s * 1000:.0f} ms / jobs): {run_s / ideal_s:.2f}")


@contextmanager
def _server_process(profile: str, delay_s: float) -> Iterator[str]:
    """A reference server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.run", "--serve", profile, str(delay_s)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        yield process.stdout.readline().strip()
        process.stdin.close()


def _serve(profile: str, delay_s: str) -> None:
    """The other end of `_served`."""
    with Server(Contract(load(profile)), KEY, "token", delay_s=float(delay_s)) as server:
        print(server.url, flush=True)
        sys.stdin.read()


def _plan(url: str, contract: Contract) -> Plan:
    return build_plan(table.resolve({"write_key": KEY, "jobs": str(JOBS), "fuzz": "0"}), url, contract, CHECKS)


async def _requests_of_run(plan: Plan) -> list[Request]:
    """Every request of a run, in the order of sending."""
    requests: list[Request] = []

    class Recorder(Wire):
        async def exchange(self, request: Request) -> Exchange:
            requests.append(request)
            return await super().exchange(request)

    await execute(replace(plan, wire_type=Recorder), lambda *_: None)
    return requests


async def _replay_s(requests: list[Request], url: str) -> float:
    """The seconds that a bare httpx client takes for the same requests, as many at a time."""
    queue = iter(requests)
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=JOBS), timeout=30, trust_env=False) as client:

        async def worker() -> None:
            for item in queue:
                content = _pieces(item.body) if item.chunked else item.body
                query = httpx.QueryParams(item.query) if item.query else None
                try:
                    await client.request(
                        item.method,
                        url + item.path,
                        params=query,
                        headers=list(item.headers),
                        content=content,
                    )
                except httpx.TransportError:
                    continue

        start_s = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(JOBS)))
        return time.perf_counter() - start_s


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _command_s(arguments: list[str]) -> float:
    """The wall time of the command, in seconds."""
    start_s = time.perf_counter()
    subprocess.run([sys.executable, "-m", "conformance", *arguments], check=True, capture_output=True)
    return time.perf_counter() - start_s


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        _serve(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
