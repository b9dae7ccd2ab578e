"""A probe, and a run by what it wrote: green, or red only where a NOTE says so."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from conformance.cli import main
from conformance.core import resources
from conformance.core.model import Level
from conformance.profile import load
from conformance.profile.facts import ExpectedResponse, SizeLimit
from tests.support.odd_servers import KEY, ODD_SERVERS, serve_odd
from tests.targets.application import Application
from tests.targets.behaviour import BEHAVIOURS
from tests.targets.dialects import DIALECTS
from tests.targets.options import KEY as TARGET_KEY
from tests.targets.options import Options
from tests.targets.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conformance.profile.profile import Profile

SCHEMA: dict[str, Any] = json.loads((resources.specs_dir() / "probe.schema.json").read_text("utf-8"))


@dataclass(frozen=True, kw_only=True)
class ProbeAndRun:
    """What a probe wrote, and the ids that a run by it, with the gate SHOULD, fails on or has no verdict for."""

    profile: Profile
    text: str
    report: dict[str, Any]
    terminal: str
    reds: set[str]

    @property
    def announced(self) -> set[str]:
        """The ids of checks that notes name."""
        return {item["id"] for item in self.report["verification"]["failed"]}


def probe_and_run(url: str, key: str, place: Path, capsys: pytest.CaptureFixture[str]) -> ProbeAndRun:
    """Probes a server with the default budget, and runs every check by the profile."""
    out, report, verdicts = place / "probed.yaml", place / "probe.json", place / "run.json"
    asked = [url, "--write-key", key]
    assert main(["probe", *asked, "--out", str(out), "--json", str(report)]) == 0
    terminal = capsys.readouterr().out
    main(["run", *asked, "--profile", str(out), "--gate", "should", "--quiet", "--json", str(verdicts)])
    document = json.loads(verdicts.read_text("utf-8"))
    reds = {
        item["id"]
        for item in document["checks"]
        if item["outcome"] in {"fail", "untestable", "error"} and item["level"] != "may"
    }
    probed = json.loads(report.read_text("utf-8"))
    Draft202012Validator(SCHEMA).validate(probed)
    return ProbeAndRun(profile=load(str(out)), text=out.read_text("utf-8"), report=probed, terminal=terminal, reds=reds)


def facts_of(run: ProbeAndRun, *names: str) -> list[tuple[int, ...]]:
    """The statuses that answers of the profile expect."""
    facts = [run.profile.facts[f"answers.{name}"] for name in names]
    return [fact.expect for fact in facts if isinstance(fact, ExpectedResponse)]


def needs_context(run: ProbeAndRun) -> None:
    """The first accepted request had a context, and so have all others; a crash without one is stated by nobody."""
    for event in run.profile.events.values():
        assert event.required["/context"].level is Level.MAY
    assert "without /context: 500" in run.text
    assert not any(item["outcome"] == "untestable" for item in run.report["verification"]["failed"])


def needs_library(run: ProbeAndRun) -> None:
    """A field inside of an object is found."""
    assert all(event.required["/context/library/name"].expect == (400,) for event in run.profile.events.values())


def ok_false(run: ProbeAndRun) -> None:
    """A success that says no is the answer to what is wrong, and nothing wrong counts as accepted."""
    names = ("json-invalid", "credentials-unknown", "identity-missing", "batch-partly-bad")
    assert facts_of(run, *names) == [(200,)] * 4
    assert {event.required["/event"].expect for name, event in run.profile.events.items() if name == "track"} == {
        (200,)
    }
    assert [name for name in run.profile.facts if name.startswith("credentials.")] == [
        "credentials.basic", "credentials.body", "credentials.basic-without-colon"
    ]  # fmt: skip


def other_successes(run: ProbeAndRun) -> None:
    """Both are stated."""
    accepted = run.profile.facts["answers.accepted"]
    assert isinstance(accepted, ExpectedResponse)
    assert {*accepted.statuses} == {201, 202}


def unprocessable(run: ProbeAndRun) -> None:
    """422 is as good as 400."""
    assert facts_of(run, "json-invalid", "identity-missing", "batch-missing") == [(422,)] * 3


def key_by_path(run: ProbeAndRun) -> None:
    """Each place of the key is a MUST where it is accepted, and no promise elsewhere."""
    stated = {name: {*fact.paths} for name, fact in run.profile.facts.items() if name.startswith("credentials.")}
    singles = {"/v1/track", "/v1/identify"}
    assert stated == {
        "credentials.basic": singles, "credentials.basic-without-colon": singles, "credentials.body": {"/v1/batch"}
    }  # fmt: skip
    assert all(run.profile.facts[name].level is Level.MUST for name in stated)


def limit_by_path(run: ProbeAndRun) -> None:
    """The limit is stated for the path that it was found on."""
    limit = run.profile.facts["limits.event"]
    assert isinstance(limit, SizeLimit)
    assert (limit.at_most, limit.paths) in {(5_000, ("/v1/identify",)), (9_000, ("/v1/track",))}


def fragile(run: ProbeAndRun) -> None:
    """What makes it fail is a fault of the server, and no profile states it."""
    assert "json.top-level.array" in run.announced
    assert run.reds


def event_rate(run: ProbeAndRun) -> None:
    """The 429 is stated, with its header."""
    assert facts_of(run, "rate-exceeded") == [(429,)]
    assert run.profile.rate_headers == ("Retry-After",)


def partial_batches(run: ProbeAndRun) -> None:
    """A bad event beside good ones is 207 wherever it stands, and alone it is 400."""
    assert facts_of(run, "batch-partly-bad", "identity-missing") == [(207,), (400,)]


LEARNED: dict[str, Callable[[ProbeAndRun], None]] = {
    "needs-context": needs_context,
    "needs-library": needs_library,
    "ok-false": ok_false,
    "other-successes": other_successes,
    "unprocessable": unprocessable,
    "key-by-path": key_by_path,
    "limit-by-path": limit_by_path,
    "fragile": fragile,
    "event-rate": event_rate,
    "partial-batches": partial_batches,
}


def check_notes(run: ProbeAndRun) -> None:
    """No red without a note: in the terminal, at the top of the file and in JSON, with the id of the check."""
    assert run.reds <= run.announced
    assert run.report["verification"]["not_tried"] == []
    comments = run.text.partition("\nformat:")[0]
    for check in run.announced:
        assert f"# NOTE {check}: " in comments
        assert f"NOTE {check}: " in run.terminal
        assert any(note.startswith(f"{check}: ") for note in run.report["notes"])


@pytest.mark.parametrize("name", list(ODD_SERVERS))
def test_a_run_is_green_or_red_where_a_note_says_so(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what is odd about a server is in its profile."""
    with serve_odd(name) as url:
        run = probe_and_run(url, KEY, tmp_path, capsys)
    check_notes(run)
    LEARNED.get(name, check_notes)(run)


