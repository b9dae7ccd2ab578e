"""Compares the responses of two servers to generated requests, and shrinks the differences that no check shows."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from conformance.causes.normalized_answers import WORDING, AnswerChange, compare_answers, normalize
from conformance.causes.request_traits import RequestTraits
from conformance.core.errors import Stopped
from conformance.core.model import Exchange, Request
from conformance.fuzz.features import Feature, most_specific
from conformance.fuzz.seed_events import seed_events_by_call
from conformance.fuzz.sender import FuzzSender
from conformance.fuzz.shrinker import Shrinker
from conformance.wire.budget import BudgetExhausted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.causes.normalized_answers import Facet, NormalizedAnswer
    from conformance.diff.sides import Side
    from conformance.fuzz.case import Case
    from conformance.fuzz.judge import Judgement
    from conformance.wire.responses import Reply

_MAX_SHRINK_STEPS, _MAX_SLOW_SHRINK_STEPS = 160, 6
_CONFIRMATIONS = 2
_EXAMINATION_S = 20.0
_MAX_SHRINKABLE_BYTES = 20_000
_ANY_REQUEST = Request(method="POST", path="/")


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzOnlyDifference:
    """A difference that only generated requests show: the smallest of them, and how often it was seen.

    `judgements` are the failures of the two responses, None for a response that the contract allows.
    """

    case: Case
    change: AnswerChange
    feature: Feature | None
    exchanges: tuple[Exchange, Exchange]
    judgements: tuple[Judgement | None, Judgement | None]
    calls: tuple[str, ...] = ()
    count: int = 1


@dataclass(slots=True, kw_only=True)
class FuzzComparisonResult:
    """The result of comparing generated requests.

    `explained_counts` counts, by the number of a known difference, the requests that it explains.
    """

    differences: list[FuzzOnlyDifference] = field(default_factory=list)
    compared_count: int = 0
    unstable_count: int = 0
    unexamined_count: int = 0
    explained_counts: Counter[int] = field(default_factory=Counter)
    is_cut: bool = False


def _build_sender(side: Side) -> FuzzSender:
    return FuzzSender(side.plan.contract, side.plan.keys, side.wire, side.preflight)


@dataclass(frozen=True, slots=True)
class _KeptReply:
    """What is kept of a reply: its normal form, and a hash of its body."""

    answer: NormalizedAnswer
    body_hash: bytes


async def _send_cases(
    sender: FuzzSender, cases: Sequence[Case], deadline_s: float | None, rate_headers: frozenset[str]
) -> dict[int, _KeptReply]:
    """The replies by the number of their case; fewer than cases if the time, the budget or the target ends it."""
    replies: dict[int, _KeptReply] = {}
    redactor = sender.case_runner.wire.redactor
    numbers = {id(case): number for number, case in enumerate(cases)}

    def keep_reply(case: Case, reply: Reply, _: Case | None) -> None:
        redacted = redactor.redact_reply(reply)
        exchange = Exchange(
            request=_ANY_REQUEST, response=redacted.response, failure=reply.failure,
            bytes_after_response=redacted.bytes_after_response,
        )  # fmt: skip
        answer = normalize(exchange, rate_headers)
        replies[numbers[id(case)]] = _KeptReply(answer, hashlib.sha256(reply.body).digest())

    await sender.send_all(iter(cases), keep_reply, deadline_s=deadline_s)
    return replies


class FindExplanation(Protocol):
    """Finds the known difference that explains a change."""

    def __call__(
        self, case: Case, change: AnswerChange, special_traits: frozenset[Feature], *, is_shrunk: bool = False
    ) -> int | None:
        """The number of that difference, or None. `special_traits` are those that the control of the case lacks."""


class FuzzComparison:
    """Sends generated requests to both sides and collects the differences."""

    def __init__(self, first: Side, second: Side, volatile: frozenset[Facet], rate_headers: frozenset[str]) -> None:
        self._contract = first.plan.contract
        self._senders = (_build_sender(first), _build_sender(second))
        self._traits = RequestTraits(self._contract)
        self._seed_events = seed_events_by_call(self._contract)
        self._dead = {str(item) for side in (first, second) for item in side.preflight.dead}
        self._volatile, self._rate_headers = volatile | {WORDING}, rate_headers
        self._examination_deadline_s = 0.0
        self._explained_by: dict[tuple[AnswerChange, Feature | None], int] = {}
        self.result = FuzzComparisonResult()

    @property
    def sent_counts(self) -> tuple[int, int]:
        """How many requests each side received over the connections for generated requests."""
        return self._senders[0].connections.sent_count, self._senders[1].connections.sent_count

    async def run(
        self,
        cases: Iterable[Case],
        max_time_s: float | None,
        find_explanation: FindExplanation,
    ) -> FuzzComparisonResult:
        """Sends all cases to the first side, then to the second, and examines the unexplained differences."""
        live_cases = [case for case in cases if case.call not in self._dead]
        try:
            differing = await self._find_differing(live_cases, max_time_s)
            self._examination_deadline_s = time.monotonic() + _EXAMINATION_S
            for case, change in sorted(differing, key=lambda item: len(item[0].body)):
                await self._examine(case, change, find_explanation)
        except (BudgetExhausted, Stopped):
            self.result.is_cut = True
        finally:
            for sender in self._senders:
                await sender.aclose()
        return self.result

    async def _find_differing(self, cases: Sequence[Case], max_time_s: float | None) -> list[tuple[Case, AnswerChange]]:
        """The cases that were answered differently."""
        replies = []
        for sender in self._senders:
            deadline_s = time.monotonic() + max_time_s / 2 if max_time_s else None
            replies.append(await _send_cases(sender, cases, deadline_s, self._rate_headers))
        answered_by_both = sorted(replies[0].keys() & replies[1].keys())
        self.result.compared_count = len(answered_by_both)
        self.result.is_cut |= len(answered_by_both) < len(cases)
        differing = []
        for number in answered_by_both:
            one, other = replies[0][number], replies[1][number]
            is_same = (one.answer.status, one.body_hash) == (other.answer.status, other.body_hash)
            change = None if is_same else next(compare_answers(one.answer, other.answer, self._volatile), None)
            if change is not None:
                differing.append((cases[number], change))
        return differing

    def _first_change(self, case: Case, one: Reply, other: Reply) -> AnswerChange | None:
        """The first change between two replies, or None."""
        exchanges = [
            sender.case_runner.redacted_exchange(case, reply)
            for sender, reply in zip(self._senders, (one, other), strict=True)
        ]
        answers = [normalize(exchange, self._rate_headers) for exchange in exchanges]
        return next(compare_answers(answers[0], answers[1], self._volatile), None)

    async def _examine(self, case: Case, change: AnswerChange, find_explanation: FindExplanation) -> None:
        """Counts a difference that is known, explained or unstable; shrinks and adds a new one."""
        special_features = self._special_features(case)
        seen_number = next(
            (
                number
                for number, item in enumerate(self.result.differences)
                if item.change.kind == change.kind and (item.feature is None or item.feature in special_features)
            ),
            None,
        )
        if seen_number is not None:
            self.result.differences[seen_number] = _count_again(self.result.differences[seen_number], case.call)
            return
        explained_by = self._find_known(case, change, special_features, find_explanation)
        if explained_by is not None:
            self.result.explained_counts[explained_by] += 1
            return
        if time.monotonic() > self._examination_deadline_s:
            self.result.unexamined_count += 1
            return
        for _ in range(_CONFIRMATIONS):
            if await self._ask_both(case) != change:
                self.result.unstable_count += 1
                return
        smallest = await self._shrink(case, change)
        special_features = self._special_features(smallest)
        explained_by = find_explanation(
            self._senders[0].case_runner.with_expected_facts(smallest), change, special_features, is_shrunk=True
        )
        if explained_by is not None:
            self.result.explained_counts[explained_by] += 1
            self._explained_by[change.kind, most_specific(special_features)] = explained_by
        else:
            await self._add_difference(smallest, change, most_specific(special_features))

    def _find_known(
        self, case: Case, change: AnswerChange, special_features: frozenset[Feature], find_explanation: FindExplanation
    ) -> int | None:
        """The number of the known difference that explains a case, or explained a shrunk one with the same feature."""
        explained_by = find_explanation(
            self._senders[0].case_runner.with_expected_facts(case), change, special_features
        )
        earlier = (number for (kind, feature), number in self._explained_by.items()
                 if kind == change.kind and feature in special_features)  # fmt: skip
        return next(earlier, None) if explained_by is None else explained_by

    async def _add_difference(self, case: Case, change: AnswerChange, feature: Feature | None) -> None:
        exchanges, judgements = [], []
        for sender in self._senders:
            reply, judgement = await sender.case_runner.run(case)
            exchanges.append(sender.case_runner.redacted_exchange(case, reply))
            judgements.append(judgement)
        answers = [normalize(exchange, self._rate_headers) for exchange in exchanges]
        change = next(compare_answers(answers[0], answers[1], self._volatile), change)
        self.result.differences.append(
            FuzzOnlyDifference(case=case, change=change, feature=feature, exchanges=(exchanges[0], exchanges[1]),
                judgements=(judgements[0], judgements[1]), calls=(case.call,))
        )  # fmt: skip

    async def _shrink(self, case: Case, change: AnswerChange) -> Case:
        """The smallest case with the same kind of change."""
        if len(case.body) > _MAX_SHRINKABLE_BYTES:
            return case
        is_slow = change.is_unanswered

        async def has_same_change(shrunk: Case) -> bool:
            if time.monotonic() > self._examination_deadline_s:
                return False
            new_change = await self._ask_both(shrunk)
            return new_change is not None and new_change.kind == change.kind

        shrinker = Shrinker(has_same_change, _MAX_SLOW_SHRINK_STEPS if is_slow else _MAX_SHRINK_STEPS)
        smallest = await shrinker.shrink(case, self._seed_events[case.call].minimal_body())
        return smallest if await has_same_change(smallest) else case

    async def _ask_both(self, case: Case) -> AnswerChange | None:
        """Sends a case to both sides, the second first, and compares the replies."""
        replies = [(await sender.case_runner.run(case))[0] for sender in reversed(self._senders)]
        return self._first_change(case, replies[1], replies[0])

    def _special_features(self, case: Case) -> frozenset[Feature]:
        """The traits that a case has and its control has not."""
        seed_events = self._seed_events[case.call]
        operation = seed_events.operation
        ordinary = self._traits.of_case(operation, seed_events.control_case())
        return frozenset(self._traits.of_case(operation, case)) - frozenset(ordinary)


def _count_again(difference: FuzzOnlyDifference, call: str) -> FuzzOnlyDifference:
    """A difference that was seen once more, in a call."""
    return replace(difference, calls=tuple(sorted({*difference.calls, call})), count=difference.count + 1)
