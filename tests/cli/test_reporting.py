"""The command with reports: all kinds of one run, those of earlier runs, every profile, comparisons."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.cli import main
from conformance.cli.all_profiles import without_transcripts
from conformance.core import resources
from conformance.core.model import Level, Outcome
from conformance.report.badge import render_badge
from conformance.report.document import dump_json
from conformance.report.html import render_html, render_html_matrix
from conformance.report.junit import render_junit
from conformance.report.loading import combine_reports, load, load_all
from conformance.report.markdown import render_markdown, render_markdown_matrix
from conformance.report.markdown.markup import escape_markdown
from conformance.report.sarif import render_sarif
from conformance.trace import statements_of_report
from tests.report.test_renderers import schema_validator
from tests.report.test_unjudged import report_of
from tests.support import sample_reports
from tests.support.broken_servers import broken_server
from tests.support.golden_files import later_report

if TYPE_CHECKING:
    from collections.abc import Mapping

SELECT = ("--profile", "segmentstream", "--select", "accept.event.*,auth.key.*")


def html_of_report(document: Mapping[str, Any]) -> str:
    """The page of a report, with the statements of the vendor's documents."""
    return render_html(document, statements_of_report(document))


RENDERERS = {
    "html": html_of_report,
    "markdown": render_markdown,
    "junit": render_junit,
    "sarif": render_sarif,
    "badge": render_badge,
}
NAMES = resources.profile_names()


def store_reports(place: Path, *documents: dict[str, Any]) -> str:
    """A file with reports in it."""
    place.write_text(dump_json(documents[0]) if len(documents) == 1 else combine_reports(documents), encoding="utf-8")
    return str(place)


def ndjson_events(content: str) -> list[dict[str, Any]]:
    """The lines of a stream, each as its schema says."""
    parsed = [json.loads(line) for line in content.splitlines()]
    for item in parsed:
        schema_validator("events").validate(item)
    return parsed


# One run


def test_one_run_makes_every_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind is what the JSON report gives, and standard output still has the verdict."""
    wanted = [f"--{name}={tmp_path / name}" for name in ("json", "ndjson", *RENDERERS)]
    with broken_server("unknown-key-accepted") as url:
        assert main(["run", url, *SELECT, "--write-key", "a-key-of-ours", *wanted]) in {1, 3}
    assert url in capsys.readouterr().out
    document = load(str(tmp_path / "json"))
    for name, render in RENDERERS.items():
        assert (tmp_path / name).read_text("utf-8") == render(document), name
    start, *verdicts, end = ndjson_events((tmp_path / "ndjson").read_text("utf-8"))
    assert start["checks"] == len(verdicts) == len(document["checks"])
    assert sorted((item["check"] for item in verdicts), key=lambda item: (item["id"], item["operation"])) == [
        {key: value for key, value in item.items() if key != "cause"} for item in document["checks"]
    ]
    assert end["causes"] == document["causes"]
    assert (end["verdict"], end["counts"]) == (document["verdict"], document["counts"])
    assert end["requests"] == document["run"]["requests"]


@pytest.mark.parametrize("name", RENDERERS)
def test_a_report_on_standard_output_stands_alone(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With `-` nothing else is printed there."""
    assert main(["run", *SELECT, f"--{name}", "-"]) == 0
    out = capsys.readouterr().out
    starts = {"html": "<!doctype html>", "markdown": "# ", "junit": "<?xml", "sarif": "{", "badge": "<svg"}
    assert out.lower().startswith(starts[name])
    assert " conforms to the profile " not in out


def test_a_stream_comes_as_the_run_goes() -> None:
    """The first lines can be read while the process is still at work."""
    with subprocess.Popen(
        [sys.executable, "-m", "conformance", "run", *SELECT[:2], "--ndjson", "-", "--quiet"],
        stdout=subprocess.PIPE, text=True, encoding="utf-8",
    ) as process:  # fmt: skip
        assert process.stdout
        first = [next(process.stdout) for _ in range(2)]
        is_running = process.poll() is None
        rest = process.stdout.read()
    assert is_running
    assert process.returncode == 0
    assert [item["event"] for item in ndjson_events("".join(first))] == ["start", "verdict"]
    stream = ndjson_events("".join(first) + rest)
    assert [item["event"] for item in stream] == ["start", *["verdict"] * stream[0]["checks"], "end"]
    assert "\x1b" not in rest


