"""Runs checks against a function that answers requests, without a network."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.cases import CHECKS
from conformance.checks.selection import select_trials
from conformance.checks.trial import make_trials
from conformance.contract import Contract
from conformance.profile import load
from conformance.requests import Keys, PreflightResult
from conformance.run import engine
from conformance.run.verdicts import build_verdict
from tests.support.fake_wires import FakeWire, sender_over

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.checks.trial import Trial
    from conformance.core.model import Verdict
    from conformance.run.engine import CheckResult
    from tests.support.fake_wires import Answer

KEYS = Keys(write_key="Canned-Key-12345", bearer="canned-token")


def run_checks(profile: str, check: str, answer: Answer) -> list[Verdict]:
    """The verdicts of the checks that a glob selects on a target, in order of completion."""
    verdicts: list[Verdict] = []

    def on_result(trial: Trial, result: CheckResult) -> None:
        verdicts.append(build_verdict(trial, result))

    sender = sender_over(FakeWire(answer))
    preflight_result = PreflightResult(shared_exchanges=sender.shared_exchanges)
    every = make_trials(Contract(load(profile)), KEYS, CHECKS)
    asyncio.run(
        engine.run_all(
            [replace(trial, preflight=preflight_result) for trial in select_trials(every, [check], [])],
            sender,
            4,
            on_result,
        )
    )
    return verdicts


def outcomes_of(verdicts: Sequence[Verdict]) -> set[str]:
    """The outcomes of verdicts, each once."""
    return {item.outcome.value for item in verdicts}
