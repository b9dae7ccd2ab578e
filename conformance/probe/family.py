"""Families: dialects that known profiles have in common, with every route and credential they might use."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.model import Kind, Level, Source
from conformance.profile.facts import (
    Answer,
    BatchShape,
    EventType,
    Fact,
    KeyedFact,
    Limit,
    Pointers,
    Profile,
    Scheme,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.profile.facts import Pixel, Route

SOURCE = "probe"
"""The one document of a profile that comes from asking."""
_GUESSES = {
    Scheme.BODY: ("/writeKey", "/write_key"),
    Scheme.HEADER: ("X-Write-Key", "X-API-Key", "Authorization Bearer "),
    Scheme.QUERY: ("writeKey", "write_key"),
}
"""Where keys are put that no known profile puts there: a header with what stands before the key in it."""


PREFIXES = ("", "/v2", "/api/v1", "/api")
"""What paths may begin with, where none of those is there that a profile knows."""
_VERSION = re.compile(r"^/v[0-9]+(?=/)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way to hand in the key; `key` is the header, parameter or pointer that has it, after a `prefix`."""

    scheme: Scheme
    key: str = ""
    prefix: str = ""

    @classmethod
    def of(cls, scheme: Scheme, place: str) -> Way:
        """A way by its place: a header, with what stands before the key in it after a space."""
        key, _, prefix = place.partition(" ")
        return cls(scheme=scheme, key=key, prefix=prefix)

    def fact(self, level: Level = Level.MUST, says: str = "", where: str = "-") -> Fact:
        """It as a fact, and `where` it was seen."""
        name, sources = f"credentials.{self.scheme}", (Source(document=SOURCE, section=where, says=says),)
        if self.key:
            return KeyedFact(name=name, level=level, sources=sources, key=self.key, prefix=self.prefix)
        return Fact(name=name, level=level, sources=sources)

    def __str__(self) -> str:
        return " ".join(word for word in (self.scheme, self.key, self.prefix.strip()) if word)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A dialect: what all profiles know whose events keep their fields in the same places."""

    pointers: Pointers
    events: dict[str, EventType]
    routes: tuple[Route, ...]
    batch: BatchShape
    pixel: Pixel | None
    profiles: tuple[Profile, ...]

    def profile(self) -> Profile:
        """It as a profile that promises nothing yet."""
        return Profile(
            name=SOURCE,
            title=SOURCE,
            file="",
            pointers=self.pointers,
            always=(),
            events=self.events,
            routes=self.routes,
            batch=self.batch,
            pixel=self.pixel,
            facts={},
        )


def families(profiles: Sequence[Profile]) -> list[Family]:
    """The dialects of some profiles, in their order."""
    found: dict[Pointers, list[Profile]] = {}
    for profile in profiles:
        found.setdefault(profile.pointers, []).append(profile)
    return [_family(where, alike) for where, alike in found.items()]


def _family(where: Pointers, alike: Sequence[Profile]) -> Family:
    events: dict[str, EventType] = {}
    for profile in alike:
        for name, event in profile.events.items():
            events[name] = _merged(events.get(name), event, profile.always)
    shared = dict.fromkeys(pointer for profile in alike for pointer in profile.batch.shared)
    pixel = next((profile.pixel for profile in alike if profile.pixel), None)
    return Family(
        pointers=where,
        events=events,
        routes=_distinct(route for profile in alike for route in profile.routes if route.type in events),
        batch=BatchShape(pointer=alike[0].batch.pointer, shared=tuple(shared)),
        pixel=replace(pixel, example=None) if pixel else None,
        profiles=tuple(alike),
    )


def _merged(known: EventType | None, event: EventType, always: Iterable[str]) -> EventType:
    """An event type as several profiles have it: all that any of them asks for."""
    bare = replace(event, example=None, invalid_example=None)
    required = {pointer: asked(pointer) for pointer in (*event.required, *always)}
    if known is None:
        return replace(bare, required=required)
    ids = tuple(
        word for word in ("user", "anonymous") if word in {*known.identified_by, *event.identified_by}
    )
    return replace(
        known, required={**known.required, **required}, identified_by=ids, open=known.open or event.open
    )


def asked(pointer: str) -> Answer:
    """That an event has a field, until it is known whether it has to."""
    name = f"events.required.{pointer}"
    return Answer(name=name, level=Level.MAY, sources=(), expect=(400,))


def _distinct(routes: Iterable[Route]) -> tuple[Route, ...]:
    """Routes, each path once; a pixel's path is apart."""
    found: dict[tuple[bool, str], Route] = {}
    for route in routes:
        plain = replace(route, include=None, level=Level.MUST, sources=())
        found.setdefault((route.kind is Kind.PIXEL, route.path), plain)
    return tuple(found.values())


def tail(path: str) -> str:
    """A path without the version that it begins with."""
    return _VERSION.sub("", path)


def moved(family: Family, prefix: str) -> Family:
    """A dialect on paths that no profile knows: its own, with another beginning in place of the version."""
    known = {route.path for route in family.routes}
    routes = [replace(route, path=f"{prefix}{tail(route.path)}") for route in family.routes]
    return replace(family, routes=_distinct(route for route in routes if route.path not in known))


def ways(profiles: Iterable[Profile], *, bearer: bool) -> list[Way]:
    """Every way to hand in the key that a profile knows, and some that are guessed."""
    found = [Way(scheme=Scheme.BASIC), Way(scheme=Scheme.BASIC_WITHOUT_COLON)]
    known = list(profiles)
    for scheme in (Scheme.HEADER, Scheme.BODY, Scheme.QUERY):
        facts = [profile.facts.get(f"credentials.{scheme}") for profile in known]
        keys = [
            f"{fact.key} {fact.prefix}" if fact.prefix else fact.key
            for fact in facts
            if isinstance(fact, KeyedFact)
        ]
        found += [Way.of(scheme, place) for place in dict.fromkeys((*keys, *_GUESSES[scheme]))]
    return [*found, *([Way(scheme=Scheme.BEARER)] if bearer else [])]


def bounds(profiles: Iterable[Profile]) -> set[int]:
    """Every reading of every size limit that a profile documents."""
    facts = [fact for profile in profiles for fact in profile.facts.values() if isinstance(fact, Limit)]
    return {size for fact in facts for size in (fact.at_least, fact.at_most)}
