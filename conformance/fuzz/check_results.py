"""Check results of a campaign, per check and operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.model import Outcome
from conformance.fuzz.campaign import MIN_JUDGED, Campaign
from conformance.fuzz.corpus import load_or_generate
from conformance.fuzz.finding import Certainty, save_finding
from conformance.fuzz.judge import FailureKind
from conformance.fuzz.oracle import answer_for_fact
from conformance.run import engine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.checks.trial import Trial
    from conformance.core.model import Source
    from conformance.fuzz.campaign import CampaignResult
    from conformance.fuzz.corpus import Corpus
    from conformance.fuzz.finding import Finding
    from conformance.run.sender import Sender

_TRIAGE_TIME_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzOptions:
    """How many cases are sent, of which corpus, and for how many seconds at most.

    Without a `corpus`, that of the contract and the seed is loaded, or generated.
    """

    count: int
    seed: int
    max_time_s: float | None = None
    corpus: Corpus | None = None


async def fuzz_trials(
    trials: Sequence[Trial],
    options: FuzzOptions,
    sender: Sender,
    on_result: Callable[[Trial, engine.CheckResult], None],
    findings: list[Finding] | None = None,
) -> int:
    """Fuzzes for the given trials, reports each result, adds to `findings`; returns the number of requests."""
    fuzzed = [trial for trial in trials if _is_applicable(trial)]
    for trial in trials:
        if trial not in fuzzed:
            on_result(trial, await engine.run_one(trial, sender))
    if not fuzzed:
        return 0
    first = fuzzed[0]
    corpus = options.corpus
    if corpus is None or corpus.contract is not first.contract:  # of another reading of the documents
        corpus = load_or_generate(first.contract, options.seed, options.count)
    cases = corpus.cases(options.count)
    calls = {str(trial.operation) for trial in fuzzed}
    campaign = Campaign(
        first.contract,
        first.keys,
        sender.wire,
        first.preflight,
        triage_time_s=_TRIAGE_TIME_S,
    )
    sender.progress_counts.append(lambda: campaign.result.judged_count)
    await sender.wire.close_connections()  # the campaign has its own
    result = await campaign.run((case for case in cases if case.call in calls), max_time_s=options.max_time_s)
    for finding in result.findings:
        save_finding(finding)
    if findings is not None:
        findings += result.findings
    for trial in fuzzed:
        on_result(trial, check_result(trial, result, sender.wire.budget.exhausted_reason))
    return result.requests


def _is_applicable(trial: Trial) -> bool:
    """Whether the contract states the fact of a trial, and its operation accepts anything."""
    return bool(trial.operation and trial.facts and trial.operation not in trial.preflight.dead)


def failure_kind_of(trial: Trial) -> FailureKind:
    """The kind of failure that a trial is about: the last word of its check's id."""
    return FailureKind(trial.check.id.rpartition(".")[2])


def check_result(trial: Trial, result: CampaignResult, exhausted_budget: str = "") -> engine.CheckResult:
    """The result of one trial; `exhausted_budget` says why the budget ended the campaign, if it did."""
    call, failure_kind = str(trial.operation), failure_kind_of(trial)
    if call in result.untestable:
        return engine.CheckResult(
            outcome=Outcome.UNTESTABLE,
            message=f"{call} accepts no valid request any more, or what it refuses proves nothing",
            expected="a success",
        )
    judged = result.judged_by_call[call]
    found = [item for item in result.findings if item.failure_kind is failure_kind and call in item.calls]
    matching = [item for item in found if item.certainty is not Certainty.CHANCE]
    if not matching:
        return _without_finding(call, judged, result, exhausted_budget, "".join(map(_describe_chance, found)))
    matching.sort(key=lambda item: (item.certainty is not Certainty.CONFIRMED, item.level.rank))
    worst = matching[0]
    is_unconfirmed_silence = worst.certainty is not Certainty.CONFIRMED and failure_kind is FailureKind.UNANSWERED
    return engine.CheckResult(
        outcome=Outcome.ERROR if is_unconfirmed_silence else Outcome.FAIL,
        message=f"{'; '.join(_describe(item) for item in matching[:5])}, of {judged:,} generated requests",
        expected=worst.expected,
        received=worst.received,
        level=worst.level,
        exchanges=(worst.exchange,) if worst.exchange else (),
        exchange=worst.exchange,
        sources=_sources(trial, worst),
    )


def _describe_chance(finding: Finding) -> str:
    """What is said of requests that got no answer at first."""
    on = "" if len(finding.calls) == 1 else f" on {len(finding.calls)} calls"
    return f"; {finding.count:,}{on} got {finding.received} at first, and an answer when sent again"


def _without_finding(
    call: str, judged: int, result: CampaignResult, exhausted_budget: str, note: str
) -> engine.CheckResult:
    """The result where no finding is of a trial's kind: it depends on how many requests stand behind it."""
    if judged >= MIN_JUDGED:
        early = "; sending ended early" if result.is_cut_short else ""
        return engine.CheckResult(outcome=Outcome.PASS, message=f"{judged:,} generated requests{early}{note}")
    failure = result.put_off.get(call) or (f"no verdict: {exhausted_budget}" if exhausted_budget else "")
    if failure:
        return engine.CheckResult(outcome=Outcome.ERROR, message=failure, expected="an answer")
    return engine.CheckResult(
        outcome=Outcome.ERROR,
        message=f"no verdict: {judged} generated requests were judged, and {MIN_JUDGED} are needed to say anything; "
        "see --fuzz and --max-time",
        expected=f"at least {MIN_JUDGED} answers",
        received=f"{judged} answers",
    )


def _sources(trial: Trial, finding: Finding) -> tuple[Source, ...]:
    """The sources of the facts that a finding breaks."""
    contract = trial.contract
    stated = [answer_for_fact(contract, name) or contract.profile.facts.get(name) for name in finding.facts]
    return tuple(dict.fromkeys(source for fact in stated if fact for source in fact.sources))


def _describe(finding: Finding) -> str:
    """A finding in a sentence, with the command that replays it."""
    return f"{finding.title} (conformance replay {finding.id})"
