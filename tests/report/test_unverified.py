"""A report of a run with --insecure says that nobody proved who answered."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from conformance.cli import main
from conformance.core.model import Level, Outcome
from conformance.report import loading
from conformance.report.html import render_html
from conformance.report.markdown import render_markdown
from conformance.report.terminal import print_report
from conformance.wire import parse_target
from tests.report.test_unjudged import report_of

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.report.document import Report

SENTENCE = "certificate was not verified"


def report_of_run(*, is_unverified: bool) -> Report:
    """A report that conforms."""
    report = report_of((Level.MUST, Outcome.PASS))
    return replace(report, run_info=replace(report.run_info, is_unverified=is_unverified))


@pytest.mark.parametrize("is_unverified", [True, False])
def test_every_kind_of_report_says_it(is_unverified: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    """And none of a run that verified."""
    report = report_of_run(is_unverified=is_unverified)
    file = io.StringIO()
    print_report(report, Console(file=file, width=120), quiet=True)
    document = report.as_json()
    for text in (file.getvalue(), render_html(document), render_markdown(document)):
        assert (SENTENCE in text) is is_unverified
    (tmp_path / "report.json").write_text(report.json_text())
    assert loading.load(str(tmp_path / "report.json"))["run"].get("insecure") is (True if is_unverified else None)


def test_a_target_is_unverified_with_the_option_and_https_only() -> None:
    """Plain HTTP has no certificate to verify."""
    assert parse_target("https://127.0.0.1:9", insecure=True).is_unverified
    assert not parse_target("https://127.0.0.1:9").is_unverified
    assert not parse_target("http://127.0.0.1:9", insecure=True).is_unverified


def test_the_command_warns_however_quiet_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Before it sends anything."""
    arguments = ["--insecure", "--quiet", "--profile", "acme", "--write-key", "Some-Key"]
    main(["run", "https://127.0.0.1:9", *arguments])
    assert "warning: the target's certificate is not verified (--insecure)" in capsys.readouterr().err
