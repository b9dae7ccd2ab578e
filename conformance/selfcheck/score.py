"""The score of a self-check: detected faults, false alarms, and checks that notice no fault."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.cases import CHECKS
from conformance.core.model import Area
from conformance.refserver.variant import CORRECT_SERVER
from conformance.selfcheck.detection import CorrectServerResult, FaultDetection, describe_verdict
from conformance.selfcheck.pairs import PairResult, server_of_pair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.refserver.faults import Fault
    from conformance.refserver.variant import Variant
    from conformance.selfcheck.detection import ServerResult
    from conformance.selfcheck.pairs import FaultPair


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseCounts:
    """How often one fault came out as one cause, and two at once as two, of those that make checks fail."""

    faults: int
    faults_right: int
    over_split: int
    pairs: int
    pairs_right: int
    merged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The results of a self-check. `detecting_faults` has the names of the faults that each check noticed, by id."""

    profiles: tuple[str, ...]
    detections: tuple[FaultDetection, ...]
    correct_servers: tuple[CorrectServerResult, ...]
    detecting_faults: dict[str, tuple[str, ...]]
    pairs: tuple[PairResult, ...] = ()

    @classmethod
    def of(
        cls,
        profiles: Sequence[str],
        results: Sequence[ServerResult],
        faults: Sequence[Fault],
        variants: Sequence[Variant],
        scored_ids: frozenset[str] | None = None,
    ) -> Score:
        """The score of some servers, in the order of profiles, faults and variants.

        `scored_ids` are the checks of which each must notice a fault; None for all that apply.
        """
        result_of = {(result.profile, result.server): result for result in results}
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
            detecting_faults=_detecting_faults(results, detections, scored_ids),
        )

    def with_pairs(self, results: Sequence[ServerResult], pairs: Sequence[tuple[str, FaultPair]]) -> Score:
        """The score with what was found on servers with two faults, where both show."""
        result_of = {(result.profile, result.server): result for result in results}
        judged = (PairResult.of(result_of[profile, server_of_pair(pair)], pair) for profile, pair in pairs)
        return replace(self, pairs=tuple(item for item in judged if item is not None))

    @property
    def detected_count(self) -> int:
        """The number of faulty servers that were noticed by every check that must."""
        return sum(detection.is_detected for detection in self.detections)

    @property
    def right_area_count(self) -> int:
        """The number of faulty servers that were noticed in the right area, and in no other."""
        return sum(detection.is_in_right_area for detection in self.detections)

    @property
    def false_alarm_count(self) -> int:
        """The number of correct servers on which a check failed."""
        return sum(bool(result.false_alarms) for result in self.correct_servers)

    @property
    def cause_counts(self) -> CauseCounts:
        """How often the causes of failures were right."""
        judged = [item for item in self.detections if item.is_one_cause is not None]
        return CauseCounts(
            faults=len(judged),
            faults_right=sum(bool(item.is_one_cause) for item in judged),
            over_split=sum(len(item.causes) > 1 for item in judged),
            pairs=len(self.pairs),
            pairs_right=sum(item.is_right for item in self.pairs),
            merged=sum(len(item.causes) < len(item.pair) for item in self.pairs),
        )

    def wrong_causes(self) -> list[str]:
        """The servers whose causes are wrong, with their sentences, one line each."""
        lines = [
            f"{item.fault.name} under {item.profile}: {' + '.join(item.causes)} (key words: {item.fault.key_words})"
            for item in self.detections
            if item.is_one_cause is False
        ]
        return lines + [
            f"{server_of_pair(item.pair)} under {item.profile}: {' + '.join(item.causes)}"
            for item in self.pairs
            if not item.is_right
        ]

    @property
    def undetecting_checks(self) -> tuple[str, ...]:
        """The ids of the checks that apply to some profile and notice no fault."""
        return tuple(name for name, detecting_faults in self.detecting_faults.items() if not detecting_faults)

    @property
    def misjudged_servers(self) -> frozenset[tuple[str, str]]:
        """The servers about which something is wrong, each as its profile and its name."""
        faulty = {(item.profile, item.fault.name) for item in self.detections if item.problems()}
        return frozenset(faulty | {(i.profile, i.variant.name) for i in self.correct_servers if i.false_alarms})

    def problems(self) -> list[str]:
        """Everything that is wrong, one line each; empty if nothing is."""
        problems = [problem for detection in self.detections for problem in detection.problems()]
        for correct_server in self.correct_servers:
            problems += [
                f"{correct_server.variant.name} under {correct_server.profile} is correct: {item}"
                for item in correct_server.false_alarms
            ]
        return problems + [f"{name}: no fault makes this check fail" for name in self.undetecting_checks]


def _detecting_faults(
    results: Sequence[ServerResult], detections: Sequence[FaultDetection], scored_ids: frozenset[str] | None
) -> dict[str, tuple[str, ...]]:
    """The names of the faults that each check noticed, for each scored check that applies to any profile.

    Faulty servers are not sent generated requests, so those checks are scored nowhere.
    """
    fuzz_ids = {check.id for check in CHECKS if check.area is Area.FUZZ}
    applicable_ids = {check_id for result in results for check_id in result.applicable_checks(result)} - fuzz_ids
    return {
        check_id: tuple(dict.fromkeys(item.fault.name for item in detections if check_id in item.detected_by))
        for check_id in sorted(applicable_ids if scored_ids is None else applicable_ids & scored_ids)
    }
