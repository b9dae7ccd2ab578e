"""A pair: one server under one profile, and what the checks made of it."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.model import PROBLEM_OUTCOMES, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.checks.check import Check
    from conformance.core.model import Area, Verdict
    from conformance.refserver.faults import Fault

_JUDGED_OUTCOMES = frozenset({Outcome.PASS, Outcome.FAIL, Outcome.OBSERVED})


def expected_checks(fault: Fault, checks: Sequence[Check]) -> list[Check]:
    """The checks that must notice a fault. Raises ValueError if one of its globs matches none."""
    expected = []
    for glob in fault.check_globs:
        matching = [item for item in checks if fnmatch.fnmatchcase(item.id, glob)]
        if not matching:
            raise ValueError(f"the fault {fault.name} names {glob}, and no check is called so")
        expected += matching
    return expected


def describe_verdict(verdict: Verdict) -> str:
    """A verdict as a line of a list of what is wrong."""
    return f"{verdict.name}: {verdict.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerResult:
    """A server under a profile. `verdicts` are by name: a check on an operation."""

    profile: str
    server: str
    verdicts: Mapping[str, Verdict]

    @property
    def bad_verdicts(self) -> list[Verdict]:
        """What no correct server comes to, by name."""
        return [
            self.verdicts[name] for name in sorted(self.verdicts) if self.verdicts[name].outcome in PROBLEM_OUTCOMES
        ]

    def detecting_checks(self, correct: ServerResult) -> set[str]:
        """The ids of the checks that fail, or that only observe and now report something else."""
        return {
            verdict.id
            for name, verdict in self.verdicts.items()
            if verdict.outcome is Outcome.FAIL or _is_other_observation(verdict, correct.verdicts.get(name))
        }

    def applicable_checks(self, correct: ServerResult) -> set[str]:
        """The ids of the checks that the contract asks for: here, or of the correct server."""
        all_verdicts = [*self.verdicts.items(), *correct.verdicts.items()]
        return {
            verdict.id
            for name, verdict in all_verdicts
            if name in self.verdicts and verdict.outcome in _JUDGED_OUTCOMES
        }


def _is_other_observation(verdict: Verdict, correct: Verdict | None) -> bool:
    """Whether an observation is another one than that of the correct server."""
    return (
        verdict.outcome is Outcome.OBSERVED
        and correct is not None
        and correct.outcome is Outcome.OBSERVED
        and verdict.message != correct.message
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultDetection:
    """What became of a fault under a profile.

    `noticed` are the checks that noticed it, `missed` those that should have; `strangers` are verdicts of
    other areas that are in trouble.
    """

    profile: str
    fault: Fault
    detected_by: tuple[str, ...]
    missed_by: tuple[str, ...]
    wrong_area: tuple[str, ...]
    is_detected: bool
    is_in_right_area: bool

    @classmethod
    def of(
        cls, faulty_server: ServerResult, correct: ServerResult, fault: Fault, checks: Sequence[Check]
    ) -> FaultDetection:
        """Compares what the checks made of a broken server with what they must."""
        expected = expected_checks(fault, checks)
        areas: set[Area] = {item.area for item in expected}
        applicable_ids = {item.id for item in expected} & faulty_server.applicable_checks(correct)
        detecting = faulty_server.detecting_checks(correct)
        wrong_area = {describe_verdict(item) for item in faulty_server.bad_verdicts if item.area not in areas}
        right_area = {verdict.id for verdict in faulty_server.verdicts.values() if verdict.area in areas} & detecting
        reported = detecting & applicable_ids if fault.collateral_reason else detecting
        return cls(
            profile=faulty_server.profile,
            fault=fault,
            detected_by=tuple(sorted(reported)),
            missed_by=tuple(sorted(applicable_ids - detecting)),
            wrong_area=tuple(sorted(wrong_area)),
            is_detected=bool(applicable_ids) and applicable_ids <= detecting,
            is_in_right_area=bool(right_area) and (bool(fault.collateral_reason) or not wrong_area),
        )
