"""Reports: the verdict on a run, and that nothing a target says can break a file or a terminal."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from itertools import product
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator
from rich.console import Console

from conformance.core import resources
from conformance.core.known_deviation import KnownDeviation
from conformance.core.model import Area, Exchange, Level, Outcome, Request, Response, Source, TransportFailure, Verdict
from conformance.core.text import escape_controls, escape_surrogates
from conformance.report.document import Report, RunInfo
from conformance.report.junit import render_junit
from conformance.report.terminal import print_report, verdict_details
from conformance.report.transcript import MAX_BODY_BYTES, transcript_json

SOURCE = Source(document="HTTP API", section="Errors", says="answered 401", url="https://vendor.example/api")
HOSTILE_TEXT = "a\x00\x1b[31mb\x7f\x9b\ud800\u202e\ufffe\U0001f600\r\n\t</failure>]]>&"


def header(gate: Level = Level.MUST) -> RunInfo:
    """What a report says of its run."""
    return RunInfo(
        suite_version="1.2.3", target_url="http://127.0.0.1:8080", profile_name="acme", profile_title="Acme", gate=gate,
        started="2024-03-01T09:30:00+00:00", duration_s=1.23456, request_count=1234,
    )  # fmt: skip


def verdict(outcome: Outcome = Outcome.PASS, level: Level = Level.MUST, **fields: Any) -> Verdict:  # noqa: ANN401
    """A verdict."""
    defaults: dict[str, Any] = {
        "id": "auth.key.unknown", "area": Area.AUTH, "title": "An unknown key is refused.",
        "operation": "POST /v1/track", "sources": (SOURCE,),
    }  # fmt: skip
    return Verdict(outcome=outcome, level=level, **{**defaults, **fields})


def report(*verdicts: Verdict, gate: Level = Level.MUST) -> Report:
    """A report of some verdicts."""
    return Report.from_verdicts(header(gate), verdicts)


def terminal_output(run_report: Report, *, quiet: bool = True) -> str:
    """What a terminal is given."""
    file = io.StringIO()
    print_report(run_report, Console(file=file, width=100, highlight=False), quiet=quiet)
    return file.getvalue()


EXPECTED = {
    Outcome.PASS: "conforms",
    Outcome.FAIL: "deviates",
    Outcome.UNTESTABLE: "deviates",
    Outcome.ERROR: "unjudged",
    Outcome.OBSERVED: "unjudged",
    Outcome.NOT_APPLICABLE: "unjudged",
}
EXIT_CODES = {"conforms": 0, "deviates": 1, "unjudged": 3}


@pytest.mark.parametrize(("outcome", "level", "gate"), list(product(Outcome, Level, Level)))
def test_one_verdict_decides(outcome: Outcome, level: Level, gate: Level) -> None:
    """A verdict at the gate decides alone; one below it is as good as none."""
    strengths = ["must", "should", "may"]
    counts = strengths.index(level) <= strengths.index(gate)
    run_report = report(verdict(outcome, level), gate=gate)
    assert run_report.verdict == (EXPECTED[outcome] if counts else "unjudged")
    assert run_report.exit_code == EXIT_CODES[run_report.verdict]


@pytest.mark.parametrize(("first", "second"), list(product(Outcome, Outcome)))
def test_the_worst_of_two_decides(first: Outcome, second: Outcome) -> None:
    """Broken is worse than without verdict, which is worse than kept; what was not judged decides nothing."""
    both = {first, second}
    run_report = report(verdict(first), verdict(second, id="auth.key.suffixed"))
    if both & {Outcome.FAIL, Outcome.UNTESTABLE}:
        assert run_report.verdict == "deviates"
    elif Outcome.PASS in both and Outcome.ERROR not in both:
        assert run_report.verdict == "conforms"
    else:
        assert run_report.verdict == "unjudged"


def test_nothing_is_no_conformance() -> None:
    """A run without any verdict is unjudged."""
    assert (report().verdict, report().exit_code) == ("unjudged", 3)


def test_what_is_below_the_gate_does_not_decide() -> None:
    """A broken SHOULD and a network error at a SHOULD leave a run at the gate must conforming."""
    below = [verdict(Outcome.FAIL, Level.SHOULD), verdict(Outcome.ERROR, Level.MAY, id="auth.key.prefixed")]
    verdicts = [*below, verdict(id="json.syntax.nan")]
    assert report(*verdicts).verdict == "conforms"
    assert report(*verdicts, gate=Level.SHOULD).verdict == "deviates"


def test_the_shape_of_the_document() -> None:
    """The JSON report has its parts in a fixed order, and fits its schema."""
    run_report = report(
        verdict(Outcome.FAIL, message="no", expected="401", received="200", curl="curl"),
        verdict(Outcome.NOT_APPLICABLE, id="pixel.key.unknown", area=Area.PIXEL, operation="", sources=()),
    )
    document = json.loads(run_report.json_text())
    schema = json.loads((resources.specs_dir() / "report.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(document)
    assert list(document) == [
        "format", "suite", "target", "profile", "run", "verdict", "counts", "limits", "sdks", "checks",
        "complete",
    ]  # fmt: skip
    assert document["run"] == {
        "gate": "must", "started": "2024-03-01T09:30:00+00:00", "duration_s": 1.235, "requests": 1234,
        "waited_s": 0.0,
    }  # fmt: skip
    assert document["counts"] == {
        "pass": 0, "fail": 1, "untestable": 0, "error": 0, "observed": 0, "not-applicable": 1,
    }  # fmt: skip
    assert document["checks"][0]["sources"] == [
        {"document": "HTTP API", "section": "Errors", "says": "answered 401", "url": SOURCE.url}
    ]


def test_the_document_is_sorted() -> None:
    """Verdicts come by id and operation, in whatever order they fell."""
    places = [("b.two", "POST /b"), ("a.one", "POST /b"), ("b.two", "POST /a"), ("a.one", "")]
    run_report = report(*(verdict(id=name, operation=place) for name, place in places))
    assert [(item.id, item.operation) for item in run_report.verdicts] == sorted(places)


def test_the_document_is_the_same_for_the_same_run() -> None:
    """The order of the verdicts leaves no trace in the text."""
    verdicts = [verdict(id=f"auth.{letter}") for letter in "cab"]
    assert report(*verdicts).json_text() == report(*reversed(verdicts)).json_text()


def test_bodies_are_cut() -> None:
    """Bodies are cut at 1 KiB, both ways, and their full length is given."""
    exchange = Exchange(
        request=Request(method="POST", path="/a", body=b"q" * 5000, query=(("k", "v"),), chunked=True),
        url="http://127.0.0.1/a",
        response=Response(status=400, headers=(("X-A", "b"),), body=b"a" * (MAX_BODY_BYTES + 1)),
    )
    exchange_json: Any = transcript_json(exchange)
    assert MAX_BODY_BYTES == 1024
    assert (len(exchange_json["request"]["body"]), exchange_json["request"]["body_bytes"]) == (1024, 5000)
    assert (len(exchange_json["response"]["body"]), exchange_json["response"]["body_bytes"]) == (1024, 1025)
    assert exchange_json["request"]["query"] == [["k", "v"]]
    assert exchange_json["request"]["chunked"] is True


def test_a_mishap_has_no_response() -> None:
    """An exchange that came to nothing says why."""
    exchange_json: Any = transcript_json(
        Exchange(
            request=Request(method="GET", path="/"), failure=TransportFailure.CLOSED, failure_detail="it was closed"
        )
    )
    assert (exchange_json["response"], exchange_json["error"]) == (None, "it was closed")


def test_a_character_at_the_cut_is_escaped() -> None:
    """A character that the cut splits, and bytes that are no text, are shown as escapes."""
    body = b"a" * 1023 + "é".encode() + b"\xff"
    exchange_json: Any = transcript_json(Exchange(request=Request(method="POST", path="/", body=body)))
    assert exchange_json["request"]["body"] == "a" * 1023 + "\\xc3"


def test_anything_can_be_stored() -> None:
    """What a target says survives the way into a file and back, lone surrogates as escapes."""
    nasty = Response(status=200, headers=(("X-A", HOSTILE_TEXT),), body=b"\x00\x1b\xff")
    exchange = Exchange(request=Request(method="POST", path="/"), response=nasty)
    run_report = report(
        verdict(Outcome.FAIL, message=HOSTILE_TEXT, received=HOSTILE_TEXT, exchanges=(transcript_json(exchange),))
    )
    (check,) = json.loads(run_report.json_text().encode("utf-8"))["checks"]
    assert (
        check["message"]
        == check["received"]
        == escape_surrogates(HOSTILE_TEXT)
        == HOSTILE_TEXT.replace("\ud800", "\\ud800")
    )
    assert check["exchanges"][0]["response"]["headers"] == [["X-A", escape_surrogates(HOSTILE_TEXT)]]
    assert check["exchanges"][0]["response"]["body"] == "\x00\x1b\\xff"


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.ERROR, Outcome.NOT_APPLICABLE])
def test_anything_fits_into_xml(outcome: Outcome) -> None:
    """What XML can't hold or a terminal would obey is shown as escapes, and markup is escaped."""
    text = render_junit(report(verdict(outcome, message=HOSTILE_TEXT, title=HOSTILE_TEXT, curl=HOSTILE_TEXT)).as_json())
    (case, *_) = ET.fromstring(text.encode("utf-8")).iter("testcase")  # noqa: S314 - our own report
    message = case[0].get("message") or ""
    assert "\\x1b[31mb" in message
    assert "</failure>]]>&" in message
    assert not {"\x00", "\x1b", "\ud800", "\ufffe"} & set(message)


