"""Selection: which trials are made, by id, area, level and call."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.errors import UsageError
from conformance.core.model import Area, Level
from conformance.core.text import nearest_hint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.checks.trial import Trial


@dataclass(frozen=True, slots=True)
class SelectionExpression:
    """Words separated by commas, of which one has to match: areas, levels, calls, and globs of ids.

    A word with a slash is a glob of calls, such as `POST /v1/track` or `/v1/b*`; levels are `must`, `should`
    and `may`.
    """

    text: str

    @property
    def terms(self) -> tuple[str, ...]:
        """The words, without what surrounds them."""
        return tuple(term for part in self.text.split(",") if (term := part.strip()))

    def matches(self, trial: Trial) -> bool:
        """Whether one of the words does."""
        return any(_matches_term(term, trial) for term in self.terms)


def _matches_term(term: str, trial: Trial) -> bool:
    if "/" in term:
        call = str(trial.operation or "")
        return any(fnmatch.fnmatchcase(name, term) for name in (call, call.partition(" ")[2]))
    if term in set(Level):
        return trial.level == term
    return trial.check.area == term or fnmatch.fnmatchcase(trial.check.id, term)


def select_trials(trials: Iterable[Trial], select: Iterable[str], deselect: Iterable[str]) -> list[Trial]:
    """The trials that every expression of the one list matches, and none of the other.

    Raises UsageError if an expression matches nothing at all, or nothing is left.
    """
    all_trials = list(trials)
    selected = all_trials
    for expression_text in select:
        _require_match(all_trials, f"--select {expression_text}", SelectionExpression(expression_text))
        selected = [trial for trial in selected if SelectionExpression(expression_text).matches(trial)]
    for expression_text in deselect:
        _require_match(all_trials, f"--deselect {expression_text}", SelectionExpression(expression_text))
        selected = [trial for trial in selected if not SelectionExpression(expression_text).matches(trial)]
    if all_trials and not selected:
        raise UsageError("--select and --deselect leave no check; see `conformance list`")
    return selected


def _require_match(trials: Sequence[Trial], option: str, expression: SelectionExpression) -> None:
    """Raises UsageError for a word that matches no trial: most likely it is misspelt."""
    for term in expression.terms:
        if not any(_matches_term(term, trial) for trial in trials):
            valid_terms = {trial.check.id for trial in trials} | {str(word) for word in (*Area, *Level)}
            hint = nearest_hint(term, valid_terms)
            raise UsageError(f"{option}: no check matches {term!r}{hint}; see `conformance list`")
    if not expression.terms:
        raise UsageError(f"{option}: no check is named; see `conformance list`")
