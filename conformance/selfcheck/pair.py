"""A pair: one server under one profile, and what the checks made of it."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.catalogue import Check
    from conformance.model import Area, Verdict
    from conformance.refserver.faults import Fault

TROUBLE = frozenset({Outcome.FAIL, Outcome.UNTESTABLE, Outcome.ERROR})
"""Outcomes that a correct server must not come to."""
_JUDGED = frozenset({Outcome.PASS, Outcome.FAIL, Outcome.OBSERVED})


def named(fault: Fault, checks: Sequence[Check]) -> list[Check]:
    """The checks that must notice a fault. Raises ValueError if one of its globs matches none."""
    found = []
    for glob in fault.globs:
        matched = [item for item in checks if fnmatch.fnmatchcase(item.id, glob)]
        if not matched:
            raise ValueError(f"the fault {fault.name} names {glob}, and no check is called so")
        found += matched
    return found


def told(verdict: Verdict) -> str:
    """A verdict as a line of a list of what is wrong."""
    return f"{verdict.name}: {verdict.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A server under a profile. `verdicts` are by name: a check on an operation."""

    profile: str
    peer: str
    verdicts: Mapping[str, Verdict]

    @property
    def troubles(self) -> list[Verdict]:
        """What no correct server comes to, by name."""
        return [
            self.verdicts[name] for name in sorted(self.verdicts) if self.verdicts[name].outcome in TROUBLE
        ]

    def noticed(self, correct: Pair) -> set[str]:
        """The ids of the checks that fail, or that only observe and now report something else."""
        return {
            verdict.id
            for name, verdict in self.verdicts.items()
            if verdict.outcome is Outcome.FAIL or _differs(verdict, correct.verdicts.get(name))
        }

    def asked(self, correct: Pair) -> set[str]:
        """The ids of the checks that the contract asks for: here, or of the correct server."""
        every = [*self.verdicts.items(), *correct.verdicts.items()]
        return {verdict.id for name, verdict in every if name in self.verdicts and verdict.outcome in _JUDGED}


def _differs(verdict: Verdict, correct: Verdict | None) -> bool:
    """Whether an observation is another one than that of the correct server."""
    return (
        verdict.outcome is Outcome.OBSERVED
        and correct is not None
        and correct.outcome is Outcome.OBSERVED
        and verdict.message != correct.message
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Catch:
    """What became of a fault under a profile.

    `noticed` are the checks that noticed it, `missed` those that should have; `strangers` are verdicts of
    other areas that are in trouble.
    """

    profile: str
    fault: Fault
    noticed: tuple[str, ...]
    missed: tuple[str, ...]
    strangers: tuple[str, ...]
    is_caught: bool
    is_right: bool

    @classmethod
    def of(cls, pair: Pair, correct: Pair, fault: Fault, checks: Sequence[Check]) -> Catch:
        """Compares what the checks made of a broken server with what they must."""
        must = named(fault, checks)
        areas: set[Area] = {item.area for item in must}
        due = {item.id for item in must} & pair.asked(correct)
        noticed = pair.noticed(correct)
        strangers = {told(item) for item in pair.troubles if item.area not in areas}
        right = {name for name in noticed if any(name.startswith(f"{area}.") for area in areas)}
        shown = noticed & due if fault.spills else noticed
        return cls(
            profile=pair.profile,
            fault=fault,
            noticed=tuple(sorted(shown)),
            missed=tuple(sorted(due - noticed)),
            strangers=tuple(sorted(strangers)),
            is_caught=bool(due) and due <= noticed,
            is_right=bool(right) and (bool(fault.spills) or not strangers),
        )
