"""Many servers in one process and one event loop, each on its own port, opened and closed on demand.

Commands are lines of JSON on standard input: `{"open": [profile, server, operation...], "store": url}` is answered with
a base URL, `{"close": port}` with nothing. The process ends when standard input is closed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING

from uvicorn.server import ServerState

from conformance.core import event_loop
from conformance.core.child_process import ending_at_once
from conformance.refserver.authentication import FurtherKeys
from conformance.refserver.reduced_contract import reduced_contract
from conformance.refserver.servers import change_of
from conformance.refserver.store import open_store
from conformance.refserver.threaded_server import listening_socket, uvicorn_config

if TYPE_CHECKING:
    from conformance.refserver.server_change import ServerChange

_BACKLOG = 256


class ServerPoolProcess:
    """The servers of a process, by port."""

    def __init__(self, write_key: str, bearer: str | None) -> None:
        self._credentials = (write_key, bearer, FurtherKeys.from_environment())
        self._servers: dict[int, tuple[asyncio.Server, ServerState]] = {}

    async def open(self, profile: str, change: ServerChange, operations: tuple[str, ...], store_url: str = "") -> str:
        """Starts a server, which keeps events if there is a URL of a store, and returns its base URL."""
        contract = reduced_contract(profile, operations)
        store = open_store(store_url) if store_url else None
        config = uvicorn_config(change.create_application(contract, *self._credentials, store), change.protocol)
        config.load()
        state, loop = ServerState(), asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: change.protocol(config, state, {}), sock=listening_socket(0), backlog=_BACKLOG
        )
        port: int = server.sockets[0].getsockname()[1]
        self._servers[port] = (server, state)
        return f"http://127.0.0.1:{port}"

    def close(self, port: int) -> None:
        """Stops a server and aborts its connections."""
        server, state = self._servers.pop(port)
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()


async def run_pool(write_key: str, bearer: str | None) -> None:
    """Reads commands from standard input, one JSON object a line, until it is closed."""
    pool, loop = ServerPoolProcess(write_key, bearer), asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        command = json.loads(line)
        if "close" in command:
            pool.close(command["close"])
            continue
        profile, server_name, *operations = command["open"]
        address = await pool.open(profile, change_of(server_name), tuple(operations), command.get("store", ""))
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    with ending_at_once():
        event_loop.run(run_pool(os.environ["CONFORMANCE_WRITE_KEY"], os.environ.get("CONFORMANCE_BEARER")))
