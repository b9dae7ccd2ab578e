"""Servers without some of the documented paths: an absent optional path is one line of a report."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator
from rich.console import Console

from conformance.cases import CHECKS
from conformance.checks.check import FirstPer
from conformance.checks.selection import select_trials
from conformance.checks.trial import make_trials
from conformance.contract import Contract
from conformance.core import event_loop
from conformance.core.model import (
    JUDGED_OUTCOMES,
    PROBLEM_OUTCOMES,
    Exchange,
    OperationKind,
    Outcome,
    PathState,
    Request,
    Verdict,
)
from conformance.core.resources import profile_names, specs_dir
from conformance.profile import load
from conformance.report.html import render_html
from conformance.report.junit import render_junit
from conformance.report.markdown import render_markdown, render_markdown_matrix
from conformance.report.sarif import render_sarif
from conformance.report.tallies import build_call_grid
from conformance.report.terminal import print_report
from conformance.requests import Keys, PreflightResult
from conformance.run.execution import build_report, execute
from conformance.run.plan import build_plan
from conformance.settings import table
from tests.targets.application import Application
from tests.targets.dialects import DIALECTS
from tests.targets.messages import Answer
from tests.targets.options import BEARER, KEY
from tests.targets.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.report.document import Report
    from tests.targets import messages

CONTRACT = Contract(load("segment"))
SHORT_BATCH = "POST /v1/b"
SMALLEST = "accept.event.minimal"
NOT_FOUND = Answer(404, {"Content-Type": "text/plain"}, b"not found")


class ServerWithoutPaths(Application):
    """A correct server that answers some paths as if it did not know them."""

    def __init__(self, is_missing: Callable[[str], bool], answer: Answer = NOT_FOUND) -> None:
        super().__init__(DIALECTS["segment"])
        self.is_missing, self.missing_answer = is_missing, answer

    def answer(self, request: messages.Request) -> Answer:
        """The answer to an unknown path, where the path is missing or unknown."""
        return self.missing_answer if self.is_missing(request.path) else super().answer(request)

    def answer_to_head(self, request: messages.Request) -> Answer | None:
        """The same before the body has arrived."""
        return None if self.is_missing(request.path) else super().answer_to_head(request)


def judge(server: Application, *select: str, gate: str = "must") -> Report:
    """The report of a run against a server."""
    settings = table.resolve(
        {"write_key": KEY, "bearer": BEARER, "fuzz": "0", "select": select, "gate": gate, "allow": ["burst"]}
    )
    with serve(server) as url:
        plan = build_plan(settings, url, CONTRACT, CHECKS)
        return build_report(plan, event_loop.run(execute(plan, lambda *_: None)))


def of_operation(report: Report, operation: str) -> list[Verdict]:
    """The verdicts on one operation."""
    return [item for item in report.verdicts if item.operation == operation]


def terminal_text(report: Report) -> str:
    """The report as a terminal shows it."""
    console = Console(file=io.StringIO(), width=150)
    print_report(report, console, quiet=True)
    file: Any = console.file
    return str(file.getvalue())


def sarif_results(report: Report) -> list[dict[str, Any]]:
    """The results of the SARIF report."""
    log: dict[str, Any] = json.loads(render_sarif(report.as_json()))
    return list(log["runs"][0]["results"])


def is_short_batch(path: str) -> bool:
    """Whether a path is the one that only browsers' SDKs send batches to."""
    return path == "/v1/b"


@pytest.mark.parametrize("status", [404, 405, 410, 501])
def test_an_absent_optional_path_is_one_line(status: int) -> None:
    """The smallest request fails there; no other check fails, can't be tested, or counts."""
    report = judge(
        ServerWithoutPaths(is_short_batch, replace(NOT_FOUND, status=status)), "accept,auth,batch", gate="should"
    )
    on_path = of_operation(report, SHORT_BATCH)
    assert [item.id for item in on_path if item.outcome in JUDGED_OUTCOMES] == [SMALLEST]
    assert {item.outcome for item in on_path if item.id != SMALLEST} == {Outcome.NOT_APPLICABLE}
    asked = [item for item in on_path if item.path_state]
    assert {item.message for item in asked} == {f"nothing is at {SHORT_BATCH} ({status}): see {SMALLEST}"}
    assert "batch.count.one" in {item.id for item in asked}
    assert report.exit_code == 1
    assert [item.name for item in report.problems()] == [f"{SMALLEST}[{SHORT_BATCH}]"]


