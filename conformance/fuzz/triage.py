"""The examiner: makes findings of suspicions. Each is sent again, shrunk, and put to the defect it shows."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.core import pointers
from conformance.core.model import OperationKind, TransportFailure
from conformance.fuzz.case import Case, Origin, compact_json
from conformance.fuzz.cross_request import CONNECTION_SCOPE, TARGET_SCOPE, CrossRequestSearch
from conformance.fuzz.event_oracle import timestamp_pointers
from conformance.fuzz.features import (
    ANYWHERE,
    FREE_FORM,
    JSON_TYPE_NAMES,
    NOT_JSON,
    REQUEST,
    Feature,
    FeatureExtractor,
    describe_feature,
    first_in_category,
    most_specific,
)
from conformance.fuzz.finding import Certainty, Finding
from conformance.fuzz.judge import FailureKind, Judgement
from conformance.fuzz.seed_events import SeedEvents
from conformance.fuzz.shrinker import Shrinker
from conformance.fuzz.systematic_cases import oversized_bodies
from conformance.profile.facts import LimitKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from conformance.contract import Contract
    from conformance.fuzz.candidate import Candidate
    from conformance.fuzz.case_runner import CaseRunner

_MAX_SHRINK_TRIES, _MAX_SLOW_SHRINK_TRIES = 240, 6
"""How many requests the shrinking of one failure may take, and that of one that is waited for."""
_REPRODUCTIONS = 2
_SEVERAL_REQUESTS = "several requests"
_LIMIT_REASONS = {
    f"limits.{LimitKind.EVENT}": "an event over its limit",
    f"limits.{LimitKind.BATCH}": "a batch over its limit",
    f"limits.{LimitKind.BATCH_EVENT}": "an event over its limit in a batch",
}
"""What a finding is about that falls under a limit and nothing else."""
_SIZE_RELATED_BYTES, _MAX_SHRINKABLE_BYTES = 12_000, 100_000
"""Larger bodies are about their size; huge ones are left as they are."""
_GRACE_S = 5.0
"""How long the examination of one failure may go on after the time is up, in seconds."""
SPLIT_BY_FEATURE = frozenset(
    {FailureKind.SERVER_ERROR, FailureKind.UNANSWERED, FailureKind.WRONGLY_REJECTED, FailureKind.BREAKS_LATER_REQUESTS}
)
"""Faults of which there may be several, told apart by what the requests have."""


@dataclass(slots=True)
class Defect:
    """A finding in the making, and what it is about a request that shows it."""

    finding: Finding
    feature: Feature | None

    def breaks_requests_after(self, categories: Collection[str]) -> bool:
        """Whether it shows in requests that come after one with such things, on any connection."""
        breaks_target = (
            self.finding.failure_kind is FailureKind.BREAKS_LATER_REQUESTS and self.finding.dedup_key == TARGET_SCOPE
        )
        return breaks_target and (self.feature is None or self.feature[1] in categories)

    def explains(self, candidate: Candidate, features: frozenset[Feature]) -> bool:
        """Whether another failure is most likely the same defect."""
        judgement = candidate.judgement
        if judgement.failure_kind is not self.finding.failure_kind:
            return False
        if judgement.failure_kind in SPLIT_BY_FEATURE:
            return self.feature is None or self.feature in features
        if judgement.failure_kind in {FailureKind.WRONGLY_ACCEPTED, FailureKind.UNEXPECTED_STATUS}:
            return {*self.finding.dedup_key.split("|")} <= {*judgement.dedup_key.split("|")}
        return judgement.dedup_key == self.finding.dedup_key


class Triage:
    """Turns suspicions into findings, within a time."""

    def __init__(self, contract: Contract, case_runner: CaseRunner, *, deadline_s: float) -> None:
        self._case_runner = case_runner
        self._deadline_s = deadline_s
        self._feature_extractor = FeatureExtractor(contract)
        self._seed_events = {
            str(operation): SeedEvents.for_operation(contract, operation) for operation in contract.operations
        }
        self._timestamp_pointers = timestamp_pointers(contract)
        self._defects: list[Defect] = []
        self._cross_request_search = CrossRequestSearch(case_runner, self._control_case, self._is_time_up)
        self._unconfirmed: dict[tuple[Certainty, FailureKind, str], Finding] = {}

    async def triage(self, candidates: Iterable[Candidate]) -> list[Finding]:
        """The findings that some suspicions come to."""
        for candidate in sorted(candidates, key=self._triage_order):
            features = self._feature_extractor.features_of(candidate.case)
            known_defect = next((defect for defect in self._defects if defect.explains(candidate, features)), None)
            if known_defect is not None:
                known_defect.finding = _with_another_occurrence(known_defect.finding, candidate.case.call)
            elif time.monotonic() < self._deadline_s or not self._defects:
                await self._triage_one(candidate)
            elif not self._is_caused_by_known_defect(candidate):
                self._add_unconfirmed(candidate, Certainty.UNEXAMINED)
        return [*_merge_defects(self._defects, self._timestamp_pointers), *self._unconfirmed.values()]

    def unexamined_findings(self, candidates: Iterable[Candidate]) -> list[Finding]:
        """The findings that some suspicions come to where nothing can be sent any more."""
        for candidate in sorted(candidates, key=self._triage_order):
            self._add_unconfirmed(candidate, Certainty.UNEXAMINED)
        return [*self._unconfirmed.values()]

    def _triage_order(self, candidate: Candidate) -> tuple[int, bool, int]:
        """Few facts, single events and short bodies first: they tell most."""
        case = candidate.case
        is_single = self._seed_events[case.call].operation.kind is OperationKind.EVENT
        return len(candidate.judgement.dedup_key.split("|")), not is_single, len(case.body)

    async def _triage_one(self, candidate: Candidate) -> None:
        """Sends a case again, and makes a finding of it."""
        failure_kind = candidate.judgement.failure_kind
        if not await self._reproduces(candidate, candidate.case):
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
            case, feature = self._case_runner.with_expected_facts(case_elsewhere), (ANYWHERE, feature[1])
        reply, judgement = await self._case_runner.run(
            case, reads_trailing_bytes=failure_kind is FailureKind.MALFORMED_RESPONSE
        )
        finding = _new_finding(judgement or candidate.judgement, case, feature)
        self._defects.append(
            Defect(replace(finding, exchange=self._case_runner.redacted_exchange(case, reply)), feature)
        )

    async def _shrink(self, candidate: Candidate) -> Case:
        """The smallest case that fails as well; where it is about size, an ordinary one of that size."""
        case = candidate.case
        seed_events = self._seed_events[case.call]
        is_slow = candidate.judgement.dedup_key == TransportFailure.TIMEOUT or len(case.body) > _SIZE_RELATED_BYTES
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
        """Whether a failure comes again whenever a case is sent: once may be chance."""
        for _ in range(_REPRODUCTIONS):
            if not await self._fails_alike(candidate, case):
                return False
        return True

    async def _fails_alike(self, candidate: Candidate, case: Case) -> bool:
        """Whether a case comes to the same as the suspicious one."""
        if self._is_time_up():
            return False
        await self._case_runner.wait_until_healthy(self._control_case(case))
        judgement = candidate.judgement
        return await self._case_runner.fails_with(judgement.failure_kind, judgement.dedup_key, case)

    async def _trace_to_earlier_request(self, candidate: Candidate) -> None:
        """A failure that does not come alone: perhaps it comes after something else."""
        if self._is_caused_by_known_defect(candidate):
            return
        cross_request = await self._cross_request_search.find_cause(candidate)
        if cross_request is None:
            self._add_unconfirmed(candidate)
            return
        if cross_request.scope == TARGET_SCOPE:
            await self._case_runner.run(cross_request.cause)
        sequence = (
            (cross_request.cause, cross_request.case)
            if cross_request.scope == CONNECTION_SCOPE
            else (cross_request.case,)
        )
        reply, judgement = await self._case_runner.run(*sequence)
        feature = self._distinguishing_feature(cross_request.cause)
        finding = _new_finding(
            judgement or candidate.judgement, self._case_runner.with_expected_facts(cross_request.case), feature
        )
        finding = replace(
            finding,
            failure_kind=FailureKind.BREAKS_LATER_REQUESTS,
            dedup_key=cross_request.scope,
            preceding=(cross_request.cause,),
        )
        self._defects.append(
            Defect(replace(finding, exchange=self._case_runner.redacted_exchange(cross_request.case, reply)), feature)
        )

    def _is_caused_by_known_defect(self, candidate: Candidate) -> bool:
        """Whether a known defect explains a failure by what went before; if so, it is counted there."""
        categories = {
            category for case in candidate.recent for _, category in self._feature_extractor.features_of(case)
        }
        for defect in self._defects:
            if defect.breaks_requests_after(categories):
                defect.finding = _with_another_occurrence(defect.finding, candidate.case.call)
                return True
        return False

    def _is_time_up(self) -> bool:
        """Whether even the examination that is under way has to end."""
        return time.monotonic() > self._deadline_s + _GRACE_S

    def _control_case(self, case: Case) -> Case:
        """The acceptable request of a case's operation."""
        return Case(
            call=case.call, origin=Origin.SHRINKER, about="control", body=self._seed_events[case.call].minimal_body()
        )

    def _add_unconfirmed(self, candidate: Candidate, certainty: Certainty = Certainty.FLAKY) -> None:
        """A failure that did not come again, or was not asked for again: reported as it was seen."""
        judgement, case = candidate.judgement, candidate.case
        key = (certainty, judgement.failure_kind, judgement.dedup_key)
        previous = self._unconfirmed.get(key)
        if previous is None:
            finding = _new_finding(judgement, case, self._distinguishing_feature(case))
            self._unconfirmed[key] = replace(finding, certainty=certainty, reason=case.about or "a request")
        else:
            self._unconfirmed[key] = replace(_with_another_occurrence(previous, case.call), reason=_SEVERAL_REQUESTS)

    def _distinguishing_feature(self, case: Case) -> Feature | None:
        """What a case has that no acceptable one has, in one feature."""
        return most_specific(
            self._feature_extractor.features_of(case) - self._feature_extractor.features_of(self._control_case(case))
        )

    async def _find_failure_elsewhere(self, candidate: Candidate, case: Case, feature: Feature) -> Case | None:
        """A case that fails as well with the same thing in another place; None if not all such cases do."""
        place, category = feature
        if case.coding or place == REQUEST or (ANYWHERE, category) not in self._feature_extractor.features_of(case):
            return None
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


