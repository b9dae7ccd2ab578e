"""One operation of the API under test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.model import Kind, Level, Source

if TYPE_CHECKING:
    from conformance.profile.facts import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A method and a path, how they carry events, and how strongly their existence is promised."""

    method: str
    path: str
    kind: Kind
    type: str
    level: Level = Level.MUST
    sources: tuple[Source, ...] = ()

    @classmethod
    def of(cls, route: Route) -> Operation:
        """The operation of a route: a pixel is fetched, everything else is posted."""
        return cls(
            method="GET" if route.kind is Kind.PIXEL else "POST",
            path=route.path,
            kind=route.kind,
            type=route.type,
            level=route.level,
            sources=route.sources,
        )

    def __str__(self) -> str:
        return f"{self.method} {self.path}"
