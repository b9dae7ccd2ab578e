"""One operation of the API under test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.model import Level, OperationKind, Source

if TYPE_CHECKING:
    from conformance.profile.profile import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A method and a path: how its requests carry events, and at which level its existence is promised."""

    method: str
    path: str
    kind: OperationKind
    event_type: str
    level: Level = Level.MUST
    sources: tuple[Source, ...] = ()

    @classmethod
    def from_route(cls, route: Route) -> Operation:
        """The operation of a route: GET for a pixel, POST for everything else."""
        return cls(
            method="GET" if route.kind is OperationKind.PIXEL else "POST",
            path=route.path,
            kind=route.kind,
            event_type=route.event_type,
            level=route.level,
            sources=route.sources,
        )

    def __str__(self) -> str:
        return f"{self.method} {self.path}"