def _with_another_occurrence(finding: Finding, call: str) -> Finding:
    """A finding that was seen once more."""
    calls = finding.calls if call in finding.calls else tuple(sorted({*finding.calls, call}))
    return replace(finding, calls=calls, count=finding.count + 1)


def _new_finding(judgement: Judgement, case: Case, feature: Feature | None) -> Finding:
    return Finding(
        failure_kind=judgement.failure_kind,
        dedup_key=judgement.dedup_key,
        reason=_LIMIT_REASONS.get(judgement.dedup_key, describe_feature(feature)),
        message=judgement.message,
        expected=judgement.expected,
        received=judgement.received,
        level=judgement.level,
        certainty=Certainty.CONFIRMED,
        case=case,
        calls=(case.call,),
    )


def _merge_defects(defects: Iterable[Defect], timestamp_pointers: Collection[str]) -> list[Finding]:
    """One finding for all that is wrong with values in one place, and with the times of an event."""
    groups: dict[tuple[object, ...], list[Defect]] = {}
    for defect in defects:
        place = defect.feature[0] if defect.feature else ""
        is_separate = defect.finding.failure_kind not in SPLIT_BY_FEATURE or place in {"", ANYWHERE, REQUEST, FREE_FORM}
        key = (
            (defect.feature, defect.finding.dedup_key)
            if is_separate
            else ("times" if place in timestamp_pointers else place,)
        )
        groups.setdefault((defect.finding.failure_kind, *key), []).append(defect)
    return [_finding_of_group(group) for group in groups.values()]


def _finding_of_group(group: list[Defect]) -> Finding:
    """Several defects as one finding, that of the first, which is the smallest."""
    first = group[0].finding
    if len(group) == 1:
        return first
    features = [defect.feature for defect in group if defect.feature]
    return replace(
        first,
        reason=_describe_any_of(features),
        calls=tuple(sorted({call for item in group for call in item.finding.calls})),
        count=sum(item.finding.count for item in group),
    )


def _describe_any_of(features: list[Feature]) -> str:
    """Several features in words, the narrow words left out where a broad one says it all."""
    categories = list(dict.fromkeys(category for _, category in features))
    broad = [word for word in categories if word in JSON_TYPE_NAMES] or categories
    places = " or ".join(dict.fromkeys(place for place, _ in features))
    return describe_feature((places, broad[0] if len(broad) == 1 else f"{', '.join(broad[:-1])} or {broad[-1]}"))
