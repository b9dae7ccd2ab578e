"""The four dialects, as an independent reader finds them in vendors.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Level = Literal["must", "should", "may"]
Scope = Literal["event", "batch", "item"]
RouteKind = Literal["event", "batch", "pixel", "webhook", "unknown"]
ErrorStyle = Literal["details", "text", "json"]
Kind = Literal[
    "path", "method", "auth", "size", "encoding", "utf8", "json", "shape",
    "identity", "field", "batch", "item", "type", "pixel", "coding", "rate",
]  # fmt: skip

TYPES = ("identify", "track", "page", "screen", "group", "alias")


@dataclass(frozen=True)
class Route:
    """One path, what it takes, and how strongly the vendor promises it."""

    path: str
    kind: RouteKind
    type: str | None = None
    level: Level = "must"

    @property
    def method(self) -> str:
        """Name the one method that the path takes."""
        return "GET" if self.kind == "pixel" else "POST"


UNKNOWN = Route("", "unknown")


@dataclass(frozen=True)
class Size:
    """A documented limit: an amount of kilobytes (power 1) or megabytes (power 2)."""

    amount: int
    power: int = 1

    def in_bytes(self, kilobyte: int) -> int:
        """Count the bytes, with a kilobyte of 1000 or 1024."""
        return self.amount * (kilobyte if self.power == 1 else kilobyte * kilobyte)


@dataclass(frozen=True)
class Dialect:
    """One vendor's promises; a status of None means that the vendor accepts such a call."""

    name: str
    routes: tuple[Route, ...]
    accepted: int
    success_type: str
    success_body: bytes
    statuses: Mapping[Kind, int | None]
    sizes: Mapping[Scope, Size]
    error_style: ErrorStyle
    partly_bad: int = 400
    whole_batch: frozenset[Kind] = frozenset()
    body_key: bool = False
    bearer: bool = False
    colonless: bool = False

    @property
    def has_batch(self) -> bool:
        """Tell whether the dialect has a batch call."""
        return "batch" in self.sizes

    def route(self, path: str) -> Route:
        """Find the route of a path, or the unknown route."""
        return next((route for route in self.routes if route.path == path), UNKNOWN)


def _statuses(**changes: int | None) -> dict[Kind, int | None]:
    """List the statuses of the four, with this dialect's own."""
    usual: dict[Kind, int | None] = {
        "path": 404, "method": 405, "auth": 401, "size": 400, "encoding": 400, "utf8": 400, "json": 400,
        "shape": 400, "identity": 400, "field": 400, "batch": 400, "item": 400, "type": 400, "pixel": 400,
        "coding": 415, "rate": 429,
    }  # fmt: skip
    return {kind: changes.get(kind, status) for kind, status in usual.items()}


def _events(names: Mapping[str, str], level: Level = "must", prefix: str = "/v1/") -> tuple[Route, ...]:
    """Make one single-event route for each name."""
    return tuple(Route(prefix + name, "event", kind, level) for name, kind in names.items())


_SAME = {kind: kind for kind in TYPES}
_WITHOUT_SCREEN = {kind: kind for kind in TYPES if kind != "screen"}
_SHORT = {kind[0]: kind for kind in TYPES}
_SHORT_WITHOUT_SCREEN = {kind[0]: kind for kind in _WITHOUT_SCREEN}

SEGMENT = Dialect(
    name="segment",
    routes=(
        *_events(_SAME),
        Route("/v1/batch", "batch"),
        *_events(_SHORT, "should"),
        Route("/v1/b", "batch", level="should"),
        Route("/v1/import", "batch", level="should"),
        Route("/v1/import/", "batch", level="should"),
    ),
    accepted=200,
    success_type="application/json",
    success_body=b'{"success":true}',
    statuses=_statuses(auth=None, identity=None, field=None, batch=None, item=None, type=None),
    sizes={"event": Size(32), "item": Size(32), "batch": Size(500)},
    error_style="json",
    partly_bad=200,
    body_key=True,
    bearer=True,
    colonless=True,
)

RUDDERSTACK = Dialect(
    name="rudderstack",
    routes=(*_events(_SAME), Route("/v1/batch", "batch")),
    accepted=200,
    success_type="text/plain; charset=utf-8",
    success_body=b"OK",
    statuses=_statuses(size=413),
    sizes={"event": Size(32), "item": Size(32), "batch": Size(4, 2)},
    error_style="text",
    whole_batch=frozenset({"item", "type"}),
)

METAROUTER = Dialect(
    name="metarouter",
    routes=(
        *_events(_WITHOUT_SCREEN),
        *_events(_SHORT_WITHOUT_SCREEN),
        Route("/v1/batch", "batch"),
        Route("/v1/import", "batch"),
        *(Route(f"/v1/pixel/{kind}", "pixel", kind) for kind in _WITHOUT_SCREEN),
        Route("/v1/webhook", "webhook"),
        Route("/v1/w", "webhook"),
    ),
    accepted=200,
    success_type="application/json",
    success_body=b'{"Success":true}',
    statuses=_statuses(auth=400, size=413),
    sizes={"event": Size(15), "item": Size(15), "batch": Size(500)},
    error_style="details",
    partly_bad=207,
    body_key=True,
    colonless=True,
)

SEGMENTSTREAM = Dialect(
    name="segmentstream",
    routes=(Route("/track", "event", "stream"),),
    accepted=204,
    success_type="",
    success_body=b"",
    statuses=_statuses(),
    sizes={"event": Size(64)},
    error_style="text",
)

DIALECTS: dict[str, Dialect] = {each.name: each for each in (SEGMENT, RUDDERSTACK, METAROUTER, SEGMENTSTREAM)}
