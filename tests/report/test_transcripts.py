"""Transcripts in reports: long headers are cut, and a whole report has a budget, whatever a target sends."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from conformance.core import resources
from conformance.core.model import Area, Exchange, Outcome, Request, Response
from conformance.report.html import render_html
from conformance.report.markdown import render_markdown
from conformance.report.transcript import (
    MAX_COMPLETE_LENGTH,
    MAX_REPORT_LENGTH,
    MAX_SHOWN_HEADERS,
    TranscriptBudget,
    transcript_json,
)
from tests.report.test_document import report, terminal_output, verdict

if TYPE_CHECKING:
    from conformance.core.model import Verdict

HEADERS = tuple((f"X-{number}", "h" * 2_000) for number in range(200))
LARGE = Exchange(
    request=Request(method="POST", path="/v1/track", headers=HEADERS),
    response=Response(status=500, headers=HEADERS, body=b"\0" * 100_000),
)
MAX_LENGTH = 100_000
"""Of the largest transcript."""


def judged(budget: TranscriptBudget, count: int) -> Verdict:
    """A verdict of so many exchanges, as a run keeps them."""
    kept = budget.take([LARGE] * count)
    return replace(verdict(Outcome.FAIL), exchanges=kept, left_out_exchanges=count - len(kept))


def test_a_transcript_is_cut_and_says_so() -> None:
    """Names, values and bodies: its size does not depend on what a target sends."""
    for part in ("request", "response"):
        message: Any = transcript_json(LARGE)[part]
        assert len(message["headers"]) == MAX_SHOWN_HEADERS
        assert message["headers_left_out"] == len(HEADERS) - MAX_SHOWN_HEADERS
        assert message["headers"][0][1].endswith("h... (2,000 characters)")
    assert len(json.dumps(transcript_json(LARGE))) < MAX_LENGTH
    small: Any = transcript_json(Exchange(request=Request(method="GET", path="/"), response=Response(status=200)))
    assert "headers_left_out" not in small["response"]


def test_a_report_has_room_for_some_transcripts_and_counts_the_others() -> None:
    """All of them first, then the last one of each check, then none; every verdict stays."""
    budget = TranscriptBudget()
    verdicts = [replace(judged(budget, 12), id=f"errors.test.n{number}", area=Area.ERRORS) for number in range(200)]
    shown = [len(item.exchanges) for item in verdicts]
    assert (shown[0], shown[-1]) == (12, 0)
    assert shown == sorted(shown, reverse=True)
    assert shown.count(1) > 1
    assert MAX_COMPLETE_LENGTH < budget.used_length < MAX_REPORT_LENGTH + MAX_LENGTH
    large = report(*verdicts)
    document: Any = large.as_json()
    Draft202012Validator(resources.read_json_spec("report.schema.json")).validate(document)
    assert len(large.json_text()) < MAX_REPORT_LENGTH * 1.5
    assert [item.get("exchanges_left_out", 0) for item in document["checks"]] == [
        12 - len(item["exchanges"]) for item in document["checks"]
    ]
    sentence = f"{12 * 200 - sum(shown):,} requests and answers are left out of the report"
    assert sentence in " ".join(terminal_output(large).split())
    assert sentence in render_html(document)
    assert sentence in render_markdown(document)


def test_runs_that_share_a_file_share_its_room() -> None:
    """Such as those of --repeat, and those by several profiles."""
    budgets = [TranscriptBudget(4) for _ in range(4)]
    verdicts = [judged(budget, 12) for budget in budgets for _ in range(50)]
    assert {len(item.exchanges) for item in verdicts[::50]} == {12}
    assert MAX_COMPLETE_LENGTH < sum(budget.used_length for budget in budgets) < MAX_REPORT_LENGTH + 4 * MAX_LENGTH
