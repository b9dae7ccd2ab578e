"""The document: a sketch as the data of a profile, ready to be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.model import Kind
from conformance.probe.family import SOURCE
from conformance.probe.rating import RATE_HEADERS
from conformance.profile import common_facts
from conformance.profile.facts import Answer, BodyShape, Crowd, Fact, KeyedFact, Limit
from conformance.profile.unit import Unit

if TYPE_CHECKING:
    from conformance.model import Source
    from conformance.probe.sketch import Sketch
    from conformance.profile.facts import EventType, Route


def document(sketch: Sketch, name: str, url: str, date: str | None) -> dict[str, Any]:
    """The profile that a sketch comes to. `date`, where it is given, says when the server was asked."""
    when = f" on {date}" if date else ""
    data: dict[str, Any] = {
        "format": 1,
        "name": name,
        "title": f"{url}, as probed",
        "documents": {SOURCE: {"title": f"What {url} answered to conformance probe{when}"}},
        "identity": _without_nothing(user=sketch.pointers.user, anonymous=sketch.pointers.anonymous),
        "pointers": _without_nothing(
            type=sketch.pointers.type,
            timestamp=sketch.pointers.timestamp,
            message_id=sketch.pointers.message_id,
            context=sketch.pointers.context,
            integrations=sketch.pointers.integrations,
        ),
        **_without_nothing(always=[*sketch.always]),
        "events": {key: _event(event, sketch) for key, event in sketch.events.items()},
        "routes": _routes(sketch.routes),
    }
    if any(route.kind is Kind.BATCH for route in sketch.routes):
        data["batch"] = _without_nothing(
            pointer=sketch.family.batch.pointer, types=[*sketch.batch_types], shared=[*sketch.shared]
        )
    if any(route.kind is Kind.PIXEL for route in sketch.routes) and sketch.family.pixel:
        data["pixel"] = {"parameter": sketch.family.pixel.parameter}
    return {**data, **_sections(sketch)}


def _sections(sketch: Sketch) -> dict[str, Any]:
    """The facts, by their sections; what HTTP promises by itself is not said again."""
    sections: dict[str, dict[str, Any]] = {"credentials": {}, "answers": {}, "limits": {}, "bodies": {}}
    for way in sketch.ways:
        sections["credentials"][way.scheme.value] = _fact(sketch.facts[f"credentials.{way.scheme}"])
    common = common_facts()
    for key, fact in sketch.facts.items():
        section, _, word = key.partition(".")
        if section in sections and fact is not common.get(key):
            sections[section][word] = _fact(fact)
    headers = {
        name.removeprefix(RATE_HEADERS): _fact(fact)
        for name, fact in sketch.facts.items()
        if name.startswith(RATE_HEADERS)
    }
    if headers:
        sections["rate"] = {"headers": headers}
    return {section: facts for section, facts in sections.items() if facts}


def _without_nothing(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - data
    return {key: value for key, value in values.items() if value}


def _event(event: EventType, sketch: Sketch) -> dict[str, Any]:
    """An event type. The ids are named where not both of the profile's can be its user's."""
    both = ("user", "anonymous") if sketch.pointers.anonymous else ("user",)
    found: dict[str, Any] = {"schema": event.schema}
    if tuple(event.identified_by) != both:
        found["identified_by"] = [word for word in event.identified_by if word in both]
    if event.open:
        found["open"] = event.open
    if event.required:
        found["required"] = {pointer: _fact(answer) for pointer, answer in event.required.items()}
    return found


def _routes(routes: list[Route]) -> list[dict[str, Any]]:
    """The routes, in groups of a kind and a level."""
    groups: dict[tuple[str, str], list[Route]] = {}
    for route in routes:
        groups.setdefault((route.kind.value, route.level.value), []).append(route)
    return [
        {
            "kind": kind,
            "level": level,
            "sources": [_source(source) for route in group for source in route.sources],
            "paths": [{"type": route.type, "path": route.path} for route in group],
        }
        for (kind, level), group in groups.items()
    ]


def _fact(fact: Fact) -> dict[str, Any]:
    """A fact as data."""
    found: dict[str, Any] = {}
    match fact:
        case Limit():
            is_exact = fact.at_least == fact.at_most
            found["size"] = (
                fact.at_least if is_exact else {"at_least": fact.at_least, "at_most": fact.at_most}
            )
            if fact.unit is not Unit.BYTES:
                found["unit"] = fact.unit.value
            if not fact.holds_in_chunks:
                found["chunked"] = False
        case Crowd():
            found["count"] = fact.count
        case KeyedFact():
            found |= _without_nothing(name=fact.key, prefix=fact.prefix)
        case BodyShape():
            found |= _without_nothing(
                **{"class": fact.body_class.value if fact.body_class else None},
                media_type=fact.media_type,
                text=fact.text,
                schema=fact.schema,
            )
        case _:
            pass
    if isinstance(fact, Answer):
        found["expect"] = [*fact.expect]
        if fact.tolerate:
            found["tolerate"] = [{"status": item.status, **_source(item.source)} for item in fact.tolerate]
    return {**found, "level": fact.level.value, "sources": [_source(source) for source in fact.sources]}


def _source(source: Source) -> dict[str, Any]:
    """Where something was seen."""
    return _without_nothing(document=SOURCE, section=source.section, says=source.says)
