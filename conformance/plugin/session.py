"""A pytest session with a target: the engine runs ahead in a thread, each item waits for its own verdict."""

from __future__ import annotations

import asyncio
import itertools
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance import cases, settings
from conformance.contract import Contract
from conformance.errors import CannotJudge, ConformanceError, UsageError
from conformance.plugin.items import CheckFile, CheckItem
from conformance.profile import load
from conformance.report.document import UNJUDGED
from conformance.run import Plan, Result, execute, prepare, report
from conformance.wire import loop

if TYPE_CHECKING:
    from conformance.catalogue import Trial
    from conformance.model import Verdict
    from conformance.report.document import Report

_HOME = Path(cases.__file__).parent
_LAST_WORDS_S = 5.0


class Session:
    """What the plugin knows once a target is named."""

    def __init__(self, config: pytest.Config) -> None:
        values = {item.key: config.getoption(f"--conformance-{item.name}") for item in settings.SETTINGS}
        self._json: str | None = config.getoption("--conformance-json")
        try:
            self._settings = settings.resolve(values)
            if not self._settings["profile"]:
                raise UsageError("--conformance-url needs --conformance-profile")
            contract = Contract(load(self._settings["profile"]), self._settings["include"])
            self.plan = prepare(self._settings, config.getoption("--conformance-url"), contract, cases.CHECKS)
        except ConformanceError as error:
            raise pytest.UsageError(str(error)) from None
        self._engine: Engine | None = None
        self._complaint = ""

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Collects the checks of a module of `conformance.cases`."""
        if file_path.parent != _HOME or file_path.suffix != ".py" or file_path.name.startswith("_"):
            return None
        name = f"{cases.__name__}.{file_path.stem}"
        trials = [trial for trial in self.plan.trials if trial.check.module == name]
        return CheckFile.of(parent, file_path, trials, self.plan.gate)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Starts the engine on what was selected, just before the first item."""
        items = [item for item in session.items if isinstance(item, CheckItem)]
        if not items or session.config.option.collectonly or session.testsfailed:
            return
        self._engine = Engine(self.plan, items)
        try:
            self._engine.start()
        except CannotJudge as error:
            pytest.exit(f"conformance: {error}", returncode=CannotJudge.exit_code)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Stops the engine and writes the report. A session that judged nothing does not end well."""
        if self._engine is None:
            return
        done = self._engine.stop()
        if self._json:
            self._write(self._json, done, session)
        if done.verdict == UNJUDGED and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = CannotJudge.exit_code

    def _write(self, place: str, done: Report, session: pytest.Session) -> None:
        """Writes the JSON report; a session whose report can't be written does not end well."""
        try:
            Path(place).write_text(done.text(), encoding="utf-8")
        except OSError as error:
            self._complaint = f"--conformance-json {place}: the report can't be written: {error.strerror}"
            session.exitstatus = CannotJudge.exit_code

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # noqa: ANN401 - pytest keeps its type private
        """Says what the run came to."""
        if self._engine is not None and self._engine.report is not None:
            header = self._engine.report.header
            judged = (
                f"{self._engine.report.verdict}, by the profile {header.profile} at the gate {header.gate}"
            )
            terminalreporter.write_sep("=", "conformance")
            terminalreporter.write_line(f"{header.url}: {judged}")
        if self._complaint:
            terminalreporter.write_line(f"conformance: {self._complaint}")


class Engine:
    """The run of a plan in a thread of its own, with a promise of a verdict for each item."""

    def __init__(self, plan: Plan, items: list[CheckItem]) -> None:
        self._promises: dict[str, list[Future[Verdict]]] = {}
        for item in items:
            self._promises.setdefault(item.trial.name, []).append(item.verdict)
        self._plan = plan.only(list({item.trial.name: item.trial for item in items}.values()))
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
        self.report = report(self._plan, self._result)
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
        for promise in self._promises[trial.name]:
            promise.set_result(verdict)
