"""Cause analysis: which traits of a request most likely cause a difference."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, TypeAlias

from conformance.causes.conjunction import Conjunction
from conformance.causes.json_damage import JsonDamage, damage_of
from conformance.causes.normalized_answers import STATUS
from conformance.core.model import Area
from conformance.fuzz.features import ANYWHERE, REQUEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from conformance.causes.normalized_answers import AnswerChange, Facet, FacetValue, NormalizedAnswer
    from conformance.causes.request_traits import RequestTraits
    from conformance.causes.step_difference import CheckComparisonResult, StepDifference
    from conformance.contract import Operation
    from conformance.core.model import Exchange, Request
    from conformance.fuzz.features import Feature

_MAX_DAMAGES = 2
"""Of so many kinds of damage, each is a cause of its own."""
_NON_POINTERS = {ANYWHERE, REQUEST}
OrdinaryRequests: TypeAlias = "Mapping[Operation, Request]"


class CauseAnalysis:
    """Finds the traits that most likely cause a difference, by comparison with requests that both answer alike."""

    def __init__(
        self,
        check_result: CheckComparisonResult,
        traits: RequestTraits,
        normalize: Callable[[Exchange], NormalizedAnswer],
        ordinary: OrdinaryRequests,
    ) -> None:
        self._traits, self._normalize = traits, normalize
        matching = [(place, item) for trial, item in check_result.matching if (place := trial.asked_operation)]
        self.conjunction = Conjunction(traits.contract, traits, matching, normalize)
        self._ordinary_traits = {place: traits.of_request(place, request) for place, request in ordinary.items()}
        self._matching_exchanges: dict[Operation, list[Exchange]] = defaultdict(list)
        for operation, exchange in matching:
            self._matching_exchanges[operation].append(exchange)
        self.right_statuses = frozenset(
            exchange.status for _, exchange in matching if exchange.request.raw_writer is None
        )
        """The statuses that requests of ordinary HTTP get where they are right."""
        self._accepts_ordinary: set[Operation] = set()
        """The operations whose ordinary request both servers accept alike."""
        for operation, exchange in matching:
            if operation not in self._accepts_ordinary and self._is_accepted_ordinary(operation, exchange):
                self._accepts_ordinary.add(operation)
        self._accepted_damages = {*map(_accepted_damage, check_result.differences)} - {JsonDamage.NONE}
        self._trait_counts: dict[tuple[Operation, Facet, FacetValue | None], Counter[Feature]] = {}
        self._differing_trait_counts: Counter[tuple[Operation, AnswerChange, Feature]] = Counter(
            (difference.trial.asked_operation, difference.change, trait)
            for difference in check_result.differences
            if difference.trial.asked_operation is not None
            for trait in self.special_traits(difference)
        )

    def accepted_damage(self, difference: StepDifference) -> JsonDamage:
        """What is wrong with a body that is no JSON and is accepted; NONE of a target that accepts many kinds of it.

        A parser may be lenient in one way or two, each a cause of its own; whoever takes more reads no JSON at all.
        """
        damage = _accepted_damage(difference)
        return damage if len(self._accepted_damages) <= _MAX_DAMAGES else JsonDamage.NONE

    def accepts_any(self, operation: Operation | None) -> bool:
        """Whether any request of an operation is accepted as it should be; True if that is not one operation."""
        if operation is None:
            return True
        return any(self._normalize(item).status.is_success for item in self.exchanges_alike(operation))

    def exchanges_alike(self, operation: Operation) -> Sequence[Exchange]:
        """The exchanges of an operation whose answers are alike, or as they should be."""
        return self._matching_exchanges.get(operation, ())

    def is_ordinary(self, difference: StepDifference) -> bool:
        """Whether the request has no trait beyond those of the ordinary request of its operation.

        Where both accept the ordinary request alike, a request with another status is special in a way that has no
        trait, such as the type of one of several events.
        """
        request = difference.request
        if difference.change.facet == STATUS and difference.trial.asked_operation in self._accepts_ordinary:
            return False
        return request is not None and request.raw_writer is None and not self.special_traits(difference)

    def special_traits(self, difference: StepDifference) -> frozenset[Feature]:
        """The traits that the ordinary request of the operation lacks."""
        operation, request = difference.trial.asked_operation, difference.request
        if operation is None or request is None:
            return frozenset()
        return self._traits_beyond_ordinary(operation, request)

    def _traits_beyond_ordinary(self, operation: Operation, request: Request) -> frozenset[Feature]:
        return self._traits.of_request(operation, request) - self._ordinary_traits.get(operation, frozenset())

    def _is_accepted_ordinary(self, operation: Operation, exchange: Exchange) -> bool:
        return (
            self._normalize(exchange).status.is_success
            and exchange.request.raw_writer is None
            and not self._traits_beyond_ordinary(operation, exchange.request)
        )

    def special_pointers(self, differences: Iterable[StepDifference]) -> frozenset[str]:
        """The places in an event where all these requests have a special trait."""
        pointer_sets = [{trait.place for trait in self.special_traits(difference)} for difference in differences]
        return frozenset(set.intersection(*pointer_sets) - _NON_POINTERS if pointer_sets else ())

    def candidate_traits(self, difference: StepDifference) -> Iterator[Feature]:
        """The special traits that may be the cause.

        A trait of a request that both accept cannot be the cause of a refusal. One that is also in requests that both
        refuse may be, if it is at least as frequent in those that differ.
        """
        operation, change = difference.trial.asked_operation, difference.change
        if operation is None:
            return
        accepted_counts = self._count_matching_traits(operation, STATUS) if change.facet == STATUS else Counter()
        matching_counts = self._count_matching_traits(operation, change.facet, change.first)
        for trait in self.special_traits(difference):
            differing_count = self._differing_trait_counts[operation, change, trait]
            if not accepted_counts[trait] and differing_count >= matching_counts[trait]:
                yield trait

    def _count_matching_traits(
        self, operation: Operation, facet: Facet, value: FacetValue | None = None
    ) -> Counter[Feature]:
        """How often each trait is in a request that both sides answer with this value, or accept if none is given."""
        key = (operation, facet, value)
        if key not in self._trait_counts:
            self._trait_counts[key] = Counter(
                trait
                for exchange in self._matching_exchanges[operation]
                if _has_value(self._normalize(exchange), facet, value)
                for trait in self._traits.of_request(operation, exchange.request)
            )
        return self._trait_counts[key]


def _accepted_damage(difference: StepDifference) -> JsonDamage:
    statuses, request = difference.change.statuses, difference.request
    if not (difference.decides_verdict and difference.trial.check.area is Area.JSON and statuses and request):
        return JsonDamage.NONE
    return damage_of(request.body) if statuses[-1].is_success else JsonDamage.NONE


def _has_value(answer: NormalizedAnswer, facet: Facet, value: FacetValue | None) -> bool:
    return answer.status.is_success if value is None else answer.facet_value(facet) == value
