"""Every statement of the vendors' documents is judged or excluded for a reason, and no check stands for nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from conformance import cli
from conformance.cases import CHECKS, SINK_CHECKS
from conformance.checks.trial import make_trials
from conformance.contract import Contract
from conformance.core import resources
from conformance.core.errors import UsageError
from conformance.core.model import Outcome
from conformance.profile import load
from conformance.requests import Keys
from conformance.trace import (
    Kind,
    Requirement,
    Trace,
    load_requirements,
    render_html,
    render_lines,
    render_markdown,
    trace,
)
from tests.support import paths, sample_reports

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.checks.trial import Trial

GENERAL_DOCUMENTS = ("RFC ", "CWE-", "Fetch Standard", "Requests ", "Sources of the vendor's official SDKs")
MAX_EXCLUDED = 35
VENDORS = ("metarouter", "rudderstack", "segment", "segmentstream")


@cache
def contract_of(name: str) -> Contract:
    """The contract of a profile with all its optional routes."""
    profile = load(name)
    return Contract(profile, {route.group for route in profile.routes if route.group})


@cache
def trace_of(name: str) -> Trace:
    """The trace of a profile without a report."""
    contract = contract_of(name)
    return trace(contract, contract.profile.document_titles, load_requirements(contract.profile))


def trials_of(name: str) -> list[Trial]:
    """What the profile asks of a server."""
    trials = make_trials(contract_of(name), Keys(write_key="k", bearer="b"), (*CHECKS, *SINK_CHECKS))
    return [trial for trial in trials if trial.operation and trial.facts]


def judged_ids(name: str) -> set[str]:
    """The ids of the checks that judge some requirement."""
    return {check_id for row in trace_of(name).rows for check_id in row.check_ids}


@pytest.mark.parametrize("name", VENDORS)
def test_every_requirement_has_checks_or_a_reason(name: str) -> None:
    """What nothing judges is named, and so is why."""
    unjudged = [row for row in trace_of(name).rows if not row.check_ids]
    assert [row.requirement.id for row in unjudged if row.kind in {Kind.JUDGED, Kind.OBSERVED}] == []
    assert all(row.requirement.excluded or row.requirement.kept_by for row in unjudged)


def test_few_requirements_are_excluded() -> None:
    """A list of exclusions that grows is no trace."""
    excluded = sum(trace_of(name).totals[Kind.EXCLUDED] for name in VENDORS)
    assert 0 < excluded <= MAX_EXCLUDED


def lone_checks(name: str, judged: set[str]) -> set[str]:
    """The checks of a profile that stand for no statement, and cite no RFC and no list of weaknesses."""
    return {
        trial.check.id
        for trial in trials_of(name)
        if trial.check.id not in judged
        and not any(source.document.startswith(GENERAL_DOCUMENTS) for fact in trial.facts for source in fact.sources)
    }


def lone_facts(name: str, judged: set[str]) -> set[str]:
    """The facts of a profile that cite a document of the vendor, and that no statement asks for."""
    asked = {fact.name for trial in trials_of(name) if trial.check.id in judged for fact in trial.facts}
    stated = {
        fact.name
        for fact in contract_of(name).profile.facts.values()
        if not all(source.document.startswith(GENERAL_DOCUMENTS) for source in fact.sources)
    }
    return stated - asked


@pytest.mark.parametrize("name", VENDORS)
def test_every_check_stands_for_a_statement(name: str) -> None:
    """A check judges what a document of the vendor says, or what an RFC or a weakness list says."""
    assert lone_checks(name, judged_ids(name)) == set()


@pytest.mark.parametrize("name", VENDORS)
def test_every_fact_comes_from_a_statement(name: str) -> None:
    """A fact that cites a vendor's document is asked for by one of the statements in it."""
    assert lone_facts(name, judged_ids(name)) == set()


def test_a_lost_statement_is_noticed() -> None:
    """Without the statement of its size limit, a profile has checks and a fact that stand for nothing."""
    contract = contract_of("segmentstream")
    kept = [
        item for item in load_requirements(contract.profile) if not any("size" in glob for glob in item.check_globs)
    ]
    rows = trace(contract, contract.profile.document_titles, kept).rows
    judged = {check_id for row in rows for check_id in row.check_ids}
    assert "size.event.over" in lone_checks("segmentstream", judged)
    assert lone_facts("segmentstream", judged) == {"limits.event"}


def report_with(outcome: Outcome) -> dict[str, Any]:
    """What a trace reads of a report in which one check had an outcome."""
    check = {"id": "auth.key.unknown", "operation": "POST /track", "outcome": outcome.value}
    return {"profile": {"name": "segmentstream"}, "target": {"url": "http://127.0.0.1:8080"}, "checks": [check]}


