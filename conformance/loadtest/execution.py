"""Runs a load: starts the processes, tells them the rate of each step, and watches what comes of it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core import interruption
from conformance.core.errors import InconclusiveError
from conformance.core.model import Level
from conformance.loadtest.arrivals import ArrivalWatch
from conformance.loadtest.control import Budget, Control, Order
from conformance.loadtest.fates import CAUSES, find_fates
from conformance.loadtest.fleet import Fleet
from conformance.loadtest.observer import Observer, Tally
from conformance.loadtest.resources import ProcessWatch
from conformance.loadtest.shapes import Step, StepResult, alone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from conformance.loadtest.fates import Fates
    from conformance.loadtest.restart import RestartCommand
    from conformance.loadtest.shapes import Shape
    from conformance.sinks import Sink

_POLL_S, _START_S, _SETTLE_S = 0.1, 30.0, 3.0
BREAKER_COUNT, BREAKER_S = 20, 5.0
"""A load ends after so many failed requests in a row (5xx or no answer), if that goes on for so long."""
CPU_LIMIT, LATE_SHARE, UNSENT_SHARE, UNSENT_S = 90.0, 0.05, 0.1, 0.3
"""A worker above this share of a core, so many late requests, or so many unsent ones (and as many as are due in
`UNSENT_S`), and the client was measured in place of the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """A load: its traffic (as `build_traffic` makes it), its shape, its processes, and its limits.

    `service_levels` are seconds by `p50`, `p95` and `p99`, and `error_rate` a share. `rate` is that of the shape.
    `delivery_levels` are the levels of the promises about what arrives in the sink, as far as the profile states them.
    """

    traffic: Mapping[str, Any]
    shape: Callable[[], Shape]
    shape_name: str
    rate: float
    workers: int = 2
    users: int = 4
    gate: Level = Level.MUST
    max_rate: float | None = None
    budget: tuple[int, int, int] = (-1, -1, -1)
    service_levels: Mapping[str, float] = field(default_factory=dict)
    server_pid: int | None = None
    sink: Sink | None = None
    restart: RestartCommand | None = None
    delivery_levels: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class LoadResult:
    """What a load came to: its steps, all counts, and why it ended early, if it did."""

    plan: LoadPlan
    observer: Observer
    watch: ProcessWatch
    start_s: float = 0.0
    steps: list[tuple[Step, float, float, Tally]] = field(default_factory=list)
    limit: float | None = None
    stopped: str = ""
    client_limited: list[str] = field(default_factory=list)
    restarts: int = 0
    users: int = 4
    fates: Fates | None = None


