"""A run as a stream of JSON lines: one at the start, one for each verdict as it comes, one at the end.

Their schema is specs/events.schema.json. A stream is in its place from its first line on. One without its last line was
cut off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.text import to_json_text
from conformance.redaction import redact_document
from conformance.report.document import EXIT_CODES, FORMAT_VERSION, UNJUDGED, verdict_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from conformance.core.model import Level, Verdict
    from conformance.profile.profile import Profile
    from conformance.report.document import Report


def start_line(version: str, url: str, profile: Profile, gate: Level, planned_verdicts: int) -> str:
    """The first line: suite, target, profile and gate; `checks` is the number of verdicts that will follow."""
    return _line(
        "start",
        {
            "format": FORMAT_VERSION,
            "suite": {"name": "ingest-conformance", "version": version},
            "target": {"url": url},
            "profile": {"name": profile.name, "title": profile.title},
            "gate": gate.value,
            "checks": planned_verdicts,
        },
    )


def verdict_line(verdict: Verdict) -> str:
    """The line of a verdict, as in the checks of a JSON report."""
    return _line("verdict", {"check": verdict_json(verdict)})


def end_line(report: Report, exit_code: int) -> str:
    """The last line of a run that ended: verdict, exit code, counts, cost and causes. Durations are in seconds.

    It comes after all reports, so that its exit code is that of the command.
    """
    document: Any = report.as_json()
    return _line(
        "end",
        {
            "verdict": document["verdict"],
            "exit_code": exit_code,
            "counts": document["counts"],
            **{name: document["run"][name] for name in ("requests", "duration_s", "waited_s")},
            "failure": document["run"].get("stopped") or document["run"].get("failure", ""),
            **({"causes": document["causes"]} if "causes" in document else {}),
            "complete": document["complete"],
        },
    )


def failure_line(reason: str) -> str:
    """The last line of a run that could not start or go on, with the reason."""
    return _line(
        "end",
        {"verdict": UNJUDGED, "exit_code": EXIT_CODES[UNJUDGED], "failure": reason, "complete": True},
    )


def _line(event: str, content: Mapping[str, Any]) -> str:
    return to_json_text(redact_document({"event": event, **content})) + "\n"
