"""Exports: what stands in them, and that lines, played by a stranger, come to the verdicts of a run."""

from __future__ import annotations

import base64
import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from conformance.cases import CHECKS
from conformance.checks.trial import make_trials
from conformance.cli import main
from conformance.core import resources
from conformance.core.model import Level, Outcome
from conformance.export import build_export, render_export
from conformance.export.dry_run import dry_run, status_sequence
from conformance.export.limitations import Limitation, OmissionReason
from conformance.requests import Keys
from tests.support.export_runner import ExportRunner, in_ranges
from tests.support.exports import (
    ACME,
    KEY,
    MANY,
    SELECTIONS,
    SMALL,
    VERSION,
    contract,
    export_lines,
    export_of,
    export_text,
    names_of_failed_checks,
    reference_server,
)
from tests.support.har_schema import har_validator

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = json.loads((resources.specs_dir() / "export.schema.json").read_text("utf-8"))
STATUSES = sorted(status for status in HTTPStatus if status >= 200)
FORMATS = ("postman", "har", "jsonl")


@pytest.mark.parametrize("profile", [SMALL, MANY, ACME], ids=["small", "many", "acme"])
def test_lines_fit_their_schema(profile: str) -> None:
    """Every line does, and the first one tells how many there are, of how many checks."""
    validator = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
    first, *requests = export_lines(profile)
    for line in (first, *requests):
        validator.validate(line)
    assert first["requests"] == len(requests) > 100
    assert first["checks"] == len({(line["id"], line["operation"]) for line in requests})


def test_the_schema_of_lines_refuses() -> None:
    """It is closed: an unknown member, two bodies, or a status that is none are no line."""
    validator = Draft202012Validator(SCHEMA)
    line = next(line for line in export_lines(SMALL)[1:] if "body" in line)
    for wrong in (
        {**line, "more": 1},
        {**line, "body_base64": "YQ=="},
        {**line, "expect": {**line["expect"], "statuses": [[0, 99]]}},
        {"record": "other"},
    ):
        assert not validator.is_valid(wrong)


def test_an_export_is_the_same_each_time() -> None:
    """The same bytes, so that a difference in a repository is a difference of the suite."""
    again = build_export(contract(ACME), CHECKS, Level.MUST, [SELECTIONS[ACME]])
    assert [render_export(again, form, VERSION)[0] for form in FORMATS] == [export_text(ACME, form) for form in FORMATS]


@pytest.mark.parametrize("form", FORMATS)
def test_no_key_is_in_an_export(form: str) -> None:
    """Neither in plain nor in base64: there are placeholders, those of wrong keys among them."""
    document = export_text(MANY, form)
    words = re.findall(r"[A-Za-z0-9+/]{16,}={0,2}", document)
    plain = [base64.b64decode(word + "=" * (-len(word) % 4)).decode("latin-1") for word in words if len(word) % 4 != 1]
    for content in (document, *plain):
        assert not re.search("export-key|key-for-the-export", content, re.IGNORECASE)
    for placeholder in ("writeKey", "writeKeyTruncated", "writeKeySwapped", "token1"):
        assert f"{{{{{placeholder}" in document


def test_every_check_is_exported_or_has_a_reason() -> None:
    """Nothing is dropped in silence, and what is left out is what no request with an answer can tell."""
    export = export_of(SMALL, gate=Level.SHOULD)
    every = {trial.name for trial in make_trials(contract(SMALL), Keys(write_key="key"), CHECKS)}
    names = [item.name for item in export.checks] + [item.name for item in export.omissions]
    assert len(names) == len(every)
    assert set(names) == every
    limitations = {omission.name.partition("[")[0]: omission.limitation for omission in export.omissions}
    assert limitations["fuzz.generated.taken"].reason is OmissionReason.FUZZING
    assert limitations["robustness.length.missing"].reason is OmissionReason.RAW_BYTES
    assert limitations["size.event.over-chunked"].reason is OmissionReason.CHUNKED
    assert limitations["size.event.over-wide"].reason is OmissionReason.EXPECTATION_DEPENDS
    assert limitations["size.event.band"].reason is OmissionReason.ONLY_REPORTS
    assert limitations["robustness.concurrency.events"] == Limitation(OmissionReason.HIGH_LOAD, "burst")
    assert all("{" not in str(limitation) for limitation in limitations.values())


@pytest.mark.parametrize("profile", [SMALL, MANY, ACME], ids=["small", "many", "acme"])
def test_a_success_is_exported_by_its_status(profile: str) -> None:
    """What the body of a success says is for a run; no check is left out because it would read it."""
    export = export_of(profile, "accept.event*,accept.credentials*,errors.body*,size", gate=Level.SHOULD)
    assert not [item.name for item in export.omissions if item.limitation.reason is OmissionReason.JUDGES_MORE]
    scripts = [script for script in export.checks if script.id == "accept.event.minimal"]
    assert scripts
    assert {step.expectation.body for script in scripts for step in script.requests} == {None}


