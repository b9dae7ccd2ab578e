"""Dialects: the events, routes and batches that known profiles with the same pointers share."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.core.model import Level, OperationKind, Source
from conformance.profile.facts import ExpectedResponse
from conformance.profile.profile import BatchEnvelope, EventType, FieldPointers, Profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.profile.profile import Pixel, Route

PROBE_SOURCE = "probe"
"""The one document of a profile that is made by a probe."""
PATH_PREFIXES = ("", "/v2", "/api/v1", "/api")
"""Prefixes that are tried if a server has none of the known paths."""
_VERSION_PREFIX = re.compile(r"^/v[0-9]+(?=/)")


def probe_source(section: str, says: str) -> Source:
    """The source of a fact that a probe has observed."""
    return Source(document=PROBE_SOURCE, section=section, says=says)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Everything that profiles with the same pointers know together."""

    pointers: FieldPointers
    events: dict[str, EventType]
    routes: tuple[Route, ...]
    batch: BatchEnvelope
    pixel: Pixel | None
    profiles: tuple[Profile, ...]

    def empty_profile(self) -> Profile:
        """A profile of this dialect without facts."""
        return Profile(
            name=PROBE_SOURCE,
            title=PROBE_SOURCE,
            file="",
            pointers=self.pointers,
            always_required=(),
            events=self.events,
            routes=self.routes,
            batch=self.batch,
            pixel=self.pixel,
            facts={},
        )


def group_into_dialects(profiles: Sequence[Profile]) -> list[Dialect]:
    """The dialects of these profiles, in their order."""
    profiles_by_pointers: dict[FieldPointers, list[Profile]] = {}
    for profile in profiles:
        profiles_by_pointers.setdefault(profile.pointers, []).append(profile)
    return [_merge_profiles(pointers, members) for pointers, members in profiles_by_pointers.items()]


def _merge_profiles(pointers: FieldPointers, members: Sequence[Profile]) -> Dialect:
    events: dict[str, EventType] = {}
    for profile in members:
        for name, event in profile.events.items():
            events[name] = _merge_event_types(events.get(name), event, profile.always_required)
    shared = dict.fromkeys(pointer for profile in members for pointer in profile.batch.shared)
    pixel = next((profile.pixel for profile in members if profile.pixel), None)
    return Dialect(
        pointers=pointers,
        events=events,
        routes=_distinct_routes(route for profile in members for route in profile.routes if route.event_type in events),
        batch=BatchEnvelope(pointer=members[0].batch.pointer, shared=tuple(shared)),
        pixel=replace(pixel, example=None) if pixel else None,
        profiles=tuple(members),
    )


def _merge_event_types(known: EventType | None, event: EventType, always: Iterable[str]) -> EventType:
    """An event type with all that any profile requires."""
    without_examples = replace(event, example=None, invalid_example=None)
    required = {pointer: assumed_required(pointer) for pointer in (*event.required, *always)}
    if known is None:
        return replace(without_examples, required=required)
    ids = tuple(word for word in ("user", "anonymous") if word in {*known.identified_by, *event.identified_by})
    return replace(
        known,
        required={**known.required, **required},
        identified_by=ids,
        open_object=known.open_object or event.open_object,
    )


def assumed_required(pointer: str) -> ExpectedResponse:
    """The assumption that an event must have a field, until the probe knows."""
    name = f"events.required.{pointer}"
    return ExpectedResponse(name=name, level=Level.MAY, sources=(), expect=(400,))


def _distinct_routes(routes: Iterable[Route]) -> tuple[Route, ...]:
    """The routes, each path once. The path of a pixel may be that of another route, too."""
    route_by_path: dict[tuple[bool, str], Route] = {}
    for route in routes:
        bare_route = replace(route, group=None, level=Level.MUST, sources=())
        route_by_path.setdefault((route.kind is OperationKind.PIXEL, route.path), bare_route)
    return tuple(route_by_path.values())


def without_version(path: str) -> str:
    """A path without its leading version."""
    return _VERSION_PREFIX.sub("", path)


def with_path_prefix(dialect: Dialect, prefix: str) -> Dialect:
    """A dialect with another prefix in place of the version of its paths, without the known ones."""
    known_paths = {route.path for route in dialect.routes}
    routes = [replace(route, path=f"{prefix}{without_version(route.path)}") for route in dialect.routes]
    return replace(dialect, routes=_distinct_routes(route for route in routes if route.path not in known_paths))
