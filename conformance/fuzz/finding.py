"""Findings: one defect each, with the smallest request that shows it; stored by id, to be sent again."""

from __future__ import annotations

import enum
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.core.errors import UsageError
from conformance.core.model import Level
from conformance.core.resources import cache_dir
from conformance.core.text import escape_surrogates
from conformance.fuzz.case import Case, case_from_json, case_to_json, case_to_line
from conformance.fuzz.judge import FailureKind

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.core.model import Exchange


class Certainty(enum.StrEnum):
    """Whether a failure came again when its request was sent again, or whether that was not tried."""

    CONFIRMED = "confirmed"
    FLAKY = "flaky"
    UNEXAMINED = "unexamined"


_CERTAINTY_NOTES = {
    Certainty.CONFIRMED: "",
    Certainty.FLAKY: " (flaky: not when it was sent again)",
    Certainty.UNEXAMINED: " (not sent again: time was up, or the target was broken by then)",
}
FAILURE_TITLES = {
    FailureKind.SERVER_ERROR: "answered as a failure of the server",
    FailureKind.UNANSWERED: "left without an answer",
    FailureKind.MALFORMED_RESPONSE: "answered with something that is no whole HTTP answer",
    FailureKind.WRONGLY_REJECTED: "valid, and refused",
    FailureKind.WRONGLY_ACCEPTED: "to be refused, and taken",
    FailureKind.UNEXPECTED_STATUS: "answered with a status that the contract does not allow",
    FailureKind.UNEXPECTED_BODY: "answered with a body that the contract does not allow",
    FailureKind.INFORMATION_LEAK: "answered with the inside of the server",
    FailureKind.BREAKS_LATER_REQUESTS: "followed by failures of acceptable requests",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One defect: what is wrong, the smallest request that shows it, and where and how often it was seen.

    `reason` says in words what it is about the request. `before` are requests that have to go first.
    """

    failure_kind: FailureKind
    dedup_key: str
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
    preceding: tuple[Case, ...] = ()
    exchange: Exchange | None = field(default=None, compare=False)
    curl: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        """A short name: the same whenever the same defect is found by the same request."""
        parts = [
            self.profile,
            self.failure_kind,
            self.dedup_key,
            self.reason,
            case_to_line(self.case._replace(about="", expected_facts=())),
        ]
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:10]

    @property
    def title(self) -> str:
        """What it is, in one line."""
        return f"{self.reason or 'a request'}: {FAILURE_TITLES[self.failure_kind]}{_CERTAINTY_NOTES[self.certainty]}"

    def as_json(self) -> dict[str, Any]:
        """The finding as JSON data."""
        return {
            "id": self.id,
            "fault": self.failure_kind.value,
            "kind": self.dedup_key,
            "reason": escape_surrogates(self.reason),
            "title": escape_surrogates(self.title),
            "level": self.level.value,
            "certainty": self.certainty.value,
            "profile": self.profile,
            "url": self.url,
            "calls": list(self.calls),
            "count": self.count,
            "expected": self.expected,
            "received": escape_surrogates(self.received),
            "message": escape_surrogates(self.message),
            "request": case_to_json(self.case),
            "before": [case_to_json(case) for case in self.preceding],
            "curl": escape_surrogates(self.curl),
        }


def save_finding(finding: Finding) -> Path | None:
    """Writes a finding where `replay` finds it; None if nothing can be written there."""
    path = _finding_path(finding.id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(finding.as_json(), indent=1) + "\n", encoding="utf-8")
    except OSError:
        return None
    return path


def load_finding(finding_id: str) -> Finding:
    """A finding by its id. Raises UsageError if there is none."""
    path = _finding_path(finding_id)
    if not finding_id.isalnum() or not path.is_file():
        raise UsageError(f"no finding is called {finding_id!r}; they are kept in {path.parent}")
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return _from_json(fields)
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is no finding: {error}") from None


def _from_json(fields: dict[str, Any]) -> Finding:
    return Finding(
        failure_kind=FailureKind(fields["fault"]),
        dedup_key=fields["kind"],
        reason=fields["reason"],
        message=fields["message"],
        expected=fields["expected"],
        received=fields["received"],
        level=Level(fields["level"]),
        certainty=Certainty(fields["certainty"]),
        case=case_from_json(fields["request"]),
        preceding=tuple(case_from_json(case) for case in fields["before"]),
        calls=tuple(fields["calls"]),
        count=fields["count"],
        profile=fields["profile"],
        url=fields["url"],
    )


def _finding_path(finding_id: str) -> Path:
    return cache_dir() / "findings" / f"{finding_id}.json"
