"""Hints: where to look for a cause, told by the checks that the same server passes."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from conformance.core.text import join_first

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.causes.evidence import Problem
    from conformance.checks.check import Check
    from conformance.checks.trial import Trial

_MAX_CALLS = 3


class PassedChecks:
    """The checks that passed, and on which operations."""

    def __init__(self, trials: Iterable[Trial]) -> None:
        self._checks: dict[str, Check] = {}
        self._operations: dict[str, set[str]] = defaultdict(set)
        for trial in trials:
            self._checks[trial.check.id] = trial.check
            self._operations[trial.check.id].add(str(trial.asked_operation or ""))

    def hint(self, naming: Problem, problems: Sequence[Problem]) -> str:
        """Where to look for the cause of some problems: what is plainer and right, and where the same is right.

        Empty if the checks that passed tell nothing.
        """
        failing = {str(item.trial.asked_operation or "") for item in problems}
        return "; ".join(part for part in (self._plainer(naming, failing), self._elsewhere(naming, failing)) if part)

    def _plainer(self, naming: Problem, failing: set[str]) -> str:
        """The check that asks the same with nothing added passes: `size.event.over`, of `size.event.over-chunked`."""
        passed = [
            item
            for check_id, item in self._checks.items()
            if naming.verdict.id.startswith(f"{check_id}-") and self._operations[check_id] & failing
        ]
        if not passed:
            return ""
        plainer = max(passed, key=lambda item: len(item.id))
        return f"only in this form, for {plainer.id} passes: {plainer.title.rstrip('.')}"

    def _elsewhere(self, naming: Problem, failing: set[str]) -> str:
        """The calls on which the check that names the cause passes."""
        right = sorted(self._operations.get(naming.verdict.id, set()) - failing - {""})
        if not right:
            return ""
        return f"what this call does otherwise than {join_first(right, _MAX_CALLS)}, where the same is right"
