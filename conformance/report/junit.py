"""The report as JUnit XML, for CI systems that show test results."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from conformance.model import Outcome
from conformance.report.document import STOPPED

if TYPE_CHECKING:
    from conformance.model import Verdict
    from conformance.report.document import Report

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAGS = {
    Outcome.FAIL: "failure",
    Outcome.UNTESTABLE: "failure",
    Outcome.ERROR: "error",
    Outcome.NOT_APPLICABLE: "skipped",
}


def junit(report: Report) -> str:
    """A `testsuites` document: one suite for each area, one case for each check and operation.

    A failure below the run's gate is no failure of the run; it is `skipped`, with its message.
    """
    root = ET.Element("testsuites", name="ingest-conformance", time=f"{report.header.duration_s:.3f}")
    for area in sorted({item.area for item in report.verdicts}):
        found = [item for item in report.verdicts if item.area is area]
        suite = ET.SubElement(root, "testsuite", name=f"{report.header.profile}.{area}")
        tags = [_case(suite, item, report) for item in found]
        suite.set("tests", str(len(found)))
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            suite.set(name, str(tags.count(tag)))
    if not report.is_complete:
        _incomplete(root, report)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _incomplete(root: ET.Element, report: Report) -> None:
    """Adds an error for what was not judged, so that nobody takes the rest for all."""
    suite = ET.SubElement(root, "testsuite", name=f"{report.header.profile}.run")
    for name, count in (("tests", "1"), ("failures", "0"), ("errors", "1"), ("skipped", "0")):
        suite.set(name, count)
    case = ET.SubElement(suite, "testcase", classname="conformance.run", name="the run is complete", time="0")
    judged = f"{len(report.verdicts)} of {report.header.planned} checks were judged"
    ET.SubElement(case, "error", message=_printable(f"{report.header.stopped or STOPPED}: {judged}"))


def _case(suite: ET.Element, item: Verdict, report: Report) -> str | None:
    """Adds one case; returns the tag of what it came to."""
    case = ET.SubElement(
        suite, "testcase", classname=f"conformance.{item.area}", name=_printable(item.name), time="0"
    )
    tag = _TAGS.get(item.outcome)
    if tag is None:
        return None
    if not item.level.reaches(report.header.gate):
        tag = "skipped"
    message = f"[{item.level}] {item.outcome}: {item.message or item.title}"
    inner = ET.SubElement(case, tag, message=_printable(message))
    if tag != "skipped":
        inner.set("type", item.outcome.value)
        inner.text = _printable("\n".join([item.title, *(str(source) for source in item.sources), item.curl]))
    return tag


def _printable(text: str) -> str:
    """A text without what XML can't hold."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
