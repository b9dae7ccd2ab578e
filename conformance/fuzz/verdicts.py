"""What a campaign says of each check of fuzzing on each operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import engine
from conformance.fuzz.campaign import Campaign
from conformance.fuzz.corpus import corpus
from conformance.fuzz.finding import Certainty, store
from conformance.fuzz.judge import Fault
from conformance.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.catalogue import Trial
    from conformance.engine import Sender
    from conformance.fuzz.campaign import Result
    from conformance.fuzz.finding import Finding
    from conformance.model import Source

_EXAMINING_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How many cases of which corpus are sent, and for how long at most."""

    count: int
    seed: int
    max_time_s: float | None = None
    refresh: bool = False


async def run(
    trials: Sequence[Trial],
    effort: Effort,
    sender: Sender,
    done: Callable[[Trial, engine.Finding], None],
) -> int:
    """Fuzzes for some trials and tells what each came to; returns the number of requests."""
    alive = [trial for trial in trials if _is_asked(trial)]
    for trial in trials:
        if trial not in alive:
            done(trial, await engine.drive(trial, sender))
    if not alive:
        return 0
    first = alive[0]
    cases = corpus(first.contract, effort.seed, effort.count, refresh=effort.refresh).cases(effort.count)
    calls = {str(trial.operation) for trial in alive}
    campaign = Campaign(
        first.contract,
        first.keys,
        sender.wire,
        first.ground,
        examining_s=_EXAMINING_S,
    )
    result = await campaign.run((case for case in cases if case.call in calls), max_time_s=effort.max_time_s)
    for finding in result.findings:
        store(finding)
    for trial in alive:
        done(trial, outcome(trial, result, sender.wire.budget.emptied))
    return result.requests


def _is_asked(trial: Trial) -> bool:
    """Whether the contract asks for a trial, and something is accepted there."""
    return bool(trial.operation and trial.facts and trial.operation not in trial.ground.dead)


def fault_of(trial: Trial) -> Fault:
    """The fault that a trial is about: the last word of its id."""
    return Fault(trial.check.id.rpartition(".")[2])


def outcome(trial: Trial, result: Result, emptied: str = "") -> engine.Finding:
    """What a campaign says of one trial; `emptied` names the budget that ended it, if one did."""
    call, fault = str(trial.operation), fault_of(trial)
    if not result.judged[call] and emptied:
        return engine.Finding(outcome=Outcome.ERROR, message=f"no verdict: {emptied}", expected="an answer")
    if not result.judged[call]:
        return engine.Finding(outcome=Outcome.NOT_APPLICABLE, message="there was no time for this operation")
    found = [item for item in result.findings if item.fault is fault and call in item.calls]
    if not found:
        cut = (
            f"sending ended early, after {result.judged[call]:,} generated requests" if result.is_cut else ""
        )
        return engine.Finding(outcome=Outcome.PASS, message=cut)
    found.sort(key=lambda item: (item.certainty is not Certainty.CONFIRMED, item.level.rank))
    worst = found[0]
    is_silence = worst.certainty is not Certainty.CONFIRMED and fault is Fault.UNANSWERED
    return engine.Finding(
        outcome=Outcome.ERROR if is_silence else Outcome.FAIL,
        message="; ".join(_line(item) for item in found[:5]),
        expected=worst.expected,
        received=worst.received,
        level=worst.level,
        exchanges=(worst.exchange,) if worst.exchange else (),
        sources=_sources(trial, worst),
    )


def _sources(trial: Trial, finding: Finding) -> tuple[Source, ...]:
    """Where the promises are documented that a finding is about, if it names them."""
    contract = trial.contract
    stated = [contract.fact(name) for name in finding.kind.split("|") if contract.states(name)]
    return tuple(dict.fromkeys(source for fact in stated for source in fact.sources))


def _line(finding: Finding) -> str:
    """A finding in a sentence, with how to see it again."""
    return f"{finding.title} (conformance replay {finding.id})"
