"""A pytest session with checks: the run starts with the first check, and each item waits for its verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from conformance import cases
from conformance.contract import Contract
from conformance.core.errors import ConformanceError, UsageError
from conformance.core.text import escape_controls, join_first
from conformance.plugin import workers
from conformance.plugin.background_run import BackgroundRun
from conformance.plugin.items import NODE_ID_PREFIX, TARGET_FIXTURE, BaseCheckItem, CheckFile
from conformance.plugin.report_file import OPTION, ReportFile
from conformance.plugin.target import Target
from conformance.profile import load
from conformance.redaction import redact
from conformance.report.document import DEVIATES, UNJUDGED, UNVERIFIED_SENTENCE
from conformance.run.known_deviations import DeviationList, read
from conformance.run.plan import build_plan
from conformance.settings import table
from conformance.settings.file import find_configuration

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from conformance.checks.check import Check
    from conformance.core.model import Level
    from conformance.report.document import Report
    from conformance.run.plan import Plan

_CASES_DIR = Path(cases.__file__).parent
_PLACEHOLDER_URL = "http://127.0.0.1"
"""The target of the plan until the fixture gives one."""
_MAX_SHOWN_CHECKS = 4
_EXIT_CODES = {DEVIATES: 0, UNJUDGED: workers.UNJUDGED_EXIT_CODE}
"""What a verdict adds to pytest's own exit code; a broken promise is a failed test already."""


