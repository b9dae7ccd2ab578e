"""The reports that are kept: they are what their JSON renders to, and have nothing of one machine in them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from conformance.cases import CHECKS
from conformance.checks.trial import make_trials
from conformance.contract import Contract
from conformance.core.model import Level
from conformance.core.resources import profile_names
from conformance.profile import load as load_profile
from conformance.report.loading import load, load_all
from conformance.requests import Keys
from reports.__main__ import DIGEST_FILE, DIRECTORY, neutralise, render_pages, report_text, suite_digest
from tests.regenerate import hint
from tests.support import sample_reports as samples

NAMES = profile_names()
REPORT_NAMES = sorted(path.relative_to(DIRECTORY).as_posix() for path in DIRECTORY.rglob("*.json"))
MAX_BYTES = 12_000_000


def test_pages_are_what_the_json_renders_to() -> None:
    """A changed renderer changes the pages: `python -m reports --render` makes them again."""
    rendered = render_pages()
    kept = {path.relative_to(DIRECTORY).as_posix() for path in DIRECTORY.rglob("*") if path.suffix in {".html", ".md"}}
    assert kept - {"README.md"} == set(rendered)
    assert [name for name, page in rendered.items() if (DIRECTORY / name).read_text("utf-8") != page] == [], (
        "run `python -m reports --render`, and look at what changed"
    )


def test_every_profile_is_there() -> None:
    """A profile's reference server conforms to it, and was judged by all others."""
    assert set(REPORT_NAMES) == {f"{place}{name}.json" for place in ("", "cross/") for name in NAMES}
    for name in NAMES:
        own = load(str(DIRECTORY / f"{name}.json"))
        assert (own["profile"]["name"], own["verdict"]) == (name, "conforms")
        assert own["limits"]
        others = [item["profile"]["name"] for item in load_all(str(DIRECTORY / "cross" / f"{name}.json"))]
        assert others == [other for other in NAMES if other != name]


def catalogue_rows(name: str) -> set[tuple[str, ...]]:
    """What a report by a profile has for each check and operation, from the catalogue of today."""
    trials = make_trials(Contract(load_profile(name)), Keys(write_key="conformance"), CHECKS)
    return {
        (trial.check.id, str(trial.operation or ""), trial.check.area.value, trial.check.title, trial.level.value)
        for trial in trials
    }


@pytest.mark.parametrize("name", REPORT_NAMES)
def test_the_checks_are_those_of_today(name: str) -> None:
    """A check that was added, renamed, retitled or promised otherwise needs new reports.

    A failure may be weaker than its check. A report of a server that accepts nothing has no checks.
    """
    for item in load_all(str(DIRECTORY / name)):
        if item["run"].get("failure") and not item["checks"]:
            continue
        today: dict[tuple[str, ...], Level] = {
            row[:4]: Level(row[4]) for row in catalogue_rows(item["profile"]["name"])
        }
        columns = ("id", "operation", "area", "title")
        kept = {tuple(check[column] for column in columns): check for check in item["checks"]}
        difference = kept.keys() ^ today.keys()
        assert not difference, f"{min(difference)}: {hint('reports')}"
        for row, check in kept.items():
            level = Level(check["level"])
            is_weaker_failure = check["outcome"] in {"fail", "untestable"} and today[row].is_at_least(level)
            assert level is today[row] or is_weaker_failure, f"{row}: {hint('reports')}"


def test_the_reports_are_not_older_than_the_checks() -> None:
    """The code of the checks and the profiles are those by which the reports were made."""
    assert DIGEST_FILE.read_text("utf-8").strip() == suite_digest(), hint("reports")


@pytest.mark.parametrize("name", REPORT_NAMES)
def test_nothing_of_a_machine_is_kept(name: str) -> None:
    """No address, no time, no duration and no key is that of the run."""
    content = (DIRECTORY / name).read_text("utf-8")
    assert not re.search(r"127\.0\.0\.1|localhost|//[\w.-]+:\d|conformance-reports-", content)
    for item in load_all(str(DIRECTORY / name)):
        assert item["target"]["url"] == f"http://{Path(name).stem}.example"
        run = item["run"]
        assert (run["started"], run["duration_s"], run["waited_s"]) == ("1970-01-01T00:00:00+00:00", 0.0, 0.0)


def test_the_repository_stays_small() -> None:
    """All that is kept has less than 8 MB."""
    assert sum(path.stat().st_size for path in DIRECTORY.rglob("*") if path.is_file()) < MAX_BYTES


def test_a_report_is_made_neutral(monkeypatch: pytest.MonkeyPatch) -> None:
    """What differs from run to run is replaced everywhere, what is broken keeps its sources."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    url = samples.full_report()["target"]["url"]
    original: dict[str, Any] = samples.report(
        samples.failed_check("auth.key.unknown", message=f"{url} said no"), samples.check("accept.event.minimal")
    )
    neutralised = neutralise(original, "acme")
    assert url not in json.dumps(neutralised)
    kept, broken = neutralised["checks"]
    assert broken["message"] == "http://acme.example said no"
    assert (len(broken["sources"]), kept["sources"]) == (1, [])
    assert {(str(item["exchanges"]), item["curl"]) for item in neutralised["checks"]} == {("[]", "")}
    assert neutralised["run"]["started"] == "1970-01-02T00:00:00+00:00"
    assert json.loads(report_text(neutralised)) == neutralised


def test_the_readme_leads_to_them() -> None:
    """Every link of the README there leads to something."""
    links = re.findall(r"\]\(([^)]+)\)", (DIRECTORY / "README.md").read_text("utf-8"))
    assert set(links) >= {"cross.md", *(f"{name}.md" for name in NAMES)}
    assert [link for link in links if not (DIRECTORY / link).exists()] == []
