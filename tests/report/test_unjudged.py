"""A run that judged nothing at its gate says why, and what to do, in every kind of report."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from conformance.cli import main
from conformance.core.known_deviation import KnownDeviation
from conformance.core.model import Area, Level, Outcome, Verdict
from conformance.report.document import Report, RunInfo
from conformance.report.event_stream import end_line
from conformance.report.html import render_html, render_html_matrix
from conformance.report.junit import render_junit
from conformance.report.markdown import render_markdown, render_markdown_matrix
from conformance.report.sarif import render_sarif
from conformance.report.terminal import print_report

if TYPE_CHECKING:
    from collections.abc import Callable

NOTHING_SELECTED = "nothing at MUST was selected; 2 checks at SHOULD passed: use --gate should"
MUST_PASS, SHOULD_PASS = (Level.MUST, Outcome.PASS), (Level.SHOULD, Outcome.PASS)
OTHER_HINT = "; select other checks, as `conformance list --profile NAME` shows them"


def report_of(*results: tuple[Level, Outcome], gate: Level = Level.MUST, is_known: bool = False) -> Report:
    """A complete report of checks with these levels and outcomes."""
    info = RunInfo(
        suite_version="1", target_url="http://target", profile_name="acme", profile_title="Acme", gate=gate,
        started="2026-01-01T00:00:00+00:00", duration_s=1.0, request_count=2,
    )  # fmt: skip
    known = KnownDeviation(reason="of old") if is_known else None
    verdicts = [
        Verdict(
            id=f"auth.check.n{number}", area=Area.AUTH, level=level, title="A check.", operation="POST /v1/track",
            outcome=outcome, known_deviation=known,
        )
        for number, (level, outcome) in enumerate(results)
    ]  # fmt: skip
    return Report.from_verdicts(info, verdicts)


@pytest.mark.parametrize(
    ("results", "gate", "reason"),
    [
        ([SHOULD_PASS, SHOULD_PASS], Level.MUST, NOTHING_SELECTED),
        ([SHOULD_PASS], Level.MUST, "nothing at MUST was selected; 1 check at SHOULD passed: use --gate should"),
        (
            [SHOULD_PASS, SHOULD_PASS, (Level.SHOULD, Outcome.FAIL)],
            Level.MUST,
            "nothing at MUST was selected; 2 checks at SHOULD passed and 1 did not: use --gate should",
        ),
        (
            [(Level.MUST, Outcome.NOT_APPLICABLE), (Level.MUST, Outcome.OBSERVED), (Level.MAY, Outcome.PASS)],
            Level.SHOULD,
            "nothing at MUST or SHOULD was judged: 1 observed, 1 not-applicable; 1 check at MAY passed: use --gate may",
        ),
        ([(Level.MAY, Outcome.OBSERVED)], Level.MAY, "nothing at any level was judged: 1 observed" + OTHER_HINT),
        ([], Level.MUST, "nothing at MUST was selected" + OTHER_HINT),
        ([MUST_PASS, SHOULD_PASS], Level.MUST, ""),
        ([(Level.MUST, Outcome.FAIL), SHOULD_PASS], Level.MUST, ""),
        ([(Level.MUST, Outcome.ERROR), SHOULD_PASS], Level.MUST, ""),
    ],
)
def test_the_reason(results: list[tuple[Level, Outcome]], gate: Level, reason: str) -> None:
    """It counts what was judged below the gate; where anything at the gate was judged, there is none."""
    report = report_of(*results, gate=gate)
    assert report.unjudged_reason == reason
    assert report.as_json()["run"].get("failure", "") == reason  # type: ignore[union-attr]
    assert (report.exit_code == 3) or not reason


def test_known_deviations_alone_are_no_verdict() -> None:
    """All that was judged is excused."""
    report = report_of((Level.MUST, Outcome.FAIL), is_known=True)
    assert report.unjudged_reason == "all that was judged at MUST are known deviations" + OTHER_HINT


def in_terminal(report: Report) -> str:
    """The report as a terminal shows it."""
    file = io.StringIO()
    print_report(report, Console(file=file, width=120), quiet=True)
    return file.getvalue()


def from_document(render: Callable[[Any], str]) -> Callable[[Report], str]:
    """A kind of report that is made from the JSON document."""
    return lambda report: render(report.as_json())


@pytest.mark.parametrize(
    "render",
    [
        in_terminal, lambda report: end_line(report, 3), Report.json_text,
        from_document(render_markdown), from_document(render_html),
        from_document(render_junit), from_document(render_sarif),
        from_document(lambda document: render_markdown_matrix([document])),
        from_document(lambda document: render_html_matrix([document])),
    ],
)  # fmt: skip
def test_every_kind_of_report_says_it(render: Callable[[Report], str]) -> None:
    """Also where nothing else is wrong."""
    text = render(report_of(SHOULD_PASS, SHOULD_PASS)).replace("\\-", "-")
    assert NOTHING_SELECTED.removeprefix("nothing") in text
    assert NOTHING_SELECTED.removeprefix("nothing") not in render(report_of(MUST_PASS, SHOULD_PASS))


@pytest.mark.parametrize("render", [render_html, render_markdown, render_junit, render_sarif])
@pytest.mark.parametrize("results", [(), (MUST_PASS,)])
def test_every_kind_of_report_says_why_a_run_ended_early(
    render: Callable[[Any], str], results: tuple[tuple[Level, Outcome], ...]
) -> None:
    """Whether or not it has judged anything."""
    report = report_of(*results)
    document = replace(report, run_info=replace(report.run_info, planned_verdicts=9, stop_reason="interrupted"))
    assert "interrupted" in render(document.as_json())
    assert "interrupted" in render_html_matrix([document.as_json(), report.as_json()])


def test_a_run_says_which_gate_judges(capsys: pytest.CaptureFixture[str]) -> None:
    """From end to end: the gate that the sentence names gives the verdict."""
    arguments = ["run", "--profile", "segment", "--select", "accept.event.*", "--select", "/v1/b", "--fuzz", "0"]
    assert main(arguments) == 3
    said = capsys.readouterr()
    assert "not judged: nothing at MUST was selected; " in said.out + said.err
    assert main([*arguments, "--gate", "should"]) == 0


def test_the_sentence_is_in_the_stream() -> None:
    """Beside the exit code."""
    event = json.loads(end_line(report_of(SHOULD_PASS, SHOULD_PASS), 3))
    assert (event["exit_code"], event["failure"], event["complete"]) == (3, NOTHING_SELECTED, True)
