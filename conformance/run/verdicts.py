"""Builds verdicts from check results: adds level, sources and a command to reproduce."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from conformance.checks import expect
from conformance.checks.promises import Promise, broken_promise, server_error_or, server_error_promise, silence_promise
from conformance.core.model import PROBLEM_OUTCOMES, Area, Outcome, Verdict
from conformance.core.resources import profile_names
from conformance.core.text import truncate
from conformance.report.curl import curl_command
from conformance.report.transcript import TranscriptBudget

if TYPE_CHECKING:
    from conformance.checks.trial import Trial
    from conformance.core.model import Exchange
    from conformance.run.engine import CheckResult

_MAX_EXCHANGES = 12
"""The number of exchanges that a verdict keeps."""
_MAX_TEXT_LENGTH = 2_000
"""Of what a verdict quotes."""


def build_verdict(trial: Trial, result: CheckResult, budget: TranscriptBudget | None = None) -> Verdict:
    """The verdict on a trial; exchanges are kept only if there is a problem, and within the budget of a report."""
    outcome = trial.to_check_outcome(result.outcome)
    kept = _relevant_exchanges(result) if outcome in PROBLEM_OUTCOMES else ()
    promise = _promise(trial, result)
    transcripts = (budget or TranscriptBudget()).take(kept)
    return Verdict(
        id=trial.check.id,
        area=trial.check.area,
        level=promise.level,
        title=trial.check.title,
        operation=str(trial.operation or ""),
        outcome=outcome,
        message=truncate(result.message, _MAX_TEXT_LENGTH),
        expected=truncate(result.expected, _MAX_TEXT_LENGTH),
        received=truncate(result.received, _MAX_TEXT_LENGTH),
        received_status=result.received_status,
        sources=promise.sources,
        exchanges=transcripts,
        left_out_exchanges=len(kept) - len(transcripts),
        curl=_reproduction_command(trial, kept[-1]) if kept else "",
        data=result.data,
        measured_sizes=expect.measured_sizes(result.exchanges),
        path_state=result.path_state,
        asked_on=str(trial.stand_in or ""),
    )


def _promise(trial: Trial, result: CheckResult) -> Promise:
    """The promise of a check, or the one that a failure broke.

    A check of the fuzzer stands for many facts, so its findings have levels of their own. After a request that made
    the target go away, acceptable ones went unanswered: on whatever path, that is about all of them.
    """
    if result.is_outage and (general := server_error_promise(trial.contract, well_formed=True)):
        return general
    level, sources = result.level, result.sources
    if trial.check.area is Area.FUZZ and level is not None:
        return Promise(level=trial.cap_level(level), sources=sources or trial.sources)
    stated = Promise(level=level or trial.level, sources=sources) if level or sources else None
    own = broken_promise(trial, stated)
    if trial.check.area is Area.SDK and trial.check.observes and _is_unanswered(result):
        return silence_promise(trial, result.exchanges) or own
    if result.outcome is Outcome.FAIL and result.is_server_error:
        return server_error_or(own, trial, result.exchanges)
    return own


def _is_unanswered(result: CheckResult) -> bool:
    """Whether a check came to no observation because there was no answer."""
    exchange = result.exchange
    return result.outcome in PROBLEM_OUTCOMES and exchange is not None and exchange.response is None


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
