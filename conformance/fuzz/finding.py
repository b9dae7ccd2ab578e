"""Findings: one defect each, with the smallest request that shows it; stored by id, to be sent again."""

from __future__ import annotations

import enum
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.errors import UsageError
from conformance.fuzz.case import Case, data, line, of_data
from conformance.fuzz.judge import Fault
from conformance.model import Level
from conformance.resources import cache
from conformance.text import storable

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.model import Exchange


class Certainty(enum.StrEnum):
    """Whether a failure came again when its request was sent again, or whether that was not tried."""

    CONFIRMED = "confirmed"
    FLAKY = "flaky"
    UNEXAMINED = "unexamined"


_DOUBTS = {
    Certainty.CONFIRMED: "",
    Certainty.FLAKY: " (flaky: not when it was sent again)",
    Certainty.UNEXAMINED: " (not sent again: time was up, or the target was broken by then)",
}
TITLES = {
    Fault.SERVER_ERROR: "answered as a failure of the server",
    Fault.UNANSWERED: "left without an answer",
    Fault.MISFRAMED: "answered with something that is no whole HTTP answer",
    Fault.REFUSED: "valid, and refused",
    Fault.TAKEN: "to be refused, and taken",
    Fault.STATUS: "answered with a status that the contract does not allow",
    Fault.BODY: "answered with a body that the contract does not allow",
    Fault.LEAK: "answered with the inside of the server",
    Fault.BROKEN: "followed by failures of acceptable requests",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One defect: what is wrong, the smallest request that shows it, and where and how often it was seen.

    `reason` says in words what it is about the request. `before` are requests that have to go first.
    """

    fault: Fault
    kind: str
    reason: str
    message: str
    expected: str
    received: str
    level: Level
    certainty: Certainty
    case: Case
    calls: tuple[str, ...]
    count: int = 1
    profile: str = ""
    url: str = ""
    before: tuple[Case, ...] = ()
    exchange: Exchange | None = field(default=None, compare=False)
    curl: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        """A short name: the same whenever the same defect is found by the same request."""
        parts = [
            self.profile,
            self.fault,
            self.kind,
            self.reason,
            line(self.case._replace(about="", expect=())),
        ]
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:10]

    @property
    def title(self) -> str:
        """What it is, in one line."""
        return f"{self.reason or 'a request'}: {TITLES[self.fault]}{_DOUBTS[self.certainty]}"

    def as_json(self) -> dict[str, Any]:
        """The finding as JSON data."""
        return {
            "id": self.id,
            "fault": self.fault.value,
            "kind": self.kind,
            "reason": storable(self.reason),
            "title": storable(self.title),
            "level": self.level.value,
            "certainty": self.certainty.value,
            "profile": self.profile,
            "url": self.url,
            "calls": list(self.calls),
            "count": self.count,
            "expected": self.expected,
            "received": storable(self.received),
            "message": storable(self.message),
            "request": data(self.case),
            "before": [data(item) for item in self.before],
            "curl": storable(self.curl),
        }


def store(finding: Finding) -> Path | None:
    """Writes a finding where `replay` finds it; None if nothing can be written there."""
    place = _place(finding.id)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(finding.as_json(), indent=1) + "\n", encoding="utf-8")
    except OSError:
        return None
    return place


def stored(name: str) -> Finding:
    """A finding by its id. Raises UsageError if there is none."""
    place = _place(name)
    if not name.isalnum() or not place.is_file():
        raise UsageError(f"no finding is called {name!r}; they are kept in {place.parent}")
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
        return _of_json(found)
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{place} is no finding: {error}") from None


def _of_json(found: dict[str, Any]) -> Finding:
    return Finding(
        fault=Fault(found["fault"]),
        kind=found["kind"],
        reason=found["reason"],
        message=found["message"],
        expected=found["expected"],
        received=found["received"],
        level=Level(found["level"]),
        certainty=Certainty(found["certainty"]),
        case=of_data(found["request"]),
        before=tuple(of_data(item) for item in found["before"]),
        calls=tuple(found["calls"]),
        count=found["count"],
        profile=found["profile"],
        url=found["url"],
    )


def _place(name: str) -> Path:
    return cache() / "findings" / f"{name}.json"
