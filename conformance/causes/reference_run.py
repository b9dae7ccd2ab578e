"""A run of a few checks on the reference server of the same profile: what the answers should have been."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.causes.evidence import compact_result
from conformance.core.errors import InconclusiveError, NoResponse, Stopped
from conformance.fuzz.sender import FuzzSender
from conformance.refserver.authentication import FurtherKeys
from conformance.refserver.threaded_server import Server
from conformance.run import engine, preflight
from conformance.run.plan import DEFAULT_JOBS
from conformance.run.sender import Sender
from conformance.wire import Budget, Wire, parse_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.checks.trial import Trial
    from conformance.core.model import Exchange
    from conformance.fuzz.finding import Finding
    from conformance.requests import PreflightResult
    from conformance.run.engine import CheckResult
    from conformance.run.plan import Plan

_MAX_TIME_S, _DEADLINE_S = 15.0, 5.0
"""How long it may take as a whole, and one exchange."""


@dataclass(slots=True, kw_only=True)
class ReferenceAnswers:
    """What the reference server answered: results by the name of the trial, exchanges by the id of the finding.

    `failure` says why it is missing, or not complete.
    """

    results: dict[str, CheckResult] = field(default_factory=dict)
    generated: dict[str, Exchange] = field(default_factory=dict)
    failure: str = ""


async def ask_reference_server(
    plan: Plan, run_preflight: PreflightResult, trials: Sequence[Trial], findings: Sequence[Finding]
) -> ReferenceAnswers:
    """Runs trials, and sends the requests of findings, with the baselines that the run's target needs.

    Whatever goes wrong ends it early: causes are then told apart with less evidence.
    """
    answers = ReferenceAnswers()
    try:
        further_keys = FurtherKeys(source_id=plan.keys.source_id, disabled=plan.keys.disabled)
        with Server(plan.contract, plan.keys.write_key, plan.keys.bearer, further_keys) as server:
            async with asyncio.timeout(_MAX_TIME_S):
                await _ask(_reference_plan(plan, server.url), run_preflight, trials, findings, answers)
    except TimeoutError:
        answers.failure = f"the reference server did not answer all within {_MAX_TIME_S:g} s"
    except (InconclusiveError, NoResponse, Stopped) as failure:
        answers.failure = str(failure)
    return answers


def _reference_plan(plan: Plan, url: str) -> Plan:
    """The plan for the reference server: the limits of the target are not its own."""
    return replace(
        plan, target=replace(parse_target(url), headers=plan.target.headers), jobs=DEFAULT_JOBS, rate=None,
        deadline_s=_DEADLINE_S, budget=Budget(), wire_type=Wire,
    )  # fmt: skip


async def _ask(
    plan: Plan,
    run_preflight: PreflightResult,
    trials: Sequence[Trial],
    findings: Sequence[Finding],
    answers: ReferenceAnswers,
) -> None:
    async with plan.build_wire() as wire:
        sender = Sender(wire=wire)
        own = await preflight.run_preflight(plan.contract, plan.keys, sender, plan.run_id)
        own = replace(own, baselines=run_preflight.baselines, dead={}, absent=frozenset())

        def keep(trial: Trial, result: CheckResult) -> None:
            answers.results[trial.name] = compact_result(result)

        alone = [replace(item, preflight=own, is_alone=True) for item in trials]
        await engine.run_all(alone, sender, plan.jobs, keep)
        if findings:
            fuzz_sender = FuzzSender(plan.contract, plan.keys, wire, own)
            try:
                for finding in findings:
                    reply, _ = await fuzz_sender.case_runner.run(*finding.preceding, finding.case)
                    answers.generated[finding.id] = fuzz_sender.case_runner.redacted_exchange(finding.case, reply)
            finally:
                await fuzz_sender.aclose()
