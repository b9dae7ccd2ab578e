"""Sides: the two servers that are compared, each with its own connections, and their common baselines."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.checks import expect
from conformance.core.errors import InconclusiveError, NoResponse, Stopped
from conformance.core.model import Outcome
from conformance.requests import Baseline, Call, PreflightResult
from conformance.run import engine, preflight
from conformance.run.sender import Sender
from conformance.run.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from conformance.checks.trial import Trial
    from conformance.contract import Operation
    from conformance.run.engine import CheckResult
    from conformance.run.plan import Plan
    from conformance.wire import Wire

FIRST, SECOND = "A", "B"


@dataclass(slots=True)
class Side:
    """One of two servers: its name, its plan, and the result of its preflight."""

    name: str
    plan: Plan
    wire: Wire
    sender: Sender = field(init=False)
    preflight: PreflightResult = field(default_factory=PreflightResult)
    stopped: str = ""
    is_out_of_time: bool = False
    _watchdog: Watchdog | None = None
    _start_s: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.sender = Sender(wire=self.wire)

    async def run_preflight(self) -> None:
        """Runs the preflight. Raises InconclusiveError, naming this side, if nothing is accepted."""
        plan = self.plan
        try:
            async with self._new_watchdog().guard():
                self.preflight = await preflight.run_preflight(plan.contract, plan.keys, self.sender, plan.run_id)
        except (NoResponse, InconclusiveError, Stopped) as failure:
            text = str(failure)
            where = "" if plan.target.url in text else f"{plan.target.url} can't be compared: "
            raise InconclusiveError(f"{self.name}: {where}{text}") from None
        self.plan = plan.after_preflight(self.preflight)
        self.sender.start_over()

    def _new_watchdog(self, done_share: Callable[[], float] | None = None) -> Watchdog:
        """A watchdog for a part of the comparison: its time is that of all parts together, also without progress."""
        idle_s = self._watchdog.idle_s if self._watchdog else 0.0
        limits = replace(self.plan.time_limits.after(time.monotonic() - self._start_s), idle_before_s=idle_s)
        self._watchdog = Watchdog(limits=limits, done_share=done_share, waits=self.sender.waits)
        return self._watchdog

    async def accepts(self, operation: Operation, baseline: Baseline) -> bool:
        """Whether it accepts a request with a baseline."""
        call = Call(
            contract=self.plan.contract, operation=operation, keys=self.plan.keys, baseline=baseline,
            label=f"footing[{operation}]", run_id=self.plan.run_id,
        )  # fmt: skip
        return expect.is_accepted(await self.sender.send(call.acceptable_request()))

    async def run_checks(
        self, names: Sequence[str], round_number: int, take: Callable[[CheckResult], CheckResult], *,
        is_sequential: bool = False, turns: int = 1,
    ) -> dict[str, CheckResult]:  # fmt: skip
        """Runs the trials with these names, one at a time if `is_sequential`; returns what `take` makes of the results.

        `turns` are this one and those of other sides that follow in the time that is left for all of them. No exchange
        of an earlier round is reused. If the server stops answering, or the time is up, results are
        missing, and `stopped` says why.
        """
        if self.is_out_of_time:
            return {}
        wanted_names = set(names)
        self.sender.shared_exchanges.clear()
        trials = [
            replace(trial, preflight=self.preflight, repetition=round_number, is_alone=True)
            for trial in self.plan.trials
            if trial.name in wanted_names
        ]
        results: dict[str, CheckResult] = {}

        def on_trial_done(trial: Trial, result: CheckResult) -> None:
            results[trial.name] = take(result)

        watchdog = self._new_watchdog(lambda: _done_share(results, len(trials), turns))
        watchdog.signs.append(lambda: sum(item.outcome is not Outcome.ERROR for item in [*results.values()]))
        try:
            async with watchdog.guard():
                if not is_sequential:
                    await engine.run_all(trials, self.sender, self.plan.jobs, on_trial_done)
                for trial in trials if is_sequential else ():
                    await self.wire.close_connections()
                    await engine.run_all([trial], self.sender, 1, on_trial_done)
        except Stopped as end:
            self.is_out_of_time = watchdog.has_ended
            self.stopped = f"{self.name}: {end}"
            self.sender.start_over()
        return results


async def equalize_readings(first: Side, second: Side) -> None:
    """Has both sides judged by one reading of the documents: by that of the side that does not follow the first.

    Raises InconclusiveError, naming the other side, if that accepts nothing by it.
    """
    contracts = [side.preflight.contract for side in (first, second)]
    if contracts[0] is contracts[1]:
        return
    side = second if contracts[0] else first
    side.plan = replace(side.plan, contract=next(filter(None, contracts)))
    side.plan = side.plan.with_trials([replace(trial, contract=side.plan.contract) for trial in side.plan.trials])
    await side.run_preflight()


def _done_share(results: Mapping[str, CheckResult], count: int, turns: int) -> float:
    """How much of some checks is done; those that send nothing, because they do not apply, take no time."""
    silent = sum(not item.exchanges for item in results.values())
    return (len(results) - silent) / max(1, (count - silent) * turns)


async def equalize_baselines(first: Side, second: Side) -> None:
    """Gives both sides the same baselines, so that both get the same requests.

    If one side demands more than the other, both get that, if both accept it.
    """
    operations = {*first.preflight.baselines, *second.preflight.baselines}
    common_baselines: dict[Operation, Baseline] = {}
    for operation in first.plan.contract.operations:
        is_dead = operation in first.preflight.dead or operation in second.preflight.dead
        if operation not in operations or is_dead:
            continue
        preflights = (first.preflight, second.preflight)
        options = dict.fromkeys(item.baselines.get(operation, Baseline()) for item in preflights)
        for baseline in sorted(options, key=lambda item: item == Baseline()):
            if await first.accepts(operation, baseline) and await second.accepts(operation, baseline):
                common_baselines[operation] = baseline
                break
    for side in (first, second):
        dead_baselines = {
            operation: baseline
            for operation, baseline in side.preflight.baselines.items()
            if operation in side.preflight.dead
        }
        side.preflight = replace(side.preflight, baselines={**dead_baselines, **common_baselines})


def place_trials(first: Side, second: Side) -> None:
    """Moves checks that run once to a path on which both sides accept something, if theirs is dead on one."""
    both = PreflightResult(dead={**first.preflight.dead, **second.preflight.dead})
    for side in (first, second):
        side.plan = side.plan.with_trials([trial.after_preflight(both) for trial in side.plan.trials])
