"""Limits in the report: what was measured of each, whatever the checks came to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from conformance.contract import Contract
from conformance.core import resources
from conformance.core.model import Request, Response, TransportFailure
from conformance.profile import load
from conformance.profile.size_unit import SizeUnit
from conformance.report.html import render_html
from conformance.report.html.gauges import build_gauge
from conformance.report.limits import measure_limits
from conformance.report.markdown import render_markdown
from tests.support import function_targets, sample_reports

if TYPE_CHECKING:
    from conformance.report.limits import MeasuredLimit
    from tests.support.fake_wires import Answer

SEGMENT = Contract(load("segment"))
EVENT = SEGMENT.fact("limits.event")
LEAST, MOST = 32_000, 32_768
WITHIN_BAND = (LEAST + MOST) // 2


def measured_limits(answer: Answer, glob: str = "size", fact: str = "limits.event") -> list[MeasuredLimit]:
    """What checks measure of a limit on a target."""
    asked = {(fact, operation) for operation in SEGMENT.operations if operation.kind in {"event", "batch"}}
    asked = {(name, where) for name, where in asked if ("batch" in name) == (where.kind == "batch")}
    return list(measure_limits(SEGMENT, asked, function_targets.run_checks("segment", glob, answer)))


def target_with_limit(limit: int, status: int = 413) -> Answer:
    """A target that takes bodies up to a size."""
    return lambda request: Response(status=200 if len(request.body) <= limit else status)


def measured_bounds(limits: list[MeasuredLimit]) -> set[tuple[int | None, int | None]]:
    """The largest accepted and the smallest refused, of all entries."""
    return {(item.accepted_up_to, item.refused_from) for item in limits}


@pytest.mark.parametrize(
    ("limit", "accepted", "refused"),
    [
        (LEAST, LEAST, WITHIN_BAND),
        (MOST, WITHIN_BAND, MOST + 1),
        (LEAST - 1, LEAST // 2, LEAST),
        (10_000, None, LEAST // 2),
        (10_000_000, MOST + 1, None),
    ],
)
def test_what_was_measured(limit: int, accepted: int | None, refused: int | None) -> None:
    """Checks that pass, fail and only report all tell what they saw."""
    assert measured_bounds(measured_limits(target_with_limit(limit))) == {(accepted, refused)}


def test_what_is_alike_is_one_entry() -> None:
    """Operations of one level that measured the same are one entry, in their order; others have their own."""
    limits = measured_limits(target_with_limit(MOST))
    assert [len(item.operations) for item in limits] == [6, 6]
    assert [item.level for item in limits] == ["should", "must"]
    assert all(list(item.operations) == sorted(item.operations) for item in limits)

    def odd(request: Request) -> Response | TransportFailure:
        return target_with_limit(100_000 if request.path == "/v1/page" else MOST)(request)

    lone = [item for item in measured_limits(odd) if item.operations == ("POST /v1/page",)]
    assert measured_bounds(lone) == {(MOST + 1, None)}


def test_a_limit_of_spelling_is_crossed() -> None:
    """Where characters are counted instead of bytes, something larger was accepted than was refused."""

    def characters(request: Request) -> Response:
        return Response(status=200 if len(request.body.decode()) <= MOST else 413)

    assert measured_bounds(measured_limits(characters)) == {(MOST + 1, MOST + 1)}


BATCH_PATHS = {"/v1/batch", "/v1/b", "/v1/import", "/v1/import/"}


def test_events_in_batches_are_measured_alone() -> None:
    """The size of an event in a batch is that of the event, not of the body."""

    def strict(request: Request) -> Response:
        events = json.loads(request.body)["batch"] if request.path in BATCH_PATHS else []
        sizes = [len(json.dumps(item, separators=(",", ":"), ensure_ascii=False).encode()) for item in events]
        return Response(status=413 if max(sizes, default=0) > MOST else 200)

    limits = measured_limits(strict, "size.batch-event.*", "limits.batch-event")
    assert measured_bounds(limits) == {(LEAST * 97 // 100, -(-MOST * 105 // 100))}


def silent_over_limit(request: Request) -> Response | TransportFailure:
    """A target that closes the connection on what is too large."""
    return TransportFailure.CLOSED if len(request.body) > MOST else Response(status=200)


@pytest.mark.parametrize("answer", [target_with_limit(MOST, 500), silent_over_limit], ids=["failing", "silent"])
def test_what_says_nothing_is_not_measured(answer: Answer) -> None:
    """A failure of the server's own and silence are no refusals of a size."""
    limits = measured_limits(answer, "size.event.*")
    assert {item.accepted_up_to for item in limits} == {WITHIN_BAND}
    assert {item.refused_from for item in limits} == {None}


