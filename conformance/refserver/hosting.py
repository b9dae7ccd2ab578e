"""Many servers in one process and one event loop, each on a port of its own, opened and closed on demand.

It is spoken to in lines of JSON: `{"open": [profile, peer, word...]}` is answered with an address,
`{"close": port}` with nothing. It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING

from uvicorn.server import ServerState

from conformance import loop
from conformance.refserver.peers import PEERS
from conformance.refserver.reduction import reduced
from conformance.refserver.serving import configuration, listen

if TYPE_CHECKING:
    from conformance.refserver.peers import Peer

_BACKLOG = 256


class Host:
    """The servers of a process, by port."""

    def __init__(self, write_key: str, bearer: str | None) -> None:
        self._keys = (write_key, bearer)
        self._servers: dict[int, tuple[asyncio.Server, ServerState]] = {}

    async def open(self, profile: str, peer: Peer, words: tuple[str, ...]) -> str:
        """Starts a server and gives its address."""
        contract = reduced(profile, words)
        config = configuration(peer.change.application(contract, *self._keys), peer.change.protocol)
        config.load()
        state, running = ServerState(), asyncio.get_running_loop()
        protocol = peer.change.protocol
        server = await running.create_server(
            lambda: protocol(config, state, {}), sock=listen(0), backlog=_BACKLOG
        )
        port: int = server.sockets[0].getsockname()[1]
        self._servers[port] = (server, state)
        return f"http://127.0.0.1:{port}"

    def close(self, port: int) -> None:
        """Ends a server and its connections."""
        server, state = self._servers.pop(port)
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()


async def host(write_key: str, bearer: str | None) -> None:
    """Obeys the lines of standard input until it ends."""
    hosted, running = Host(write_key, bearer), asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await running.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        order = json.loads(line)
        if "close" in order:
            hosted.close(order["close"])
            continue
        profile, peer, *words = order["open"]
        address = await hosted.open(profile, PEERS[peer], tuple(words))
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    loop.run(host(os.environ["CONFORMANCE_WRITE_KEY"], os.environ.get("CONFORMANCE_BEARER")))
