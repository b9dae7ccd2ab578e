"""Distances: how far a server is from each known profile, fact by fact."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.profile.facts import Answer, BodyShape, Crowd, Fact, Limit
from conformance.text import band

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.model import JsonObject
    from conformance.probe.sketch import Sketch
    from conformance.profile.facts import EventType, Profile

_SECTIONS = ("answers.", "limits.", "bodies.", "credentials.")


@dataclass(slots=True, kw_only=True)
class Distance:
    """What a server does as a profile promises, otherwise, and what can't be compared."""

    profile: str
    same: list[str] = field(default_factory=list)
    differ: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    more: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The share of what differs in all that can be compared: who promises little is not near for that."""
        return len(self.differ) / max(1, len(self.differ) + len(self.same))

    def as_json(self) -> JsonObject:
        """It as JSON data."""
        return {
            "profile": self.profile,
            "differ": [*self.differ],
            "same": [*self.same],
            "unknown": [*self.unknown],
            "more": [*self.more],
        }

    def compare(self, name: str, promised: str, found: str, *, is_same: bool) -> None:
        """Notes a fact that both have."""
        if is_same:
            self.same.append(name)
        else:
            self.differ.append(f"{name}: {found} instead of {promised}")


def distances(sketch: Sketch, profiles: Sequence[Profile]) -> list[Distance]:
    """The distance to each profile, the nearest first."""
    found = [_distance(sketch, profile) for profile in profiles]
    return sorted(found, key=lambda item: (item.share, -len(item.same), item.profile))


def _distance(sketch: Sketch, profile: Profile) -> Distance:
    found = Distance(profile=profile.name)
    if profile.pointers != sketch.family.pointers:
        found.differ.append(f"dialect: {sketch.family.pointers.user} instead of {profile.pointers.user}")
    _routes(found, sketch, profile)
    told = {entry.topic: entry.value for entry in sketch.entries}
    for name, fact in profile.facts.items():
        if name.startswith(_SECTIONS):
            _fact(found, fact, sketch, told)
    stated = [name for name in sketch.facts if name.startswith(_SECTIONS) and name not in profile.facts]
    found.more += stated
    for name, event in sketch.events.items():
        _event(found, event, profile.events.get(name))
    return found


def _routes(found: Distance, sketch: Sketch, profile: Profile) -> None:
    """Which paths are there, of those that are promised, and which others."""
    there = {(route.kind, route.path) for route in sketch.routes}
    promised = {(route.kind, route.path) for route in profile.routes if route.include is None}
    for kind, path in sorted(promised):
        if (kind, path) in there:
            found.same.append(f"route {path}")
        else:
            found.differ.append(f"route {path}: missing")
    found.more += [f"route {path}" for _, path in sorted(there - promised)]


def _fact(found: Distance, promised: Fact, sketch: Sketch, told: Mapping[str, str]) -> None:
    """One fact of the profile, beside what was found, as a fact or as it was `told`."""
    seen = sketch.facts.get(promised.name)
    if seen is None:
        is_refused = promised.name.startswith("credentials.") and not sketch.is_open
        is_unlimited = isinstance(promised, Limit) and promised.name in told
        if is_refused and promised.name != "credentials.bearer":
            found.differ.append(f"{promised.name}: not accepted")
        elif is_unlimited:
            found.differ.append(f"{promised.name}: {told[promised.name]} instead of {_shown(promised)}")
        else:
            found.unknown.append(promised.name)
        return
    found.compare(promised.name, _shown(promised), _shown(seen), is_same=_is_same(promised, seen))


def _is_same(promised: Fact, seen: Fact) -> bool:
    """Whether what was seen keeps a promise."""
    if isinstance(promised, Limit) and isinstance(seen, Limit):
        is_within = promised.at_least <= seen.at_least and seen.at_most <= promised.at_most
        return is_within and seen.unit is promised.unit and set(seen.expect) <= set(promised.statuses)
    if isinstance(promised, Crowd) and isinstance(seen, Crowd):
        return promised.count == seen.count
    if isinstance(promised, Answer) and isinstance(seen, Answer):
        return set(seen.statuses) <= set(promised.statuses)
    if isinstance(promised, BodyShape) and isinstance(seen, BodyShape):
        return _is_shaped(promised, seen)
    return getattr(promised, "key", None) == getattr(seen, "key", None)


def _is_shaped(promised: BodyShape, seen: BodyShape) -> bool:
    """Whether a body has what is promised of it, as far as it is plain to see."""
    texts = {"text", "message"}
    kinds = promised.body_class in {None, seen.body_class} or (
        promised.body_class in texts and seen.body_class in {*texts, "json"}
    )
    required = set((promised.schema or {}).get("required", ()))  # type: ignore[arg-type] # a list of texts
    keys = set((seen.schema or {}).get("required", ()))  # type: ignore[arg-type] # likewise
    is_text = promised.text is None or (seen.text or "").lower() == promised.text.lower()
    return kinds and promised.media_type in {None, seen.media_type} and required <= keys and is_text


def _event(found: Distance, seen: EventType, promised: EventType | None) -> None:
    """What an event can't do without."""
    if promised is None:
        found.more.append(f"event {seen.name}")
        return
    for pointer in dict.fromkeys((*promised.required, *seen.required)):
        name = f"{seen.name} without {pointer}"
        if pointer not in promised.required:
            found.differ.append(f"{name}: refused, and not documented as required")
            continue
        answer = seen.required.get(pointer)
        statuses = set(promised.required[pointer].statuses)
        is_same = answer.expect[0] in statuses if answer else any(status < 300 for status in statuses)
        found.compare(
            name,
            _shown(promised.required[pointer]),
            _shown(answer) if answer else "accepted",
            is_same=is_same,
        )
    found.compare(
        f"{seen.name}: ids", " or ".join(promised.identified_by), " or ".join(seen.identified_by),
        is_same=set(promised.identified_by) <= set(seen.identified_by),
    )  # fmt: skip


def _shown(fact: Fact) -> str:
    """A fact in a few words."""
    if isinstance(fact, Limit):
        size = band(fact.at_least, fact.at_most)
        return f"{size} {fact.unit.replace('-', ' ')} ({', '.join(map(str, fact.statuses))})"
    if isinstance(fact, Crowd):
        return f"{fact.count:,} events"
    if isinstance(fact, Answer):
        return " or ".join(map(str, fact.statuses))
    if isinstance(fact, BodyShape):
        words = [fact.body_class or "", fact.media_type or "", fact.text or ""]
        return " ".join(word for word in words if word) or "another shape"
    return getattr(fact, "key", "") or "accepted"
