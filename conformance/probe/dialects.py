"""Families: dialects that known profiles have in common, with every route and credential they might use."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.core.model import Level, OperationKind, Source
from conformance.profile.facts import AuthScheme, CredentialFact, ExpectedResponse, Fact, SizeLimit
from conformance.profile.profile import BatchEnvelope, EventType, FieldPointers, Profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.profile.profile import Pixel, Route

PROBE_SOURCE = "probe"
"""The one document of a profile that comes from asking."""
_GUESSED_KEY_NAMES = {
    AuthScheme.BODY: ("/writeKey", "/write_key"),
    AuthScheme.HEADER: ("X-Write-Key", "X-API-Key", "Authorization Bearer "),
    AuthScheme.QUERY: ("writeKey", "write_key"),
}
"""Where keys are put that no known profile puts there: a header with what stands before the key in it."""


PATH_PREFIXES = ("", "/v2", "/api/v1", "/api")
"""What paths may begin with, where none of those is there that a profile knows."""
_VERSION_PREFIX = re.compile(r"^/v[0-9]+(?=/)")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLocation:
    """A way to hand in the key; `key` is the header, parameter or pointer that has it, after a `prefix`."""

    scheme: AuthScheme
    name: str = ""
    prefix: str = ""

    @classmethod
    def parse(cls, scheme: AuthScheme, text: str) -> KeyLocation:
        """A way by its place: a header, with what stands before the key in it after a space."""
        name, _, prefix = text.partition(" ")
        return cls(scheme=scheme, name=name, prefix=prefix)

    def as_fact(self, level: Level = Level.MUST, says: str = "", operation: str = "-") -> Fact:
        """It as a fact, and `where` it was seen."""
        fact_name, sources = (
            f"credentials.{self.scheme}",
            (Source(document=PROBE_SOURCE, section=operation, says=says),),
        )
        if self.name:
            return CredentialFact(name=fact_name, level=level, sources=sources, carrier=self.name, prefix=self.prefix)
        return Fact(name=fact_name, level=level, sources=sources)

    def __str__(self) -> str:
        return " ".join(word for word in (self.scheme, self.name, self.prefix.strip()) if word)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A dialect: what all profiles know whose events keep their fields in the same places."""

    pointers: FieldPointers
    events: dict[str, EventType]
    routes: tuple[Route, ...]
    batch: BatchEnvelope
    pixel: Pixel | None
    profiles: tuple[Profile, ...]

    def empty_profile(self) -> Profile:
        """It as a profile that promises nothing yet."""
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
    """The dialects of some profiles, in their order."""
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
    """An event type as several profiles have it: all that any of them asks for."""
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
    """That an event has a field, until it is known whether it has to."""
    name = f"events.required.{pointer}"
    return ExpectedResponse(name=name, level=Level.MAY, sources=(), expect=(400,))


def _distinct_routes(routes: Iterable[Route]) -> tuple[Route, ...]:
    """Routes, each path once; a pixel's path is apart."""
    route_by_path: dict[tuple[bool, str], Route] = {}
    for route in routes:
        bare_route = replace(route, group=None, level=Level.MUST, sources=())
        route_by_path.setdefault((route.kind is OperationKind.PIXEL, route.path), bare_route)
    return tuple(route_by_path.values())


def without_version(path: str) -> str:
    """A path without the version that it begins with."""
    return _VERSION_PREFIX.sub("", path)


def with_path_prefix(dialect: Dialect, prefix: str) -> Dialect:
    """A dialect on paths that no profile knows: its own, with another beginning in place of the version."""
    known_paths = {route.path for route in dialect.routes}
    routes = [replace(route, path=f"{prefix}{without_version(route.path)}") for route in dialect.routes]
    return replace(dialect, routes=_distinct_routes(route for route in routes if route.path not in known_paths))


def key_locations(profiles: Iterable[Profile], *, bearer: bool) -> list[KeyLocation]:
    """Every way to hand in the key that a profile knows, and some that are guessed."""
    locations = [KeyLocation(scheme=AuthScheme.BASIC), KeyLocation(scheme=AuthScheme.BASIC_WITHOUT_COLON)]
    profile_list = list(profiles)
    for scheme in (AuthScheme.HEADER, AuthScheme.BODY, AuthScheme.QUERY):
        facts = [profile.facts.get(f"credentials.{scheme}") for profile in profile_list]
        keys = [
            f"{fact.carrier} {fact.prefix}" if fact.prefix else fact.carrier
            for fact in facts
            if isinstance(fact, CredentialFact)
        ]
        locations += [KeyLocation.parse(scheme, place) for place in dict.fromkeys((*keys, *_GUESSED_KEY_NAMES[scheme]))]
    return [*locations, *([KeyLocation(scheme=AuthScheme.BEARER)] if bearer else [])]


def documented_sizes(profiles: Iterable[Profile]) -> set[int]:
    """Every reading of every size limit that a profile documents."""
    facts = [fact for profile in profiles for fact in profile.facts.values() if isinstance(fact, SizeLimit)]
    return {size for fact in facts for size in (fact.at_least, fact.at_most)}
