"""Grouping: differences that most likely have one cause become one group."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from conformance.causes.attribution import GENERAL_AREAS, attribute_consequences, failing_side_value, is_specific
from conformance.causes.conjunction import merge_by_conjunction
from conformance.causes.json_damage import JsonDamage
from conformance.causes.normalized_answers import STATUS, VERDICT
from conformance.core.model import Area
from conformance.fuzz.features import NOT_JSON, Category
from conformance.profile.facts import Condition, Rule

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from conformance.causes.cause_analysis import CauseAnalysis
    from conformance.causes.step_difference import StepDifference
    from conformance.checks.check import Check
    from conformance.fuzz.features import Feature

ACCEPTED_FACT = f"answers.{Condition.ACCEPTED}"
_BROAD_FACT_PREFIXES = ("rules.", "sdks.", "credentials.", "events.")
_NARROW_FACTS = frozenset({f"rules.{Rule.PROPORTIONATE_TIME}"})
"""Rules that promise one thing, though they are among those that promise many."""
_FAMILY_ID_WORDS = 2
"""Checks whose ids begin with the same two words are of one family."""
_SAME_FAMILY = {"robustness.coding": "robustness.gzip"}
"""Families about one part of a server: here what unpacks a body."""
_CREDENTIAL_CATEGORIES = frozenset(
    {Category.CREDENTIALS_WITH_KEY, Category.CREDENTIALS_WITHOUT_KEY, Category.NO_CREDENTIALS_HEADER}
)
_SINGLE_FAMILY_AREAS = frozenset({Area.AUTH, Area.JSON})
"""Areas that are one family each."""


def promise_key(difference: StepDifference) -> str:
    """The promise of a check: its fact, or its own id if many checks share the fact."""
    check = difference.trial.check
    is_broad = check.fact == ACCEPTED_FACT or check.fact.startswith(_BROAD_FACT_PREFIXES)
    return check.id if is_broad and check.fact not in _NARROW_FACTS else check.fact


def group_differences(observed: Iterable[StepDifference], causes: CauseAnalysis) -> list[list[StepDifference]]:
    """Groups the differences by cause, in the order of the first of each group."""
    differences = list(observed)
    ordinary_changes = {
        (difference.trial.asked_operation, difference.change)
        for difference in differences
        if difference.change.facet != VERDICT and causes.is_ordinary(difference)
    }
    explained_requests = {_request_link(unit) for unit in differences if unit.decides_verdict and is_specific(unit)}
    links: dict[Hashable, list[int]] = defaultdict(list)
    for number, unit in enumerate(differences):
        request_link = _request_link(unit)
        links[request_link].append(number)
        if request_link in explained_requests and not (unit.decides_verdict and is_specific(unit)):
            continue
        for link in _links(unit, causes, is_plain=(unit.trial.asked_operation, unit.change) in ordinary_changes):
            links[link].append(number)
    parent = list(range(len(differences)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for members in links.values():
        for other in members[1:]:
            one, two = sorted((root(members[0]), root(other)))
            parent[two] = one
    groups: dict[int, list[StepDifference]] = defaultdict(list)
    for number, unit in enumerate(differences):
        groups[root(number)].append(unit)
    return attribute_consequences(merge_by_conjunction(groups.values(), causes.conjunction), causes)


def _request_link(difference: StepDifference) -> Hashable:
    """The key of a request and the two answers to it: another check that sends the same shows the same."""
    request, check = difference.request, difference.trial.check
    if request is None or difference.change.facet == VERDICT:
        return "no request", check.id, str(difference.trial.asked_operation), difference.step
    return "request", request.method, request.path, request.query, request.headers, request.body, difference.change


def _links(difference: StepDifference, causes: CauseAnalysis, *, is_plain: bool) -> Iterable[Hashable]:
    """The keys of a difference: two that share any key have one cause.

    What the ordinary request of a call is answered explains the same answer on this call, and on no other.
    """
    change, damage = difference.change, causes.accepted_damage(difference)
    if is_plain:
        yield "ordinary", change
        if change.facet == STATUS:
            return
    if difference.decides_verdict:
        yield from _verdict_links(difference, damage)
    if change.facet == VERDICT:
        return
    yield "promise", promise_key(difference), damage, change.kind
    if not difference.decides_verdict:
        yield from _links_without_verdict(difference)
    if is_plain:
        return
    for trait in causes.candidate_traits(difference):
        yield "trait", change, trait, damage if trait == NOT_JSON else JsonDamage.NONE
    if difference.decides_verdict and difference.trial.check.area is Area.COMBINED:
        beside = frozenset(item for item in causes.special_traits(difference) if not _is_about_credentials(item))
        if beside:
            yield "combination", change.kind, beside


def _is_about_credentials(trait: Feature) -> bool:
    """Whether a trait is that of a key, or of none: whoever lets one in for what else is in the request lets in all."""
    is_header = trait.category is Category.HEADER and trait.detail.startswith("authorization:")
    return is_header or trait.category in _CREDENTIAL_CATEGORIES


def _verdict_links(difference: StepDifference, damage: JsonDamage) -> Iterable[Hashable]:
    """The keys of a difference that fails a check on one side. `damage` is what is wrong with accepted JSON."""
    check, change = difference.trial.check, difference.change
    if check.area is Area.RATE_LIMIT:
        yield "area", Area.RATE_LIMIT
    yield "promise", promise_key(difference), damage, difference.results[0].outcome, difference.results[1].outcome
    if change.facet == VERDICT:
        return
    yield "family", check.area if check.area in _SINGLE_FAMILY_AREAS else _family(check), damage, change.kind
    if change.statuses and all(status.is_success for status in change.statuses):
        yield "success", failing_side_value(difference)
    if check.area in GENERAL_AREAS and change.is_unanswered:
        yield "unanswered", change.kind


def _links_without_verdict(difference: StepDifference) -> Iterable[Hashable]:
    """The keys of a difference that fails no check. A refusal with another status is the same everywhere."""
    change = difference.change
    facet = "CORS" if change.facet.is_cors_header else change.facet
    yield "no verdict", _family(difference.trial.check), change.kind if facet == STATUS else facet
    if not any(status.is_success for status in change.statuses):
        yield "refusal", change


def _family(check: Check) -> str:
    family = ".".join(check.id.split(".")[:_FAMILY_ID_WORDS])
    return _SAME_FAMILY.get(family, family)
