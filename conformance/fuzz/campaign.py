"""A fuzz campaign: sends a stream of cases to one target and collects findings."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.core.statuses import MULTIPLE_CHOICES
from conformance.fuzz.accepted_requests import AcceptedRequests
from conformance.fuzz.case_runner import CaseRunner, PutOff
from conformance.fuzz.defects import Candidate
from conformance.fuzz.oracle import ACCEPTED_FACT
from conformance.fuzz.sender import MAX_UNANSWERED, FuzzSender
from conformance.fuzz.target_down import DOWN_FAILURES, SentCase, recovers, report_target_down
from conformance.fuzz.triage import Triage
from conformance.report.curl import curl_command
from conformance.wire.budget import BudgetExhausted
from conformance.wire.responses import Reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.contract import Contract
    from conformance.fuzz.case import Case
    from conformance.fuzz.finding import Finding
    from conformance.requests import Keys, PreflightResult
    from conformance.wire import Wire

_HEALTH_CHECK_INTERVAL = 2_000
"""After so many requests, control requests show whether the target still accepts valid ones."""
_SHORT_DEADLINE_S = 2.0
"""Response deadline once the target has left so many requests unanswered that sending stops."""
MIN_JUDGED = 5
"""With fewer judged requests to an operation, nothing can be said about it."""
_MAX_FIRST_CASES, _FIRST_CASES_S = 100 * MIN_JUDGED, 15.0
"""So many cases may it take until each operation had the least number, and so long, even if less time was given."""
_FIRST_CASES_WAITS_S = 35.0
"""Waits that a rate limit asks for may extend that time by so much."""
_MAX_CANDIDATES_PER_KEY, _MAX_CANDIDATES = 300, 6_000
"""Further candidates with the same key are only counted, and once there are so many, all but the first of a key."""
_TRIAGE_TIME_S = 20.0


@dataclass(slots=True, kw_only=True)
class CampaignResult:
    """The result of a campaign.

    `requests` counts those sent over the campaign's own connections; `untestable` are the calls that accept nothing,
    `put_off` those whose valid requests are refused by a rate limit, with the reason.
    `duration_s` is the time of sending, up to an interruption, without the triage.
    """

    findings: list[Finding] = field(default_factory=list)
    requests: int = 0
    duration_s: float = 0.0
    waited_s: float = 0.0
    judged_by_call: Counter[str] = field(default_factory=Counter)
    untestable: set[str] = field(default_factory=set)
    put_off: dict[str, str] = field(default_factory=dict)
    is_cut_short: bool = False

    @property
    def judged_count(self) -> int:
        """The generated requests that were judged."""
        return sum(self.judged_by_call.values())

    def barely_judged(self, calls: Iterable[str]) -> dict[str, int]:
        """Those of some calls that accept requests and got too few for a verdict, with how many were judged."""
        counts = {call: self.judged_by_call[call] for call in calls if call not in self.untestable}
        return {call: count for call, count in counts.items() if count < MIN_JUDGED}

    @property
    def judged_per_s(self) -> float:
        """The generated requests that were judged, per second of sending; 0 if none was."""
        return self.judged_count / self.duration_s if self.duration_s > 0 else 0.0


class Campaign:
    """Sends cases as fast as the target answers, and triages the failures."""

    def __init__(
        self,
        contract: Contract,
        keys: Keys,
        wire: Wire,
        preflight: PreflightResult,
        *,
        triage_time_s: float = _TRIAGE_TIME_S,
    ) -> None:
        self._contract = contract
        self._triage_time_s = triage_time_s
        self._dead = {str(operation) for operation in preflight.dead}
        self._sender = FuzzSender(contract, keys, wire, preflight)
        self._case_runner = self._sender.case_runner
        self._accepted = AcceptedRequests(contract)
        self._history: deque[SentCase] = deque(maxlen=2 * _HEALTH_CHECK_INTERVAL)
        self._candidate_counts: Counter[tuple[str, str, str]] = Counter()
        self._candidates: list[Candidate] = []
        self._max_recent = 2 * wire.connections
        self._position = self._last_accepted_position = 0
        self.result = CampaignResult()

    async def run(self, cases: Iterable[Case], *, max_time_s: float | None = None) -> CampaignResult:
        """Sends the cases, for at most `max_time_s` and within the budget, then triages the failures.

        If it is cancelled, `result` holds the failures so far, unexamined.
        """
        start_s = time.monotonic()
        deadline_s = start_s + max_time_s if max_time_s else None
        case_iterator = iter(cases)
        try:
            await self._learn_accepted_requests()
            has_more, down_finding = True, None
            if deadline_s is not None:
                cases_deadline_s = max(deadline_s, start_s + _FIRST_CASES_S)
                first_cases = self._first_cases(case_iterator)
                await self._sender.send_all(
                    first_cases, self._record_reply, deadline_s=cases_deadline_s, waits_extend_s=_FIRST_CASES_WAITS_S
                )
            while has_more and down_finding is None:
                try:
                    has_more = await self._send_until_health_check(case_iterator, deadline_s)
                finally:
                    self.result.duration_s = time.monotonic() - start_s
                down_finding = await self._check_target_health()
            self.result.is_cut_short |= down_finding is not None
            self._set_findings(await self._collect_findings(down_finding))
        except (BudgetExhausted, asyncio.CancelledError) as end:
            self.result.is_cut_short = True
            self._set_findings(self._new_triage().unexamined_findings(self._candidates))
            if isinstance(end, asyncio.CancelledError):
                raise
        finally:
            await self._sender.aclose()
            self.result.requests, self.result.waited_s = self._sender.connections.sent_count, self._sender.waited_s
        return self.result

    async def _learn_accepted_requests(self) -> None:
        """Finds out which request each operation accepts: controls, shrinking and judging start from there."""
        for operation in self._contract.operations:
            if str(operation) not in self._dead:
                try:
                    await self._accepted.learn(self._case_runner, operation)
                except PutOff as failure:
                    self.result.put_off[str(operation)] = str(failure)
        self.result.untestable = {*self._accepted.untestable, *self._dead}

    async def _collect_findings(self, down_finding: Finding | None) -> list[Finding]:
        """Triages the candidates; if the target went down, reports only candidates from before that, unexamined."""
        triage = self._new_triage()
        if down_finding is None:
            return await triage.triage(self._candidates)
        before_down = [candidate for candidate in self._candidates if candidate.position < self._last_accepted_position]
        return [*triage.unexamined_findings(before_down), down_finding]

    def _set_findings(self, findings: list[Finding]) -> None:
        self.result.findings = [with_context(finding, self._contract, self._case_runner) for finding in findings]

    def _new_triage(self) -> Triage:
        return Triage(
            self._contract,
            self._case_runner,
            self._accepted.seed_events,
            passed=[sent.case for sent in self._history if sent.was_success],
            deadline_s=time.monotonic() + self._triage_time_s,
        )

    def _first_cases(self, case_iterator: Iterator[Case]) -> Iterator[Case]:
        """The next cases, until there are enough for every operation that can be tested."""
        calls = [str(operation) for operation in self._contract.operations]
        wanted = Counter({call: MIN_JUDGED for call in calls if self._is_testable(call)})
        for case in self._live_cases(itertools.islice(case_iterator, _MAX_FIRST_CASES)):
            yield case
            wanted -= Counter([case.call])  # drops those that have enough
            if not wanted:
                return

    def _live_cases(self, cases: Iterable[Case]) -> Iterator[Case]:
        """The cases for operations that can be tested, as the target accepts them."""
        for case in cases:
            if self._is_testable(case.call) and (adapted := self._accepted.adapt(case)):
                yield self._case_runner.with_expected_facts(adapted)

    async def _send_until_health_check(self, case_iterator: Iterator[Case], deadline_s: float | None) -> bool:
        """Sends the next cases; returns whether to go on."""
        taken = 0

        def next_cases() -> Iterator[Case]:
            nonlocal taken
            for case in itertools.islice(case_iterator, _HEALTH_CHECK_INTERVAL):
                taken += 1
                yield case

        live_cases = self._live_cases(next_cases())
        is_complete = await self._sender.send_all(live_cases, self._record_reply, deadline_s=deadline_s)
        self.result.is_cut_short |= not is_complete
        return taken == _HEALTH_CHECK_INTERVAL and not self._sender.should_stop(deadline_s)

    def _record_reply(self, case: Case, reply: Reply, previous: Case | None) -> None:
        """Judges a reply and counts it; a failure becomes a candidate."""
        self.result.judged_by_call[case.call] += 1
        judgement = self._sender.judge.judge(case, reply)
        was_accepted = judgement is None if case.expected_facts == (ACCEPTED_FACT,) else None
        was_success = judgement is None and 200 <= reply.status < MULTIPLE_CHOICES
        self._history.append(SentCase(case, was_accepted, judgement is not None, was_success))
        self._position += 1
        if was_accepted:
            self._last_accepted_position = self._position
        if self._sender.unanswered >= MAX_UNANSWERED:
            self._sender.connections.deadline_s = min(self._sender.connections.deadline_s, _SHORT_DEADLINE_S)
        if judgement is None:
            return
        key = (judgement.failure_kind.value, judgement.dedup_key, case.call)
        self._candidate_counts[key] += 1
        if self._candidate_counts[key] <= (_MAX_CANDIDATES_PER_KEY if len(self._candidates) < _MAX_CANDIDATES else 1):
            self._candidates.append(Candidate(case, judgement, previous, self._position, self._recent_cases(1)))

    async def _check_target_health(self) -> Finding | None:
        """The finding for a target that rejects valid requests and does not recover, or None.

        A failure that it recovers from becomes one more candidate.
        """
        for operation in self._contract.operations:
            call = str(operation)
            if not self._is_testable(call):
                continue
            control = self._accepted.seed_events[call].control_case()
            _, judgement = await self._case_runner.run(control)
            if judgement is not None and judgement.failure_kind in DOWN_FAILURES:
                if self._candidate_counts[
                    judgement.failure_kind.value, judgement.dedup_key, call
                ] and not self._was_healthy(call):
                    continue
                labelled = self._case_runner.with_expected_facts(control)
                if not await recovers(self._case_runner, control):
                    return await report_target_down(self._case_runner, list(self._history), labelled, judgement)
                self._candidates.append(Candidate(labelled, judgement, None, self._position, self._recent_cases(0)))
        return None

    def _is_testable(self, call: str) -> bool:
        """Whether an operation accepts anything now."""
        return call not in self.result.untestable and call not in self.result.put_off

    def _recent_cases(self, start: int) -> tuple[Case, ...]:
        """The cases answered last, newest first, without the first `start` of them."""
        return tuple(sent.case for sent in itertools.islice(reversed(self._history), start, start + self._max_recent))

    def _was_healthy(self, call: str) -> bool:
        """Whether an operation has accepted any valid request."""
        return any(sent.was_accepted and sent.case.call == call for sent in self._history)


def with_context(finding: Finding, contract: Contract, case_runner: CaseRunner) -> Finding:
    """A finding with its profile, its target, and a curl line that repeats it."""
    wire = case_runner.wire
    exchange = finding.exchange or case_runner.redacted_exchange(finding.case, Reply())
    return replace(
        finding,
        profile=contract.profile.name,
        url=wire.redactor.redact_text(wire.target.url),
        exchange=exchange,
        requests=tuple(map(case_runner.redacted_request, (*finding.preceding, finding.case))),
        curl=curl_command(exchange.request, exchange.url) if not finding.preceding else "",
    )