def run_load(plan: LoadPlan, progress: Callable[[str], None]) -> LoadResult:
    """Runs a load to its end, or until a signal comes. Raises InconclusiveError if Locust does not start."""
    directory = Path(tempfile.mkdtemp(prefix="conformance-load-"))
    try:
        write_traffic(plan, directory)
        return _Run(plan, directory, progress).run()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def write_traffic(plan: LoadPlan, directory: Path) -> None:
    """Writes what workers need into a directory that nobody else reads: it holds the write key."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory / "traffic.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(plan.traffic, file)
    Control(directory, create=True)
    Budget(directory).fill(*plan.budget)


class _Run:
    """A load while it runs."""

    def __init__(self, plan: LoadPlan, directory: Path, progress: Callable[[str], None]) -> None:
        self._plan, self._progress = plan, progress
        self._control, self._budget = Control(directory), Budget(directory)
        self._observer = Observer(directory, plan.traffic)
        self._fleet = Fleet(directory, plan.workers, plan.users)
        self._result = LoadResult(plan, self._observer, ProcessWatch(plan.server_pid), users=plan.users)
        self._arrivals = ArrivalWatch(plan.sink, directory, plan.traffic["run"]) if plan.sink is not None else None
        self._epoch = 0.0
        self._rate, self._together = 0.0, 1

    def run(self) -> LoadResult:
        """Runs all steps."""
        result = self._result
        self._beat()
        if self._arrivals is not None:
            self._arrivals.start()
        try:
            self._fleet.start()
            self._wait_for_workers()
            result.start_s = time.time()
            if not result.stopped:
                self._run_steps()
        finally:
            self._control.order(Order.END)
            if self._plan.restart is not None:
                self._plan.restart.end()
            self._fleet.stop()
            result.restarts = self._fleet.restarts
            self._observer.poll()
            if self._arrivals is not None:
                self._judge_arrivals(self._arrivals)
        return result

    def _judge_arrivals(self, arrivals: ArrivalWatch) -> None:
        """Waits until nothing more arrives, and compares what did with what was accepted."""
        result, plan = self._result, self._plan
        for _ in arrivals.settle():
            if interruption.has_come():
                break
            time.sleep(_POLL_S)
        arrivals.stop()
        if arrivals.trouble or interruption.has_come():
            result.stopped = result.stopped or arrivals.trouble or "interrupted"
            return
        starts = [start for _, start, _, _ in result.steps] or [result.start_s]
        fates = result.fates = find_fates(self._observer.directory, arrivals, plan.traffic["items"], starts)
        for name, first in fates.first.items():
            if name in plan.delivery_levels:
                self._observer.note_broken(CAUSES[name], plan.delivery_levels[name], fates.total(name), first)
        self._observer.poll()

    def _wait_for_workers(self) -> None:
        """Waits until workers are there: the first step begins at a rate of nothing."""
        end = time.monotonic() + _START_S
        while len(list(self._observer_workers())) < self._plan.workers:
            if interruption.has_come():
                self._result.stopped = "interrupted"
                return
            problem = self._fleet.check()
            if problem or time.monotonic() > end or self._fleet.restarts > self._plan.workers:
                raise InconclusiveError(f"Locust did not start: {problem or self._fleet.log_tail()}")
            self._beat()
            time.sleep(_POLL_S)

    def _observer_workers(self) -> Iterator[Path]:
        return self._observer.directory.glob("failures-*.jsonl")

    def _run_steps(self) -> None:
        result = self._result
        self._run_step(alone(self._plan.rate))
        if not self._observer.total.accepted:
            result.stopped = self._result.stopped or "no acceptable request was accepted, even one by one"
        if result.stopped:
            return
        shape = self._plan.shape()
        try:
            step = next(shape)
            while not result.stopped:
                step = shape.send(self._run_step(step))
        except StopIteration as end:
            result.limit = end.value
        finally:
            shape.close()

    def _run_step(self, step: Step) -> StepResult:
        """Runs one step, and says how it went; what is still in flight at its end is waited for."""
        rate = min(step.rate, step.rate if self._plan.max_rate is None else self._plan.max_rate)
        self._rate, self._together, self._epoch = rate, step.together, time.time()
        self._observer.note_order(self._epoch, rate, is_restart=step.restarts)
        if step.restarts and self._plan.restart is not None:
            self._plan.restart.start()
        start, end = self._epoch, self._epoch + step.duration_s
        self._progress(f"{step.name}: {rate:,.1f} requests a second for up to {step.duration_s:g} s")
        before = self._snapshot()
        self._control.order(Order.SEND)
        while time.time() < end and not self._is_over():
            if step.ends_early and time.time() > start + 0.5 and not self._is_kept(before, step):
                break
        stop = time.time()
        self._rate = 0.0
        settled = stop + (_SETTLE_S if step.ends_early else 0.3)
        while time.time() < settled and not self._is_over():
            if not self._observer.unknown_count and time.time() > stop + _POLL_S:
                break
        tally = self._since(before)
        self._result.steps.append((step, start, stop, tally))
        return StepResult(
            step=step,
            is_kept=self._is_kept(before, step),
            tally=tally,
            seconds=stop - start,
            wait_s=2.0 if tally.limited else 0.0,
            is_client_limited=self._is_client_limited(step, tally, stop - start),
        )

    def _is_over(self) -> bool:
        """Lets time pass, and says whether the load ends here."""
        self._beat()
        self._observer.rates[int(time.time())] = self._rate
        self._observer.poll()
        self._result.watch.sample(self._fleet.pids())
        observer, result = self._observer, self._result
        if interruption.has_come():
            result.stopped = "interrupted"
        elif self._budget.is_spent:
            result.stopped = "the budget (--max-requests, --max-events or --max-bytes) is spent"
        elif problem := self._problem():
            result.stopped = problem
        elif observer.run_of_failures >= BREAKER_COUNT and time.time() - observer.failing_since > BREAKER_S:
            result.stopped = f"the last {observer.run_of_failures:,} requests all failed, for {BREAKER_S:g} s"
        if not result.stopped:
            time.sleep(_POLL_S)
        return bool(result.stopped)

    def _problem(self) -> str:
        """Why the load can't go on because of the processes beside the target; empty if it can."""
        arrivals, restart = self._arrivals, self._plan.restart
        return (
            self._fleet.check()
            or (arrivals.trouble if arrivals is not None else "")
            or (restart.check() if restart is not None else "")
        )

    def _beat(self) -> None:
        plan = self._plan
        self._control.write(time.time(), self._rate, plan.max_rate or 0.0, self._epoch, plan.users, self._together)

    def _snapshot(self) -> Tally:
        return Tally().merge([self._observer.total])

    def _since(self, before: Tally) -> Tally:
        """What came since a snapshot."""
        now = self._snapshot()
        for name in ("answered", "accepted", "events", "limited", "dropped", "late"):
            setattr(now, name, getattr(now, name) - getattr(before, name))
        now.failures -= before.failures
        now.latencies -= before.latencies
        return now

    def _is_kept(self, before: Tally, step: Step) -> bool:
        """Whether every promise at the gate held in a step so far, service levels included, and nothing was limited."""
        tally, plan = self._since(before), self._plan
        levels = {cause: broken.level for cause, broken in self._observer.broken.items()}
        if any(levels[cause] != "client" and Level(levels[cause]).is_at_least(plan.gate) for cause in tally.failures):
            return False
        if step.name in {"search", "confirm"} and tally.limited:
            return False
        measured = sum(tally.latencies.values()) >= 20
        return not measured or all(
            tally.quantile(int(name[1:]) / 100) <= limit
            for name, limit in plan.service_levels.items()
            if name.startswith("p")
        )

    def _is_client_limited(self, step: Step, tally: Tally, seconds: float) -> bool:
        reasons = []
        cpu = self._result.watch.worker_cpu(seconds)
        if cpu > CPU_LIMIT:
            reasons.append(f"a worker used {cpu:.0f} % of a core")
        if tally.answered and tally.late / tally.answered > LATE_SHARE:
            reasons.append(f"{100 * tally.late / tally.answered:.0f} % of the requests were sent late")
        wanted = min(step.rate, self._plan.max_rate or step.rate) * seconds
        lacking = wanted - tally.answered - self._observer.unknown_count
        if lacking > wanted * max(UNSENT_SHARE, UNSENT_S / max(seconds, UNSENT_S)):
            reasons.append(f"{100 * (1 - tally.answered / wanted):.0f} % of the requests were not sent")
        if any(check == "client" for check, _ in tally.failures):
            reasons.append("this machine had no more sockets")
        if reasons and step.name != "rest":
            self._result.client_limited.append(f"{step.name}, {step.rate:,.0f} requests a second: {', '.join(reasons)}")
        return bool(reasons)
