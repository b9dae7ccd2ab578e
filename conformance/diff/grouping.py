"""Causes: differences that most likely have one reason are put together, so that one fault is told once."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, TypeAlias

from conformance.core.model import Area
from conformance.diff.attribution import GENERAL_AREAS, attribute_consequences
from conformance.diff.check_comparison import FAIL_OR_ERROR, VERDICT
from conformance.diff.conjunction import Conjunction, merge_by_conjunction
from conformance.diff.normalized_answers import STATUS
from conformance.fuzz.features import ANYWHERE, REQUEST
from conformance.profile.facts import Condition

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

    from conformance.contract import Operation
    from conformance.core.model import Exchange, Request
    from conformance.diff.check_comparison import CheckComparisonResult, StepDifference
    from conformance.diff.normalized_answers import AnswerChange, NormalizedAnswer
    from conformance.diff.request_traits import RequestTraits
    from conformance.fuzz.features import Feature

ACCEPTED_FACT = f"answers.{Condition.ACCEPTED}"
_BROAD_FACT_PREFIXES = ("rules.", "sdks.", "credentials.", "events.")
_SUCCESS_PREFIX, _CORS_FACET_PREFIX = "2", "header access-control-"
_NON_POINTERS = {ANYWHERE, REQUEST}
_FAMILY_ID_WORDS = 2
"""Checks whose ids begin with the same so many words are of one family."""
_SINGLE_FAMILY_AREAS = frozenset({Area.AUTH, Area.JSON})
"""Areas that are one family each."""
OrdinaryRequests: TypeAlias = "Mapping[Operation, Request]"


class CauseAnalysis:
    """What about a request is most likely the reason of a difference, by all that is answered alike."""

    def __init__(
        self,
        check_result: CheckComparisonResult,
        traits: RequestTraits,
        normalize: Callable[[Exchange], NormalizedAnswer],
        ordinary: OrdinaryRequests,
    ) -> None:
        self._traits, self._normalize = traits, normalize
        matching = [(trial.operation, item) for trial, item in check_result.matching if trial.operation is not None]
        self.conjunction = Conjunction(traits.contract, traits, matching, normalize)
        self._ordinary_traits = {place: traits.of_request(place, request) for place, request in ordinary.items()}
        self._matching_exchanges: dict[Operation, list[Exchange]] = defaultdict(list)
        for operation, exchange in matching:
            self._matching_exchanges[operation].append(exchange)
        self._trait_counts: dict[tuple[Operation, str, str], Counter[Feature]] = {}
        self._differing_trait_counts: Counter[tuple[Operation, AnswerChange, Feature]] = Counter(
            (difference.trial.operation, difference.change, trait)
            for difference in check_result.differences
            if difference.trial.operation is not None
            for trait in self.special_traits(difference)
        )

    def is_ordinary(self, difference: StepDifference) -> bool:
        """Whether the request has nothing that the ordinary request of its path has not."""
        request = difference.request
        return request is not None and request.raw_writer is None and not self.special_traits(difference)

    def special_traits(self, difference: StepDifference) -> frozenset[Feature]:
        """The traits that the ordinary request of the path has not."""
        operation, request = difference.trial.operation, difference.request
        if operation is None or request is None:
            return frozenset()
        return self._traits.of_request(operation, request) - self._ordinary_traits.get(operation, frozenset())

    def special_pointers(self, differences: Iterable[StepDifference]) -> frozenset[str]:
        """Where in an event all requests have something that the ordinary one has not."""
        pointer_sets = [{place for place, _ in self.special_traits(difference)} for difference in differences]
        return frozenset(set.intersection(*pointer_sets) - _NON_POINTERS if pointer_sets else ())

    def candidate_traits(self, difference: StepDifference) -> Iterator[Feature]:
        """The traits of a request that may be the reason.

        What is taken with it by both can't be the reason why one refuses; what both refuse may have the
        reason too, beside another: then it counts how often.
        """
        operation, change = difference.trial.operation, difference.change
        if operation is None:
            return
        accepted_counts = (
            self._count_matching_traits(operation, STATUS, _SUCCESS_PREFIX) if change.facet == STATUS else Counter()
        )
        matching_counts = self._count_matching_traits(operation, change.facet, change.first)
        for trait in self.special_traits(difference):
            differing_count = self._differing_trait_counts[operation, change, trait]
            if not accepted_counts[trait] and differing_count >= matching_counts[trait]:
                yield trait

    def _count_matching_traits(self, operation: Operation, facet: str, prefix: str) -> Counter[Feature]:
        """How often each trait is in a request that both sides answer alike, in such a way."""
        key = (operation, facet, prefix)
        if key not in self._trait_counts:
            self._trait_counts[key] = Counter(
                trait
                for exchange in self._matching_exchanges[operation]
                if self._normalize(exchange).facets.get(facet, "").startswith(prefix)
                for trait in self._traits.of_request(operation, exchange.request)
            )
        return self._trait_counts[key]


def promise_key(difference: StepDifference) -> str:
    """What a check is about, in a word: its fact, or its own id where the fact is too broad to tell."""
    check = difference.trial.check
    return check.id if check.fact == ACCEPTED_FACT or check.fact.startswith(_BROAD_FACT_PREFIXES) else check.fact


def group_differences(observed: Iterable[StepDifference], causes: CauseAnalysis) -> list[list[StepDifference]]:
    """The differences, those with one reason together, in the order of the first of each."""
    differences = list(observed)
    ordinary_changes = {
        (difference.trial.operation, difference.change)
        for difference in differences
        if difference.change.facet != VERDICT and causes.is_ordinary(difference)
    }
    links: dict[Hashable, list[int]] = defaultdict(list)
    for number, unit in enumerate(differences):
        for link in _links(unit, causes, is_plain=(unit.trial.operation, unit.change) in ordinary_changes):
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


def _links(difference: StepDifference, causes: CauseAnalysis, *, is_plain: bool) -> Iterable[Hashable]:
    """What differences of one reason have in common: any one of these is enough."""
    promise = promise_key(difference)
    if difference.decides_verdict and difference.trial.check.area is Area.RATE_LIMIT:
        yield "area", Area.RATE_LIMIT
    if difference.decides_verdict:
        yield "promise", promise, difference.results[0].outcome, difference.results[1].outcome
    if difference.change.facet == VERDICT:
        return
    yield "promise", promise, difference.change.kind
    if difference.decides_verdict:
        id_words = difference.trial.check.id.split(".")
        yield (
            "family",
            id_words[0] if id_words[0] in _SINGLE_FAMILY_AREAS else ".".join(id_words[:_FAMILY_ID_WORDS]),
            difference.change.kind,
        )
        if _is_accepted_by_both(difference.change):
            yield (
                "success",
                difference.change.first if difference.results[0].outcome in FAIL_OR_ERROR else difference.change.second,
            )
        if id_words[0] in GENERAL_AREAS and _is_unanswered_by_one(difference.change):
            yield "silence", difference.change.kind
    if not difference.decides_verdict:
        yield from _links_without_verdict(difference)
    if is_plain:
        yield "plain", difference.change
        return
    for trait in causes.candidate_traits(difference):
        yield "trait", difference.change, trait


def _links_without_verdict(difference: StepDifference) -> Iterable[Hashable]:
    """What differences have in common that no check complains of: how to refuse and to tell so is a habit."""
    change = difference.change
    family = ".".join(difference.trial.check.id.split(".")[:_FAMILY_ID_WORDS])
    facet = _CORS_FACET_PREFIX if change.facet.startswith(_CORS_FACET_PREFIX) else change.facet
    yield "quiet", family, change.kind if facet == STATUS else facet
    if change.facet != STATUS or not {change.first[:1], change.second[:1]} & {_SUCCESS_PREFIX}:
        yield "habit", change


def _is_accepted_by_both(change: AnswerChange) -> bool:
    """Whether both sides take it."""
    return (
        change.facet == STATUS
        and change.first.startswith(_SUCCESS_PREFIX)
        and change.second.startswith(_SUCCESS_PREFIX)
    )


def _is_unanswered_by_one(change: AnswerChange) -> bool:
    """Whether one side does not answer at all."""
    return change.facet == STATUS and not (change.first.isdecimal() and change.second.isdecimal())
