"""What the checks found on one server: whether they noticed its fault, or raised a false alarm."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.core.model import PROBLEM_OUTCOMES, Outcome
from conformance.selfcheck.answers import RecordedAnswers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from conformance.checks.check import Check
    from conformance.core.model import Verdict
    from conformance.refserver.faults import Fault
    from conformance.refserver.variant import Variant
    from conformance.report.cause import Cause

_APPLICABLE_OUTCOMES = frozenset({Outcome.PASS, Outcome.FAIL, Outcome.OBSERVED})


def expected_checks(fault: Fault, checks: Sequence[Check]) -> list[Check]:
    """The checks that must notice a fault. Raises ValueError if one of its globs matches none."""
    expected = []
    for glob in fault.check_globs:
        matching = [item for item in checks if fnmatch.fnmatchcase(item.id, glob)]
        if not matching:
            raise ValueError(f"the fault {fault.name} names {glob}, and no check has such an id")
        expected += matching
    return expected


def describe_verdict(verdict: Verdict) -> str:
    """A verdict in one line."""
    return f"{verdict.name}: {verdict.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerResult:
    """The verdicts on a server under a profile, by name (a check on an operation), their causes, and its answers."""

    profile: str
    server: str
    verdicts: Mapping[str, Verdict]
    causes: tuple[Cause, ...] = ()
    answers: RecordedAnswers = field(default_factory=RecordedAnswers)

    @property
    def bad_verdicts(self) -> list[Verdict]:
        """The verdicts that no correct server gets, by name."""
        return [
            self.verdicts[name] for name in sorted(self.verdicts) if self.verdicts[name].outcome in PROBLEM_OUTCOMES
        ]

    def detecting_verdicts(self, correct: ServerResult) -> list[Verdict]:
        """The verdicts of checks that fail, or that only observe and report something else on the correct server."""
        return [
            verdict
            for name, verdict in self.verdicts.items()
            if verdict.outcome is Outcome.FAIL or _is_other_observation(verdict, correct.verdicts.get(name))
        ]

    def applicable_checks(self, correct: ServerResult) -> set[str]:
        """The ids of the checks that apply, on this server or on the correct one."""
        all_verdicts = [*self.verdicts.items(), *correct.verdicts.items()]
        return {
            verdict.id
            for name, verdict in all_verdicts
            if name in self.verdicts and verdict.outcome in _APPLICABLE_OUTCOMES
        }


def _is_other_observation(verdict: Verdict, correct: Verdict | None) -> bool:
    """Whether a check observed something else than on the correct server."""
    return (
        verdict.outcome is Outcome.OBSERVED
        and correct is not None
        and correct.outcome is Outcome.OBSERVED
        and (verdict.message, verdict.data) != (correct.message, correct.data)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultDetection:
    """How a fault was noticed under a profile.

    `detected_by` are the ids of the checks that noticed it, `missed_by` of those that should have, `wrong_area`
    the verdicts of checks in other areas that failed. `causes` are the sentences of what was found to be the cause of
    the failures, and `is_one_cause` says whether that is one that explains a check that must notice the fault and that
    its key words name; None if no check fails. `changed_answers` counts the answers that differ from the
    correct server's, of `compared_answers`.
    """

    profile: str
    fault: Fault
    detected_by: tuple[str, ...]
    missed_by: tuple[str, ...]
    wrong_area: tuple[str, ...]
    is_detected: bool
    is_in_right_area: bool
    causes: tuple[str, ...]
    is_one_cause: bool | None
    changed_answers: int
    compared_answers: int

    @classmethod
    def of(
        cls, faulty_server: ServerResult, correct: ServerResult, fault: Fault, checks: Sequence[Check]
    ) -> FaultDetection:
        """Compares the verdicts on a faulty server with what is expected of the checks."""
        expected = expected_checks(fault, checks)
        areas = {item.area for item in expected}
        applicable_ids = {item.id for item in expected} & faulty_server.applicable_checks(correct)
        detecting = faulty_server.detecting_verdicts(correct)
        detecting_ids = {verdict.id for verdict in detecting}
        wrong_area = {describe_verdict(item) for item in faulty_server.bad_verdicts if item.area not in areas}
        is_area_named = any(verdict.area in areas for verdict in detecting)
        reported_ids = detecting_ids & applicable_ids if fault.collateral_reason else detecting_ids
        return cls(
            profile=faulty_server.profile,
            fault=fault,
            detected_by=tuple(sorted(reported_ids)),
            missed_by=tuple(sorted(applicable_ids - detecting_ids)),
            wrong_area=tuple(sorted(wrong_area)),
            is_detected=bool(applicable_ids) and applicable_ids <= detecting_ids,
            is_in_right_area=is_area_named and (bool(fault.collateral_reason) or not wrong_area),
            causes=tuple(cause.sentence for cause in faulty_server.causes),
            is_one_cause=_is_one_cause(faulty_server, fault, applicable_ids),
            changed_answers=faulty_server.answers.count_changed(correct.answers),
            compared_answers=faulty_server.answers.count_common(correct.answers),
        )

    def problems(self) -> list[str]:
        """The problems with the fault, one line each."""
        server_and_profile = f"{self.fault.name} under {self.profile}"
        problems = []
        if not self.changed_answers:
            problems.append(
                f"{server_and_profile}: the fault changed no answer: "
                f"all {self.compared_answers:,} are those of the correct server"
            )
        if self.missed_by or not self.is_detected:
            problems.append(f"{server_and_profile}: not noticed by {', '.join(self.missed_by) or 'any check'}")
        if not self.is_in_right_area:
            problems += [f"{server_and_profile}: another area: {item}" for item in self.wrong_area] or [
                f"{server_and_profile}: not noticed in its own area"
            ]
        return problems


def _is_one_cause(server: ServerResult, fault: Fault, expected_ids: AbstractSet[str]) -> bool | None:
    """Whether the failures have one cause, which explains one of these checks and is named right; None without any."""
    if not server.causes:
        return None
    (cause, *others) = server.causes
    return not others and explains(cause, expected_ids) and fault.is_named_by(cause.sentence)


def explains(cause: Cause, check_ids: AbstractSet[str]) -> bool:
    """Whether a cause explains the failure of one of these checks."""
    return any(check.id in check_ids for check in cause.explains)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectServerResult:
    """A correct server under a profile, and the verdicts that are wrong about it."""

    profile: str
    variant: Variant
    false_alarms: tuple[str, ...]
