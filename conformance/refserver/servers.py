"""All servers by name: the correct one, the faults and the variants."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Protocol

from conformance.refserver.faults import FAULTS
from conformance.refserver.server_change import ServerChange
from conformance.refserver.variant import CORRECT_SERVER
from conformance.refserver.variants import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.contract import Contract


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


_SEPARATOR = "+"


def name_of_pair(one: str, other: str) -> str:
    """The name of the server with the faults of two."""
    return f"{one}{_SEPARATOR}{other}"


def change_of(name: str) -> ServerChange:
    """The change of a server by its name, or of one with the faults of two. Raises KeyError if there is none."""
    first, *others = (SERVERS[part].change for part in name.split(_SEPARATOR))
    return functools.reduce(ServerChange.combined_with, others, first)


SERVERS = _by_name((CORRECT_SERVER, *FAULTS, *VARIANTS))