def test_nothing_measured_is_null() -> None:
    """Where nothing acceptable is accepted, nothing was seen; the limit is there all the same."""
    limits = measured_limits(lambda _: Response(status=403))
    assert measured_bounds(limits) == {(None, None)}


def test_the_document_fits_the_schema() -> None:
    """An entry has what the schema asks for, with the document that states the limit."""
    schema = json.loads((resources.specs_dir() / "report.schema.json").read_text("utf-8"))
    part = {"$ref": "#/$defs/limit", "$defs": schema["$defs"]}
    entries: list[Any] = [item.as_json() for item in measured_limits(target_with_limit(MOST))]
    for entry in entries:
        Draft202012Validator(part).validate(entry)
    assert entries[0] == {
        "fact": "limits.event", "title": "one event", "unit": "bytes",
        "operations": [f"POST /v1/{name}" for name in "agipst"],
        "at_least": LEAST, "at_most": MOST, "accepted_up_to": WITHIN_BAND, "refused_from": MOST + 1,
        "level": "should", "sources": [source.as_json() for source in EVENT.sources],
    }  # fmt: skip


@pytest.mark.parametrize("unit", SizeUnit)
def test_every_report_names_the_unit_of_a_limit(unit: SizeUnit) -> None:
    """A limit in characters is nowhere said to be in bytes."""
    document: dict[str, Any] = json.loads(json.dumps(sample_reports.full_report()))
    document["limits"] = [{**item, "unit": unit.value} for item in document["limits"]]
    titles = {item["title"] for item in document["limits"]}
    markdown = render_markdown(document).partition("## Limits")[2].partition("##")[0]
    html = render_html(document)
    for title in titles:
        assert f"| {title}, in {unit.words} |" in markdown
        assert f'{title}</strong> <span class="muted">in {unit.words}</span>' in html
    for item in document["limits"]:
        gauge = build_gauge(item)
        assert gauge.description.split(";")[0].endswith(f" {unit.words}")
        assert gauge.description in html


def test_a_unit_that_is_unknown_is_shown_as_text() -> None:
    """A report of a stranger may have any; no page fails for it, and none takes it for markup."""
    document = sample_reports.report(limits=[sample_reports.limit("one", 1, 2, unit="<b>utf16-pages</b>")])
    assert r"| one, in \<b\>utf16-pages\</b\> |" in render_markdown(document)
    assert "in &lt;b&gt;utf16-pages&lt;/b&gt;<" in render_html(document)


@pytest.mark.parametrize(
    ("fact", "accepted", "refused", "is_kept"),
    [
        ("limits.event", 32_000, 32_769, True),
        ("limits.event", 31_000, 31_500, False),
        ("limits.event", 33_500, 34_000, False),
        ("limits.batch-event", 31_040, 31_041, True),
        ("limits.batch-event", 31_000, 31_040, False),
        ("limits.batch-event", 34_406, 34_407, True),
        ("limits.batch-event", 34_407, 34_408, False),
    ],
)
def test_a_picture_judges_a_limit_as_its_checks_do(fact: str, accepted: int, refused: int, *, is_kept: bool) -> None:
    """An event inside a batch is measured after parsing, so a few percent are allowed."""
    limit = {
        "fact": fact, "title": "a limit", "unit": "bytes", "operations": ["POST /"], "at_least": LEAST, "at_most": MOST,
        "accepted_up_to": accepted, "refused_from": refused, "level": "must", "sources": [],
    }  # fmt: skip
    assert build_gauge(limit).is_kept is is_kept
