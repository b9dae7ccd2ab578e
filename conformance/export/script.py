"""Scripts: what a check asks and which answers keep its promise, as data for who has no Python."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from conformance.expect import Absence

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.export.template import Template
    from conformance.model import Json, JsonObject, Level, Source
    from conformance.profile.facts import BodyShape, Profile

FIRST, LAST = 200, 599
"""The statuses of final answers."""
Ranges: TypeAlias = "tuple[tuple[int, int], ...]"
"""Statuses, as pairs of the first and the last of those that follow one another."""
Body: TypeAlias = "BodyShape | Absence"
"""What a body has to look like, or may not have in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What is made of the answer to one request.

    With a status of `statuses` the script goes on, after the last request it has passed, provided that the
    `body` is right. With one of `ends` it is over, and nothing was broken. Any other status breaks the
    promise. `about` is the promise in words, `says` the answer that is expected.
    """

    statuses: Ranges
    ends: Ranges = ()
    body: Body | None = None
    says: str = ""
    about: str = ""

    @property
    def can_fail(self) -> bool:
        """Whether any answer breaks the promise."""
        allowed = sum(last - first + 1 for first, last in (*self.statuses, *self.ends))
        return self.body is not None or allowed <= LAST - FIRST

    def as_json(self) -> JsonObject:
        """It as JSON data."""
        found: JsonObject = {
            "about": self.about,
            "says": self.says,
            "statuses": _pairs(self.statuses),
            "ends": _pairs(self.ends),
        }
        if self.body is not None:
            found["body"] = _lack(self.body) if isinstance(self.body, Absence) else _shape(self.body)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request of a script, what is expected of the answer, and what the reference server answers."""

    template: Template
    expectation: Expectation
    answered: int
    is_control: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A check on an operation: its requests, one after the other. The first broken promise ends it."""

    id: str
    operation: str
    title: str
    level: Level
    sources: tuple[Source, ...]
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """The id with the operation, as reports have it."""
        return f"{self.id}[{self.operation}]"

    @property
    def area(self) -> str:
        """What the check is about: the first word of its id."""
        return self.id.partition(".")[0]

    def entitled(self, number: int) -> str:
        """The name of one of its steps, counted from 1."""
        return f"{self.name} {number}/{len(self.steps)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Omission:
    """A check on an operation that is left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """The scripts of a profile at a gate, and what could not be written as one."""

    profile: Profile
    gate: Level
    scripts: tuple[Script, ...]
    omissions: tuple[Omission, ...]

    @property
    def requests(self) -> int:
        """How many requests there are."""
        return sum(len(script.steps) for script in self.scripts)

    def only(self, unfit: Callable[[Script], str]) -> Export:
        """The same without the scripts that do not fit a format, for the reasons that a function gives."""
        reasons = {script.name: unfit(script) for script in self.scripts}
        further = [Omission(name=name, reason=reason) for name, reason in reasons.items() if reason]
        fitting = tuple(script for script in self.scripts if not reasons[script.name])
        return replace(self, scripts=fitting, omissions=(*self.omissions, *further))

    @property
    def reasons(self) -> dict[str, list[str]]:
        """Why checks are left out, the commonest reason first, and which ones."""
        found: dict[str, list[str]] = {}
        for omission in self.omissions:
            found.setdefault(omission.reason, []).append(omission.name)
        return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))

    @property
    def summary(self) -> str:
        """How much is there, and how much is left out and why, in lines of plain text."""
        whole = (
            f"{len(self.scripts):,} checks of {self.profile.name} at the gate {self.gate}, "
            f"{self.requests:,} requests; {len(self.omissions):,} checks are left out"
        )
        return "\n".join([whole, *(f"  {len(names):,}: {reason}" for reason, names in self.reasons.items())])


def shown(ranges: Ranges) -> str:
    """`200-206, 208-299`."""
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def _pairs(ranges: Ranges) -> Json:
    return [[first, last] for first, last in ranges]


def _shape(shape: BodyShape) -> JsonObject:
    """What a body has to look like; a facet that is not promised is not there."""
    facets: JsonObject = {
        "class": shape.body_class.value if shape.body_class else None,
        "media_type": shape.media_type,
        "text": shape.text,
        "schema": shape.schema,
    }
    return {name: value for name, value in facets.items() if value is not None}


def _lack(absence: Absence) -> JsonObject:
    """What a body may not have in it."""
    return {
        "lacks": absence.pattern,
        "media_types": [*absence.media_types],
        "spellings": [[spelled, meant] for spelled, meant in absence.spellings.items()],
    }
