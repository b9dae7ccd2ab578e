"""Causes: one for each thing that is wrong, the same in every run, and every failure has one."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from conformance.cases import CHECKS
from conformance.causes import evidence as evidence_module
from conformance.causes.evidence import Evidence
from conformance.causes.finder import find_causes
from conformance.contract import Contract
from conformance.core import event_loop
from conformance.core.model import OperationKind, Outcome
from conformance.fuzz import fuzz_plan
from conformance.refserver.faults.response_overrides import error_reply
from conformance.refserver.reduced_contract import reduced_contract
from conformance.refserver.server_change import ServerChange
from conformance.refserver.servers import SERVERS
from conformance.refserver.threaded_server import ThreadedServer, uvicorn_config
from conformance.report.cause import FoundCauses, Harm
from conformance.run.execution import RunResult, build_report, execute
from conformance.run.plan import build_plan
from conformance.settings import table
from tests.report.test_renderers import schema_validator

if TYPE_CHECKING:
    from conformance.refserver.server_change import RequestView, ResponseOverride
    from conformance.report.document import Report

PROFILE, OTHER, KEY = "segmentstream", "rudderstack", "Causes-Write-Key"
SELECT = "accept,json,errors,payload.identity.*,auth,fuzz,robustness.recovery.*,robustness.framing.*"


def serve(*faults: str) -> ThreadedServer:
    """A server with several faults of the reference server at once."""
    overrides = [override for name in faults if (override := SERVERS[name].change.override)]
    change = ServerChange(override=lambda view: next((reply for item in overrides if (reply := item(view))), None))
    app = change.create_application(reduced_contract(PROFILE), KEY, None)
    protocols = [SERVERS[name].change.protocol for name in faults if not SERVERS[name].change.override]
    return ThreadedServer(uvicorn_config(app, *protocols), "faulty")


def serve_with(override: ResponseOverride) -> ThreadedServer:
    """A server that answers some requests otherwise."""
    app = ServerChange(override=override).create_application(reduced_contract(PROFILE), KEY, None)
    return ThreadedServer(uvicorn_config(app), "faulty")


def serve_without_batches(override: ResponseOverride | None = None) -> ThreadedServer:
    """A server of another profile that has no path for batches, and answers some requests otherwise."""

    def without_batches(contract: Contract) -> Contract:
        profile = contract.profile
        routes = tuple(route for route in profile.routes if route.kind is not OperationKind.BATCH)
        return Contract(replace(profile, routes=routes))

    change = ServerChange(edit_contract=without_batches, override=override)
    return ThreadedServer(uvicorn_config(change.create_application(reduced_contract(OTHER), KEY, None)), "faulty")


def judge(
    started: ThreadedServer, profile: str = PROFILE, select: str = SELECT, **settings: str
) -> tuple[FoundCauses, Report]:
    """The causes of what is wrong with a server, and the report that has them."""
    with started as server:
        resolved = table.resolve({"write_key": KEY, "fuzz": "0", "select": [select], **settings})
        plan = build_plan(resolved, server.url, reduced_contract(profile), CHECKS)
        kept = Evidence()
        result = RunResult(evidence=kept)
        event_loop.run(execute(plan, lambda *_: None, fuzz=partial(fuzz_plan, findings=kept.findings), result=result))
    result.causes = event_loop.run(find_causes(plan, kept))
    return result.causes, build_report(plan, result)


THREE = ("nan-accepted", "null-crash", "time-crash")


def test_three_faults_are_three_causes_the_costliest_first() -> None:
    """Ten failures, with generated requests among them; each names its cause."""
    found, report = judge(serve(*THREE), fuzz="300")
    assert [(item.check, item.harm) for item in found.causes] == [
        ("accept.event.minimal", Harm.LOST),
        ("json.top-level.null", Harm.CRASH),
        ("json.syntax.infinity", Harm.LETTER),
    ]
    assert found.remark == ""
    assert [item.sentence.partition(";")[0] for item in found.causes] == [
        "the smallest documented request is answered with 500 (without /sentAt)",
        "null at the top level is answered with 500",
        "a field with Infinity as its value is accepted with 204",
    ]
    document: Any = report.as_json()
    broken = [item for item in document["checks"] if item["outcome"] == "fail"]
    assert {item["cause"] for item in broken} == {item["id"] for item in document["causes"]}
    assert any(item["id"].startswith("fuzz.") for item in broken)
    schema_validator("report").validate(document)


@pytest.mark.parametrize(
    ("fault", "select", "checks"),
    [
        ("methods-crash", "robustness.head.*,robustness.method.*", 3),
        ("identity-unchecked", "payload.identity.missing,payload.required.missing,errors.*,accept", 2),
        ("head-with-content", "robustness.head.*,robustness.recovery.*", 2),
        ("body-left-of-wrong-methods", "robustness.method.*,robustness.recovery.*", 2),
        ("body-left-at-unknown-paths", "robustness.path.*,robustness.recovery.*", 2),
    ],
)
def test_one_fault_is_one_cause(fault: str, select: str, checks: int) -> None:
    """Also if it shows in the request that comes after, or in checks that ask for different things."""
    (cause,) = judge(serve(fault), select=select)[0].causes
    assert len(cause.check_ids) == checks


@pytest.mark.parametrize(
    ("faults", "select"),
    [
        (("put-crash", "head-crash"), "robustness.head.*,robustness.method.*"),
        (("methods-crash", "null-crash"), "robustness.method.*,json.top-level.*"),
        (("poisoned-by-json", "null-crash"), "robustness.recovery.json,json.top-level.*"),
        (("third-crash", "bytes-crash"), "robustness.recovery.series-odd,json.encoding.*,errors.status.json"),
        (("nan-accepted", "more-after-json-ignored"), "json.syntax.*"),
    ],
)
def test_two_faults_of_one_kind_are_two_causes(faults: tuple[str, str], select: str) -> None:
    """Both fail alike, on requests that have nothing in common."""
    found, _ = judge(serve(*faults), select=select)
    assert len(found.causes) == 2


def test_an_answer_that_another_check_has_asked_for_is_known() -> None:
    """It is not sent again, and the check that fails by it has the same cause; also beside other bodies as short."""
    found, _ = judge(serve("nan-accepted", "null-crash", "unknown-key-accepted"), select="accept,json,errors,auth")
    assert {item.check: item.check_ids for item in found.causes}["json.top-level.null"] == (
        "errors.status.json", "json.top-level.null",
    )  # fmt: skip
    assert len(found.causes) == 3


def test_causes_are_the_same_in_every_run() -> None:
    """So that reports can be compared; whatever runs at the same time, and with other checks beside."""
    one, _ = judge(serve(*THREE), run_id="first", jobs="1")
    other, _ = judge(serve(*THREE), select=f"{SELECT},payload", run_id="second")
    assert [item.id for item in one.causes] == [item.id for item in other.causes]


def test_a_server_without_faults_has_no_causes() -> None:
    """Nor is anything asked."""
    found, report = judge(serve(), select="json.top-level.*")
    assert found == FoundCauses()
    assert report.as_json()["causes"] == []


def test_what_follows_from_a_missing_path_has_its_cause() -> None:
    """The check of the smallest request fails there, and no other can be asked."""
    found, report = judge(serve_without_batches(), OTHER, select="accept.event.*,batch,errors.status.*")
    (cause,) = found.causes
    assert (cause.check, cause.harm) == ("accept.event.minimal", Harm.LOST)
    assert "404" in cause.sentence
    explained = {item.name for item in cause.explains}
    outcomes = {item.outcome for item in report.verdicts if item.name in explained}
    assert outcomes == {Outcome.FAIL, Outcome.UNTESTABLE}
    assert explained == {item.name for item in report.problems()}


def test_a_missing_path_is_not_the_cause_on_other_paths() -> None:
    """There, the same answer to a query that nobody asked for is a cause of its own."""
    server = serve_without_batches(lambda view: error_reply(view, 404) if view.request.query else None)
    found, _ = judge(server, OTHER, select="accept.event.minimal,same.target.usual")
    by_check = {item.check: item.calls for item in found.causes}
    assert [*by_check] == ["accept.event.minimal", "same.target.usual"]
    assert by_check["accept.event.minimal"] == ("POST /v1/batch",)


def test_gzip_that_is_none_has_one_cause() -> None:
    """Whether checks or generated requests find that it crashes the server."""
    plain = serve_with(lambda view: error_reply(view, 500) if view.request.headers.get("content-encoding") else None)
    found, _ = judge(plain, select="robustness.gzip.*,robustness.coding.*,fuzz", fuzz="300")
    assert len(found.causes) == 1


def test_dates_that_are_too_old_are_one_cause() -> None:
    """In a full event, in one that is about its time, and in one of several."""

    def is_old(view: RequestView) -> bool:
        return view.is_accepted and any("1" < str(item) < "2026" for item in view.values_of("timestamp"))

    found, _ = judge(serve_with(lambda view: error_reply(view, 400) if is_old(view) else None), select="accept,values")
    assert len(found.causes) == 1


def test_what_fails_now_and_then_is_one_cause() -> None:
    """A server that is out of order for a while fails whatever comes then; nothing about these requests is wrong."""
    count = itertools.count()
    server = serve_with(lambda view: error_reply(view, 500) if 20 < next(count) <= 32 else None)
    found, report = judge(server, select="payload,json,values.ids.*,accept.text.*")
    assert len({item.id for item in report.problems()}) > 3
    (cause,) = found.causes
    assert cause.sentence.endswith("not when asked again, alone")


def test_what_has_no_room_is_told_apart_by_its_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a target sends, the evidence stays small; no failure loses its cause."""
    monkeypatch.setattr(evidence_module, "_MAX_KEPT_BYTES", 0)
    found, report = judge(serve(*THREE), select="json,accept.event.*")
    explained = {item.name for cause in found.causes for item in cause.explains}
    assert explained == {item.name for item in report.verdicts if item.outcome is Outcome.FAIL}


@pytest.mark.parametrize(
    ("fault", "select", "hint"),
    [
        ("batch-weighed-after-reading", "size.batch.*", "only in this form, for size.batch.over passes"),
        ("nul-crash-in-batches", "robustness.input.*", "what this call does otherwise than POST /v1/track"),
    ],
)
def test_checks_that_pass_tell_where_to_look(fault: str, select: str, hint: str) -> None:
    """What is plainer and right, or where the same is right."""
    application = SERVERS[fault].change.create_application(reduced_contract(OTHER), KEY, None)
    (cause,) = judge(ThreadedServer(uvicorn_config(application), "faulty"), OTHER, select)[0].causes
    assert cause.hint.startswith(hint)
