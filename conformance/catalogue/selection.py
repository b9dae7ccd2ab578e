"""Selection: which trials are made, by id, area, level and call."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.errors import UsageError
from conformance.model import Area, Level
from conformance.profile.problems import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.catalogue.trial import Trial


@dataclass(frozen=True, slots=True)
class Expression:
    """Words separated by commas, of which one has to match: areas, levels, calls, and globs of ids.

    A word with a slash is a glob of calls, such as `POST /v1/track` or `/v1/b*`; levels are `must`, `should`
    and `may`.
    """

    text: str

    @property
    def words(self) -> tuple[str, ...]:
        """The words, without what surrounds them."""
        return tuple(word for part in self.text.split(",") if (word := part.strip()))

    def matches(self, trial: Trial) -> bool:
        """Whether one of the words does."""
        return any(_matches(word, trial) for word in self.words)


def _matches(word: str, trial: Trial) -> bool:
    if "/" in word:
        call = str(trial.operation or "")
        return any(fnmatch.fnmatchcase(name, word) for name in (call, call.partition(" ")[2]))
    if word in set(Level):
        return trial.level == word
    return trial.check.area == word or fnmatch.fnmatchcase(trial.check.id, word)


def chosen(trials: Iterable[Trial], select: Iterable[str], deselect: Iterable[str]) -> list[Trial]:
    """The trials that every expression of the one list matches, and none of the other.

    Raises UsageError if an expression matches nothing at all, or nothing is left.
    """
    every = list(trials)
    found = every
    for text in select:
        _refuse_idle(every, f"--select {text}", Expression(text))
        found = [trial for trial in found if Expression(text).matches(trial)]
    for text in deselect:
        _refuse_idle(every, f"--deselect {text}", Expression(text))
        found = [trial for trial in found if not Expression(text).matches(trial)]
    if every and not found:
        raise UsageError("--select and --deselect leave no check; see `conformance list`")
    return found


def _refuse_idle(trials: Sequence[Trial], option: str, expression: Expression) -> None:
    """Raises UsageError for a word that matches no trial: most likely it is misspelt."""
    for word in expression.words:
        if not any(_matches(word, trial) for trial in trials):
            known = {trial.check.id for trial in trials} | {str(word) for word in (*Area, *Level)}
            near = nearest(word, known)
            hint = near if near.startswith("; did") else ""
            raise UsageError(f"{option}: no check matches {word!r}{hint}; see `conformance list`")
    if not expression.words:
        raise UsageError(f"{option}: no check is named; see `conformance list`")
