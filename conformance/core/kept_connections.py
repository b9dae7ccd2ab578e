"""What became of requests over connections that earlier requests had used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class KeptConnections:
    """Counts of a run: the requests over kept connections, and those of them that the target closed without an answer.

    The latter were sent again, as clients do.
    """

    used: int = 0
    closed: int = 0
