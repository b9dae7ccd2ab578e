"""The run of a plan in a thread of its own, ahead of the items that wait for its verdicts."""

from __future__ import annotations

import asyncio
import itertools
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from conformance import loop
from conformance.cases import CHECKS
from conformance.catalogue import trials
from conformance.errors import CannotJudge
from conformance.run import Result, excused, execute, report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.catalogue import Trial
    from conformance.deviations import Deviations
    from conformance.model import Verdict
    from conformance.plugin.items import Check
    from conformance.report.document import Report
    from conformance.run import Plan

_LAST_WORDS_S = 5.0


class Engine:
    """The run of a plan, with a promise of a verdict for each item."""

    def __init__(self, plan: Plan, items: Sequence[Check], listed: Deviations) -> None:
        self._promises: dict[str, list[Future[Verdict]]] = {}
        for item in items:
            self._promises.setdefault(item.trial.name, []).append(item.verdict)
        # The order of the plan, not of the items: who shuffles those changes nothing that is sent.
        self._plan = plan.only([trial for trial in plan.trials if trial.name in self._promises])
        self._every = len(trials(plan.contract, plan.keys, CHECKS))
        self._listed = listed
        self._ready: Future[None] = Future()
        self._task: asyncio.Task[Result] | None = None
        self._result = Result()
        self._thread = threading.Thread(target=self._run, name="conformance engine", daemon=True)
        self.report: Report | None = None

    def start(self) -> None:
        """Starts the run and waits for its preflight. Raises CannotJudge if that fails."""
        self._thread.start()
        self._ready.result()

    def stop(self) -> Report:
        """Ends the run, however far it is, and returns its report."""
        task = self._task
        if task is not None and not task.done():
            task.get_loop().call_soon_threadsafe(task.cancel)
        self._thread.join(_LAST_WORDS_S)
        done = report(self._plan, self._result)
        is_whole = len(done.verdicts) == self._every
        self.report = excused(done, self._listed, {item.id for item in CHECKS}, is_whole=is_whole)
        return self.report

    def _run(self) -> None:
        """The thread: whatever ends it, nobody is left waiting."""
        end: BaseException = CannotJudge("the run was stopped before this check's turn")
        try:
            loop.run(self._execute())
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits, none swallowed
            end = error
        promises: list[Future[Any]] = [self._ready, *itertools.chain(*self._promises.values())]
        for promise in promises:
            if not promise.done():
                promise.set_exception(end)

    async def _execute(self) -> None:
        self._task = asyncio.ensure_future(
            execute(self._plan, self._tell, ready=lambda: self._ready.set_result(None), result=self._result)
        )
        await self._task

    def _tell(self, trial: Trial, verdict: Verdict) -> None:
        (marked,) = self._listed.applied([verdict])
        for promise in self._promises[trial.name]:
            promise.set_result(marked)
