"""A draft profile as the data of a profile file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.core.model import OperationKind
from conformance.probe.dialects import PROBE_SOURCE, probe_source
from conformance.probe.rate_limit import RATE_HEADER_FACT_PREFIX
from conformance.profile import common_facts
from conformance.profile.facts import (
    CredentialFact,
    ExpectedResponse,
    Fact,
    MaxEvents,
    ResponseBody,
    SizeLimit,
)
from conformance.profile.size_unit import SizeUnit

if TYPE_CHECKING:
    from conformance.core.model import Source
    from conformance.probe.draft_profile import DraftProfile
    from conformance.profile.profile import EventType, Route


def build_profile_data(draft_profile: DraftProfile, name: str, url: str, date: str | None) -> dict[str, Any]:
    """The data of a profile. `date`, if given, says when the server was probed."""
    when = f" on {date}" if date else ""
    data: dict[str, Any] = {
        "format": 1,
        "name": name,
        "title": f"{url}, as probed",
        "documents": {PROBE_SOURCE: {"title": f"What {url} answered to conformance probe{when}"}},
        "identity": _without_empty(user=draft_profile.pointers.user, anonymous=draft_profile.pointers.anonymous),
        "pointers": _without_empty(
            type=draft_profile.pointers.type,
            timestamp=draft_profile.pointers.timestamp,
            message_id=draft_profile.pointers.message_id,
            context=draft_profile.pointers.context,
            integrations=draft_profile.pointers.integrations,
        ),
        **_without_empty(always=[*draft_profile.always]),
        "events": {key: _event_type_data(event, draft_profile) for key, event in draft_profile.events.items()},
        "routes": _route_groups(draft_profile.routes),
    }
    if any(route.kind is OperationKind.BATCH for route in draft_profile.routes):
        data["batch"] = _without_empty(
            pointer=draft_profile.dialect.batch.pointer,
            types=[*draft_profile.batch_types],
            shared=[*draft_profile.shared],
        )
    if any(route.kind is OperationKind.PIXEL for route in draft_profile.routes) and draft_profile.dialect.pixel:
        data["pixel"] = {"parameter": draft_profile.dialect.pixel.parameter}
    return {**data, **_fact_sections(draft_profile)}


def _fact_sections(draft_profile: DraftProfile) -> dict[str, Any]:
    """The facts by section, without those that hold for every server."""
    sections: dict[str, dict[str, Any]] = {"credentials": {}, "answers": {}, "limits": {}, "bodies": {}, "rules": {}}
    for location in draft_profile.key_locations:
        sections["credentials"][location.scheme.value] = _fact_data(
            draft_profile.facts[f"credentials.{location.scheme}"]
        )
    common = common_facts()
    for fact_name, fact in draft_profile.facts.items():
        section, _, fact_key = fact_name.partition(".")
        if section in sections and fact is not common.get(fact_name):
            sections[section][fact_key] = _fact_data(fact)
    headers = {
        name.removeprefix(RATE_HEADER_FACT_PREFIX): _fact_data(fact)
        for name, fact in draft_profile.facts.items()
        if name.startswith(RATE_HEADER_FACT_PREFIX)
    }
    if headers:
        sections["rate"] = {"headers": headers}
    return {section: facts for section, facts in sections.items() if facts}


def _without_empty(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - data
    return {key: value for key, value in values.items() if value}


def _event_type_data(event: EventType, draft_profile: DraftProfile) -> dict[str, Any]:
    """An event type. Its ids are listed if they are not those of the profile."""
    all_ids = ("user", "anonymous") if draft_profile.pointers.anonymous else ("user",)
    data: dict[str, Any] = {"schema": event.schema}
    if tuple(event.identified_by) != all_ids:
        data["identified_by"] = [word for word in event.identified_by if word in all_ids]
    if event.open_object:
        data["open"] = event.open_object
    if event.required:
        data["required"] = {pointer: _fact_data(answer) for pointer, answer in event.required.items()}
    return data


def _route_groups(routes: list[Route]) -> list[dict[str, Any]]:
    """The routes, grouped by kind and level."""
    groups: dict[tuple[str, str], list[Route]] = {}
    for route in routes:
        groups.setdefault((route.kind.value, route.level.value), []).append(route)
    return [
        {
            "kind": kind,
            "level": level,
            "sources": [_source_data(source) for route in group for source in route.sources],
            "paths": [{"type": route.event_type, "path": route.path} for route in group],
        }
        for (kind, level), group in groups.items()
    ]


def _fact_data(fact: Fact) -> dict[str, Any]:
    """A fact as data."""
    data: dict[str, Any] = {}
    match fact:
        case SizeLimit():
            is_exact = fact.at_least == fact.at_most
            data["size"] = fact.at_least if is_exact else {"at_least": fact.at_least, "at_most": fact.at_most}
            if fact.unit is not SizeUnit.BYTES:
                data["unit"] = fact.unit.value
            if not fact.applies_to_chunked:
                data["chunked"] = False
        case MaxEvents():
            data["count"] = fact.count
        case CredentialFact():
            data |= _without_empty(name=fact.carrier, prefix=fact.prefix)
        case ResponseBody():
            data |= fact.as_json()
        case _:
            pass
    if isinstance(fact, ExpectedResponse):
        data["expect"] = [*fact.expect]
        if fact.tolerate:
            data["tolerate"] = [{"status": item.status, **_source_data(item.source)} for item in fact.tolerate]
    sources = fact.sources or (probe_source("-", "assumed, and not asked"),)
    data |= {"level": fact.level.value, "sources": [_source_data(source) for source in sources]}
    return {**data, **_without_empty(paths=[*fact.paths])}


def _source_data(source: Source) -> dict[str, Any]:
    """A source, with the one document of a probe."""
    return _without_empty(document=PROBE_SOURCE, section=source.section, says=source.says)