def test_junit_by_outcome() -> None:
    """Each outcome has its tag; what is broken below the gate is skipped, with its message."""
    run_report = report(
        *(verdict(outcome, id=f"auth.{outcome}", message="why") for outcome in Outcome),
        verdict(Outcome.FAIL, Level.SHOULD, id="auth.below", message="why"),
    )
    root = ET.fromstring(render_junit(run_report.as_json()))  # noqa: S314 - our own report
    tags = {case.get("name", "").partition("[")[0]: [item.tag for item in case] for case in root.iter("testcase")}
    assert tags == {
        "auth.pass": [], "auth.observed": [], "auth.fail": ["failure"], "auth.untestable": ["failure"],
        "auth.error": ["error"], "auth.not-applicable": ["skipped"], "auth.below": ["skipped"],
    }  # fmt: skip
    (suite, *_) = root
    assert suite.attrib == {
        "name": "acme.auth", "tests": "7", "failures": "2", "errors": "1", "skipped": "2",
        "time": "0.000", "timestamp": suite.get("timestamp"),
    }  # fmt: skip
    (below,) = root.iterfind("testsuite/testcase[@name='auth.below[POST /v1/track]']/skipped")
    assert below.get("message") == "[should] fail: why"


CONTROLS = [*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)]
BIDI = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]


