"""The report as a code quality report, which GitLab shows in merge requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.core.model import Level
from conformance.core.text import escape_controls, to_json_text, truncate
from conformance.report.cause import Harm
from conformance.report.scan_results import broken_items, fingerprint, place_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.core.model import JsonObject

_SEVERITIES = {Level.MUST: "critical", Level.SHOULD: "major", Level.MAY: "minor"}
_KNOWN_SEVERITY, _WORST_SEVERITY = "info", "blocker"
_MAX_LENGTH = 1000


def render_code_quality(document: Mapping[str, Any]) -> str:
    """A list of issues, one for each cause, and one on each call for a broken check without a cause.

    At the gate, valid events that are refused or lost are blockers; what is known is for information.
    """
    harms = {cause["id"]: cause["harm"] for cause in document.get("causes", [])}
    gate = Level(document["run"]["gate"])
    issues = [_issue(item, document, harms.get(item.get("cause", ""), ""), gate) for item in broken_items(document)]
    return to_json_text(issues, indent=1) + "\n"


def _issue(item: Mapping[str, Any], document: Mapping[str, Any], harm: str, gate: Level) -> JsonObject:
    place, level = place_of(document), Level(item["level"])
    is_worst = harm == Harm.LOST and level.is_at_least(gate)
    severity = _KNOWN_SEVERITY if item.get("known") else _WORST_SEVERITY if is_worst else _SEVERITIES[level]
    calls = item.get("calls") or ([item["operation"]] if item["operation"] else [])
    where = f" ({calls[0]}{f' and {len(calls) - 1:,} more' if len(calls) > 1 else ''})" if calls else ""
    message = truncate(" ".join(escape_controls(item["message"] or item["title"]).split()), _MAX_LENGTH)
    return {
        "type": "issue",
        "check_name": item["id"],
        "description": message + escape_controls(where),
        "categories": ["Compatibility"],
        "severity": severity,
        "fingerprint": fingerprint(item, document["profile"]["name"]),
        "location": {"path": place.path, "lines": {"begin": place.line}},
    }