def test_a_format_leaves_out_what_it_has_no_words_for() -> None:
    """Bodies that are no text have no place in a collection, nor long ones in an archive: each says so."""
    whole = export_of(MANY)
    for form, reason in (("postman", OmissionReason.BINARY_BODY), ("har", OmissionReason.LARGE_BODY)):
        shown, fitting = render_export(whole, form, VERSION)
        gone = {script.id for script in whole.checks} - {script.id for script in fitting.checks}
        matching = [limitation for limitation in fitting.names_by_limitation if limitation.reason is reason]
        assert gone
        assert matching
        assert str(matching[0]) in shown


@pytest.mark.parametrize("profile", [SMALL, ACME], ids=["small", "acme"])
def test_an_expectation_is_the_check_itself(profile: str) -> None:
    """With each status, whatever it is, the check does what the export says, at the last of its requests.

    All statuses of HTTP are tried, also those that stood for others while the export was made.
    """
    scripts = {script.name: script for script in export_of(profile).checks}
    checked = 0
    for trial in make_trials(contract(profile), Keys(write_key="Some-Other-Key"), CHECKS):
        if trial.name not in scripts:
            continue
        steps = scripts[trial.name].requests
        usual = [step.expectation.statuses[0][0] for step in steps[:-1]]
        for status in STATUSES[checked % 7 :: 7]:
            end = dry_run(trial, status_sequence([*usual, status])).result
            assert end is not None
            expected = steps[-1].expectation.as_json()
            is_bad = end.outcome in {Outcome.FAIL, Outcome.UNTESTABLE} and end.level is Level.MUST
            ranges: Any = [*expected["statuses"], *expected["ends"]]  # type: ignore[misc]
            assert is_bad is not in_ranges(ranges, status), (trial.name, status)
        checked += 1
    assert checked == len(scripts)


def test_what_fails_below_the_gate_fails_nothing() -> None:
    """At the gate must, an answer that breaks a should ends a check; at the gate should it breaks it."""
    weak = [
        script for script in export_of(ACME, "batch.events.string", Level.SHOULD).checks if script.level is Level.SHOULD
    ]
    assert weak
    assert not export_of(ACME, "batch.events.string").checks
    (omission,) = export_of(ACME, "batch.events.string").omissions
    assert omission.limitation == Limitation(OmissionReason.BELOW_GATE, "must")
    assert str(omission.limitation) == "its level is below the gate must"


def test_an_archive_fits_its_public_schema() -> None:
    """HTTP Archive 1.2, as others check it; the comments say what is expected."""
    validator = har_validator()
    document = json.loads(export_text(MANY, "har"))
    validator.validate(document)
    assert {entry["pageref"] for entry in document["log"]["entries"]} == {
        page["id"] for page in document["log"]["pages"]
    }
    assert all("statuses that keep the promise: " in entry["comment"] for entry in document["log"]["entries"])
    del document["log"]["entries"][0]["request"]["cookies"]
    assert not validator.is_valid(document)


SERVERS = (
    (SMALL, "correct"),
    (ACME, "correct"),
    (MANY, "correct"),
    (MANY, "truncated-key-accepted"),
    (MANY, "event-limit-absent"),
    (SMALL, "json-422"),
    (MANY, "batch-events-escaped"),
    (MANY, "pixel-key-unchecked"),
    (ACME, "any-body-key-accepted"),
)


@pytest.mark.parametrize(("profile", "peer"), SERVERS, ids=lambda value: value.rpartition("/")[2])
def test_lines_that_are_played_come_to_the_verdict_of_a_run(profile: str, peer: str) -> None:
    """Of the checks that are exported, the same ones fail, by name, on correct servers and on broken ones."""
    names = {script.name for script in export_of(profile).checks}
    with reference_server(profile, peer) as url:
        played = ExportRunner(url.removeprefix("http://"), KEY).run(export_text(profile, "jsonl"))
        judged = names_of_failed_checks(url, profile)
    assert played == judged & names
    assert bool(played) is (peer != "correct")


def test_the_command_writes_a_file_and_tells_what_it_leaves_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The summary goes to standard error, so that standard output is the export alone."""
    place = tmp_path / "checks.jsonl"
    command = ["export", "--profile", SMALL, "--format", "jsonl", "--select", "json,auth"]
    assert main([*command, "--out", str(place)]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "checks of segmentstream at the gate must" in err
    assert main(command) == 0
    assert capsys.readouterr().out == place.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--profile", SMALL, "--format", "word"], "invalid choice: 'word'"),
        (["--format", "har"], "a profile is needed"),
        (["--profile", SMALL, "--format", "har", "--select", "nonsense"], "no check matches 'nonsense'"),
        (["--profile", SMALL, "--format", "har", "--select", "fuzz"], "nothing to export"),
        (["--profile", SMALL, "--format", "har", "--gate", "shall"], "must, should or may"),
    ],
    ids=["format", "profile", "select", "nothing", "gate"],
)
def test_what_makes_no_sense_is_refused(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one sentence, and the exit code for wrong usage."""
    monkeypatch.delenv("CONFORMANCE_PROFILE", raising=False)
    assert main(["export", *arguments]) == 2
    assert words in capsys.readouterr().err
