"""Builds verdicts from check results: adds level, sources and a command to reproduce."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from conformance.checks import expect
from conformance.core.model import PROBLEM_OUTCOMES, Verdict
from conformance.core.resources import profile_names
from conformance.report.curl import curl_command
from conformance.report.transcript import transcript_json

if TYPE_CHECKING:
    from conformance.checks.trial import Trial
    from conformance.core.model import Exchange
    from conformance.run.engine import CheckResult

_MAX_EXCHANGES = 12
"""The number of exchanges that a verdict keeps."""


def build_verdict(trial: Trial, result: CheckResult) -> Verdict:
    """The verdict on a trial; exchanges are kept only if there is a problem."""
    outcome = trial.to_check_outcome(result.outcome)
    kept = _relevant_exchanges(result) if outcome in PROBLEM_OUTCOMES else ()
    return Verdict(
        id=trial.check.id,
        area=trial.check.area,
        level=trial.cap_level(result.level) if result.level else trial.level,
        title=trial.check.title,
        operation=str(trial.operation or ""),
        outcome=outcome,
        message=result.message,
        expected=result.expected,
        received=result.received,
        received_status=result.received_status,
        sources=result.sources or trial.sources,
        exchanges=tuple(transcript_json(item) for item in kept),
        curl=_reproduction_command(trial, kept[-1]) if kept else "",
        data=result.data,
        measured_sizes=expect.measured_sizes(result.exchanges),
        path_state=result.path_state,
        asked_on=str(trial.stand_in or ""),
    )


def _relevant_exchanges(result: CheckResult) -> tuple[Exchange, ...]:
    """The last exchanges up to the one that shows the result, or up to the last of all."""
    index = result.exchange_index
    end = len(result.exchanges) if index is None else index + 1
    return result.exchanges[max(0, end - _MAX_EXCHANGES) : end]


def _reproduction_command(trial: Trial, exchange: Exchange) -> str:
    """A shell command to reproduce a failure: curl, or this suite for requests that no HTTP client would write."""
    if exchange.request.raw_writer is None:
        return curl_command(exchange.request, exchange.url)
    profile = trial.contract.profile
    name = profile.name if profile.name in profile_names() else profile.file
    url = exchange.url.removesuffix(exchange.request.path)
    return shlex.join(["conformance", "run", url, "--profile", name, "--select", trial.check.id])
