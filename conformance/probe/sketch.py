"""The sketch: what is known of a server so far, as a profile in the making, with the evidence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.contract import Contract, Operation
from conformance.model import Kind, Level, Source
from conformance.probe.family import SOURCE
from conformance.profile import common_facts
from conformance.profile.facts import Answer, Condition, Tolerated

if TYPE_CHECKING:
    from conformance.model import Exchange
    from conformance.probe.family import Family, Way
    from conformance.profile.facts import EventType, Fact, Pointers, Route


_NOT_IMPLEMENTED = 501


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of what was found: what was asked about, what came out, and by what it is known."""

    topic: str
    value: str
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """An answer to something that was asked on an operation."""

    operation: Operation
    what: str
    exchange: Exchange


@dataclass(slots=True, kw_only=True)
class Sketch:
    """What is known so far.

    `remarks` are what a profile can't say, and what is not the same everywhere. `full` are the event types of
    which the smallest known event is refused; an open server asks for no key.
    """

    family: Family
    pointers: Pointers
    events: dict[str, EventType]
    routes: list[Route] = field(default_factory=list)
    ways: list[Way] = field(default_factory=list)
    batch_types: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    facts: dict[str, Fact] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    sightings: dict[str, list[Sighting]] = field(default_factory=dict)
    always: tuple[str, ...] = ()
    is_open: bool = False
    full: set[str] = field(default_factory=set)
    _last: Contract | None = None

    @classmethod
    def of(cls, family: Family) -> Sketch:
        """An empty sketch of a server that speaks a dialect."""
        return cls(
            family=family, pointers=family.pointers, events=dict(family.events), shared=family.batch.shared
        )

    def contract(self, *routes: Route, ways: tuple[Way, ...] = ()) -> Contract:
        """What is known so far as a contract; with further routes, or other ways to hand in the key."""
        profile = self.family.profile()
        keys: dict[str, Fact] = {}
        for way in ways or self.ways:
            fact = way.fact()
            keys.setdefault(fact.name, fact)
        types = self.batch_types or tuple(self.events)
        known = replace(
            profile,
            pointers=self.pointers,
            always=self.always,
            events=dict(self.events),
            routes=(*self.routes, *routes),
            batch=replace(profile.batch, types=types, shared=self.shared),
            facts={**common_facts(), **keys, **self.facts},
        )
        if self._last is None or self._last.profile != known:
            self._last = Contract(known)
        return self._last

    def operations(self, *kinds: Kind) -> list[Operation]:
        """The operations that were found, of some kinds or of all."""
        found = [Operation.of(route) for route in self.routes]
        return [operation for operation in found if not kinds or operation.kind in kinds]

    def firsts(self) -> list[Operation]:
        """The first operation of each kind, events and batches first."""
        found = {operation.kind: operation for operation in reversed(self.operations())}
        return [found[kind] for kind in Kind if kind in found]

    def tell(self, topic: str, value: str, evidence: str = "") -> None:
        """Notes a line of what was found."""
        self.entries.append(Entry(topic=topic, value=value, evidence=evidence))

    def remark(self, text: str) -> None:
        """Notes something that no fact says, once."""
        if text not in self.remarks:
            self.remarks.append(text)

    def see(self, fact: str, operation: Operation, what: str, exchange: Exchange) -> None:
        """Notes an answer that a fact is to be made of."""
        sighting = Sighting(operation=operation, what=what, exchange=exchange)
        self.sightings.setdefault(fact, []).append(sighting)

    def conclude(self) -> None:
        """Makes facts of the answers that were noted."""
        for name, seen in sorted(self.sightings.items()):
            answer = concluded(name, seen)
            bad = [item for item in seen if not 200 <= item.exchange.status < 500]
            if name == f"answers.{Condition.METHOD_WRONG}":
                bad = [item for item in bad if item.exchange.status != _NOT_IMPLEMENTED]
            for item in bad[:1]:
                self.remark(
                    f"{name}: {item.what} on {item.operation} was answered with {item.exchange.outline}; "
                    "no profile states that, and a run fails on it"
                )
            if answer is None:
                continue
            self.facts[name] = answer
            self.tell(name, statuses(answer), _evidence(answer, seen))
            for tolerated in answer.tolerate:
                self.remark(f"{name}: not the same everywhere: {tolerated.status} to {tolerated.source.says}")


FIELDS = ("timestamp", "message_id", "context", "integrations")
"""The fields that a profile need not know, as Pointers has them."""


def without(where: Pointers, word: str) -> Pointers:
    """The same places without one of those that a profile need not know."""
    return replace(
        where,
        timestamp=None if word == "timestamp" else where.timestamp,
        message_id=None if word == "message_id" else where.message_id,
        context=None if word == "context" else where.context,
        integrations=None if word == "integrations" else where.integrations,
    )


def concluded(name: str, seen: list[Sighting]) -> Answer | None:
    """The fact that answers come to: the most common status, and the others as tolerated."""
    good = [item for item in seen if 200 <= item.exchange.status < 500]
    if not good:
        return None
    counts = Counter(item.exchange.status for item in good)
    first, *others = [status for status, _ in counts.most_common()]
    return Answer(
        name=name,
        level=Level.MUST,
        sources=(_source([item for item in good if item.exchange.status == first]),),
        expect=(first,),
        tolerate=tuple(
            Tolerated(
                status=status, source=_source([item for item in good if item.exchange.status == status])
            )
            for status in others
        ),
    )


def _source(seen: list[Sighting]) -> Source:
    """Where an answer was seen, and to what."""
    paths = list(dict.fromkeys(str(item.operation) for item in seen))
    words = list(dict.fromkeys(item.what for item in seen))
    return Source(document=SOURCE, section=_some(paths), says=f"{_some(words, 3)}: {seen[0].exchange.status}")


def _some(texts: list[str], most: int = 4) -> str:
    """A few of many texts, and how many more there are."""
    rest = f" and {len(texts) - most} more" if len(texts) > most else ""
    return f"{', '.join(texts[:most])}{rest}"


def _evidence(answer: Answer, seen: list[Sighting]) -> str:
    paths = len({item.operation for item in seen})
    return f"{len(seen)} asked on {paths} path{'s' * (paths > 1)}: {answer.sources[0].says}"


def statuses(answer: Answer) -> str:
    """The statuses of an answer, in words."""
    rest = [str(item.status) for item in answer.tolerate]
    return " or ".join(map(str, answer.expect)) + (f" (also {', '.join(rest)})" if rest else "")
