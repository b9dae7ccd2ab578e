"""A campaign: a stream of cases against one target, watched, and what it comes to."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.fuzz.breakage import BROKEN, Past, examine, recovers
from conformance.fuzz.case import Case, Origin
from conformance.fuzz.examiner import Examiner
from conformance.fuzz.gun import MOST_SILENT, Gun
from conformance.fuzz.oracle import ACCEPTED
from conformance.fuzz.rendering import LARGE_BYTES, Shot
from conformance.fuzz.stock import Stock
from conformance.fuzz.suspicion import Suspicion
from conformance.report.curl import curl
from conformance.wire.answers import Reply
from conformance.wire.budget import Exhausted
from conformance.wire.lanes import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.contract import Contract
    from conformance.fuzz.finding import Finding
    from conformance.payloads import Ground, Keys
    from conformance.wire import Wire

_WINDOW = 2_000
"""After so many requests the target is asked whether it still takes acceptable ones."""
_SILENT_DEADLINE_S = 2.0
"""Who has kept us waiting so often that sending ends is asked once more, but not for long."""
_MOST_ALIKE = 300
"""So many suspicions of the same sort are looked at; more are counted."""
_EXAMINING_S = 20.0


@dataclass(slots=True, kw_only=True)
class Result:
    """What a campaign came to. `requests` are those that went over its own lanes, not over the wire."""

    findings: list[Finding] = field(default_factory=list)
    requests: int = 0
    duration_s: float = 0.0
    waited_s: float = 0.0
    judged: Counter[str] = field(default_factory=Counter)
    is_cut: bool = False


class Campaign:
    """Sends cases as fast as the target takes them, and examines what fails."""

    def __init__(
        self,
        contract: Contract,
        keys: Keys,
        wire: Wire,
        ground: Ground,
        *,
        examining_s: float = _EXAMINING_S,
    ) -> None:
        self._contract = contract
        self._examining_s = examining_s
        self._wire = wire
        self._dead = {str(operation) for operation in ground.dead}
        self._gun = Gun(contract, keys, wire, ground)
        self.bench = self._gun.bench
        self._again: deque[Case] = deque()
        self._large: list[Case] = []
        self._log: deque[Past] = deque(maxlen=2 * _WINDOW)
        self._before: dict[int, Case] = {}
        self._alike: Counter[tuple[str, str, str]] = Counter()
        self._suspicions: list[Suspicion] = []
        self._around = 2 * wire.connections
        self._number = self._last_good = 0
        self.result = Result()

    async def run(self, cases: Iterable[Case], *, max_time_s: float | None = None) -> Result:
        """Sends the cases, within a time and the wire's budget; then examines what failed.

        Where it is cancelled, `result` has what failed so far, unexamined.
        """
        start_s = time.monotonic()
        until_s = start_s + max_time_s if max_time_s else None
        feed = iter(cases)
        try:
            more, broken = True, None
            while more and broken is None:
                more = await self._window(feed, until_s)
                self.result.duration_s = time.monotonic() - start_s
                broken = await self._breakage()
            self.result.is_cut |= broken is not None
            self.result.findings = [self.dressed(item) for item in await self._findings(broken)]
        except (Exhausted, asyncio.CancelledError) as end:
            self.result.is_cut = True
            raw = self._examiner().unexamined(self._suspicions)
            self.result.findings = [self.dressed(item) for item in raw]
            if isinstance(end, asyncio.CancelledError):
                raise
        finally:
            self.close()
            self.result.requests, self.result.waited_s = self._gun.lanes.sent, self._gun.waited_s
        return self.result

    async def _findings(self, broken: Finding | None) -> list[Finding]:
        """What the suspicions come to; once the target is broken, only those from before count."""
        examiner = self._examiner()
        if broken is None:
            return await examiner.findings(self._suspicions)
        earlier = [item for item in self._suspicions if item.number < self._last_good]
        return [*examiner.unexamined(earlier), broken]

    def _examiner(self) -> Examiner:
        return Examiner(self._contract, self.bench, until_s=time.monotonic() + self._examining_s)

    def close(self) -> None:
        """Closes every connection."""
        self._gun.lanes.close()

    async def _window(self, feed: Iterator[Case], until_s: float | None) -> bool:
        """Sends some cases; whether there are more."""
        left = _WINDOW

        def supply() -> Shot | None:
            nonlocal left
            while self._again or left > 0:
                if self._gun.is_over(until_s):
                    self.result.is_cut = True
                    return None
                case = self._again.popleft() if self._again else next(feed, None)
                if case is None:
                    left = -1
                    return None
                left -= 1
                if case.call in self._dead:
                    continue
                if len(case.body) > LARGE_BYTES:
                    self._large.append(case)
                    continue
                return self._gun.rendering.shot(case)
            return None

        await self._gun.lanes.pour(supply, self._take)
        await self._send_large(until_s)
        return left == 0 and not self._gun.is_over(until_s)

    async def _send_large(self, until_s: float | None) -> None:
        """Sends the large bodies of a window, the careful way."""
        large, self._large = self._large, []
        for case in large:
            if not self._gun.is_over(until_s):
                self._note(case, await self.bench.carefully(case), None)

    def _take(self, shot: Shot, reply: Reply, lane: int) -> None:
        """Takes what came of a case; a 429 only means that it has to be sent again later."""
        case = shot.case
        if self._gun.is_put_off(case, reply):
            self._again.append(case)
            return
        self._note(case, reply, self._before.get(lane))
        self._before[lane] = case

    def _note(self, case: Case, reply: Reply, before: Case | None) -> None:
        """Judges a reply."""
        self.result.judged[case.call] += 1
        judgement = self._gun.judge.judge(case, reply)
        is_good = judgement is None if case.expect == (ACCEPTED,) else None
        self._log.append(Past(case, is_good, judgement is not None))
        self._number += 1
        if is_good:
            self._last_good = self._number
        if reply.mishap in SILENT:
            self._gun.silent += 1
            if self._gun.silent == MOST_SILENT:
                self._gun.lanes.deadline_s = min(self._gun.lanes.deadline_s, _SILENT_DEADLINE_S)
        if judgement is None:
            return
        key = (judgement.fault.value, judgement.kind, case.call)
        self._alike[key] += 1
        if self._alike[key] <= _MOST_ALIKE:
            self._suspicions.append(Suspicion(case, judgement, before, self._number, self._recent(1)))

    async def _breakage(self) -> Finding | None:
        """What is to be said of a target that no longer takes acceptable requests, and does not get well.

        If it does, that an acceptable request failed is one more suspicion.
        """
        for operation in self._contract.operations:
            call = str(operation)
            if call in self._dead:
                continue
            body = Stock.of(self._contract, operation).body()
            control = Case(call=call, origin=Origin.SHRINKER, about="an acceptable request", body=body)
            _, judgement = await self.bench.ask(control)
            if judgement is not None and judgement.fault in BROKEN:
                if self._alike[judgement.fault.value, judgement.kind, call] and not self._was_well(call):
                    continue
                labelled = self.bench.labelled(control)
                if not await recovers(self.bench, control):
                    return await examine(self.bench, list(self._log), labelled, judgement)
                self._suspicions.append(Suspicion(labelled, judgement, None, self._number, self._recent(0)))
        return None

    def _recent(self, start: int) -> tuple[Case, ...]:
        """What was answered last, newest first."""
        return tuple(past.case for past in itertools.islice(reversed(self._log), start, start + self._around))

    def _was_well(self, call: str) -> bool:
        """Whether an operation has taken anything that it should."""
        return any(past.is_good and past.case.call == call for past in self._log)

    def dressed(self, finding: Finding) -> Finding:
        """A finding with where it was found, and how to see it again."""
        exchange = finding.exchange
        if exchange is None:
            exchange = self.bench.kept(finding.case, Reply())
        return replace(
            finding,
            profile=self._contract.profile.name,
            url=self._wire.target.url,
            exchange=exchange,
            curl=curl(exchange.request, exchange.url) if not finding.before else "",
        )