def test_a_path_that_answers_like_an_unknown_one_is_absent() -> None:
    """Gateways answer 403 to paths that they do not route, as to any other unknown path."""
    refusal = Answer(403, {"Content-Type": "application/json"}, b'{"message": "Missing Authentication Token"}')
    server = ServerWithoutPaths(lambda path: is_short_batch(path) or "unknown" in path, refusal)
    report = judge(server, "auth,accept.event.minimal", gate="should")
    assert [item.name for item in report.problems()] == [f"{SMALLEST}[{SHORT_BATCH}]"]


@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_a_path_that_refuses_everything_is_one_line_of_a_terminal(status: int) -> None:
    """It is there, so its other promises stay untestable, and a run at their level fails."""
    report = judge(
        ServerWithoutPaths(is_short_batch, Answer(status, {}, b"no")), "auth,accept.event.minimal", gate="should"
    )
    untestable = [item for item in of_operation(report, SHORT_BATCH) if item.outcome is Outcome.UNTESTABLE]
    assert len(untestable) > 5
    assert {item.path_state for item in untestable} == {PathState.REFUSES_ALL}
    lines = [line for line in terminal_text(report).splitlines() if "UNTESTABLE" in line]
    assert len(lines) == 1
    assert f"{len(untestable)} checks on {SHORT_BATCH}  SHOULD: nothing is accepted there, {status} 'no'" in lines[0]
    assert "UNTESTABLE" not in terminal_text(report).split(lines[0])[1]
    (result,) = [item for item in sarif_results(report) if item["properties"]["outcome"] == "untestable"]
    assert result["message"]["text"].startswith(f"{len(untestable)} checks can't be tested here: ")
    page = render_markdown(report.as_json())
    (line,) = [line for line in page.splitlines() if "UNTESTABLE" in line]
    assert f"on `{SHORT_BATCH}`: nothing is accepted there" in line


def test_a_required_path_that_is_absent_fails_the_run() -> None:
    """A MUST path is no choice: nothing about it turns green."""
    report = judge(ServerWithoutPaths(lambda path: path == "/v1/alias"), "json")
    on_path = of_operation(report, "POST /v1/alias")
    assert {item.outcome for item in on_path} <= {Outcome.UNTESTABLE, Outcome.NOT_APPLICABLE}
    assert {item.path_state for item in on_path if item.outcome is Outcome.UNTESTABLE} == {PathState.ABSENT}
    assert report.exit_code == 1


def test_an_absent_required_path_fails_once() -> None:
    """A batch of one event is the smallest request of its path: its own check says nothing more."""
    report = judge(ServerWithoutPaths(lambda path: path == "/v1/batch"), "batch.count.one,accept.event.minimal")
    assert [item.name for item in report.verdicts if item.outcome is Outcome.FAIL] == [f"{SMALLEST}[POST /v1/batch]"]
    (single,) = [item for item in of_operation(report, "POST /v1/batch") if item.id == "batch.count.one"]
    assert (single.outcome, single.path_state) == (Outcome.UNTESTABLE, PathState.ABSENT)


@pytest.mark.parametrize("missing", ["/v1/b", "/v1/alias"])
def test_calls_that_are_there_are_counted(missing: str) -> None:
    """A row of a call that is not there says so; a cell of several calls counts those that are."""
    document: dict[str, Any] = judge(
        ServerWithoutPaths(lambda path: path == missing), "auth,accept.event.minimal"
    ).as_json()
    rows = {row.call: row for row in build_call_grid(document["checks"]).rows}
    absent, present = rows[f"POST {missing}"], rows["POST /v1/track"]
    assert (absent.path_state, absent.total.judged, absent.not_asked > 5) == ("absent", 1, True)
    assert (present.path_state, present.not_asked, present.total.problems) == ("", 0, 0)
    matrix = render_markdown_matrix([document])
    (area,) = [line for line in matrix.splitlines() if line.startswith("| auth |")]
    kept, _, judged = area.split("|")[2].strip().partition(" of ")
    assert kept == judged


