"""What is broken, as tools for code show it: code quality, annotations, and the place of results in a repository."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from conformance.core.errors import UsageError
from conformance.profile import load
from conformance.report.annotations import render_annotations
from conformance.report.code_quality import render_code_quality
from conformance.report.junit import render_junit
from conformance.report.sarif import render_sarif
from conformance.run.execution import own_profile_path
from conformance.settings import table
from tests.support import sample_reports
from tests.support.golden_files import hostile_report
from tests.support.paths import ACME

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = [sample_reports.full_report(), sample_reports.report_with_causes(), hostile_report()]
SEVERITIES = {"info", "minor", "major", "critical", "blocker"}


def at_location(location: str) -> dict[str, Any]:
    """The report with causes, with a place for its results."""
    document = sample_reports.report_with_causes()
    return {**document, "run": {**document["run"], "location": location}}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_code_quality_has_the_fields_that_are_read(document: dict[str, Any]) -> None:
    """Each issue has all fields that GitLab documents, a fingerprint of its own, and a path below the root."""
    issues = json.loads(render_code_quality(document))
    assert len(issues) == len(json.loads(render_sarif(document))["runs"][0]["results"]) > 0
    for issue in issues:
        assert issue["severity"] in SEVERITIES
        assert all(
            isinstance(issue[name], str) and issue[name] for name in ("description", "check_name", "fingerprint")
        )
        assert not re.search(r"^\.?/|[\x00-\x1f]", issue["location"]["path"] + issue["description"])
        assert issue["location"]["lines"]["begin"] >= 1
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    if "causes" in document:
        assert [issue["severity"] for issue in issues if issue["check_name"] == "json.syntax.nan"] == ["blocker"]


def test_results_are_in_the_file_of_the_settings() -> None:
    """With a line or without, in every kind of report that has places; a path with spaces is a URI in SARIF."""
    document = at_location("src/my server.py:12")
    results = json.loads(render_sarif(document))["runs"][0]["results"]
    places = {json.dumps(item["locations"][0]["physicalLocation"]) for item in results}
    assert places == {'{"artifactLocation": {"uri": "src/my%20server.py"}, "region": {"startLine": 12}}'}
    issues = json.loads(render_code_quality(document))
    assert {(item["location"]["path"], item["location"]["lines"]["begin"]) for item in issues} == {
        ("src/my server.py", 12)
    }
    assert "::error file=src/my server.py,line=12,title=Conformance%2C MUST::" in render_annotations(document)
    assert json.loads(render_code_quality(at_location("src/a.py")))[0]["location"]["lines"] == {"begin": 1}


@pytest.mark.parametrize("text", ["/etc/passwd", "../a.py", "a/../b.py", "C:/a.py", "a\\b.py", "a.py:0", "a//b", ""])
def test_a_place_is_below_the_root(text: str) -> None:
    """What GitHub and GitLab would not find is refused."""
    with pytest.raises(UsageError, match="from the root of your repository"):
        table.resolve({"sarif_location": text})


@pytest.mark.parametrize("document", DOCUMENTS)
def test_annotations_are_commands_and_nothing_else(document: dict[str, Any]) -> None:
    """At most ten of a kind, each in a line of its own: nothing that a target says ends it, or begins another."""
    lines = render_annotations(document).splitlines()
    assert lines
    for line in lines:
        assert re.fullmatch(r"::(error|warning) file=[^,:]+,line=\d+,title=[^,:]+::[^\x00-\x08\x0a-\x1f]+", line), line
    for kind in ("error", "warning"):
        assert sum(line.startswith(f"::{kind} ") for line in lines) <= 10


def test_the_tenth_annotation_counts_the_rest() -> None:
    """A job would show ten, and be silent about the others."""
    checks = [sample_reports.failed_check(f"auth.key.number{number:02}") for number in range(25)]
    lines = render_annotations(sample_reports.report(*checks)).splitlines()
    assert len(lines) == 10
    assert lines[-1].endswith("::and 16 more; the job's summary has all")


def test_what_is_known_has_no_annotation() -> None:
    """It was accepted, so it is no news."""
    check = sample_reports.failed_check("auth.key.unknown", known={"reason": "later", "since": "", "until": ""})
    assert render_annotations(sample_reports.report(check)) == ""


def test_junit_has_times_and_totals() -> None:
    """A case has its check's duration, a suite the sum and a start, and the root the sums of its suites."""
    document = sample_reports.full_report()
    for item in document["checks"]:
        item |= {"started_s": 0.5, "duration_s": 0.25}
    text = render_junit(document)
    count = text.count("<testcase ")
    assert text.count('" time="0.250"') >= count > 5
    assert 'timestamp="2024-03-01T09:30:00"' in text
    assert re.search(
        rf'<testsuites name="ingest-conformance" time="1.235" tests="{len(document["checks"])}" fail', text
    )


def test_a_profile_of_ones_own_has_its_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From the working directory; a file elsewhere says nothing of the machine, and neither does one of the suite."""
    (tmp_path / "profiles").mkdir()
    file = tmp_path / "profiles" / "acme.yaml"
    file.write_text(ACME.read_text("utf-8"), "utf-8")
    profile = load(str(file))
    monkeypatch.chdir(tmp_path)
    assert own_profile_path(profile) == "profiles/acme.yaml"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert own_profile_path(profile) == ""
    assert own_profile_path(load("segment")) == ""
