"""Every server that differs from the correct one, by name: the faults, the variants, and the correct one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from conformance.refserver.faults import FAULTS
from conformance.refserver.variants import CORRECT_SERVER, VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.contract import Contract
    from conformance.refserver.fault_change import FaultChange


class NamedServer(Protocol):
    """A server by its name, and in what it differs from the correct one."""

    @property
    def name(self) -> str:
        """What it is called, a slug."""

    @property
    def change(self) -> FaultChange:
        """In what it differs."""

    def applies_to(self, contract: Contract) -> bool:
        """Whether it can be told under a contract."""


def _by_name(servers: Iterable[NamedServer]) -> dict[str, NamedServer]:
    return {peer.name: peer for peer in servers}


SERVERS = _by_name((CORRECT_SERVER, *FAULTS, *VARIANTS))