@pytest.mark.parametrize("code", CONTROLS + BIDI, ids=hex)
def test_nothing_steers_the_terminal(code: int) -> None:
    """Control characters, ANSI's and those that turn text around, are shown as escapes."""
    character = chr(code)
    escape = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    assert escape_controls(f"a{character}b") == f"a{escape}b"
    text = f"a{character}b"
    bad = verdict(Outcome.FAIL, message=text, expected=text, received=text, curl=text, title=text, operation=text)
    assert character not in terminal_output(report(bad)).replace("\n", "")


def test_text_stays_text() -> None:
    """What looks like rich's markup, and text in any script, is printed as it is."""
    markup = "[bold]x[/bold] [link=http://e]é 日本 \U0001f600"
    assert markup in terminal_output(report(verdict(Outcome.FAIL, message=markup)))


def test_the_same_failure_on_several_paths_is_one() -> None:
    """A check that comes to the same thing on several paths is shown once, with all of them."""
    paths = [f"POST /v1/{name}" for name in ("alias", "group", "page")]
    text = terminal_output(report(*(verdict(Outcome.FAIL, operation=path, message="why") for path in paths)))
    assert text.count("FAIL  auth.key.unknown  MUST") == 1
    assert ", ".join(paths) in text
    assert text.count("because why") == 1


def test_another_level_is_another_failure() -> None:
    """A path of another level, and another outcome, is a trouble of its own, the strongest first."""
    text = terminal_output(
        report(
            verdict(Outcome.FAIL, Level.SHOULD, operation="POST /v1/t"),
            verdict(Outcome.ERROR, operation="POST /v1/page"),
            verdict(Outcome.FAIL),
        )
    )
    heads = [line for line in text.splitlines() if "  auth.key.unknown  " in line]
    assert heads == [
        "FAIL  auth.key.unknown  MUST",
        "ERROR  auth.key.unknown  MUST",
        "FAIL  auth.key.unknown  SHOULD (below the gate, must)",
    ]


