"""Joint reasons: fields that are each fine alone, and that together no event has that both servers take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance import pointers
from conformance.difference.answers import STATUS
from conformance.difference.comparing import VERDICT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from conformance.contract import Contract, Operation
    from conformance.difference.answers import Change, Form
    from conformance.difference.comparing import Unit
    from conformance.difference.traits import Traits
    from conformance.fuzz.case import Case
    from conformance.model import Exchange

    State = tuple[str, str]
    States = frozenset[State]

_SUCCESS = "2"


class Joint:
    """Knows which fields the events have that both servers answer alike."""

    def __init__(
        self,
        contract: Contract,
        traits: Traits,
        alike: Iterable[tuple[Operation, Exchange]],
        form: Callable[[Exchange], Form],
    ) -> None:
        self._contract, self._traits = contract, traits
        self._operations = {str(operation): operation for operation in contract.operations}
        self._alike: dict[str, set[States]] = {}
        for operation, exchange in alike:
            word = form(exchange).status
            known = self._alike.setdefault(_SUCCESS if word.startswith(_SUCCESS) else word, set())
            known.update(self._states(operation, self._traits.events(operation, exchange.request)))

    def of(self, units: Iterable[Unit]) -> States | None:
        """What all events that differ have in common, if no event has it that both take; None if one has.

        A batch of several events has to have it in one of them.
        """
        listed = [unit for unit in units if unit.change.facet != VERDICT]
        if not listed or len({unit.change.sort for unit in listed}) > 1 or listed[0].change.facet != STATUS:
            return None
        found = [self._of_unit(unit) for unit in listed]
        single = [states[0] for states in found if len(states) == 1]
        if not single:
            return None
        common = frozenset.intersection(*single)
        if not all(any(common <= item for item in states) for states in found):
            return None
        return None if self._is_taken(common, listed[0].change) else common

    def has(self, case: Case, wanted: States) -> bool:
        """Whether an event of a generated request has all that is wanted."""
        operation = self._operations[case.call]
        return any(
            wanted <= item for item in self._states(operation, self._traits.events_of(operation, case))
        )

    def _of_unit(self, unit: Unit) -> list[States]:
        operation, request = unit.trial.operation, unit.request
        if operation is None or request is None:
            return []
        return [*self._states(operation, self._traits.events(operation, request))]

    def _is_taken(self, wanted: States, change: Change) -> bool:
        """Whether both answer an event that has it as the one does where they differ, or nobody knows."""
        words = {change.first, change.second}
        word = _SUCCESS if any(item.startswith(_SUCCESS) for item in words) else change.first
        known = self._alike.get(word)
        return not known or any(wanted <= item for item in known)

    def _states(self, operation: Operation, events: Sequence[Any]) -> Iterator[States]:
        """Of each event, which documented fields it has, and which of these hold something."""
        names = [*self._contract.event_schema(operation.type).get("properties", {})]  # type: ignore[misc] # JSON
        places = {*(f"/{name}" for name in names), *self._contract.identities(operation.type).values()}
        for event in events:
            if isinstance(event, dict):
                yield frozenset(item for place in places for item in _state(event, place))


def _state(event: Any, place: str) -> Iterator[State]:  # noqa: ANN401 - any JSON
    if not pointers.has(event, place):
        yield place, "absent"
        return
    yield place, "present"
    value = pointers.get(event, place)
    if value is not None and (not isinstance(value, str) or value.strip()):
        yield place, "given"


def merged(clusters: Iterable[list[Unit]], joint: Joint) -> list[list[Unit]]:
    """Clusters, those put together that differ in the same way and have a joint reason."""
    found: list[list[Unit]] = []
    for cluster in clusters:
        home = next((item for item in found if joint.of([*item, *cluster]) is not None), None)
        if home is None:
            found.append(cluster)
        else:
            home.extend(cluster)
    return found
