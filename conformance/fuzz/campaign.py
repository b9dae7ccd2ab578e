"""A campaign: a stream of cases against one target, watched, and what it comes to."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.fuzz.candidate import Candidate
from conformance.fuzz.case import Case, Origin
from conformance.fuzz.oracle import ACCEPTED_FACT
from conformance.fuzz.request_renderer import LARGE_BYTES, PreparedCase
from conformance.fuzz.seed_events import SeedEvents
from conformance.fuzz.sender import MAX_UNANSWERED, FuzzSender
from conformance.fuzz.target_down import DOWN_FAILURES, SentCase, recovers, report_target_down
from conformance.fuzz.triage import Triage
from conformance.report.curl import curl_command
from conformance.wire.budget import BudgetExhausted
from conformance.wire.connections import UNRESPONSIVE_FAILURES
from conformance.wire.responses import Reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.contract import Contract
    from conformance.fuzz.finding import Finding
    from conformance.requests import Keys, PreflightResult
    from conformance.wire import Wire

_HEALTH_CHECK_INTERVAL = 2_000
"""After so many requests the target is asked whether it still takes acceptable ones."""
_SHORT_DEADLINE_S = 2.0
"""Who has kept us waiting so often that sending ends is asked once more, but not for long."""
_MAX_CANDIDATES_PER_KEY = 300
"""So many suspicions of the same sort are looked at; more are counted."""
_TRIAGE_TIME_S = 20.0


@dataclass(slots=True, kw_only=True)
class CampaignResult:
    """What a campaign came to. `requests` are those that went over its own lanes, not over the wire."""

    findings: list[Finding] = field(default_factory=list)
    requests: int = 0
    duration_s: float = 0.0
    waited_s: float = 0.0
    judged_by_call: Counter[str] = field(default_factory=Counter)
    is_cut_short: bool = False


class Campaign:
    """Sends cases as fast as the target takes them, and examines what fails."""

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
        self._wire = wire
        self._dead = {str(operation) for operation in preflight.dead}
        self._sender = FuzzSender(contract, keys, wire, preflight)
        self.case_runner = self._sender.case_runner
        self._retry_queue: deque[Case] = deque()
        self._large_cases: list[Case] = []
        self._history: deque[SentCase] = deque(maxlen=2 * _HEALTH_CHECK_INTERVAL)
        self._last_case_by_connection: dict[int, Case] = {}
        self._candidate_counts: Counter[tuple[str, str, str]] = Counter()
        self._candidates: list[Candidate] = []
        self._max_recent = 2 * wire.connections
        self._position = self._last_accepted_position = 0
        self.result = CampaignResult()

    async def run(self, cases: Iterable[Case], *, max_time_s: float | None = None) -> CampaignResult:
        """Sends the cases, within a time and the wire's budget; then examines what failed.

        Where it is cancelled, `result` has what failed so far, unexamined.
        """
        start_s = time.monotonic()
        deadline_s = start_s + max_time_s if max_time_s else None
        case_iterator = iter(cases)
        try:
            has_more, down_finding = True, None
            while has_more and down_finding is None:
                has_more = await self._send_until_health_check(case_iterator, deadline_s)
                self.result.duration_s = time.monotonic() - start_s
                down_finding = await self._check_target_health()
            self.result.is_cut_short |= down_finding is not None
            self.result.findings = [
                self.with_context(finding) for finding in await self._collect_findings(down_finding)
            ]
        except (BudgetExhausted, asyncio.CancelledError) as end:
            self.result.is_cut_short = True
            unexamined = self._new_triage().unexamined_findings(self._candidates)
            self.result.findings = [self.with_context(item) for item in unexamined]
            if isinstance(end, asyncio.CancelledError):
                raise
        finally:
            self.close()
            self.result.requests, self.result.waited_s = self._sender.lanes.sent_count, self._sender.waited_s
        return self.result

    async def _collect_findings(self, down_finding: Finding | None) -> list[Finding]:
        """What the suspicions come to; once the target is broken, only those from before count."""
        triage = self._new_triage()
        if down_finding is None:
            return await triage.triage(self._candidates)
        before_down = [candidate for candidate in self._candidates if candidate.position < self._last_accepted_position]
        return [*triage.unexamined_findings(before_down), down_finding]

    def _new_triage(self) -> Triage:
        return Triage(self._contract, self.case_runner, deadline_s=time.monotonic() + self._triage_time_s)

    def close(self) -> None:
        """Closes every connection."""
        self._sender.lanes.close()

    async def _send_until_health_check(self, case_iterator: Iterator[Case], deadline_s: float | None) -> bool:
        """Sends some cases; whether there are more."""
        remaining = _HEALTH_CHECK_INTERVAL

        def supply() -> PreparedCase | None:
            nonlocal remaining
            while self._retry_queue or remaining > 0:
                if self._sender.should_stop(deadline_s):
                    self.result.is_cut_short = True
                    return None
                case = self._retry_queue.popleft() if self._retry_queue else next(case_iterator, None)
                if case is None:
                    remaining = -1
                    return None
                remaining -= 1
                if case.call in self._dead:
                    continue
                if len(case.body) > LARGE_BYTES:
                    self._large_cases.append(case)
                    continue
                return self._sender.renderer.prepare(case)
            return None

        await self._sender.lanes.send_all(supply, self._on_reply)
        await self._send_large(deadline_s)
        return remaining == 0 and not self._sender.should_stop(deadline_s)

    async def _send_large(self, deadline_s: float | None) -> None:
        """Sends the large bodies of a window, the careful way."""
        large, self._large_cases = self._large_cases, []
        for case in large:
            if not self._sender.should_stop(deadline_s):
                self._record_reply(case, await self.case_runner.send_large(case), None)

    def _on_reply(self, prepared: PreparedCase, reply: Reply, lane: int) -> None:
        """Takes what came of a case; a 429 only means that it has to be sent again later."""
        case = prepared.case
        if self._sender.defer_if_rate_limited(case, reply):
            self._retry_queue.append(case)
            return
        self._record_reply(case, reply, self._last_case_by_connection.get(lane))
        self._last_case_by_connection[lane] = case

    def _record_reply(self, case: Case, reply: Reply, previous: Case | None) -> None:
        """Judges a reply."""
        self.result.judged_by_call[case.call] += 1
        judgement = self._sender.judge.judge(case, reply)
        was_accepted = judgement is None if case.expected_facts == (ACCEPTED_FACT,) else None
        self._history.append(SentCase(case, was_accepted, judgement is not None))
        self._position += 1
        if was_accepted:
            self._last_accepted_position = self._position
        if reply.failure in UNRESPONSIVE_FAILURES:
            self._sender.unanswered += 1
            if self._sender.unanswered == MAX_UNANSWERED:
                self._sender.lanes.deadline_s = min(self._sender.lanes.deadline_s, _SHORT_DEADLINE_S)
        if judgement is None:
            return
        key = (judgement.failure_kind.value, judgement.dedup_key, case.call)
        self._candidate_counts[key] += 1
        if self._candidate_counts[key] <= _MAX_CANDIDATES_PER_KEY:
            self._candidates.append(Candidate(case, judgement, previous, self._position, self._recent_cases(1)))

    async def _check_target_health(self) -> Finding | None:
        """What is to be said of a target that no longer takes acceptable requests, and does not get well.

        If it does, that an acceptable request failed is one more suspicion.
        """
        for operation in self._contract.operations:
            call = str(operation)
            if call in self._dead:
                continue
            body = SeedEvents.for_operation(self._contract, operation).minimal_body()
            control = Case(call=call, origin=Origin.SHRINKER, about="an acceptable request", body=body)
            _, judgement = await self.case_runner.run(control)
            if judgement is not None and judgement.failure_kind in DOWN_FAILURES:
                if self._candidate_counts[
                    judgement.failure_kind.value, judgement.dedup_key, call
                ] and not self._was_healthy(call):
                    continue
                labelled = self.case_runner.with_expected_facts(control)
                if not await recovers(self.case_runner, control):
                    return await report_target_down(self.case_runner, list(self._history), labelled, judgement)
                self._candidates.append(Candidate(labelled, judgement, None, self._position, self._recent_cases(0)))
        return None

    def _recent_cases(self, start: int) -> tuple[Case, ...]:
        """What was answered last, newest first."""
        return tuple(sent.case for sent in itertools.islice(reversed(self._history), start, start + self._max_recent))

    def _was_healthy(self, call: str) -> bool:
        """Whether an operation has taken anything that it should."""
        return any(sent.was_accepted and sent.case.call == call for sent in self._history)

    def with_context(self, finding: Finding) -> Finding:
        """A finding with where it was found, and how to see it again."""
        exchange = finding.exchange
        if exchange is None:
            exchange = self.case_runner.redacted_exchange(finding.case, Reply())
        return replace(
            finding,
            profile=self._contract.profile.name,
            url=self._wire.target.url,
            exchange=exchange,
            curl=curl_command(exchange.request, exchange.url) if not finding.preceding else "",
        )
