"""The requests of what is broken, as an archive that other tools read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conformance.report.har import render_har
from tests.support import sample_reports
from tests.support.golden_files import HOSTILE_TEXT, hostile_report
from tests.support.har_schema import har_validator

SILENT = sample_reports.report(
    sample_reports.failed_check("auth.key.unknown", exchanges=[sample_reports.NO_ANSWER], started_s=1.5, duration_s=2)
)
LONG = sample_reports.exchange("{" * 1024)
LONG["request"]["body_bytes"] = 5000
ODD = sample_reports.report(
    sample_reports.failed_check("auth.key.unknown", message=HOSTILE_TEXT, exchanges=[LONG, sample_reports.exchange()])
)


@pytest.mark.parametrize(
    "document", [sample_reports.full_report(), sample_reports.conforming_report(), hostile_report(), SILENT, ODD]
)
def test_it_fits_the_public_schema(document: dict[str, Any]) -> None:
    """Whatever a target said, and with nothing to show."""
    log = json.loads(render_har(document))
    har_validator().validate(log)
    count = sum(len(item["exchanges"]) for item in document["checks"])
    assert len(log["log"]["entries"]) == count
    assert {entry["pageref"] for entry in log["log"]["entries"]} == {page["id"] for page in log["log"]["pages"]}


def test_what_is_missing_is_said() -> None:
    """No answer, a body that was cut, and when it was."""
    (entry,) = json.loads(render_har(SILENT))["log"]["entries"]
    assert (entry["response"]["status"], entry["comment"]) == (0, "it was closed")
    assert entry["startedDateTime"] == "2024-03-01T09:30:01.500+00:00"
    first, second = json.loads(render_har(ODD))["log"]["entries"]
    assert first["request"]["postData"]["comment"] == "cut, of 5,000 bytes"
    assert "comment" not in second["request"]["postData"]
    assert second["request"]["url"] == "http://127.0.0.1:8080/v1/track?trace=1"
