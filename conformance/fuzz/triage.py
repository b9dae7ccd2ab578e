"""Triage: reproduces each candidate, shrinks it, and groups failures with the same cause into one finding."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.core import pointers
from conformance.core.model import Level, OperationKind, TransportFailure
from conformance.fuzz.case import compact_json
from conformance.fuzz.cross_request import CrossRequestSearch
from conformance.fuzz.defects import SPLIT_BY_FEATURE, Defect, merge_defects, new_finding, with_another_occurrence
from conformance.fuzz.event_oracle import timestamp_pointers
from conformance.fuzz.feature_extractor import FeatureExtractor, first_in_category
from conformance.fuzz.features import ANYWHERE, NOT_JSON, REQUEST, Category, Feature, most_specific
from conformance.fuzz.finding import Certainty, Scope
from conformance.fuzz.judge import FailureKind
from conformance.fuzz.shrinker import Shrinker
from conformance.fuzz.systematic_cases import oversized_bodies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.contract import Contract
    from conformance.fuzz.case import Case
    from conformance.fuzz.case_runner import CaseRunner
    from conformance.fuzz.cross_request import CrossRequestFailure
    from conformance.fuzz.defects import Candidate
    from conformance.fuzz.finding import Finding
    from conformance.fuzz.seed_events import SeedEvents

_MAX_SHRINK_TRIES, _MAX_SLOW_SHRINK_TRIES = 400, 6
"""How many requests the shrinking of one failure may take, and of one that takes long to show."""
_REPRODUCTIONS = 2
_BEST_OF = 3
"""So many answers when a request is sent again, before as many failures, mean that it got none at first by chance."""
_MAX_SEARCHES = 12
"""For so many requests without an answer, an earlier request that caused it is searched."""
_MAX_PASSED_CASES = 500
"""How many accepted requests of an operation are looked at."""
_SEVERAL_REQUESTS = "several requests"
_SIZE_RELATED_BYTES, _MAX_SHRINKABLE_BYTES = 12_000, 100_000
"""Failures of larger bodies are likely caused by the size; huge bodies are not shrunk."""
_GRACE_S = 5.0
"""How long the triage of one candidate may go on after the deadline, in seconds."""


class Triage:
    """Turns candidates into findings, until `deadline_s` on the monotonic clock.

    `seed_events` say what each operation accepts; what was in `passed` cases, which were accepted, is no cause.
    """

    def __init__(
        self,
        contract: Contract,
        case_runner: CaseRunner,
        seed_events: Mapping[str, SeedEvents],
        *,
        passed: Sequence[Case],
        deadline_s: float,
    ) -> None:
        self._case_runner = case_runner
        self._passed = passed
        self._deadline_s = deadline_s
        self._feature_extractor = FeatureExtractor(contract)
        self._seed_events = seed_events
        self._timestamp_pointers = timestamp_pointers(contract)
        self._passed_by_call: dict[str, frozenset[Feature]] = {}
        self._defects: list[Defect] = []
        self._cross_request_search = CrossRequestSearch(case_runner, self._control_case, self._is_time_up)
        self._searches = 0
        self._unconfirmed: dict[tuple[Certainty, FailureKind, str], Finding] = {}

    async def triage(self, candidates: Iterable[Candidate]) -> list[Finding]:
        """The findings of some candidates."""
        for candidate in sorted(candidates, key=self._triage_order):
            features = self._feature_extractor.features_of(candidate.case)
            known_defect = next((defect for defect in self._defects if defect.explains(candidate, features)), None)
            if known_defect is not None:
                known_defect.add_occurrence(candidate.case.call)
            elif time.monotonic() < self._deadline_s or not self._defects:
                await self._triage_one(candidate)
            elif not self._is_caused_by_known_defect(candidate):
                self._add_unconfirmed(candidate, Certainty.UNEXAMINED)
        return [*merge_defects(self._defects, self._timestamp_pointers), *self._unconfirmed.values()]

    def unexamined_findings(self, candidates: Iterable[Candidate]) -> list[Finding]:
        """The findings of some candidates when nothing can be sent any more."""
        for candidate in sorted(candidates, key=self._triage_order):
            self._add_unconfirmed(candidate, Certainty.UNEXAMINED)
        return [*self._unconfirmed.values()]

    def _triage_order(self, candidate: Candidate) -> tuple[int, bool, int]:
        """Few broken facts, single events and short bodies first: their causes are the clearest."""
        case = candidate.case
        is_single = self._seed_events[case.call].operation.kind is OperationKind.EVENT
        return max(1, len(candidate.judgement.facts)), not is_single, len(case.body)

    async def _triage_one(self, candidate: Candidate) -> None:
        """Reproduces and shrinks a candidate, and adds its defect."""
        failure_kind = candidate.judgement.failure_kind
        if not await self._reproduces(candidate, candidate.case):
            if self._is_time_up():
                self._add_unconfirmed(candidate, Certainty.UNEXAMINED)
            else:
                await self._trace_to_earlier_request(candidate)
            return
        smallest = await self._shrink(candidate)
        if not await self._reproduces(candidate, smallest):
            smallest = candidate.case
        case = self._case_runner.with_expected_facts(smallest)
        feature = self._distinguishing_feature(case)
        if NOT_JSON in self._feature_extractor.features_of(case) and feature != NOT_JSON:
            not_json = case.with_body(b"{")
            if not case.coding and await self._fails_alike(candidate, not_json):
                case, feature = self._case_runner.with_expected_facts(not_json), NOT_JSON
        case_elsewhere = (
            await self._find_failure_elsewhere(candidate, case, feature)
            if failure_kind in SPLIT_BY_FEATURE and feature
            else None
        )
        if case_elsewhere is not None and feature is not None:
            case = self._case_runner.with_expected_facts(case_elsewhere)
            feature = Feature(ANYWHERE, feature.category, feature.detail)
        reply, judgement = await self._case_runner.run(
            case, reads_trailing_bytes=failure_kind is FailureKind.MALFORMED_RESPONSE
        )
        finding = new_finding(judgement or candidate.judgement, case, feature)
        self._defects.append(
            Defect(replace(finding, exchange=self._case_runner.redacted_exchange(case, reply)), feature)
        )

    async def _shrink(self, candidate: Candidate) -> Case:
        """The smallest case with the same failure; for a large body, first an ordinary one of that size is tried."""
        case = candidate.case
        seed_events = self._seed_events[case.call]
        is_slow = candidate.judgement.failure is TransportFailure.TIMEOUT or len(case.body) > _SIZE_RELATED_BYTES
        if len(case.body) > _SIZE_RELATED_BYTES:
            for body in oversized_bodies(seed_events):
                if await self._fails_alike(candidate, case.with_body(body)):
                    return case.with_body(body)
            if len(case.body) > _MAX_SHRINKABLE_BYTES:
                return case
        shrinker = Shrinker(
            lambda shrunk: self._fails_alike(candidate, shrunk),
            _MAX_SLOW_SHRINK_TRIES if is_slow else _MAX_SHRINK_TRIES,
        )
        return await shrinker.shrink(case, seed_events.minimal_body())

    async def _reproduces(self, candidate: Candidate, case: Case) -> bool:
        """Whether a case has the same failure each time that it is sent: once may be chance."""
        for _ in range(_REPRODUCTIONS):
            if not await self._fails_alike(candidate, case):
                return False
        return True

    async def _fails_alike(self, candidate: Candidate, case: Case) -> bool:
        """Whether a case has the same failure as a candidate."""
        if self._is_time_up():
            return False
        await self._case_runner.wait_until_healthy(self._control_case(case))
        return await self._case_runner.fails_like(candidate.judgement, case)

    async def _trace_to_earlier_request(self, candidate: Candidate) -> None:
        """Handles a failure that does not reproduce on its own: it may depend on an earlier request."""
        if self._is_caused_by_known_defect(candidate):
            return
        cross_request = await self._search_cause(candidate)
        if cross_request is None:
            certainty = Certainty.CHANCE if await self._is_chance(candidate) else Certainty.FLAKY
            self._add_unconfirmed(candidate, certainty)
            return
        if cross_request.scope is Scope.TARGET:
            await self._case_runner.run(cross_request.cause)
        sequence = (
            (cross_request.cause, cross_request.case)
            if cross_request.scope is Scope.CONNECTION
            else (cross_request.case,)
        )
        reply, judgement = await self._case_runner.run(*sequence)
        feature = self._distinguishing_feature(cross_request.cause)
        finding = new_finding(
            judgement or candidate.judgement, self._case_runner.with_expected_facts(cross_request.case), feature
        )
        finding = replace(
            finding,
            failure_kind=FailureKind.BREAKS_LATER_REQUESTS,
            dedup_key=cross_request.scope.value,
            facts=(),
            scope=cross_request.scope,
            preceding=(cross_request.cause,),
        )
        self._defects.append(
            Defect(replace(finding, exchange=self._case_runner.redacted_exchange(cross_request.case, reply)), feature)
        )

    async def _search_cause(self, candidate: Candidate) -> CrossRequestFailure | None:
        """The earlier request that causes a failure, if there is one, and not too many were searched already."""
        if candidate.judgement.failure_kind is FailureKind.UNANSWERED:
            self._searches += 1
            if self._searches > _MAX_SEARCHES:
                return None
        return await self._cross_request_search.find_cause(candidate)

    async def _is_chance(self, candidate: Candidate) -> bool:
        """Whether a request that got no answer is answered when it is sent again, or nearly always."""
        if candidate.judgement.failure_kind is not FailureKind.UNANSWERED:
            return False
        failed = answered = 0
        while max(failed, answered) < _BEST_OF and not self._is_time_up():
            _, judgement = await self._case_runner.run(candidate.case)
            failed, answered = failed + (judgement is not None), answered + (judgement is None)
        return answered == _BEST_OF

    def _is_caused_by_known_defect(self, candidate: Candidate) -> bool:
        """Whether a known defect explains a failure by the requests before it; if so, counts it there."""
        categories = {
            feature.category for case in candidate.recent for feature in self._feature_extractor.features_of(case)
        }
        for defect in self._defects:
            if defect.breaks_requests_after(categories):
                defect.add_occurrence(candidate.case.call)
                return True
        return False

    def _is_time_up(self) -> bool:
        """Whether even the triage of the current candidate has to end."""
        return time.monotonic() > self._deadline_s + _GRACE_S

    def _control_case(self, case: Case) -> Case:
        return self._seed_events[case.call].control_case()

    def _add_unconfirmed(self, candidate: Candidate, certainty: Certainty) -> None:
        """Adds a failure that did not reproduce, or was not sent again, as it was seen.

        No document promises that no connection ever breaks, so that what did so by chance is a MAY.
        """
        judgement, case = candidate.judgement, candidate.case
        if certainty is Certainty.CHANCE:
            judgement = replace(judgement, level=Level.MAY)
        key = (certainty, judgement.failure_kind, judgement.dedup_key)
        previous = self._unconfirmed.get(key)
        if previous is None:
            finding = new_finding(judgement, case, self._distinguishing_feature(case))
            self._unconfirmed[key] = replace(finding, certainty=certainty, reason=case.about or "a request")
        else:
            self._unconfirmed[key] = replace(with_another_occurrence(previous, case.call), reason=_SEVERAL_REQUESTS)

    def _distinguishing_feature(self, case: Case) -> Feature | None:
        """The most specific feature that a case has, and neither its control nor an accepted request has."""
        features = self._feature_extractor.features_of(case)
        features -= self._feature_extractor.features_of(self._control_case(case))
        if len(features) == 1:
            return most_specific(features)
        return most_specific(features - self._passed_features(case.call) or features)

    def _passed_features(self, call: str) -> frozenset[Feature]:
        """The features of accepted requests to an operation: none of them is the cause of a failure by itself."""
        if call not in self._passed_by_call:
            passed = [case for case in self._passed if case.call == call][-_MAX_PASSED_CASES:]
            self._passed_by_call[call] = frozenset[Feature]().union(*map(self._feature_extractor.features_of, passed))
        return self._passed_by_call[call]

    async def _find_failure_elsewhere(self, candidate: Candidate, case: Case, feature: Feature) -> Case | None:
        """A case with the same value in another place; None unless the value causes the failure wherever it is."""
        category, features = feature.category, self._feature_extractor.features_of(case)
        if case.coding or feature.place == REQUEST or Feature(ANYWHERE, category) not in features:
            return None
        if Feature(ANYWHERE, Category.DEEP_NESTING) in features:
            return None  # what is deeper than we can read has no value to move
        seed_events = self._seed_events[case.call]
        open_pointers = (
            seed_events.contract.event_type(seed_events.operation.event_type).open_object,
            seed_events.contract.profile.pointers.context,
        )
        value = first_in_category(case.body, category)
        parents = (*(item for item in open_pointers if item), "", "/conformance_object")
        failing: list[Case] = []
        for pointer in dict.fromkeys(f"{item}/conformance_field" for item in parents):
            moved = case.with_body(
                compact_json(seed_events.wrap_events(pointers.put(seed_events.minimal_event, pointer, value)))
            )
            if feature in self._feature_extractor.features_of(moved):
                continue
            if not await self._fails_alike(candidate, moved):
                return None
            failing.append(moved)
        return failing[0] if len(failing) > 1 else None