SINGLE = {operation.path for operation in CONTRACT.operations} - {"/v1/batch"}


@pytest.fixture(scope="module")
def only_batches() -> Report:
    """The report of a server that has /v1/batch alone."""
    return judge(ServerWithoutPaths(lambda path: path in SINGLE), "robustness,rate-limit,payload,errors")


def run_once_names() -> Iterable[str]:
    """The checks that run once a run, on a call with one event."""
    for check in CHECKS:
        if check.first_per is FirstPer.RUN and OperationKind.EVENT in check.kinds:
            yield check.id


def test_checks_that_run_once_run_where_something_is_accepted(only_batches: Report) -> None:
    """A server with one path is judged by them there; ids stay those of the plan."""
    names = {trial.check.id for trial in make_trials(CONTRACT, Keys(write_key=KEY), CHECKS) if trial.facts}
    once = [item for item in only_batches.verdicts if item.id in names & set(run_once_names())]
    assert len(once) > 20
    assert {item.operation for item in once} == {"POST /v1/identify"}
    assert {item.asked_on for item in once} == {"POST /v1/batch"}
    assert [(item.name, item.message) for item in once if item.outcome in PROBLEM_OUTCOMES] == []


def test_checks_move_only_to_paths_that_are_selected() -> None:
    """Selecting a path keeps other paths out."""
    trials = select_trials(make_trials(CONTRACT, Keys(write_key=KEY), CHECKS), ["/v1/i*,robustness"], ["/v1/batch"])
    moving = [trial for trial in trials if trial.fallbacks]
    assert moving
    assert not any(item.path == "/v1/batch" for trial in moving for item in trial.fallbacks)


@pytest.mark.parametrize("profile", profile_names())
def test_a_check_that_moves_has_the_level_of_its_path(profile: str) -> None:
    """Asked on a path that only SHOULD be there, nothing is a MUST; where all is well, nothing moves."""
    contract = Contract(load(profile))
    for trial in make_trials(contract, Keys(write_key=KEY), CHECKS):
        assert trial.after_preflight(PreflightResult()).stand_in is None
        if not trial.fallbacks or trial.operation is None or not trial.facts:
            continue
        dead = dict.fromkeys(
            [trial.operation, *trial.fallbacks[:-1]], Exchange(request=Request(method="POST", path="/"))
        )
        moved = trial.after_preflight(PreflightResult(dead=dead))
        assert moved.stand_in == trial.fallbacks[-1]
        assert moved.name == trial.name
        assert moved.level.rank >= moved.stand_in.level.rank
        assert bool(moved.facts) == bool(trial.facts)


def test_the_report_says_why_and_where(only_batches: Report) -> None:
    """The JSON document fits its schema; the page shows absent calls as such, and moved checks where they ran."""
    document: dict[str, Any] = only_batches.as_json()
    schema = json.loads((specs_dir() / "report.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(document)
    items = document["checks"]
    assert {item.get("path_state") for item in items} == {None, "absent"}
    assert {item.get("asked_on") for item in items} == {None, "POST /v1/batch"}
    on_absent = [item for item in items if item.get("path_state")]
    cases = [*ET.fromstring(render_junit(document)).iter("testcase")]  # noqa: S314 - our own report
    assert len(cases) == len(items) - len(on_absent) + len(SINGLE)
    one_each = [case for case in cases if case.get("classname") == "conformance.paths"]
    assert {case.get("name") for case in one_each} == {f"paths.absent[POST {path}]" for path in SINGLE}
    tags = {case.get("name", ""): case[0].tag for case in one_each}
    assert (tags["paths.absent[POST /v1/track]"], tags["paths.absent[POST /v1/t]"]) == ("failure", "skipped")
    page = render_html(document)
    assert page.count('<span class="muted">absent, ') == len(SINGLE)
