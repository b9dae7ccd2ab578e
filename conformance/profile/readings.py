"""Other readings of documents that contradict themselves: what each changes, merged into the profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.core.text import did_you_mean
from conformance.profile.parser import ProfileParser
from conformance.profile.profile import Reading
from conformance.profile.yaml_document import YamlDocument

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.core.model import Json
    from conformance.profile.profile import Profile
    from conformance.profile.yaml_document import Place

_CHANGEABLE = ("identity", "pointers", "always", "events")
"""The keys of a profile that a reading may change: those that say what an acceptable event is."""


def parse_readings(document: YamlDocument, parse: Callable[[YamlDocument], Profile]) -> tuple[Reading, ...]:
    """The other readings that a document states; `parse` makes a profile of a document with the changes of one.

    Raises ProfileError, with the lines of the changes, if a reading is no valid profile.
    """
    data: Any = document.value
    return tuple(_reading(document, index, parse) for index in range(len(data.get("readings", ()))))


def _reading(document: YamlDocument, index: int, parse: Callable[[YamlDocument], Profile]) -> Reading:
    data: Any = document.value
    item = data["readings"][index]
    sources = ProfileParser(document).sources(item, ("readings", index))
    document.raise_for_problems()
    profile = parse(_changed(document, index))
    return Reading(
        name=item["name"],
        says=item["says"],
        sources=sources,
        pointers=profile.pointers,
        always_required=profile.always_required,
        events=profile.events,
    )


def _changed(document: YamlDocument, index: int) -> YamlDocument:
    """The document with the changes of one reading; what is changed has the lines of the change."""
    data: Any = document.value
    whole = {key: value for key, value in data.items() if key != "readings"}
    changes = {key: value for key, value in data["readings"][index].items() if key in _CHANGEABLE}
    place = ("readings", index)
    lines = {
        key[len(place) :]: line
        for key, line in document.lines.items()
        if key[: len(place)] == place and len(key) > len(place) and key[len(place)] in _CHANGEABLE
    }
    changed = YamlDocument(file=document.file, lines={**document.lines, **lines})
    changed.value = _merge(whole, changes, (), changed)
    return changed


def _merge(value: Json, patch: Json, place: Place, document: YamlDocument) -> Json:
    """A value with a JSON Merge Patch (RFC 7396) applied: null removes a key, which must be there."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(value) if isinstance(value, dict) else {}
    for key, change in patch.items():
        if change is not None:
            merged[key] = _merge(merged.get(key), change, (*place, key), document)
        elif merged.pop(key, None) is None:
            document.add_problem((*place, key), f"nothing to remove{did_you_mean(key, merged)}")
    return merged