def test_a_stream_says_why_it_ends(tmp_path: Path) -> None:
    """Where nobody answers, the last line has the reason and the exit code."""
    place = tmp_path / "events"
    url = "http://127.0.0.1:9"
    assert main(["run", url, *SELECT, "--write-key", "key", "--ndjson", str(place)]) == 3
    start, end = ndjson_events(place.read_text("utf-8"))
    assert start["target"]["url"] == url
    assert (end["verdict"], end["exit_code"]) == ("unjudged", 3)
    assert url in end["failure"]


@pytest.mark.parametrize("name", ["html", "markdown", "sarif", "badge", "ndjson"])
def test_a_report_that_can_not_be_written(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in a folder that is not there is no verdict on the target."""
    assert main(["run", *SELECT, f"--{name}", str(tmp_path / "none" / "file")]) == 3
    assert f"--{name} {tmp_path}" in capsys.readouterr().err


def test_wrong_usage_leaves_files_alone(tmp_path: Path) -> None:
    """A file of an earlier stream is still there if the next run can't begin."""
    place = tmp_path / "events"
    place.write_text("earlier", encoding="utf-8")
    assert main(["run", "not a url", *SELECT, "--write-key", "key", "--ndjson", str(place)]) == 2
    assert place.read_text("utf-8") == "earlier"


@pytest.mark.parametrize("name", ["json", *RENDERERS, "ndjson", "write-known-deviations"])
def test_a_full_disk_is_no_verdict(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What can't be written to its end is said, and never ends well."""
    full = Path("/dev/full")
    assert full.exists()
    assert main(["run", *SELECT, f"--{name}", str(full)]) == 3
    assert f"--{name} {full}: the report can't be written" in capsys.readouterr().err


def test_a_full_standard_output_is_no_verdict() -> None:
    """A verdict that can't be printed does not end with exit code 0."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        completed = subprocess.run(
            [sys.executable, "-m", "conformance", "run", *SELECT],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert completed.returncode == 3
    assert "standard output can't be written" in completed.stderr
    assert "fault of the suite" not in completed.stderr


def test_two_reports_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """Only one can go there, a stream included."""
    assert main(["run", *SELECT, "--ndjson", "-", "--markdown", "-"]) == 2
    assert "only one report" in capsys.readouterr().err


# Reports of earlier runs


def test_markdown_is_what_report_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without options, a report is printed as Markdown."""
    assert main(["report", store_reports(tmp_path / "a.json", sample_reports.full_report())]) == 0
    assert capsys.readouterr().out == render_markdown(sample_reports.full_report())


def test_every_kind_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A report of an earlier run makes every kind of report."""
    wanted = [f"--{name}={tmp_path / name}" for name in ("json", *RENDERERS)]
    assert main(["report", store_reports(tmp_path / "a.json", sample_reports.full_report()), *wanted]) == 0
    assert capsys.readouterr().out == ""
    assert load(str(tmp_path / "json")) == sample_reports.full_report()
    for name, render in RENDERERS.items():
        assert (tmp_path / name).read_text("utf-8") == render(sample_reports.full_report()), name


def test_several_reports_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Several files, or several reports in one, make a matrix."""
    documents = [sample_reports.full_report(), sample_reports.conforming_report(), later_report()]
    apart = [store_reports(tmp_path / f"{number}.json", item) for number, item in enumerate(documents)]
    mixed = [apart[0], store_reports(tmp_path / "both.json", *documents[1:])]
    for files in (apart, mixed):
        assert main(["report", *files]) == 0
        assert capsys.readouterr().out == render_markdown_matrix(documents)
        assert main(["report", *files, "--html", "-"]) == 0
        assert capsys.readouterr().out == render_html_matrix(documents)
        assert main(["report", *files, "--json", str(tmp_path / "all")]) == 0
        assert load_all(str(tmp_path / "all")) == documents


@pytest.mark.parametrize("name", ["junit", "sarif", "badge"])
def test_what_is_of_one_report(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Some kinds say nothing of several reports."""
    both = store_reports(tmp_path / "both.json", sample_reports.full_report(), sample_reports.conforming_report())
    assert main(["report", both, f"--{name}", "-"]) == 2
    assert f"--{name} can show only one report" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["report", "{}"], ["compare", "{}", "{}"]])
def test_an_unreadable_report_is_wrong_usage(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A truncated report ends the command with 2 and one sentence."""
    place = tmp_path / "a.json"
    place.write_text(dump_json(sample_reports.full_report())[:-20], encoding="utf-8")
    assert main([word.format(place) for word in command]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"conformance: {place}: the report is truncated")


# Comparisons


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (sample_reports.full_report(), sample_reports.full_report(), 0),
        (sample_reports.full_report(), later_report(), 1),
        (sample_reports.report(verdict="unjudged"), sample_reports.full_report(), 0),
        (sample_reports.full_report(), sample_reports.report(verdict="unjudged"), 1),
    ],
    ids=["same", "broken", "new", "vanished"],
)
def test_compare(
    old: dict[str, Any], new: dict[str, Any], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is 1 if something broke or vanished; both kinds of report can be written."""
    files = [store_reports(tmp_path / "old.json", old), store_reports(tmp_path / "new.json", new)]
    wanted = ["--json", str(tmp_path / "changes.json"), "--markdown", str(tmp_path / "changes.md")]
    assert main(["compare", *files, *wanted]) == code
    assert capsys.readouterr().out.splitlines()[-1].endswith(" the same")
    document = json.loads((tmp_path / "changes.json").read_text("utf-8"))
    schema_validator("changes").validate(document)
    assert document["worse"] == bool(code)
    words = "# Worse" if code else "# No worse"
    assert (tmp_path / "changes.md").read_text("utf-8").startswith(words)
    assert main(["compare", *files, "--markdown", "-"]) == code
    assert capsys.readouterr().out.startswith(words)


# Every profile


def test_all_profiles_in_one_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a URL, the reference server of each profile is judged by it, and all conform."""
    place = tmp_path / "all.json"
    wanted = ["--json", str(place), "--html", str(tmp_path / "html"), "--markdown", str(tmp_path / "md")]
    assert main(["run", "--profile", "all", "--select", "accept.event.*", *wanted]) == 0
    out = capsys.readouterr().out
    assert all(re.search(rf"by {name} +conforms ", out) for name in NAMES)
    documents = load_all(str(place))
    schema_validator("reports").validate(json.loads(place.read_text("utf-8")))
    assert [item["profile"]["name"] for item in documents] == NAMES
    assert (tmp_path / "html").read_text("utf-8") == render_html_matrix(documents)
    assert (tmp_path / "md").read_text("utf-8") == render_markdown_matrix(documents)


def test_only_json_has_the_requests_of_all_profiles() -> None:
    """What no other kind shows is not kept until the last profile is judged."""
    report = report_of((Level.MUST, Outcome.FAIL), (Level.MUST, Outcome.PASS))
    exchange = sample_reports.exchange()
    whole = replace(report, verdicts=tuple(replace(item, exchanges=(exchange,)) for item in report.verdicts))
    slim = without_transcripts(whole)
    assert [item.exchanges for item in slim.verdicts] == [(), ()]
    for render in (render_html_matrix, render_markdown_matrix):
        assert render([slim.as_json()] * 2) == render([whole.as_json()] * 2)


def test_a_profile_that_can_not_judge_is_a_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A target that accepts nothing of one profile is unjudged by that; the others count all the same."""
    place = tmp_path / "all.json"
    with broken_server("unknown-key-accepted") as url:
        command = ["run", url, "--profile", "all", "--select", "accept.event.*,auth.key.unknown"]
        code = main([*command, "--write-key", "any-key-will-do", "--json", str(place)])
    documents = load_all(str(place))
    verdicts = {item["profile"]["name"]: item["verdict"] for item in documents}
    failed = [item for item in documents if item["run"].get("failure")]
    assert code == (1 if "deviates" in verdicts.values() else 3)
    assert failed
    assert len(failed) < len(documents)
    for item in failed:
        assert (item["verdict"], item["checks"]) == ("unjudged", [])
        assert escape_markdown(item["run"]["failure"]) in render_markdown(item)
        assert escape_markdown(item["run"]["failure"]) in render_markdown_matrix(documents)
        assert item["run"]["failure"] in unescape(render_html(item))
        assert item["run"]["failure"] in unescape(render_html_matrix(documents))
    assert "unjudged" in capsys.readouterr().out


def test_nobody_there_by_any_profile(capsys: pytest.CaptureFixture[str]) -> None:
    """A target that nobody can reach ends with 3 and one sentence."""
    command = ["run", "http://127.0.0.1:9", "--profile", "all", "--write-key", "key", "--quiet"]
    assert main(command) == 3
    assert "http://127.0.0.1:9" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--ndjson", "-"], "--ndjson works with a single profile"),
        (["--junit", "-"], "--junit can show only one report"),
        (["--include", "nonsense"], "no profile has such a group"),
    ],
)
def test_what_all_profiles_do_not_take(more: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Options that need a single profile are wrong usage with several."""
    assert main(["run", "--profile", "all", *more]) == 2
    assert said in capsys.readouterr().err
