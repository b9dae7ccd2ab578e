"""Selection of trials by id, area, level and operation."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.core.errors import UsageError
from conformance.core.model import Area, Level
from conformance.core.text import nearest_hint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.checks.check import Check
    from conformance.checks.trial import Trial


@dataclass(frozen=True, slots=True)
class SelectionExpression:
    """The value of a --select or --deselect option: terms of which one has to match.

    A term is an area, a level (`must`, `should`, `may`) or a glob of ids; a term with a slash is a glob of
    operations or paths, such as `POST /v1/track` or `/v1/b*`.
    """

    option: str
    terms: tuple[str, ...]

    @classmethod
    def parse(cls, name: str, text: str) -> SelectionExpression:
        """The expression of an option, whose terms are separated by commas."""
        return cls(f"{name} {text}", tuple(term for part in text.split(",") if (term := part.strip())))

    def matches(self, trial: Trial) -> bool:
        """Whether any term matches the trial."""
        return any(_matches_term(term, trial) for term in self.terms)


def _matches_term(term: str, trial: Trial) -> bool:
    if "/" in term:
        operation = trial.operation
        names = (str(operation), operation.path) if operation else ()
        return any(fnmatch.fnmatchcase(name, term) for name in names)
    if term in set(Level):
        return trial.level == term
    return trial.check.area == term or fnmatch.fnmatchcase(trial.check.id, term)


def select_checks(checks: Iterable[Check], words: Iterable[str]) -> list[Check]:
    """The checks that match any of some words: areas, levels (the strongest of a check) or globs of ids.

    All checks if there are no words. Raises UsageError for a word that matches none, with the nearest ones.
    """
    every = list(checks)
    terms = [term for word in words for part in word.split(",") if (term := part.strip())]
    for term in terms:
        if not any(_matches_check(term, check) for check in every):
            hint = nearest_hint(term, {check.id for check in every} | {str(word) for word in (*Area, *Level)})
            raise UsageError(f"no check is called {term!r}{hint}; see `conformance list`")
    return [check for check in every if not terms or any(_matches_check(term, check) for term in terms)]


def _matches_check(term: str, check: Check) -> bool:
    if term in set(Level):
        return check.max_level == term
    return check.area == term or fnmatch.fnmatchcase(check.id, term)


def select_trials(trials: Iterable[Trial], select: Iterable[str], deselect: Iterable[str]) -> list[Trial]:
    """The trials that match every --select expression and no --deselect expression, without other fallbacks.

    Raises UsageError if a term matches no trial at all, or no trial is left.
    """
    all_trials = list(trials)
    selecting = [SelectionExpression.parse("--select", text) for text in select]
    deselecting = [SelectionExpression.parse("--deselect", text) for text in deselect]
    for expression in (*selecting, *deselecting) if all_trials else ():
        _require_match(all_trials, expression)

    def is_selected(trial: Trial) -> bool:
        return all(expression.matches(trial) for expression in selecting) and not any(
            expression.matches(trial) for expression in deselecting
        )

    selected = [
        replace(
            trial,
            fallbacks=tuple(item for item in trial.fallbacks if is_selected(replace(trial, operation=item))),
        )
        for trial in all_trials
        if is_selected(trial)
    ]
    if all_trials and not selected:
        raise UsageError("--select and --deselect leave no check; see `conformance list`")
    return selected


def _require_match(trials: Sequence[Trial], expression: SelectionExpression) -> None:
    """Raises UsageError for a term that matches no trial: most likely it is misspelled."""
    for term in expression.terms:
        if not any(_matches_term(term, trial) for trial in trials):
            valid_terms = {trial.check.id for trial in trials} | {str(word) for word in (*Area, *Level)}
            hint = nearest_hint(term, valid_terms)
            raise UsageError(f"{expression.option}: no check matches {term!r}{hint}; see `conformance list`")
    if not expression.terms:
        raise UsageError(f"{expression.option}: no check is named; see `conformance list`")
