"""Scripts: what a check asks and which answers keep its promise, as data for who has no Python."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from conformance.checks.expect import ForbiddenPattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.core.model import Area, Json, JsonObject, Level, Source
    from conformance.export.request_template import RequestTemplate
    from conformance.profile.facts import ResponseBody
    from conformance.profile.profile import Profile

FIRST_FINAL_STATUS, LAST_FINAL_STATUS = 200, 599
"""The statuses of final answers."""
StatusRanges: TypeAlias = "tuple[tuple[int, int], ...]"
"""Statuses, as pairs of the first and the last of those that follow one another."""
BodyPromise: TypeAlias = "ResponseBody | ForbiddenPattern"
"""What a body has to look like, or may not have in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What is made of the answer to one request.

    With a status of `statuses` the script goes on, after the last request it has passed, provided that the
    `body` is right. With one of `ends` it is over, and nothing was broken. Any other status breaks the
    promise. `about` is the promise in words, `says` the answer that is expected.
    """

    statuses: StatusRanges
    ending_statuses: StatusRanges = ()
    body: BodyPromise | None = None
    expected: str = ""
    promise: str = ""

    @property
    def can_fail(self) -> bool:
        """Whether any answer breaks the promise."""
        allowed = sum(last - first + 1 for first, last in (*self.statuses, *self.ending_statuses))
        return self.body is not None or allowed <= LAST_FINAL_STATUS - FIRST_FINAL_STATUS

    def as_json(self) -> JsonObject:
        """It as JSON data."""
        data: JsonObject = {
            "about": self.promise,
            "says": self.expected,
            "statuses": _range_pairs(self.statuses),
            "ends": _range_pairs(self.ending_statuses),
        }
        if self.body is not None:
            data["body"] = (
                _absence_data(self.body) if isinstance(self.body, ForbiddenPattern) else _shape_data(self.body)
            )
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedRequest:
    """One request of a script, what is expected of the answer, and what the reference server answers."""

    template: RequestTemplate
    expectation: Expectation
    reference_status: int
    is_control: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedCheck:
    """A check on an operation: its requests, one after the other. The first broken promise ends it."""

    id: str
    area: Area
    operation: str
    title: str
    level: Level
    sources: tuple[Source, ...]
    requests: tuple[ExportedRequest, ...]

    @property
    def name(self) -> str:
        """The id with the operation, as reports have it."""
        return f"{self.id}[{self.operation}]"

    def request_name(self, number: int) -> str:
        """The name of one of its steps, counted from 1."""
        return f"{self.name} {number}/{len(self.requests)}"


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
    checks: tuple[ExportedCheck, ...]
    omissions: tuple[Omission, ...]

    @property
    def request_count(self) -> int:
        """How many requests there are."""
        return sum(len(script.requests) for script in self.checks)

    def without_unsupported(self, unsupported_reason: Callable[[ExportedCheck], str]) -> Export:
        """The same without the scripts that do not fit a format, for the reasons that a function gives."""
        reasons = {script.name: unsupported_reason(script) for script in self.checks}
        added_omissions = [Omission(name=name, reason=reason) for name, reason in reasons.items() if reason]
        supported = tuple(script for script in self.checks if not reasons[script.name])
        return replace(self, checks=supported, omissions=(*self.omissions, *added_omissions))

    @property
    def omitted_by_reason(self) -> dict[str, list[str]]:
        """Why checks are left out, the commonest reason first, and which ones."""
        names_by_reason: dict[str, list[str]] = {}
        for omission in self.omissions:
            names_by_reason.setdefault(omission.reason, []).append(omission.name)
        return dict(sorted(names_by_reason.items(), key=lambda item: (-len(item[1]), item[0])))

    @property
    def summary(self) -> str:
        """How much is there, and how much is left out and why, in lines of plain text."""
        headline = (
            f"{len(self.checks):,} checks of {self.profile.name} at the gate {self.gate}, "
            f"{self.request_count:,} requests; {len(self.omissions):,} checks are left out"
        )
        return "\n".join(
            [headline, *(f"  {len(names):,}: {reason}" for reason, names in self.omitted_by_reason.items())]
        )


def format_ranges(ranges: StatusRanges) -> str:
    """`200-206, 208-299`."""
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def _range_pairs(ranges: StatusRanges) -> Json:
    return [[first, last] for first, last in ranges]


def _shape_data(shape: ResponseBody) -> JsonObject:
    """What a body has to look like; a facet that is not promised is not there."""
    facets: JsonObject = {
        "class": shape.body_format.value if shape.body_format else None,
        "media_type": shape.media_type,
        "text": shape.text,
        "schema": shape.schema,
    }
    return {name: value for name, value in facets.items() if value is not None}


def _absence_data(absence: ForbiddenPattern) -> JsonObject:
    """What a body may not have in it."""
    return {
        "lacks": absence.pattern,
        "media_types": [*absence.media_types],
        "spellings": [[spelled, meant] for spelled, meant in absence.escapes.items()],
    }
