"""Causes: differences that most likely have one reason are put together, so that one fault is told once."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, TypeAlias

from conformance.difference.answers import STATUS
from conformance.difference.comparing import BROKEN, VERDICT
from conformance.difference.homes import GENERAL, adopted
from conformance.difference.joint import Joint, merged
from conformance.fuzz.features import ANYWHERE, REQUEST
from conformance.model import Area
from conformance.profile.facts import Condition

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

    from conformance.contract import Operation
    from conformance.difference.answers import Change, Form
    from conformance.difference.comparing import Evidence, Unit
    from conformance.difference.traits import Traits
    from conformance.fuzz.features import Feature
    from conformance.model import Exchange, Request

ACCEPTED = f"answers.{Condition.ACCEPTED}"
_BROAD = ("rules.", "sdks.", "credentials.", "events.")
_SUCCESS, _CORS = "2", "header access-control-"
_NOWHERE = {ANYWHERE, REQUEST}
_FAMILY = 2
"""Checks whose ids begin with the same so many words are of one family."""
_CLOSE = frozenset({Area.AUTH, Area.JSON})
"""Areas that are one family each."""
Ordinary: TypeAlias = "Mapping[Operation, Request]"


class Reasons:
    """What about a request is most likely the reason of a difference, by all that is answered alike."""

    def __init__(
        self, evidence: Evidence, traits: Traits, form: Callable[[Exchange], Form], ordinary: Ordinary
    ) -> None:
        self._traits, self._form = traits, form
        asked = [(trial.operation, item) for trial, item in evidence.alike if trial.operation is not None]
        self.joint = Joint(traits.contract, traits, asked, form)
        self._plain = {place: traits.of(place, request) for place, request in ordinary.items()}
        self._alike: dict[Operation, list[Exchange]] = defaultdict(list)
        for operation, exchange in asked:
            self._alike[operation].append(exchange)
        self._counts: dict[tuple[Operation, str, str], Counter[Feature]] = {}
        self._shown: Counter[tuple[Operation, Change, Feature]] = Counter(
            (unit.trial.operation, unit.change, trait)
            for unit in evidence.units
            if unit.trial.operation is not None
            for trait in self.special(unit)
        )

    def is_plain(self, unit: Unit) -> bool:
        """Whether the request has nothing that the ordinary request of its path has not."""
        request = unit.request
        return request is not None and request.spelling is None and not self.special(unit)

    def special(self, unit: Unit) -> frozenset[Feature]:
        """The traits that the ordinary request of the path has not."""
        operation, request = unit.trial.operation, unit.request
        if operation is None or request is None:
            return frozenset()
        return self._traits.of(operation, request) - self._plain.get(operation, frozenset())

    def places(self, units: Iterable[Unit]) -> frozenset[str]:
        """Where in an event all requests have something that the ordinary one has not."""
        found = [{place for place, _ in self.special(unit)} for unit in units]
        return frozenset(set.intersection(*found) - _NOWHERE if found else ())

    def of(self, unit: Unit) -> Iterator[Feature]:
        """The traits of a request that may be the reason.

        What is taken with it by both can't be the reason why one refuses; what both refuse may have the
        reason too, beside another: then it counts how often.
        """
        operation, change = unit.trial.operation, unit.change
        if operation is None:
            return
        taken = self._count(operation, STATUS, _SUCCESS) if change.facet == STATUS else Counter()
        alike = self._count(operation, change.facet, change.first)
        for trait in self.special(unit):
            shown = self._shown[operation, change, trait]
            if not taken[trait] and shown >= alike[trait]:
                yield trait

    def _count(self, operation: Operation, facet: str, begins: str) -> Counter[Feature]:
        """How often each trait is in a request that both sides answer alike, in such a way."""
        key = (operation, facet, begins)
        if key not in self._counts:
            self._counts[key] = Counter(
                trait
                for exchange in self._alike[operation]
                if self._form(exchange).facets.get(facet, "").startswith(begins)
                for trait in self._traits.of(operation, exchange.request)
            )
        return self._counts[key]


def promise(unit: Unit) -> str:
    """What a check is about, in a word: its fact, or its own id where the fact is too broad to tell."""
    check = unit.trial.check
    return check.id if check.fact == ACCEPTED or check.fact.startswith(_BROAD) else check.fact


def clusters(units: Iterable[Unit], reasons: Reasons) -> list[list[Unit]]:
    """The differences, those with one reason together, in the order of the first of each."""
    listed = list(units)
    plain = {
        (unit.trial.operation, unit.change)
        for unit in listed
        if unit.change.facet != VERDICT and reasons.is_plain(unit)
    }
    links: dict[Hashable, list[int]] = defaultdict(list)
    for number, unit in enumerate(listed):
        for link in _links(unit, reasons, is_plain=(unit.trial.operation, unit.change) in plain):
            links[link].append(number)
    parent = list(range(len(listed)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for members in links.values():
        for other in members[1:]:
            one, two = sorted((root(members[0]), root(other)))
            parent[two] = one
    found: dict[int, list[Unit]] = defaultdict(list)
    for number, unit in enumerate(listed):
        found[root(number)].append(unit)
    return adopted(merged(found.values(), reasons.joint), reasons)


def _links(unit: Unit, reasons: Reasons, *, is_plain: bool) -> Iterable[Hashable]:
    """What differences of one reason have in common: any one of these is enough."""
    own = promise(unit)
    if unit.leading and unit.trial.check.area is Area.RATE_LIMIT:
        yield "area", Area.RATE_LIMIT
    if unit.leading:
        yield "promise", own, unit.findings[0].outcome, unit.findings[1].outcome
    if unit.change.facet == VERDICT:
        return
    yield "promise", own, unit.change.sort
    if unit.leading:
        words = unit.trial.check.id.split(".")
        yield "family", words[0] if words[0] in _CLOSE else ".".join(words[:_FAMILY]), unit.change.sort
        if _is_success(unit.change):
            yield "success", unit.change.first if unit.findings[0].outcome in BROKEN else unit.change.second
        if words[0] in GENERAL and _is_silence(unit.change):
            yield "silence", unit.change.sort
    if not unit.leading:
        yield from _quiet_links(unit)
    if is_plain:
        yield "plain", unit.change
        return
    for trait in reasons.of(unit):
        yield "trait", unit.change, trait


def _quiet_links(unit: Unit) -> Iterable[Hashable]:
    """What differences have in common that no check complains of: how to refuse and to tell so is a habit."""
    change = unit.change
    family = ".".join(unit.trial.check.id.split(".")[:_FAMILY])
    facet = _CORS if change.facet.startswith(_CORS) else change.facet
    yield "quiet", family, change.sort if facet == STATUS else facet
    if change.facet != STATUS or not {change.first[:1], change.second[:1]} & {_SUCCESS}:
        yield "habit", change


def _is_success(change: Change) -> bool:
    """Whether both sides take it."""
    return change.facet == STATUS and change.first.startswith(_SUCCESS) and change.second.startswith(_SUCCESS)


def _is_silence(change: Change) -> bool:
    """Whether one side does not answer at all."""
    return change.facet == STATUS and not (change.first.isdecimal() and change.second.isdecimal())
