"""The report as JUnit XML, for CI systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from conformance.core.model import Level, Outcome, Source
from conformance.core.text import clean_for_xml
from conformance.report.cause_view import sentences_by_cause
from conformance.report.dead_paths import one_for_each_dead_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OUTCOME_TAGS = {
    Outcome.FAIL: "failure",
    Outcome.UNTESTABLE: "failure",
    Outcome.ERROR: "error",
    Outcome.NOT_APPLICABLE: "skipped",
}


def render_junit(document: Mapping[str, Any]) -> str:
    """A `testsuites` document of a report: one suite for each area, one case for each check and operation.

    All that can't be asked on a call because nothing is accepted there is one case, in the suite `paths`. A failure
    below the run's gate, or a known one, does not fail the run: it is `skipped`, with its message.
    """
    run, checks = document["run"], document["checks"]
    gate, causes = Level(run["gate"]), sentences_by_cause(document)
    root = ET.Element("testsuites", name="ingest-conformance", time=f"{run['duration_s']:.3f}")
    cases = [_of_paths(item) if item.get("path_state") else item for item in one_for_each_dead_path(checks)]
    for area in sorted({item["area"] for item in cases}):
        area_checks = [item for item in cases if item["area"] == area]
        suite = ET.SubElement(root, "testsuite", name=clean_for_xml(f"{document['profile']['name']}.{area}"))
        tags = [_add_case(suite, item, gate, causes.get(item.get("cause", ""), "")) for item in area_checks]
        _set_counts(suite, tags)
        suite.set("time", f"{sum(item.get('duration_s', 0) for item in area_checks):.3f}")
        suite.set("timestamp", run["started"].removesuffix("+00:00"))
    if not document["complete"]:
        judged = f"{len(checks)} of {run['planned']} checks were judged"
        _add_error_suite(root, document["profile"]["name"], "the run is complete", f"{run['stopped']}: {judged}")
    elif run.get("failure"):
        _add_error_suite(root, document["profile"]["name"], "something is judged", run["failure"])
    _set_totals(root)
    ET.indent(root)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ET.tostring(root, encoding='unicode')}\n"


def _of_paths(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """All checks of a call that accepts nothing, as one check."""
    return {**item, "area": "paths", "id": f"paths.{item['path_state']}", "title": "The path accepts a valid request."}


def render_findings_junit(document: Mapping[str, Any]) -> str:
    """A `testsuites` document of findings: one case for each call, which fails with those at the gate.

    A call of which no generated request was judged is skipped; what ended early has an error of its own.
    """
    gate = Level(document["gate"])
    root = ET.Element("testsuites", name="ingest-conformance", time=f"{document.get('duration_s', 0):.3f}")
    suite = ET.SubElement(root, "testsuite", name=clean_for_xml(f"{document['profile']}.fuzz"))
    tags = [_add_call(suite, call, count, document["findings"], gate) for call, count in document["judged"].items()]
    _set_counts(suite, tags)
    if not document["complete"]:
        _add_error_suite(root, document["profile"], "all was sent", document["stopped"])
    _set_totals(root)
    ET.indent(root)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ET.tostring(root, encoding='unicode')}\n"


def _set_counts(suite: ET.Element, tags: Sequence[str | None]) -> None:
    """Sets how many cases a suite has, and how many of them failed, ended in an error or were skipped."""
    suite.set("tests", str(len(tags)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(tags.count(tag)))


def _set_totals(root: ET.Element) -> None:
    """Sets the sums over all suites."""
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))


def _add_call(
    suite: ET.Element, call: str, judged_count: int, findings: Sequence[Mapping[str, Any]], gate: Level
) -> str | None:
    """Adds the case of a call; returns the tag of its outcome."""
    case = ET.SubElement(
        suite, "testcase", classname="conformance.fuzz", name=clean_for_xml(f"generated requests[{call}]"), time="0"
    )
    found = [item for item in findings if call in item["calls"]]
    gated = [item for item in found if Level(item["level"]).is_at_least(gate)]
    if not (found or not judged_count):
        return None
    lines = [f"[{item['level']}] {item['title']}: {item['message']}" for item in gated or found]
    tag = "failure" if gated else "skipped"
    element = ET.SubElement(case, tag, message=clean_for_xml("; ".join(lines) or "no generated request was judged"))
    if gated:
        element.set("type", "fail")
        replay_lines = (f"conformance replay {item['id']}" for item in gated)
        element.text = clean_for_xml("\n".join([*replay_lines, *(item["curl"] for item in gated if item["curl"])]))
    return tag


def _add_error_suite(root: ET.Element, profile: str, name_of_case: str, message: str) -> None:
    """Adds an error about the whole run, so that what was judged is not mistaken for all of it."""
    suite = ET.SubElement(root, "testsuite", name=clean_for_xml(f"{profile}.run"))
    for name, count in (("tests", "1"), ("failures", "0"), ("errors", "1"), ("skipped", "0")):
        suite.set(name, count)
    case = ET.SubElement(suite, "testcase", classname="conformance.run", name=name_of_case, time="0")
    ET.SubElement(case, "error", message=clean_for_xml(message))


def _add_case(suite: ET.Element, item: Mapping[str, Any], gate: Level, cause: str) -> str | None:
    """Adds one case, which names its cause; returns the tag of its outcome."""
    name = f"{item['id']}[{item['operation']}]" if item["operation"] else item["id"]
    case = ET.SubElement(suite, "testcase", classname=f"conformance.{item['area']}", name=clean_for_xml(name))
    case.set("time", f"{item.get('duration_s', 0):.3f}")
    tag = _OUTCOME_TAGS.get(Outcome(item["outcome"]))
    if tag is None:
        return None
    known = f"known ({item['known']['reason']}), " if item.get("known") else ""
    if known or not Level(item["level"]).is_at_least(gate):
        tag = "skipped"
    message = f"[{item['level']}] {known}{item['outcome']}: {item['message'] or item['title']}"
    element = ET.SubElement(case, tag, message=clean_for_xml(message))
    if tag != "skipped":
        element.set("type", item["outcome"])
        causes = [f"cause {item['cause']}: {cause}"] if cause else []
        sources = (str(Source(**source)) for source in item["sources"])
        element.text = clean_for_xml("\n".join([item["title"], *causes, *sources, item["curl"]]))
    return tag
