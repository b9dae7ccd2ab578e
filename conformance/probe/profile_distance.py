"""Distances: how far a server is from each known profile, fact by fact."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.probe.descriptions import describe_fact
from conformance.profile.facts import CredentialFact, ExpectedResponse, Fact, MaxEvents, ResponseBody, SizeLimit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.core.model import JsonObject
    from conformance.probe.draft_profile import DraftProfile
    from conformance.probe.summary import SummaryRow
    from conformance.profile.profile import EventType, Profile

_COMPARED_SECTIONS = ("answers.", "limits.", "bodies.", "credentials.")


@dataclass(slots=True, kw_only=True)
class ProfileDistance:
    """What a server does as a profile promises, what differs, and what cannot be compared."""

    profile: str
    same: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    not_observed: list[str] = field(default_factory=list)
    not_documented: list[str] = field(default_factory=list)

    @property
    def difference_share(self) -> float:
        """Differences / comparable facts, so that a profile with few facts does not rank first."""
        return len(self.differences) / max(1, len(self.differences) + len(self.same))

    def as_json(self) -> JsonObject:
        """The JSON form."""
        return {
            "profile": self.profile,
            "differ": [*self.differences],
            "same": [*self.same],
            "unknown": [*self.not_observed],
            "more": [*self.not_documented],
        }

    def add_comparison(self, name: str, documented: str, observed: str, *, is_same: bool) -> None:
        """Adds a fact that both have."""
        if is_same:
            self.same.append(name)
        else:
            self.differences.append(f"{name}: {observed} instead of {documented}")


def rank_profiles(draft_profile: DraftProfile, profiles: Sequence[Profile]) -> list[ProfileDistance]:
    """The distance to each profile, the nearest first."""
    unsorted = [_measure_distance(draft_profile, profile) for profile in profiles]
    return sorted(unsorted, key=lambda item: (item.difference_share, -len(item.same), item.profile))


def _measure_distance(draft_profile: DraftProfile, profile: Profile) -> ProfileDistance:
    distance = ProfileDistance(profile=profile.name)
    if profile.pointers != draft_profile.dialect.pointers:
        distance.differences.append(
            f"dialect: {draft_profile.dialect.pointers.user} instead of {profile.pointers.user}"
        )
    _compare_routes(distance, draft_profile, profile)
    rows_by_fact = {row.fact: row for row in draft_profile.rows if row.fact}
    for name, fact in profile.facts.items():
        if name.startswith(_COMPARED_SECTIONS):
            _compare_fact(distance, fact, draft_profile, rows_by_fact)
    undocumented = [
        name for name in draft_profile.facts if name.startswith(_COMPARED_SECTIONS) and name not in profile.facts
    ]
    distance.not_documented += undocumented
    for name, event in draft_profile.events.items():
        _compare_event_type(distance, event, profile.events.get(name))
    return distance


_NOT_TRIED = frozenset({"credentials.bearer", "credentials.source-id"})
"""Credentials that a probe is not given."""


def _compare_routes(distance: ProfileDistance, draft_profile: DraftProfile, profile: Profile) -> None:
    """Compares the routes that exist with those that are documented."""
    observed = {(route.kind, route.path) for route in draft_profile.routes}
    documented = {(route.kind, route.path) for route in profile.routes if route.group is None}
    for kind, path in sorted(documented):
        if (kind, path) in observed:
            distance.same.append(f"route {path}")
        else:
            distance.differences.append(f"route {path}: missing")
    distance.not_documented += [f"route {path}" for _, path in sorted(observed - documented)]


def _compare_fact(
    distance: ProfileDistance, documented: Fact, draft_profile: DraftProfile, rows_by_fact: Mapping[str, SummaryRow]
) -> None:
    """Compares a documented fact with the observed one, or with the row of a limit that was searched for."""
    observed = draft_profile.facts.get(documented.name)
    if observed is None:
        is_refused = documented.name.startswith("credentials.") and not draft_profile.accepts_any_key
        is_unlimited = isinstance(documented, SizeLimit) and documented.name in rows_by_fact
        if is_refused and documented.name not in _NOT_TRIED:
            distance.differences.append(f"{documented.name}: not accepted")
        elif is_unlimited:
            distance.differences.append(
                f"{documented.name}: {rows_by_fact[documented.name].value} instead of {describe_fact(documented)}"
            )
        else:
            distance.not_observed.append(documented.name)
        return
    distance.add_comparison(
        documented.name, describe_fact(documented), describe_fact(observed), is_same=_satisfies(documented, observed)
    )


def _satisfies(documented: Fact, observed: Fact) -> bool:
    """Whether an observed fact keeps a documented promise."""
    if isinstance(documented, SizeLimit) and isinstance(observed, SizeLimit):
        is_within = documented.at_least <= observed.at_least and observed.at_most <= documented.at_most
        return is_within and observed.unit is documented.unit and set(observed.expect) <= set(documented.statuses)
    if isinstance(documented, MaxEvents) and isinstance(observed, MaxEvents):
        return documented.count == observed.count
    if isinstance(documented, ExpectedResponse) and isinstance(observed, ExpectedResponse):
        return set(observed.statuses) <= set(documented.statuses)
    if isinstance(documented, ResponseBody) and isinstance(observed, ResponseBody):
        return _satisfies_shape(documented, observed)
    if isinstance(documented, CredentialFact) and isinstance(observed, CredentialFact):
        return documented.carrier == observed.carrier
    return type(documented) is type(observed)


def _satisfies_shape(documented: ResponseBody, observed: ResponseBody) -> bool:
    """Whether an observed body has the promised format, media type, keys and text."""
    texts = {"text", "message"}
    is_class_allowed = documented.body_format in {None, observed.body_format} or (
        documented.body_format in texts and observed.body_format in {*texts, "json"}
    )
    required = set((documented.schema or {}).get("required", ()))  # type: ignore[arg-type] # a list of texts
    keys = set((observed.schema or {}).get("required", ()))  # type: ignore[arg-type] # likewise
    is_text = documented.text is None or (observed.text or "").lower() == documented.text.lower()
    return is_class_allowed and documented.media_type in {None, observed.media_type} and required <= keys and is_text


def _compare_event_type(distance: ProfileDistance, observed: EventType, documented: EventType | None) -> None:
    """Compares the required fields and the ids of an event type."""
    if documented is None:
        distance.not_documented.append(f"event {observed.name}")
        return
    for pointer in dict.fromkeys((*documented.required, *observed.required)):
        name = f"{observed.name} without {pointer}"
        if pointer not in documented.required:
            distance.differences.append(f"{name}: refused, and not documented as required")
            continue
        answer = observed.required.get(pointer)
        statuses = set(documented.required[pointer].statuses)
        is_same = answer.expect[0] in statuses if answer else any(status < 300 for status in statuses)
        distance.add_comparison(
            name,
            describe_fact(documented.required[pointer]),
            describe_fact(answer) if answer else "accepted",
            is_same=is_same,
        )
    distance.add_comparison(
        f"{observed.name}: ids", " or ".join(documented.identified_by), " or ".join(observed.identified_by),
        is_same=set(documented.identified_by) <= set(observed.identified_by),
    )  # fmt: skip