def test_another_status_is_another_failure() -> None:
    """What a check received tells failures apart: by the status, not by the rest of the response."""
    text = terminal_output(
        report(
            verdict(Outcome.FAIL, operation="POST /v1/alias", received="200 'ok'", received_status=200),
            verdict(Outcome.FAIL, operation="POST /v1/group", received="200 'fine'", received_status=200),
            verdict(Outcome.FAIL, operation="POST /v1/page", received="500 'ok'", received_status=500),
        )
    )
    assert text.count("FAIL  auth.key.unknown  MUST") == 2
    assert "POST /v1/alias, POST /v1/group" in text


def test_many_paths_are_counted() -> None:
    """After a dozen paths the rest are counted."""
    shown_details = {
        item.label: item.text for item in verdict_details(verdict(), [f"POST /{number}" for number in range(20)])
    }
    assert shown_details["on"].endswith("POST /11 and 8 more")


def test_the_last_line_sums_up() -> None:
    """The last line has verdict, gate, counts, profile and address."""
    run_report = report(verdict(), verdict(Outcome.FAIL, Level.MAY, id="auth.key.prefixed"))
    assert terminal_output(run_report).splitlines()[-1] == (
        "conforms at must: 1 kept; 0 broken, 1 below the gate, 0 known; 0 not judged; 1,234 requests in 1.2 s; "
        "acme at http://127.0.0.1:8080"
    )


def test_the_summary_has_a_row_an_area() -> None:
    """Without quiet, a table counts the outcomes of each area."""
    run_report = report(verdict(), verdict(Outcome.FAIL), verdict(id="size.event.over", area=Area.SIZE))
    rows = [line.split() for line in terminal_output(run_report, quiet=False).splitlines()[:3]]
    assert rows[0] == ["area", *Outcome]
    assert rows[1] == ["auth", "1", "1", "·", "·", "·", "·"]
    assert rows[2] == ["size", "1", "·", "·", "·", "·", "·"]


def last_line(*verdicts: Verdict, **fields: Any) -> str:  # noqa: ANN401 - as different as the fields
    """The last line of a report, without the run."""
    run_report = report(*verdicts)
    run_report = replace(run_report, run_info=replace(run_report.run_info, **fields))
    return terminal_output(run_report).splitlines()[-1].partition("; 1,234 requests")[0]


def test_the_last_line_counts_every_check_once() -> None:
    """At the gate, below it, known, and what was not judged with the reason and what to do."""
    known = KnownDeviation(reason="of old")
    verdicts = [
        verdict(), verdict(Outcome.FAIL), verdict(Outcome.UNTESTABLE), verdict(Outcome.FAIL, known_deviation=known),
        verdict(Outcome.PASS, Level.SHOULD), verdict(Outcome.FAIL, Level.SHOULD), verdict(Outcome.OBSERVED),
        verdict(Outcome.NOT_APPLICABLE), verdict(Outcome.ERROR, message="never answered"),
        verdict(Outcome.ERROR, id="auth.key.missing", message="closed"),
    ]  # fmt: skip
    assert last_line(*verdicts) == (
        "deviates at must: 1 kept; 1 broken, 1 untestable, 1 below the gate, 1 known; 2 not judged "
        "(closed, and 1 more; ask again with --select auth.key.missing); "
        "1 kept below the gate, 1 observed, 1 not applicable"
    )


def test_the_last_line_of_an_incomplete_run_says_what_to_do() -> None:
    """Missing verdicts are not judged."""
    line = last_line(verdict(), planned_verdicts=4, stop_reason="20 requests in a row were not answered")
    assert line == (
        "unjudged at must: 1 kept; 0 broken, 0 below the gate, 0 known; "
        "3 not judged (incomplete: 20 requests in a row were not answered; run again)"
    )
    line = last_line(verdict(), planned_verdicts=4, stop_reason="the budget of 3 requests is used up (--max-requests)")
    assert line.endswith("3 not judged (incomplete: the budget of 3 requests is used up (--max-requests))")
