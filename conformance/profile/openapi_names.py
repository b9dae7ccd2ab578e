"""What a vendor's own OpenAPI document calls things."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.core.model import JsonObject, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedOperation:
    """What the document says of one call: its id, a summary, the group it is in, and whether it describes a body."""

    operation_id: str
    summary: str = ""
    tag: str = ""
    body: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenApiNames:
    """The names in a vendor's OpenAPI document; empty if the vendor has none.

    `info` is as in OpenAPI; `schemas` are by event type (and `batch`), `security_schemes` by AuthScheme, `operations`
    by path.
    """

    info: JsonObject = field(default_factory=dict)
    schemas: Mapping[str, str] = field(default_factory=dict)
    security_schemes: Mapping[str, str] = field(default_factory=dict)
    operations: Mapping[str, NamedOperation] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()

    @classmethod
    def from_data(cls, data: Mapping[str, Any], sources: tuple[Source, ...]) -> Self:
        """The names in a profile's data, which its JSON Schema has checked."""
        return cls(
            info=data.get("info", {}),
            schemas=data.get("schemas", {}),
            security_schemes=data.get("security_schemes", {}),
            operations={path: NamedOperation(**item) for path, item in data.get("operations", {}).items()},
            sources=sources,
        )