@pytest.mark.parametrize(
    ("dialect", "behaviour"),
    [
        ("segment", "all-at-once"), ("rudderstack", "strict-http"), ("metarouter", "close-refused"),
        ("segmentstream", "http10"), ("segment", "lenient-http"),
    ],
)  # fmt: skip
def test_correct_servers_of_another_hand_are_green(
    dialect: str, behaviour: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """However they speak HTTP: nothing fails at SHOULD, and there is nothing to announce."""
    with serve(Application(DIALECTS[dialect], Options()), BEHAVIOURS[behaviour]) as url:
        run = probe_and_run(url, TARGET_KEY, tmp_path, capsys)
    check_notes(run)
    assert run.reds == set()


def test_checks_that_were_not_tried_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A budget for questions alone leaves none for the checks; every id is there."""
    out, report = tmp_path / "probed.yaml", tmp_path / "probe.json"
    with serve_odd("plain") as url:
        asked = ["probe", url, "--write-key", KEY, "--out", str(out), "--json", str(report), "--max-requests", "300"]
        assert main(asked) == 0
    document = json.loads(report.read_text("utf-8"))
    assert document["requests"] <= 300
    assert not document["complete"]
    left = document["verification"]["not_tried"]
    assert {"size.event.over", "auth.key.unknown"} & {*left}
    note = next(text for text in document["notes"] if text.startswith("not tried"))
    assert all(check in note for check in left)
    assert f"NOTE {note}" in capsys.readouterr().out
