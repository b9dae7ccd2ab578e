"""Conjunctions: combinations of fields that only the requests that differ have."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from conformance.causes.normalized_answers import STATUS, VERDICT
from conformance.core import pointers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from conformance.causes.normalized_answers import AnswerChange, AnswerStatus, NormalizedAnswer
    from conformance.causes.request_traits import RequestTraits
    from conformance.causes.step_difference import StepDifference
    from conformance.contract import Contract, Operation
    from conformance.core.model import Exchange
    from conformance.fuzz.case import Case

    FieldState = tuple[str, str]
    FieldStates = frozenset[FieldState]


class Conjunction:
    """Which fields the events have that both servers answer alike."""

    def __init__(
        self,
        contract: Contract,
        traits: RequestTraits,
        matching: Iterable[tuple[Operation, Exchange]],
        normalize: Callable[[Exchange], NormalizedAnswer],
    ) -> None:
        self._contract, self._traits = contract, traits
        self._operations = {str(operation): operation for operation in contract.operations}
        self._states_by_status: dict[AnswerStatus | None, set[FieldStates]] = {}
        """The states that both answer with a status; None is any success."""
        for operation, exchange in matching:
            status = normalize(exchange).status
            known = self._states_by_status.setdefault(None if status.is_success else status, set())
            known.update(self._event_states(operation, self._traits.events_of_request(operation, exchange.request)))

    def common_states(self, differences: Iterable[StepDifference]) -> FieldStates | None:
        """The fields that all differing events have, if no event has them that both answer alike; else None.

        In a batch, one of the events must have them.
        """
        with_answers = [difference for difference in differences if difference.change.facet != VERDICT]
        if (
            not with_answers
            or len({unit.change.kind for unit in with_answers}) > 1
            or with_answers[0].change.facet != STATUS
        ):
            return None
        states_per_difference = [self._states_of_difference(unit) for unit in with_answers]
        single = [states[0] for states in states_per_difference if len(states) == 1]
        if not single:
            return None
        common = frozenset.intersection(*single)
        if not all(any(common <= item for item in states) for states in states_per_difference):
            return None
        return None if self._is_answered_alike(common, with_answers[0].change) else common

    def smallest_distinguishing(self, differences: Sequence[StepDifference], most: int) -> list[FieldStates]:
        """The smallest combinations of up to `most` fields that all these events have, and no accepted one.

        In a batch, one of the events must have them.
        """
        states_per_difference = [self._states_of_difference(unit) for unit in differences]
        accepted = self._states_by_status.get(None, set())
        single = [states[0] for states in states_per_difference if len(states) == 1]
        if not single or not accepted or not all(states_per_difference):
            return []
        common = sorted(frozenset.intersection(*single))
        for count in range(1, most + 1):
            found = [
                states
                for states in map(frozenset, itertools.combinations(common, count))
                if len({place for place, _ in states}) == count
                and not any(states <= item for item in accepted)
                and all(any(states <= item for item in events) for events in states_per_difference)
            ]
            if found:
                return found
        return []

    def matches(self, case: Case, states: FieldStates) -> bool:
        """Whether an event of a generated request has these fields."""
        operation = self._operations[case.call]
        return any(
            states <= item for item in self._event_states(operation, self._traits.events_of_case(operation, case))
        )

    def _states_of_difference(self, difference: StepDifference) -> list[FieldStates]:
        operation, request = difference.trial.asked_operation, difference.request
        if operation is None or request is None:
            return []
        return [*self._event_states(operation, self._traits.events_of_request(operation, request))]

    def _is_answered_alike(self, states: FieldStates, change: AnswerChange) -> bool:
        """Whether both answered an event with these fields alike, or that is not known."""
        is_success = any(status.is_success for status in change.statuses)
        known = self._states_by_status.get(None if is_success else change.statuses[0])
        return not known or any(states <= item for item in known)

    def _event_states(self, operation: Operation, events: Sequence[Any]) -> Iterator[FieldStates]:
        """For each event, the documented fields that it has, and those that are not empty."""
        names = [*self._contract.event_schema(operation.event_type).get("properties", {})]  # type: ignore[misc] # JSON
        places = {*(f"/{name}" for name in names), *self._contract.identity_pointers(operation.event_type).values()}
        for event in events:
            if isinstance(event, dict):
                yield frozenset(item for place in places for item in _field_states(event, place))


def _field_states(event: Any, place: str) -> Iterator[FieldState]:  # noqa: ANN401 - any JSON
    try:
        value = pointers.get(event, place)
    except pointers.PointerNotFound:
        yield place, "absent"
        return
    yield place, "present"
    if value is not None and (not isinstance(value, str) or value.strip()):
        yield place, "given"


def merge_by_conjunction(
    groups: Iterable[list[StepDifference]], conjunction: Conjunction
) -> list[list[StepDifference]]:
    """Merges groups with the same change and a combination of fields in common."""
    merged_groups: list[list[StepDifference]] = []
    for group in groups:
        owner = next((item for item in merged_groups if conjunction.common_states([*item, *group]) is not None), None)
        if owner is None:
            merged_groups.append(group)
        else:
            owner.extend(group)
    return merged_groups
