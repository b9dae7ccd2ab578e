"""Findings: one defect each, with the smallest request that shows it; stored by id, for replaying."""

from __future__ import annotations

import enum
import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from conformance.core.atomic_files import write_text
from conformance.core.errors import UsageError
from conformance.core.model import Level
from conformance.core.resources import cache_dir, read_json_spec
from conformance.core.text import escape_surrogates, shorten
from conformance.core.user_files import read_text
from conformance.fuzz.case import Case, case_from_json, case_to_json, case_to_line
from conformance.fuzz.judge import FailureKind
from conformance.redaction import redact_file_text

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.core.model import Exchange, Request


class Certainty(enum.StrEnum):
    """Whether a failure was reproduced, was not, or was not sent again.

    `CHANCE` is a request that got no answer, and nearly always gets one when it is sent again.
    """

    CONFIRMED = "confirmed"
    FLAKY = "flaky"
    CHANCE = "chance"
    UNEXAMINED = "unexamined"


_CERTAINTY_NOTES = {
    Certainty.CONFIRMED: "",
    Certainty.FLAKY: " (flaky: did not reproduce)",
    Certainty.CHANCE: " at first (answered when sent again)",
    Certainty.UNEXAMINED: " (not sent again: the time was up, or the target was down)",
}
FAILURE_TITLES = {
    FailureKind.SERVER_ERROR: "server error",
    FailureKind.UNANSWERED: "no response",
    FailureKind.MALFORMED_RESPONSE: "malformed HTTP response",
    FailureKind.WRONGLY_REJECTED: "valid, but rejected",
    FailureKind.WRONGLY_ACCEPTED: "accepted, but must be rejected",
    FailureKind.UNEXPECTED_STATUS: "status that the contract does not allow",
    FailureKind.UNEXPECTED_BODY: "response body that the contract does not allow",
    FailureKind.INFORMATION_LEAK: "response leaks server internals",
    FailureKind.BREAKS_LATER_REQUESTS: "valid requests fail afterwards",
}


class Scope(enum.StrEnum):
    """Which later requests a request breaks: those on its connection, or all."""

    CONNECTION = "connection"
    TARGET = "target"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One defect: the failure, the smallest request that shows it, and where and how often it was seen.

    `reason` is the cause in the request, in words. `preceding` are requests that have to be sent first, and
    `scope` is set where they cause the failure. `facts` are the facts that the answer broke. `requests` are all that
    are sent, in order and without secrets. A finding that was loaded has neither scope, facts nor requests.
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
    facts: tuple[str, ...] = field(default=(), compare=False)
    scope: Scope | None = field(default=None, compare=False)
    exchange: Exchange | None = field(default=None, compare=False)
    requests: tuple[Request, ...] = field(default=(), compare=False)
    curl: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        """A short hash, the same whenever the same requests show the same defect of the same target."""
        parts = [
            self.url,
            self.profile,
            self.failure_kind,
            self.dedup_key,
            escape_surrogates(self.reason),
            *(case_to_line(case._replace(about="", expected_facts=())) for case in (self.case, *self.preceding)),
        ]
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:10]

    @property
    def title(self) -> str:
        """The cause and the failure, in one line."""
        return f"{self.reason or 'a request'}: {FAILURE_TITLES[self.failure_kind]}{_CERTAINTY_NOTES[self.certainty]}"

    def as_json(self) -> dict[str, Any]:
        """The finding as a JSON object."""
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
    """Writes a finding to the cache directory, for `replay`; None if that is impossible."""
    path = _finding_path(finding.id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, redact_file_text(json.dumps(finding.as_json(), indent=1)) + "\n")
    except OSError:
        return None
    return path


def load_finding(finding_id: str) -> Finding:
    """Loads a finding by its id. Raises UsageError if there is none."""
    path = _finding_path(finding_id)
    if re.fullmatch("[0-9a-z]{1,64}", finding_id) is None or not path.exists():
        raise UsageError(f"no finding has the id {shorten(finding_id)!r}; findings are kept in {path.parent}")
    try:
        fields = json.loads(read_text(path, what="the finding"))
        _validate(fields)
        finding = _from_json(fields)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a finding: {error}") from None
    if finding.id != finding_id:
        raise UsageError(f"{path} is not the finding {finding_id}: its content has the id {finding.id}")
    return finding


def _validate(fields: Any) -> None:  # noqa: ANN401 - any JSON
    """Raises ValueError unless a value has the shape of a finding. Bodies may be any JSON, so they are left out."""
    without_bodies = fields
    if isinstance(fields, dict):
        request, before = fields.get("request"), fields.get("before")
        listed = [_without_body(item) for item in before] if isinstance(before, list) else before
        without_bodies = {**fields, "request": _without_body(request), "before": listed}
    for problem in _validator().iter_errors(without_bodies):
        place = "".join(f"/{step}" for step in problem.instance_path) or "its top level"
        raise ValueError(f"at {place}, {problem.message}")


def _without_body(request: Any) -> Any:  # noqa: ANN401 - any JSON
    """A request with null for a body of JSON."""
    return {**request, "json": None} if isinstance(request, dict) and "json" in request else request


@cache
def _validator() -> jsonschema_rs.Validator:
    """The compiled schema."""
    return jsonschema_rs.validator_for(read_json_spec("finding.schema.json"))


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