class CheckSession:
    """The plugin's hooks and state in a session that judges a target."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._url: str | None = config.getoption("--conformance-url")
        config.args[:] = map(_located, config.args)
        values = {item.key: config.getoption(f"--conformance-{item.name}") for item in table.SETTINGS}
        try:
            self._settings = table.resolve(values, find_configuration(config.rootpath).values)
            if values["repeat"]:
                raise UsageError("--conformance-repeat: only `conformance run` repeats runs")
            if not self._settings["profile"]:
                raise UsageError("--conformance-url needs --conformance-profile")
            workers.reject_dist_each(config)
            known_deviations_file = self._settings["known_deviations"]
            self._known_deviations = read(known_deviations_file) if known_deviations_file else DeviationList()
            settings = self._settings
            self._contract = Contract(load(settings["profile"]), settings["include"], settings["exclude"])
            key = self._settings["write_key"] or ("" if self._url else "given by the fixture")
            settings_with_key = {**self._settings, "write_key": key}
            self._plan = build_plan(settings_with_key, self._url or _PLACEHOLDER_URL, self._contract, self._checks)
            self._report_file = ReportFile(config.getoption(OPTION))
            if not (workers.is_worker(config) or config.option.collectonly):
                self._report_file.clear()
        except ConformanceError as error:
            raise pytest.UsageError(_message(error)) from None
        self._pending_modules = (
            {path.name for path in _CASES_DIR.glob("[!_]*.py")} if workers.has_no_path_arguments(config) else set()
        )
        self._is_walking_to_arguments = False
        self._background_run: BackgroundRun | None = None
        self.summary = workers.RunSummary()

    @property
    def _checks(self) -> tuple[Check, ...]:
        """The checks of the session: with a sink, also those that look into it."""
        return (*cases.CHECKS, *cases.SINK_CHECKS) if self._settings["sink"] else cases.CHECKS

    def _with_sink(self, plan: Plan) -> Plan:
        """The plan with the sink of the settings, if there is one. Raises UsageError for a wrong file."""
        if not self._settings["sink"]:
            return plan
        from conformance.delivery import watch_sink

        return watch_sink(plan, self._settings["sink"])

    @property
    def gate(self) -> Level:
        """The weakest level that counts."""
        return self._plan.gate

    @property
    def needs_fixture(self) -> bool:
        """Whether the target comes from a fixture, because no URL is given."""
        return not self._url

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Collects the checks of a module of `conformance.cases` that is given on the command line."""
        if file_path.parent != _CASES_DIR or file_path.suffix != ".py" or file_path.name.startswith("_"):
            return None
        if self._fixture_dir() == self._config.rootpath:
            self._pending_modules.discard(file_path.name)
            return self._check_file(file_path.name, parent)
        self._pending_modules.add(file_path.name)
        return None

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Adds the checks below the first node from which the target fixture is visible."""
        is_session = isinstance(collector, pytest.Session)
        if is_session:
            # Directories that are collected meanwhile are on the way to the arguments of the command line.
            self._is_walking_to_arguments = True
        report = yield
        if isinstance(collector, CheckFile) and report.passed and not report.result:
            report.result = list(collector.collect())  # `--lf` leaves out files that the root directory lacks
        self._is_walking_to_arguments = self._is_walking_to_arguments and not is_session
        if (
            self._pending_modules
            and not self._is_walking_to_arguments
            and report.passed
            and isinstance(collector, (pytest.Session, pytest.Directory))
        ):
            nodes = [collector, *(node for item in report.result for node in item.listchain())]
            fixture_node = self._fixture_node(nodes)
            if fixture_node is not None:
                report.result += [self._check_file(name, fixture_node) for name in sorted(self._pending_modules)]
                self._pending_modules = set()
        return report

    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Ends a session that has checks but neither a URL nor a fixture."""
        if self.needs_fixture and (self._pending_modules or (_check_items(items) and not self._fixture_dir())):
            problem = (
                f"nothing to judge: pass --conformance-url URL, or define the session fixture {TARGET_FIXTURE} in a "
                "conftest.py of what is collected"
            )
            if not workers.is_worker(self._config):
                raise pytest.UsageError(problem)
            self._stop_worker(session, problem, int(pytest.ExitCode.USAGE_ERROR))

    def ensure_started(self, session: pytest.Session, fixture_value: object = None) -> None:
        """Starts the run of the selected checks, once, against the URL or the value of the fixture."""
        if self._background_run is not None:
            return
        failure: ConformanceError | None = None
        try:
            plan = self._plan_for_target(fixture_value) if self.needs_fixture else self._plan
            self._background_run = BackgroundRun(
                self._with_sink(plan), _check_items(session.items), self._known_deviations
            )
            self._background_run.start()
        except ConformanceError as error:
            failure = error
        if failure is not None:
            self.abort(session, failure)

    def abort(self, session: pytest.Session, error: ConformanceError) -> None:
        """Ends the session with the message and exit code of an error."""
        is_usage = isinstance(error, UsageError)
        code = int(pytest.ExitCode.USAGE_ERROR) if is_usage else workers.UNJUDGED_EXIT_CODE
        if not workers.is_worker(self._config):
            pytest.exit(f"conformance: {_message(error)}", returncode=code)
        self._stop_worker(session, _message(error), code)
        pytest.fail(f"conformance: {_message(error)}", pytrace=False)

    def _stop_worker(self, session: pytest.Session, problem: str, code: int) -> None:
        """Ends a worker, which has no exit code: the controller ends the session with the summary."""
        self.summary = workers.RunSummary(problem=problem, exit_code=code)
        session.shouldstop = f"conformance: {problem}"

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Gives a check the time that it took itself: many run at once, and pytest waits for one at a time."""
        report = yield
        if call.when == "call" and isinstance(item, BaseCheckItem) and item.own_duration_s is not None:
            report.duration = item.own_duration_s
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Stops the run before fixtures stop the target, writes the report, and sets the exit code."""
        if self._background_run is not None:
            self._finish(self._background_run.stop())
        if self.summary.exit_code and (self.summary.problem or session.exitstatus == pytest.ExitCode.OK):
            session.exitstatus = self.summary.exit_code
        workers.send_to_controller(self._config, self.summary)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # noqa: ANN401 - pytest keeps its type private
        """Prints the verdict of the run, and what went wrong with it."""
        if self.summary.verdict_lines:
            terminalreporter.write_sep("=", "conformance")
            terminalreporter.write_line(self.summary.verdict_lines)
        if self.summary.problem:
            terminalreporter.write_line(f"conformance: {self.summary.problem}")

    def _check_file(self, name: str, parent: pytest.Collector) -> CheckFile:
        """The collector of a module of checks below a collection node."""
        module = f"{cases.__name__}.{name.removesuffix('.py')}"
        trials = [trial for trial in self._plan.trials if trial.check.module == module]
        return CheckFile.for_module(parent, _CASES_DIR / name, trials, self)

    def _fixture_dir(self) -> Path | None:
        """The directory in which the fixture is visible; the root directory if no fixture is needed."""
        root = self._config.rootpath
        if not self.needs_fixture:
            return root
        fixture_dirs = [
            Path(plugin.__file__).parent if Path(plugin.__file__).name == "conftest.py" else root
            for plugin in self._config.pluginmanager.get_plugins()
            if isinstance(plugin, ModuleType) and plugin.__file__ and hasattr(plugin, TARGET_FIXTURE)
        ]
        highest = min(fixture_dirs, key=lambda directory: len(directory.parts), default=None)
        return highest if highest is None or highest.is_relative_to(root) else root

    def _fixture_node(self, nodes: Iterable[object]) -> pytest.Collector | None:
        """The node of the directory in which the fixture is visible; None if it is not among these.

        For the root directory its own node is preferred to the session: some versions of pytest apply its
        conftest only there.
        """
        fixture_dir, session = self._fixture_dir(), None
        for node in nodes:
            if isinstance(node, pytest.Directory) and node.path == fixture_dir:
                return node
            if isinstance(node, pytest.Session) and fixture_dir == self._config.rootpath:
                session = node
        return session

    def _plan_for_target(self, fixture_value: object) -> Plan:
        """The plan for the value of the fixture. Raises UsageError if that is no target."""
        target = Target(url=fixture_value) if isinstance(fixture_value, str) else fixture_value
        if not isinstance(target, Target):
            raise UsageError(
                f"the fixture {TARGET_FIXTURE} gave a {type(fixture_value).__name__}: expected a URL or a Target"
            )
        credentials = {
            "write_key": target.write_key,
            "bearer": target.bearer,
            "expired_bearer": target.expired_bearer,
            "source_id": target.source_id,
            "disabled_write_key": target.disabled_write_key,
        }
        settings_with_credentials = {**self._settings, **{key: value for key, value in credentials.items() if value}}
        return build_plan(settings_with_credentials, target.url, self._contract, self._checks)

    def _finish(self, run_report: Report) -> None:
        """Writes the JSON report, and sets the summary of the run."""
        info = run_report.run_info
        verdict_line = (
            f"{info.target_url}: {run_report.verdict}, by the profile {info.profile_name} at the gate {info.gate}"
        )
        remarks = [*filter(None, (UNVERIFIED_SENTENCE if info.is_unverified else "", escape_controls(info.reading)))]
        unjudged = [f"not judged: {run_report.unjudged_reason}"] if run_report.unjudged_reason else []
        code = _EXIT_CODES.get(run_report.verdict, run_report.exit_code)
        stale = [f"STALE  {escape_controls(str(item))}" for item in run_report.stale_entries]
        self.summary = replace(
            self.summary,
            verdict_lines=redact("\n".join([*_cause_lines(run_report), *stale, *remarks, *unjudged, verdict_line])),
            exit_code=self.summary.exit_code or code,
        )
        if problem := self._report_file.write(run_report.json_text()):
            self.summary = replace(self.summary, problem=problem, exit_code=workers.UNJUDGED_EXIT_CODE)


def _located(argument: str) -> str:
    """An argument of the command line; the node id of a check, as pytest shows it, with the path of its module."""
    is_shown_id = argument.startswith(NODE_ID_PREFIX) and not Path(argument.partition("::")[0]).exists()
    return f"{_CASES_DIR}/{argument.removeprefix(NODE_ID_PREFIX)}" if is_shown_id else argument


def _cause_lines(run_report: Report) -> list[str]:
    """A line for each cause of failures, what costs most events first."""
    causes = run_report.found_causes.causes if run_report.found_causes else ()
    return [
        f"CAUSE  {item.harm:<7} {item.level.upper():<6}  {escape_controls(item.sentence)}  "
        f"({join_first(item.check_ids, _MAX_SHOWN_CHECKS)})"
        for item in causes
    ]


def _message(error: ConformanceError) -> str:
    """The message of an error, without secrets and control characters."""
    return escape_controls(redact(str(error)))


def _check_items(items: Iterable[pytest.Item]) -> list[BaseCheckItem]:
    return [item for item in items if isinstance(item, BaseCheckItem)]