@pytest.mark.parametrize(
    ("outcome", "deciding"), [(Outcome.FAIL, ("auth.key.unknown POST /track",)), (Outcome.PASS, ())]
)
def test_a_requirement_has_the_worst_outcome_of_its_checks(outcome: Outcome, deciding: tuple[str, ...]) -> None:
    """And names the results that have it."""
    contract = contract_of("segmentstream")
    requirements = load_requirements(contract.profile)
    rows = trace(contract, contract.profile.document_titles, requirements, report_with(outcome)).rows
    row = next(row for row in rows if "auth.key.unknown" in row.check_ids)
    assert (row.outcome, row.deciding) == (outcome.value, deciding)
    assert {item.outcome for item in rows if "auth.key.unknown" not in item.check_ids} == {"not-run"}


def test_the_command_shows_it_in_every_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Lines on a terminal, JSON that fits its schema, and a table."""
    json_file, table = tmp_path / "t.json", tmp_path / "t.md"
    options = ["--profile", "segmentstream", "--json", str(json_file), "--markdown", str(table)]
    assert cli.main(["trace", *options]) == 0
    document = json.loads(json_file.read_text("utf-8"))
    Draft202012Validator(resources.read_json_spec("trace.schema.json")).validate(document)
    assert document["totals"]["judged"] == len(document["requirements"]) > 20
    assert table.read_text("utf-8").count("\n| E0") == len(document["requirements"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("E001  judged")
    assert lines[-1].endswith("0 kept by the suite itself, 0 excluded")


def test_the_page_has_every_statement(tmp_path: Path) -> None:
    """In one file, with what a report says of it."""
    page = tmp_path / "t.html"
    report = tmp_path / "report.json"
    profile = {"name": "segment", "title": contract_of("segment").profile.title}
    broken = sample_reports.report(sample_reports.failed_check("auth.key.unknown"), profile=profile)
    report.write_text(json.dumps(broken), "utf-8")
    options = ["--profile", "segment", "--report", str(report), "--html", str(page), "--json", str(tmp_path / "t.json")]
    assert cli.main(["trace", *options]) == 0
    assert json.loads((tmp_path / "t.json").read_text("utf-8"))["target"] == "http://127.0.0.1:8080"
    assert cli.main(["report", str(report), "--html", str(tmp_path / "run.html")]) == 0
    of_run = (tmp_path / "run.html").read_text("utf-8")
    assert re.findall(r'id="([A-Z][0-9]{3})"', of_run) == [row.requirement.id for row in trace_of("segment").rows]
    text = page.read_text("utf-8")
    assert re.findall(r'id="([A-Z][0-9]{3})"', text) == [row.requirement.id for row in trace_of("segment").rows]
    assert "kept by the suite itself" in text
    assert text.count('class="mark fail"') == text.count('data-outcome="fail"') > 0


def test_explain_shows_the_statements_that_a_check_judges(capsys: pytest.CaptureFixture[str]) -> None:
    """The first of them, and how many more there are; a profile of a user has none."""
    assert cli.main(["explain", "rate-limit.refusal.headers", "--profile", "segment"]) == 0
    assert "  judges C018, lines 80: " in capsys.readouterr().out
    assert cli.main(["explain", "auth.key.unknown", "--profile", "rudderstack", "--profile", str(paths.ACME)]) == 0
    rudderstack, _, acme = capsys.readouterr().out.partition("\nacme: ")
    assert "more statements; see `conformance trace`" in rudderstack
    assert "judges" not in acme


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profile: other\nrequirements: [{id: A001, document: d, lines: '1', says: s, excluded: downstream}]", "other"),
        ("profile: segmentstream\nrequirements: [{id: A001, document: d, lines: '1', says: s}]", "exactly one"),
        ("profile: segmentstream\nrequirements: [{id: A1, document: d, lines: '1', says: s}]", "three digits"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_refused(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a sentence that says what is wrong."""
    path = tmp_path / "requirements.yaml"
    path.write_text(f"format: 1\n{text}\n", "utf-8")
    options = ["--profile", "segmentstream", "--requirements", str(path)]
    assert cli.main(["trace", *options]) == UsageError.exit_code
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("change", [{"document": "absent"}, {"check_globs": ("auth.key.unknwon",)}])
def test_what_the_profile_or_the_suite_lacks_is_refused(change: dict[str, Any]) -> None:
    """A requirement that nothing can judge any more does not pass in silence."""
    contract = contract_of("segmentstream")
    requirement = Requirement(id="A001", document="http-api", lines="1", says="it is so", check_globs=("auth.*",))
    with pytest.raises(UsageError, match="A001"):
        trace(contract, contract.profile.document_titles, [replace(requirement, **change)])


def test_a_profile_without_requirements_is_named() -> None:
    """A user's profile has none unless the user writes them."""
    profile = replace(load("segmentstream"), name="acme")
    with pytest.raises(UsageError, match="--requirements"):
        load_requirements(profile)


def test_texts_of_others_are_harmless() -> None:
    """A profile's title is text of somebody else."""
    shown = replace(trace_of("segmentstream"), title="<b>|\x1b[31m")
    assert "\x1b" not in "".join(render_lines(shown)) + render_markdown(shown)
    assert "<b>" not in render_markdown(shown) + render_html(shown)
