"""Every server that differs from the correct one, by name: the faults, the variants, and the correct one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from conformance.refserver.faults import FAULTS
from conformance.refserver.variants import CORRECT, VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.contract import Contract
    from conformance.refserver.change import Change


class Peer(Protocol):
    """A server by its name, and in what it differs from the correct one."""

    @property
    def name(self) -> str:
        """What it is called, a slug."""

    @property
    def change(self) -> Change:
        """In what it differs."""

    def fits(self, contract: Contract) -> bool:
        """Whether it can be told under a contract."""


def _named(peers: Iterable[Peer]) -> dict[str, Peer]:
    return {peer.name: peer for peer in peers}


PEERS = _named((CORRECT, *FAULTS, *VARIANTS))
