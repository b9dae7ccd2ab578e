"""Exported checks: the requests of a check and the answers that keep its promise, as data that needs no Python."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from conformance.checks.expect import ForbiddenPattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.core.model import Area, Json, JsonObject, Level, Source
    from conformance.export.limitations import Limitation
    from conformance.export.request_template import RequestTemplate
    from conformance.profile.facts import ResponseBody
    from conformance.profile.profile import Profile

FIRST_FINAL_STATUS, LAST_FINAL_STATUS = 200, 599
"""The statuses of final answers."""
StatusRanges: TypeAlias = "tuple[tuple[int, int], ...]"
"""Statuses, as pairs of the first and the last of those that follow one another."""
BodyPromise: TypeAlias = "ResponseBody | ForbiddenPattern"
"""The promised shape of a body, or a pattern that it must not contain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What is expected of the answer to one request.

    With one of `statuses` and the right `body`, the check goes on, or passes after its last request. With one of
    `ending_statuses` it ends without a failure. Any other answer breaks the promise. `promise` and `expected` describe
    the promise and the expected answer in words.
    """

    statuses: StatusRanges
    ending_statuses: StatusRanges = ()
    body: BodyPromise | None = None
    expected: str = ""
    promise: str = ""

    @property
    def can_fail(self) -> bool:
        """Whether some answer breaks the promise."""
        allowed = sum(last - first + 1 for first, last in (*self.statuses, *self.ending_statuses))
        return self.body is not None or allowed <= LAST_FINAL_STATUS - FIRST_FINAL_STATUS

    def as_json(self) -> JsonObject:
        """The JSON form."""
        data: JsonObject = {
            "about": self.promise,
            "says": self.expected,
            "statuses": _range_pairs(self.statuses),
            "ends": _range_pairs(self.ending_statuses),
        }
        if self.body is not None:
            data["body"] = _pattern_data(self.body) if isinstance(self.body, ForbiddenPattern) else self.body.as_json()
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedRequest:
    """One request of a check, with the expected answer and the status of the reference server's answer."""

    template: RequestTemplate
    expectation: Expectation
    reference_status: int
    is_control: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedCheck:
    """A check on an operation: its requests, in order. The first broken promise ends it."""

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

    @property
    def has_binary_body(self) -> bool:
        """Whether the body of any request is not text."""
        return any(request.template.binary_body for request in self.requests)

    def request_name(self, number: int) -> str:
        """The name of one of its requests, counted from 1."""
        return f"{self.name} {number}/{len(self.requests)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Omission:
    """A check on an operation that is left out."""

    name: str
    limitation: Limitation


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """The exported checks of a profile at a gate, and those that are left out."""

    profile: Profile
    gate: Level
    checks: tuple[ExportedCheck, ...]
    omissions: tuple[Omission, ...]

    @property
    def request_count(self) -> int:
        """The number of requests."""
        return sum(len(check.requests) for check in self.checks)

    def without_unsupported(self, find_limitation: Callable[[ExportedCheck], Limitation | None]) -> Export:
        """The export without the checks for which a format has a limitation."""
        limitations = {check.name: find_limitation(check) for check in self.checks}
        added = [Omission(name=name, limitation=item) for name, item in limitations.items() if item]
        supported = tuple(check for check in self.checks if not limitations[check.name])
        return replace(self, checks=supported, omissions=(*self.omissions, *added))

    @property
    def names_by_limitation(self) -> dict[Limitation, list[str]]:
        """The names of omitted checks by reason, the most frequent first."""
        names: dict[Limitation, list[str]] = {}
        for omission in self.omissions:
            names.setdefault(omission.limitation, []).append(omission.name)
        return dict(sorted(names.items(), key=lambda item: (-len(item[1]), str(item[0]))))

    @property
    def summary(self) -> str:
        """Counts of checks and requests, and of omitted checks by reason, in lines of plain text."""
        headline = (
            f"{len(self.checks):,} checks of {self.profile.name} at the gate {self.gate}, "
            f"{self.request_count:,} requests; {len(self.omissions):,} checks are left out"
        )
        return "\n".join(
            [headline, *(f"  {len(names):,}: {reason}" for reason, names in self.names_by_limitation.items())]
        )


def format_ranges(ranges: StatusRanges) -> str:
    """Statuses as text, such as `200-206, 208-299`."""
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def _range_pairs(ranges: StatusRanges) -> Json:
    return [[first, last] for first, last in ranges]


def _pattern_data(forbidden: ForbiddenPattern) -> JsonObject:
    return {
        "lacks": forbidden.pattern,
        "media_types": [*forbidden.media_types],
        "spellings": [[escape, character] for escape, character in forbidden.escapes.items()],
    }
