"""Fuzzing starts from what a target accepts, and blames no request for lacking what only this target needs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from conformance.cli import main
from tests.support.campaigns import crashing_on_any, labelled_cases, run_campaign
from tests.support.fuzz_features import events
from tests.targets.dialects import DIALECTS
from tests.targets.messages import Answer
from tests.targets.options import BEARER, KEY
from tests.targets.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.targets.application import Application
    from tests.targets.messages import Call, Request

COUNT = 1_500


def lacks(name: str) -> Callable[[Call], bool]:
    """Whether an event lacks a field."""
    return lambda call: any(name not in event for event in events(call))


def _boolean_user(call: Call) -> bool:
    return any(type(event.get("userId")) is bool for event in events(call))


def crashing(*tests: Callable[[Call], bool]) -> Application:
    """A target of the first dialect that answers 500 to some calls."""
    return crashing_on_any(*tests)(DIALECTS["rudderstack"])


@pytest.mark.parametrize("names", [("context",), ("timestamp",), ("context", "properties")], ids=" ".join)
def test_a_request_without_what_a_target_needs_is_no_finding(names: tuple[str, ...]) -> None:
    """The target fails without some fields, so all requests have them; that it fails is left to the checks."""
    with serve(crashing(*map(lacks, names))) as url:
        result = run_campaign(url, "rudderstack", labelled_cases("rudderstack", COUNT))
    assert [finding.title for finding in result.findings] == []
    assert result.judged_by_call["POST /v1/track"] > COUNT / 30
    assert result.judged_by_call["POST /v1/batch"] > COUNT / 30


def test_another_defect_is_found_and_its_request_has_what_the_target_needs() -> None:
    """The smallest request has the needed field, and no more of the optional ones."""
    with serve(crashing(lacks("context"), _boolean_user)) as url:
        (finding,) = run_campaign(url, "rudderstack", labelled_cases("rudderstack", COUNT)).findings
    assert finding.title == "a boolean as /userId: server error"
    assert json.loads(finding.case.body).keys() <= {
        "userId",
        "event",
        "context",
        "type",
        "messageId",
        "name",
        "previousId",
    }
    assert "context" in json.loads(finding.case.body)


def test_a_needed_content_type_is_kept(tmp_path: Path) -> None:
    """A target that takes JSON only with a charset has no finding, and its checks of fuzzing pass."""

    class Picky(crashing_on_any()):  # type: ignore[misc] # the class is made by a function
        """Refuses JSON without a charset."""

        def answer(self, request: Request) -> Answer:
            """Looks at the type."""
            if request.method == "POST" and request.headers.get("content-type") == "application/json":
                return Answer(415, {"Content-Type": "text/plain"}, b"which charset?")
            answer: Answer = super().answer(request)
            return answer

    with serve(Picky(DIALECTS["rudderstack"])) as url:
        outcomes = fuzz_outcomes(url, tmp_path)
    assert {outcome for by_call in outcomes.values() for outcome in by_call.values()} == {"pass"}


def test_an_operation_that_accepts_nothing_is_untestable(tmp_path: Path) -> None:
    """Its checks neither fail nor pass; those of the others are judged."""
    with serve(crashing(lambda call: call.request.path == "/v1/page")) as url:
        outcomes = fuzz_outcomes(url, tmp_path)
    assert {*outcomes.pop("POST /v1/page").values()} == {"untestable"}
    assert {outcome for by_call in outcomes.values() for outcome in by_call.values()} == {"pass"}


def fuzz_outcomes(url: str, directory: Path) -> dict[str, dict[str, str]]:
    """The outcomes of the checks of fuzzing on each operation, as a user's run has them."""
    report = directory / "report.json"
    main(["run", url, "--profile", "rudderstack", "--write-key", KEY, "--bearer", BEARER, "--quiet",
          "--select", "fuzz", "--fuzz", "800", "--json", str(report)])  # fmt: skip
    outcomes: dict[str, dict[str, str]] = {}
    document: list[dict[str, Any]] = json.loads(report.read_text())["checks"]
    for item in document:
        outcomes.setdefault(item["operation"], {})[item["id"]] = item["outcome"]
    return outcomes
