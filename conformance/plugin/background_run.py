"""Executes a plan in a background thread; pytest items wait for its verdicts."""

from __future__ import annotations

import asyncio
import itertools
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from conformance.cases import CHECKS, SINK_CHECKS
from conformance.causes.evidence import Evidence
from conformance.checks.trial import make_trials
from conformance.core import event_loop
from conformance.core.errors import InconclusiveError
from conformance.fuzz import fuzz_plan
from conformance.run.execution import RunResult, apply_known_deviations, build_report, execute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.checks.trial import Trial
    from conformance.core.model import Verdict
    from conformance.plugin.items import BaseCheckItem
    from conformance.report.cause import FoundCauses
    from conformance.report.document import Report
    from conformance.run.known_deviations import DeviationList
    from conformance.run.plan import Plan

_STOP_TIMEOUT_S = 5.0


class BackgroundRun:
    """The execution of a plan in a thread. Sets the future verdict of each pytest item.

    `report` is the report of the run, once it has been stopped.
    """

    def __init__(self, plan: Plan, items: Sequence[BaseCheckItem], known_deviations: DeviationList) -> None:
        self._verdict_futures: dict[str, list[Future[Verdict]]] = {}
        for item in items:
            self._verdict_futures.setdefault(item.trial.name, []).append(item.verdict)
        # The order of the plan, not of the items: shuffled items change nothing that is sent.
        self._plan = plan.with_trials([trial for trial in plan.trials if trial.name in self._verdict_futures])
        self._checks = (*CHECKS, *SINK_CHECKS) if plan.sink else CHECKS
        self._total_trials = len(make_trials(plan.contract, plan.keys, self._checks))
        self._known_deviations = known_deviations
        self._ready: Future[None] = Future()
        self._task: asyncio.Task[RunResult] | None = None
        self._evidence = Evidence()
        self._result = RunResult(evidence=self._evidence)
        self._thread = threading.Thread(target=self._run, name="conformance engine", daemon=True)
        self.report: Report | None = None

    def start(self) -> None:
        """Starts the run and waits for its preflight. Raises InconclusiveError if that fails."""
        self._thread.start()
        self._ready.result()

    def stop(self) -> Report:
        """Ends the run, finished or not, and returns its report."""
        task = self._task
        if task is not None and not task.done():
            task.get_loop().call_soon_threadsafe(task.cancel)
        self._thread.join(_STOP_TIMEOUT_S)
        if not self._thread.is_alive() and self._evidence.problems:
            self._result.causes = self._find_causes()
        run_report = build_report(self._plan, self._result)
        is_whole = len(run_report.verdicts) == self._total_trials
        self.report = apply_known_deviations(
            run_report, self._known_deviations, {item.id for item in self._checks}, is_full_run=is_whole
        )
        return self.report

    def _find_causes(self) -> FoundCauses:
        """The causes of failures, found in a thread: this one may have an event loop of its own."""
        from conformance.causes.finder import find_causes

        with ThreadPoolExecutor(1) as executor:
            return executor.submit(lambda: event_loop.run(find_causes(self._plan, self._evidence))).result()

    def _run(self) -> None:
        """Runs in the thread. However it ends, no item is left waiting."""
        outcome: BaseException = InconclusiveError("the run was stopped before this check's turn")
        try:
            event_loop.run(self._execute())
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by every waiting item
            outcome = error
        futures: list[Future[Any]] = [self._ready, *itertools.chain(*self._verdict_futures.values())]
        for future in futures:
            if not future.done():
                future.set_exception(outcome)

    async def _execute(self) -> None:
        self._task = asyncio.ensure_future(
            execute(
                self._plan,
                self._on_verdict,
                fuzz=partial(fuzz_plan, findings=self._evidence.findings),
                on_ready=lambda: self._ready.set_result(None),
                result=self._result,
            )
        )
        await self._task

    def _on_verdict(self, trial: Trial, verdict: Verdict) -> None:
        (marked_verdict,) = self._known_deviations.mark_known([verdict])
        for future in self._verdict_futures[trial.name]:
            future.set_result(marked_verdict)
