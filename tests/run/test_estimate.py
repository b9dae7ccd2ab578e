"""Estimates: what a plan says that it will send is no less than what is sent, and not much more."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from conformance.cases import CHECKS
from conformance.checks.check import Tier
from conformance.contract import Contract
from conformance.core import event_loop, resources
from conformance.fuzz.campaign import Campaign
from conformance.fuzz.corpus import load_or_generate
from conformance.profile import load
from conformance.refserver import FurtherKeys, Server
from conformance.run import engine, preflight
from conformance.run.estimate import estimate_areas, total
from conformance.run.execution import execute
from conformance.run.plan import build_plan
from conformance.run.sender import Sender
from conformance.settings import table
from conformance.wire import Budget

if TYPE_CHECKING:
    from conformance.run.plan import Plan

KEY = "Estimate-Write-Key"
COSTS = resources.specs_dir() / "costs.json"
SAMPLE = 2_000
FURTHER_SETTINGS = {"expired_bearer": "expired-token", "disabled_write_key": "disabled-key"}
FURTHER_KEYS = FurtherKeys(disabled="disabled-key")


def make_plan(url: str, profile: str, **given: Any) -> Plan:  # noqa: ANN401 - as different as the settings are
    """A plan for a server of this machine."""
    values = {"write_key": KEY, "bearer": "token", **FURTHER_SETTINGS, "fuzz": "0", **given}
    return build_plan(table.resolve(values), url, Contract(load(profile)), CHECKS)


async def measured_costs(plan: Plan) -> dict[str, Any]:
    """What each check of a plan sends on one path, on average; all run one after the other."""
    sums: dict[str, list[list[int]]] = defaultdict(list)
    async with plan.build_wire() as wire:
        sender = Sender(wire=wire)
        preflight_result = await preflight.run_preflight(plan.contract, plan.keys, sender)
        first = [*wire.budget.spent]
        for trial in plan.trials:
            before = [*wire.budget.spent]
            await engine.run_one(replace(trial, preflight=preflight_result), sender)
            after = [now - then for now, then in zip(wire.budget.spent, before, strict=True)]
            if any(after):
                sums[trial.check.id].append(after)
        before = [*wire.budget.spent]
        cases = load_or_generate(plan.contract, 1, SAMPLE).cases(SAMPLE)
        await Campaign(plan.contract, plan.keys, wire, preflight_result).run(cases)
        after = [now - then for now, then in zip(wire.budget.spent, before, strict=True)]
    return {
        "preflight": first,
        "fuzz": [round(after[1] / after[0]), round(after[2] / after[0], 2)],
        "checks": {name: [_mean(column) for column in zip(*rows, strict=True)] for name, rows in sorted(sums.items())},
    }


def costs_text() -> str:
    """The costs of every profile, measured anew, as JSON with a line for each check."""
    numbers = {}
    for name in resources.profile_names():
        with Server(Contract(load(name)), KEY, "token", FURTHER_KEYS) as server:
            numbers[name] = event_loop.run(measured_costs(make_plan(server.url, name)))
    lines = json.dumps(numbers, sort_keys=True).replace('}, "', '},\n"').replace('], "', '],\n"')
    return f"{lines}\n"


def _mean(column: tuple[int, ...]) -> float:
    return round(sum(column) / len(column), 1)


def test_a_part_of_a_run_is_estimated_too() -> None:
    """A single area takes less, and still no more than was said."""
    with Server(Contract(load("segment")), KEY, "token", FURTHER_KEYS) as server:
        plan = make_plan(server.url, "segment", select="json")
        total_cost = total(estimate_areas("segment", plan.trials, 0), Budget())
        event_loop.run(execute(plan, lambda *_: None))
    assert plan.budget.usage.requests <= total_cost["requests"]
    assert plan.budget.usage.events <= total_cost["events"]


def test_an_unknown_profile_is_taken_at_its_worst() -> None:
    """A profile of one's own has no numbers: the highest of all others are taken."""
    plan = make_plan("http://127.0.0.1:9", "segment")
    own = total(estimate_areas("acme", plan.trials, 0), Budget())
    known = total(estimate_areas("segment", plan.trials, 0), Budget())
    assert own["requests"] >= known["requests"]
    assert own["bytes"] >= known["bytes"]


def test_what_is_not_allowed_is_not_counted() -> None:
    """Gentle is less than standard, and standard less than all; a budget is the end of everything."""
    totals = [
        total(estimate_areas("segment", make_plan("http://127.0.0.1:9", "segment", tier=[tier]).trials, 0), Budget())
        for tier in (Tier.GENTLE, Tier.STANDARD, Tier.BURST)
    ]
    requests = [cost["requests"] for cost in totals]
    assert requests == sorted(requests)
    assert requests[0] < requests[1]
    assert total(estimate_areas("segment", [], 8_000), Budget(requests=50))["requests"] == 50


@pytest.mark.parametrize(("select", "expected"), [(["size"], 0), (["fuzz"], 100), ([], 100)])
def test_generated_requests_are_planned_only_for_checks_about_them(select: list[str], expected: int) -> None:
    """A selection without such checks sends none, so the plan names none."""
    plan = make_plan("http://127.0.0.1:1", "segmentstream", fuzz="100", select=select)
    assert plan.fuzz_requests == expected
