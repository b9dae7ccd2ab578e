"""A probe, and a run by what it wrote: green, or red only where a NOTE says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from conformance.cli import main
from conformance.core.model import Level
from conformance.profile.facts import ExpectedResponse, SizeLimit
from tests.support.odd_servers import KEY, ODD_SERVERS, serve_odd
from tests.support.probe_runs import ProbeAndRun, check_notes, probe_and_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
    no_object = run.profile.facts["answers.batch-event-not-object"]
    assert isinstance(no_object, ExpectedResponse)
    assert {*no_object.statuses} == {207, 400}


def only_batches(run: ProbeAndRun) -> None:
    """The one path is found, and nothing is stated of others."""
    assert {route.path for route in run.profile.routes} == {"/v1/batch"}


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
    "only-batches": only_batches,
}


@pytest.mark.parametrize("name", list(ODD_SERVERS))
def test_a_run_is_green_or_red_where_a_note_says_so(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what is odd about a server is in its profile."""
    with serve_odd(name) as url:
        run = probe_and_run(url, KEY, tmp_path, capsys)
    check_notes(run)
    LEARNED.get(name, check_notes)(run)


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
