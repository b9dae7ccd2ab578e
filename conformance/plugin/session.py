"""A pytest session with checks: a run starts at the first one's turn, each waits for its own verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from conformance import cases, settings
from conformance.configuration import find
from conformance.contract import Contract
from conformance.deviations import Deviations, read
from conformance.errors import CannotJudge, ConformanceError, UsageError
from conformance.plugin import workers
from conformance.plugin.engine import Engine
from conformance.plugin.items import TARGET, Check, CheckFile
from conformance.plugin.target import Target
from conformance.profile import load
from conformance.report.document import DEVIATES
from conformance.run import prepare
from conformance.text import safe

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from conformance.model import Level
    from conformance.report.document import Report
    from conformance.run import Plan

_HOME = Path(cases.__file__).parent
_STAND_IN = "http://127.0.0.1"
"""A target to plan with, as long as the fixture has not given one."""


class Session:
    """What the plugin knows once a profile is named."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._url: str | None = config.getoption("--conformance-url")
        values = {item.key: config.getoption(f"--conformance-{item.name}") for item in settings.SETTINGS}
        try:
            self._settings = settings.resolve(values, find(config.rootpath).values)
            if values["repeat"]:
                raise UsageError("--conformance-repeat: only `conformance run` repeats runs")
            if not self._settings["profile"]:
                raise UsageError("--conformance-url needs --conformance-profile")
            workers.refuse_each(config)
            listed = self._settings["known_deviations"]
            self._listed = read(listed) if listed else Deviations()
            self._contract = Contract(load(self._settings["profile"]), self._settings["include"])
            key = self._settings["write_key"] or ("" if self._url else "a fixture will say")
            known = {**self._settings, "write_key": key}
            self._plan = prepare(known, self._url or _STAND_IN, self._contract, cases.CHECKS)
        except ConformanceError as error:
            raise pytest.UsageError(str(error)) from None
        self._due = (
            {path.name for path in _HOME.glob("[!_]*.py")} if workers.is_nothing_named(config) else set()
        )
        self._is_seeking = False
        self._engine: Engine | None = None
        self.told = workers.Told()

    @property
    def gate(self) -> Level:
        """The weakest level that counts."""
        return self._plan.gate

    @property
    def needs_fixture(self) -> bool:
        """Whether a fixture says what is judged: no option does."""
        return not self._url

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Collects the checks of a module of `conformance.cases` that was named."""
        if file_path.parent != _HOME or file_path.suffix != ".py" or file_path.name.startswith("_"):
            return None
        if self._whereabouts() == self._config.rootpath:
            self._due.discard(file_path.name)
            return self._file(file_path.name, parent)
        self._due.add(file_path.name)
        return None

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Adds the checks that are due where the fixture is seen that says what they judge."""
        is_session = isinstance(collector, pytest.Session)
        if is_session:
            self._is_seeking = (
                True  # what is collected meanwhile are directories on the way to what was named
            )
        report = yield
        self._is_seeking = self._is_seeking and not is_session
        if (
            self._due
            and not self._is_seeking
            and report.passed
            and isinstance(collector, (pytest.Session, pytest.Directory))
        ):
            found = [collector, *(node for item in report.result for node in item.listchain())]
            home = self._home(found)
            if home is not None:
                report.result += [self._file(name, home) for name in sorted(self._due)]
                self._due = set()
        return report

    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Refuses a session whose checks have nothing to judge."""
        if self.needs_fixture and (self._due or (_checks(items) and not self._whereabouts())):
            problem = (
                f"nothing to judge: pass --conformance-url URL, or define the session fixture {TARGET} in a "
                "conftest.py of what is collected"
            )
            if not workers.is_worker(self._config):
                raise pytest.UsageError(problem)
            self._stop(session, problem, int(pytest.ExitCode.USAGE_ERROR))

    def begin(self, session: pytest.Session, given: object = None) -> None:
        """Starts the run on what was selected, once, against the URL or what the fixture gave."""
        if self._engine is not None:
            return
        failure: ConformanceError | None = None
        try:
            plan = self._planned(given) if self.needs_fixture else self._plan
            self._engine = Engine(plan, _checks(session.items), self._listed)
            self._engine.start()
        except ConformanceError as error:
            failure = error
        if failure is not None:
            self.give_up(session, failure)

    def give_up(self, session: pytest.Session, error: ConformanceError) -> None:
        """Ends the session with the reason."""
        is_usage = isinstance(error, UsageError)
        code = int(pytest.ExitCode.USAGE_ERROR) if is_usage else CannotJudge.exit_code
        if not workers.is_worker(self._config):
            pytest.exit(f"conformance: {error}", returncode=code)
        self._stop(session, str(error), code)
        pytest.fail(f"conformance: {error}", pytrace=False)

    def _stop(self, session: pytest.Session, complaint: str, code: int) -> None:
        """Ends a worker, which has no exit code: it asks the one that started it to stop."""
        self.told = workers.Told(complaint=complaint, code=code)
        session.shouldstop = f"conformance: {complaint}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Stops the run, before fixtures end the target, and writes the report.

        A session that judged nothing, or has something to complain of, does not end well.
        """
        if self._engine is not None:
            self._conclude(self._engine.stop())
        if self.told.code and (self.told.complaint or session.exitstatus == pytest.ExitCode.OK):
            session.exitstatus = self.told.code
        workers.hand_over(self._config, self.told)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # noqa: ANN401 - pytest keeps its type private
        """Says what the run came to."""
        if self.told.judged:
            terminalreporter.write_sep("=", "conformance")
            terminalreporter.write_line(self.told.judged)
        if self.told.complaint:
            terminalreporter.write_line(f"conformance: {self.told.complaint}")

    def _file(self, name: str, parent: pytest.Collector) -> CheckFile:
        """A module of checks, seen from a place in the tree of what is collected."""
        module = f"{cases.__name__}.{name.removesuffix('.py')}"
        trials = [trial for trial in self._plan.trials if trial.check.module == module]
        return CheckFile.of(parent, _HOME / name, trials, self)

    def _whereabouts(self) -> Path | None:
        """The directory for which the fixture is defined; the root of all if no fixture is needed."""
        root = self._config.rootpath
        if not self.needs_fixture:
            return root
        found = [
            Path(plugin.__file__).parent if Path(plugin.__file__).name == "conftest.py" else root
            for plugin in self._config.pluginmanager.get_plugins()
            if isinstance(plugin, ModuleType) and plugin.__file__ and hasattr(plugin, TARGET)
        ]
        highest = min(found, key=lambda place: len(place.parts), default=None)
        return highest if highest is None or highest.is_relative_to(root) else root

    def _home(self, nodes: Iterable[object]) -> pytest.Collector | None:
        """The node from which the fixture is seen, and below it; None if it is not among these.

        For the root of all it is its directory, for some versions of pytest see its conftest only from there.
        """
        place, session = self._whereabouts(), None
        for node in nodes:
            if isinstance(node, pytest.Directory) and node.path == place:
                return node
            if isinstance(node, pytest.Session) and place == self._config.rootpath:
                session = node
        return session

    def _planned(self, given: object) -> Plan:
        """The plan for what the fixture gave. Raises UsageError if that is no target."""
        target = Target(url=given) if isinstance(given, str) else given
        if not isinstance(target, Target):
            raise UsageError(
                f"the fixture {TARGET} gave a {type(given).__name__}: expected a URL or a Target"
            )
        credentials = {"write_key": target.write_key, "bearer": target.bearer}
        known = {**self._settings, **{key: value for key, value in credentials.items() if value}}
        return prepare(known, target.url, self._contract, cases.CHECKS)

    def _conclude(self, done: Report) -> None:
        """Writes the JSON report, and keeps what is to be told of the run."""
        header, place = done.header, self._config.getoption("--conformance-json")
        judged = f"{header.url}: {done.verdict}, by the profile {header.profile} at the gate {header.gate}"
        code = 0 if done.verdict == DEVIATES else done.exit_code
        stale = [f"STALE  {safe(str(item))}" for item in done.stale]
        self.told = replace(self.told, judged="\n".join([*stale, judged]), code=self.told.code or code)
        try:
            if place:
                Path(place).write_text(done.text(), encoding="utf-8")
        except OSError as error:
            complaint = f"--conformance-json {place}: the report can't be written: {error.strerror}"
            self.told = replace(self.told, complaint=complaint, code=CannotJudge.exit_code)


def _checks(items: Iterable[pytest.Item]) -> list[Check]:
    return [item for item in items if isinstance(item, Check)]
