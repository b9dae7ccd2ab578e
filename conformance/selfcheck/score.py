"""The score: how many faults are caught, how many alarms are false, and which checks nothing kills."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.cases import CHECKS
from conformance.refserver.variants import CORRECT_SERVER
from conformance.selfcheck.detection import FaultDetection, describe_verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.refserver.faults import Fault
    from conformance.refserver.variants import Variant
    from conformance.selfcheck.detection import ServerResult


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectServerResult:
    """A correct server under a profile, and the verdicts that are wrong about it."""

    profile: str
    variant: Variant
    false_alarms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a self-check came to. `kills` has the faults that each check noticed, by its id."""

    profiles: tuple[str, ...]
    detections: tuple[FaultDetection, ...]
    correct_servers: tuple[CorrectServerResult, ...]
    detecting_faults: dict[str, tuple[str, ...]]

    @classmethod
    def of(
        cls,
        profiles: Sequence[str],
        results: Sequence[ServerResult],
        faults: Sequence[Fault],
        variants: Sequence[Variant],
    ) -> Score:
        """The score of pairs, in the order of profiles, faults and variants."""
        result_of = {(pair.profile, pair.server): pair for pair in results}
        detections = tuple(
            FaultDetection.of(result_of[profile, fault.name], result_of[profile, CORRECT_SERVER.name], fault, CHECKS)
            for profile, fault in itertools.product(profiles, faults)
            if (profile, fault.name) in result_of
        )
        correct_servers = tuple(
            CorrectServerResult(
                profile=profile,
                variant=variant,
                false_alarms=tuple(map(describe_verdict, result_of[profile, variant.name].bad_verdicts)),
            )
            for profile, variant in itertools.product(profiles, (CORRECT_SERVER, *variants))
            if (profile, variant.name) in result_of
        )
        return cls(
            profiles=tuple(profiles),
            detections=detections,
            correct_servers=correct_servers,
            detecting_faults=_detecting_faults(results, detections),
        )

    @property
    def detected_count(self) -> int:
        """How many pairs of a fault and a profile every check noticed that must."""
        return sum(catch.is_detected for catch in self.detections)

    @property
    def right_area_count(self) -> int:
        """How many of them were noticed in the right area, and in no other."""
        return sum(catch.is_in_right_area for catch in self.detections)

    @property
    def false_alarm_count(self) -> int:
        """How many correct servers raised an alarm."""
        return sum(bool(alarm.false_alarms) for alarm in self.correct_servers)

    @property
    def undetecting_checks(self) -> tuple[str, ...]:
        """The checks that some profile asks for and no fault makes fail."""
        return tuple(name for name, detecting_faults in self.detecting_faults.items() if not detecting_faults)

    def problems(self) -> list[str]:
        """Everything that is wrong, a line each; nothing if all is perfect."""
        problems = []
        for detection in self.detections:
            server_and_profile = f"{detection.fault.name} under {detection.profile}"
            if detection.missed_by or not detection.is_detected:
                problems.append(f"{server_and_profile}: not noticed by {', '.join(detection.missed_by) or 'any check'}")
            if not detection.is_in_right_area:
                problems += [f"{server_and_profile}: another area: {item}" for item in detection.wrong_area] or [
                    f"{server_and_profile}: not noticed in its own area"
                ]
        for correct_server in self.correct_servers:
            problems += [
                f"{correct_server.variant.name} under {correct_server.profile} is correct: {item}"
                for item in correct_server.false_alarms
            ]
        return problems + [f"{name}: no fault makes this check fail" for name in self.undetecting_checks]


def _detecting_faults(
    results: Sequence[ServerResult], detections: Sequence[FaultDetection]
) -> dict[str, tuple[str, ...]]:
    """The names of the faults that each check noticed, for each check that any profile asks for."""
    applicable_ids: set[str] = set()
    for pair in results:
        applicable_ids |= pair.applicable_checks(pair)
    return {
        name: tuple(dict.fromkeys(catch.fault.name for catch in detections if name in catch.detected_by))
        for name in sorted(applicable_ids)
    }
