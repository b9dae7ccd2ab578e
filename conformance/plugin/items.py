"""Checks as pytest items: one for each check and operation, with a node id that does not change."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol, Self

import pytest

from conformance.core.errors import ConformanceError
from conformance.core.model import Level, Outcome, Verdict
from conformance.core.text import escape_controls
from conformance.report.terminal import verdict_details

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from conformance.checks.trial import Trial

NODE_ID_PREFIX = "conformance/cases/"
"""The beginning of the node ids of checks."""
TARGET_FIXTURE = "conformance_target"
"""The fixture that gives the target where no URL is given."""


class RunControl(Protocol):
    """The part of the session that items use."""

    @property
    def gate(self) -> Level:
        """The weakest level that counts."""

    @property
    def needs_fixture(self) -> bool:
        """Whether the target comes from a fixture."""

    def ensure_started(self, session: pytest.Session, fixture_value: object = None) -> None:
        """Starts the run, unless it has been started, against the URL or the value of the fixture."""

    def abort(self, session: pytest.Session, error: ConformanceError) -> None:
        """Ends the session, because the target can't be judged."""


class CheckFailed(Exception):
    """Raised by an item whose check did not pass; carries the verdict."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict


class CheckFile(pytest.File):
    """The collector of one module of `conformance.cases`."""

    trials: Sequence[Trial]
    run_control: RunControl

    @classmethod
    def for_module(cls, parent: pytest.Collector, path: Path, trials: Sequence[Trial], run_control: RunControl) -> Self:
        """The collector of the module at `path`, with the trials of its checks."""
        check_file: Self = cls.from_parent(parent, path=path, nodeid=f"{NODE_ID_PREFIX}{path.name}")
        check_file.trials, check_file.run_control = trials, run_control
        return check_file

    def collect(self) -> Iterator[pytest.Item]:
        """An item for each check and operation."""
        for trial in self.trials:
            yield (
                FixtureCheckItem.for_trial(self, trial)
                if self.run_control.needs_fixture
                else UrlCheckItem.for_trial(self, trial)
            )


class BaseCheckItem(pytest.Item):
    """One check on one operation; the engine fills in its verdict."""

    trial: Trial
    run_control: RunControl
    verdict: Future[Verdict]

    @property
    def own_duration_s(self) -> float | None:
        """How long the check took, without what pytest waited for others; None without a verdict."""
        is_judged = self.verdict.done() and not self.verdict.exception()
        timing = self.verdict.result().timing if is_judged else None
        return timing.duration_s if timing else None

    def with_trial(self, trial: Trial, run_control: RunControl) -> Self:
        """Sets the trial, and returns the item."""
        self.trial, self.run_control, self.verdict = trial, run_control, Future()
        return self

    def runtest(self) -> None:
        """Waits for the verdict and translates it: pass, skip, xfail or CheckFailed."""
        verdict = self.verdict.result()
        self.user_properties += [("level", verdict.level.value), ("outcome", verdict.outcome.value)]
        match verdict.outcome:
            case Outcome.PASS | Outcome.OBSERVED:
                return
            case Outcome.NOT_APPLICABLE:
                pytest.skip(verdict.message)
            case _ if verdict.known_deviation:
                pytest.xfail(f"known: {escape_controls(verdict.known_deviation.reason)}")
            case _ if not verdict.level.is_at_least(self.run_control.gate):
                pytest.xfail(f"{verdict.outcome}, below the gate: {escape_controls(verdict.message)}")
            case _:
                raise CheckFailed(verdict)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: ANN401, ARG002 - pytest's
        """The verdict as text, without a traceback into the suite."""
        if not isinstance(excinfo.value, CheckFailed):
            return super().repr_failure(excinfo)
        verdict = excinfo.value.verdict
        lines = [f"{verdict.outcome.upper()}  {verdict.name}  {verdict.level.upper()}"]
        lines += [f"{item.label:>9}  {escape_controls(item.text)}" for item in verdict_details(verdict)]
        return "\n".join(lines)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The path and the title that pytest shows for the item."""
        return self.path, None, self.trial.check.title


class _ItemWithReadId(pytest.Item):
    """An item whose id is what pytest reads from its text.

    pytest 9.2 takes a name in one piece, reads the brackets of the same id in its cache as parameters, and so never
    finds in `--lf`, `--ff` and `--nf` what it has kept.
    """

    def __init__(self, name: str, parent: pytest.Collector, **options: Any) -> None:  # noqa: ANN401 - pytest's
        super().__init__(name, parent, **{**options, "nodeid": f"{parent.nodeid}::{name}"})


class UrlCheckItem(BaseCheckItem, _ItemWithReadId):
    """A check on the target of the command line; it uses no fixture."""

    @classmethod
    def for_trial(cls, parent: CheckFile, trial: Trial) -> Self:
        """The item of a trial."""
        item: Self = cls.from_parent(parent, name=trial.name)
        return item.with_trial(trial, parent.run_control)

    def setup(self) -> None:
        """Starts the run if it has not been started."""
        self.run_control.ensure_started(self.session)


class FixtureCheckItem(BaseCheckItem, pytest.Function, _ItemWithReadId):
    """A check on the target that a fixture gives; a pytest function, for only functions have fixtures."""

    @classmethod
    def for_trial(cls, parent: CheckFile, trial: Trial) -> Self:
        """The item of a trial."""
        item: Self = cls.from_parent(parent, name=trial.name, callobj=_request_target_fixture)
        return item.with_trial(trial, parent.run_control)

    def setup(self) -> None:
        """Sets up the fixture, and starts the run against its value if it has not been started."""
        failure: ConformanceError | None = None
        try:
            super().setup()
        except ConformanceError as error:
            failure = error
        if failure is not None:
            self.run_control.abort(self.session, failure)
        self.run_control.ensure_started(self.session, self.funcargs[TARGET_FIXTURE])


def _request_target_fixture(conformance_target: object) -> None:
    """Placeholder test function: its parameter makes pytest set up the target fixture."""
