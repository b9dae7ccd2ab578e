"""Checks as pytest items: one for each check and operation, with a node id that does not change."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol, Self

import pytest

from conformance.errors import ConformanceError
from conformance.model import Level, Outcome, Verdict
from conformance.report.terminal import details
from conformance.text import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from conformance.catalogue import Trial

PLACE = "conformance/cases/"
"""What the node ids of checks begin with."""
TARGET = "conformance_target"
"""The fixture that says what is judged where no URL does."""


class Run(Protocol):
    """What items need of the run that judges them."""

    @property
    def gate(self) -> Level:
        """The weakest level that counts."""

    @property
    def needs_fixture(self) -> bool:
        """Whether a fixture says what is judged."""

    def begin(self, session: pytest.Session, given: object = None) -> None:
        """Sees to it that the run is on its way, against what the fixture gave."""

    def give_up(self, session: pytest.Session, error: ConformanceError) -> None:
        """Ends the session, for nothing can be judged."""


class Broken(Exception):
    """A check that did not pass, with its verdict."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict


class CheckFile(pytest.File):
    """A module of checks."""

    trials: Sequence[Trial]
    run: Run

    @classmethod
    def of(cls, parent: pytest.Collector, path: Path, trials: Sequence[Trial], run: Run) -> Self:
        """The module at a path, with what its checks are to judge."""
        made: Self = cls.from_parent(parent, path=path, nodeid=f"{PLACE}{path.name}")
        made.trials, made.run = trials, run
        return made

    def collect(self) -> Iterator[pytest.Item]:
        """An item for each check and operation."""
        for trial in self.trials:
            yield FixtureItem.of(self, trial) if self.run.needs_fixture else CheckItem.of(self, trial)


class Check(pytest.Item):
    """One check on one operation; the engine fills in its verdict."""

    trial: Trial
    run: Run
    verdict: Future[Verdict]

    def of_trial(self, trial: Trial, run: Run) -> Self:
        """The same, with what it is about."""
        self.trial, self.run, self.verdict = trial, run, Future()
        return self

    def runtest(self) -> None:
        """Waits for the verdict, and makes of it what pytest calls it."""
        verdict = self.verdict.result()
        self.user_properties += [("level", verdict.level.value), ("outcome", verdict.outcome.value)]
        match verdict.outcome:
            case Outcome.PASS | Outcome.OBSERVED:
                return
            case Outcome.NOT_APPLICABLE:
                pytest.skip(verdict.message)
            case _ if verdict.known:
                pytest.xfail(f"known: {safe(verdict.known.reason)}")
            case _ if not verdict.level.reaches(self.run.gate):
                pytest.xfail(f"{verdict.outcome}, below the gate: {safe(verdict.message)}")
            case _:
                raise Broken(verdict)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: ANN401, ARG002 - pytest's
        """The verdict as a person reads it, without a traceback into the suite."""
        if not isinstance(excinfo.value, Broken):
            return super().repr_failure(excinfo)
        verdict = excinfo.value.verdict
        lines = [f"{verdict.outcome.upper()}  {verdict.name}  {verdict.level.upper()}"]
        lines += [f"{name:>9}  {safe(text)}" for name, text in details(verdict)]
        return "\n".join(lines)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where pytest says that the item is."""
        return self.path, None, self.trial.check.title


class CheckItem(Check):
    """A check on the target of the command line: no fixture has a say in it."""

    @classmethod
    def of(cls, parent: CheckFile, trial: Trial) -> Self:
        """The item of a trial."""
        made: Self = cls.from_parent(parent, name=trial.name)
        return made.of_trial(trial, parent.run)

    def setup(self) -> None:
        """Starts the run if nobody has."""
        self.run.begin(self.session)


class FixtureItem(Check, pytest.Function):
    """A check on the target that a fixture gives: to pytest a test function, for only those have fixtures."""

    @classmethod
    def of(cls, parent: CheckFile, trial: Trial) -> Self:
        """The item of a trial."""
        made: Self = cls.from_parent(parent, name=trial.name, callobj=_asking)
        return made.of_trial(trial, parent.run)

    def setup(self) -> None:
        """Has the fixture made, and starts the run against what it gave, if nobody has."""
        failure: ConformanceError | None = None
        try:
            super().setup()
        except ConformanceError as error:
            failure = error
        if failure is not None:
            self.run.give_up(self.session, failure)
        self.run.begin(self.session, self.funcargs[TARGET])


def _asking(conformance_target: object) -> None:
    """What pytest takes for the test: all that counts is what it asks for."""
