"""One tolerance for size limits: checks, SDK probe and fuzzing agree on what a server may do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from conformance.cli import main
from conformance.contract import Contract
from conformance.profile import load
from conformance.profile.facts import LimitKind, SizeLimit
from tests.targets.application import Application
from tests.targets.dialects import DIALECTS
from tests.targets.options import BEARER, KEY, Options
from tests.targets.server import serve

if TYPE_CHECKING:
    from pathlib import Path

BATCH_DIALECTS = ("segment", "rudderstack", "metarouter")
FUZZ_CHECKS = {"fuzz.generated.taken", "fuzz.generated.status"}
"""A batch with one oversized event may be answered 207 in one dialect: a 200 is then a wrong status."""


def outcomes_of(target: Application, directory: Path) -> dict[str, set[str]]:
    """The outcomes of the checks on a target by id, fuzzing included, as in a user's run."""
    report = directory / "report.json"
    with serve(target) as url:
        main(["run", url, "--profile", target.dialect.name, "--write-key", KEY, "--bearer", BEARER, "--quiet",
              "--select", "size,sdk,fuzz", "--fuzz", "1200", "--json", str(report)])  # fmt: skip
    outcomes: dict[str, set[str]] = {}
    for item in json.loads(report.read_text())["checks"]:
        outcomes.setdefault(item["id"], set()).add(item["outcome"])
    return outcomes


def failed_checks(outcomes: dict[str, set[str]]) -> set[str]:
    """The ids of the checks that fail."""
    return {name for name, found in outcomes.items() if "fail" in found}


@pytest.mark.parametrize("dialect", BATCH_DIALECTS)
@pytest.mark.parametrize("item_weight", [0.97, 1.025], ids=["loose", "tight"])
def test_a_few_percent_on_an_event_in_a_batch_are_fine(dialect: str, item_weight: float, tmp_path: Path) -> None:
    """A server measures it after parsing, and writes it in its own way."""
    target = Application(DIALECTS[dialect], Options(item_weight=item_weight))
    assert failed_checks(outcomes_of(target, tmp_path)) == set()


@pytest.mark.parametrize("dialect", BATCH_DIALECTS)
def test_more_than_a_few_percent_fail_everywhere(dialect: str, tmp_path: Path) -> None:
    """The checks of sizes and fuzzing name the same limit; wide characters tell nothing where plain ones are taken."""
    outcomes = outcomes_of(Application(DIALECTS[dialect], Options(item_weight=0.94)), tmp_path)
    failed = failed_checks(outcomes)
    assert outcomes["size.batch-event.over"] == {"fail"}
    assert outcomes["size.batch-event.over-wide"] == {"not-applicable"}
    assert failed - FUZZ_CHECKS == {"size.batch-event.over"}
    assert failed & FUZZ_CHECKS


@pytest.mark.parametrize(
    ("kind", "largest_accepted", "smallest_refused"),
    [(LimitKind.EVENT, 32_000, 32_769), (LimitKind.BATCH, 500_000, 512_001), (LimitKind.BATCH_EVENT, 31_040, 34_407)],
)
def test_a_limit_says_what_it_tolerates(kind: LimitKind, largest_accepted: int, smallest_refused: int) -> None:
    """A body is measured on the wire, to the byte; an event in a batch has 3 % and 5 % of slack."""
    limit = Contract(load("segment")).size_limit(kind)
    assert (limit.largest_accepted, limit.smallest_refused) == (largest_accepted, smallest_refused)


def test_the_percents_are_of_the_two_readings() -> None:
    """97 % of the smaller and 105 % of the larger are the first that are judged."""
    limit = Contract(load("segment")).size_limit(LimitKind.BATCH_EVENT)
    round_limit: SizeLimit = replace(limit, at_least=100, at_most=100)
    assert (round_limit.largest_accepted, round_limit.smallest_refused) == (97, 105)
