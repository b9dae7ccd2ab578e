"""Checks as pytest items: one for each check and operation, with a node id that does not change."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Self

import pytest

from conformance.model import Level, Outcome, Verdict
from conformance.report.terminal import details
from conformance.text import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from conformance.catalogue import Trial


class Broken(Exception):
    """A check that did not pass, with its verdict."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict


class CheckFile(pytest.File):
    """A module of checks."""

    trials: Sequence[Trial]
    gate: Level

    @classmethod
    def of(cls, parent: pytest.Collector, path: Path, trials: Sequence[Trial], gate: Level) -> Self:
        """The module at a path, with what its checks are to judge."""
        made: Self = cls.from_parent(parent, path=path, nodeid=f"conformance/cases/{path.name}")
        made.trials, made.gate = trials, gate
        return made

    def collect(self) -> Iterator[CheckItem]:
        """An item for each check and operation."""
        for trial in self.trials:
            yield CheckItem.of(self, trial, self.gate)


class CheckItem(pytest.Item):
    """One check on one operation; the engine fills in its verdict."""

    trial: Trial
    gate: Level
    verdict: Future[Verdict]

    @classmethod
    def of(cls, parent: CheckFile, trial: Trial, gate: Level) -> Self:
        """The item of a trial."""
        made: Self = cls.from_parent(parent, name=trial.name)
        made.trial, made.gate, made.verdict = trial, gate, Future()
        return made

    def runtest(self) -> None:
        """Waits for the verdict, and makes of it what pytest calls it."""
        verdict = self.verdict.result()
        self.user_properties += [("level", verdict.level.value), ("outcome", verdict.outcome.value)]
        match verdict.outcome:
            case Outcome.PASS | Outcome.OBSERVED:
                return
            case Outcome.NOT_APPLICABLE:
                pytest.skip(verdict.message)
            case _ if not verdict.level.reaches(self.gate):
                pytest.xfail(f"{verdict.outcome}, below the gate: {safe(verdict.message)}")
            case _:
                raise Broken(verdict)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: ANN401 - pytest's
        """The verdict as a person reads it, without a traceback into the suite."""
        if not isinstance(excinfo.value, Broken):
            return super().repr_failure(excinfo, style)
        verdict = excinfo.value.verdict
        lines = [f"{verdict.outcome.upper()}  {verdict.name}  {verdict.level.upper()}"]
        lines += [f"{name:>9}  {safe(text)}" for name, text in details(verdict)]
        return "\n".join(lines)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where pytest says that the item is."""
        return self.path, None, self.trial.check.title
