"""All servers by name: the correct one, the faults and the variants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from conformance.refserver.faults import FAULTS
from conformance.refserver.variant import CORRECT_SERVER
from conformance.refserver.variants import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.contract import Contract
    from conformance.refserver.server_change import ServerChange


class NamedServer(Protocol):
    """A server with a name and its difference from the correct one."""

    @property
    def name(self) -> str:
        """Its name, a slug."""

    @property
    def change(self) -> ServerChange:
        """Its difference from the correct server."""

    def applies_to(self, contract: Contract) -> bool:
        """Whether the difference can show under a contract."""


def _by_name(servers: Iterable[NamedServer]) -> dict[str, NamedServer]:
    return {server.name: server for server in servers}


SERVERS = _by_name((CORRECT_SERVER, *FAULTS, *VARIANTS))
