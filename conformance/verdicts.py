"""Verdicts: findings of the engine, told with level, sources and what to do about them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from conformance import expect
from conformance.model import Outcome, Verdict
from conformance.report.curl import curl
from conformance.report.transcript import transcript
from conformance.resources import profile_names

if TYPE_CHECKING:
    from conformance.catalogue import Trial
    from conformance.engine import Finding
    from conformance.model import Exchange

_KEPT = 12
"""How many of a check's exchanges are kept for the report: the last ones."""
_TROUBLED = frozenset({Outcome.FAIL, Outcome.UNTESTABLE, Outcome.ERROR})


def judged(trial: Trial, finding: Finding) -> Verdict:
    """The verdict on a trial; exchanges are kept only where somebody will want to see them."""
    outcome = trial.outcome(finding.outcome)
    kept = _telling(finding) if outcome in _TROUBLED else ()
    return Verdict(
        id=trial.check.id,
        area=trial.check.area,
        level=trial.capped(finding.level) if finding.level else trial.level,
        title=trial.check.title,
        operation=str(trial.operation or ""),
        outcome=outcome,
        message=finding.message,
        expected=finding.expected,
        received=finding.received,
        sources=finding.sources or trial.sources,
        exchanges=tuple(transcript(item) for item in kept),
        curl=_again(trial, kept[-1]) if kept else "",
        data=finding.data,
        weighed=expect.weighed(finding.exchanges),
    )


def _telling(finding: Finding) -> tuple[Exchange, ...]:
    """The last exchanges up to the one that the finding is about, or up to the last of all."""
    exchanges = finding.exchanges
    about = [number for number, item in enumerate(exchanges, 1) if item.outline == finding.received]
    end = about[-1] if about else len(exchanges)
    return exchanges[max(0, end - _KEPT) : end]


def _again(trial: Trial, exchange: Exchange) -> str:
    """A shell line that shows it again: curl, or the suite itself where no client would write such bytes."""
    if exchange.request.spelling is None:
        return curl(exchange.request, exchange.url)
    profile = trial.contract.profile
    name = profile.name if profile.name in profile_names() else profile.file
    url = exchange.url.removesuffix(exchange.request.path)
    return shlex.join(["conformance", "run", url, "--profile", name, "--select", trial.check.id])
