"""Generated requests, sent to both sides: what differs that no check has shown, by its smallest request."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from conformance.core.errors import Stopped
from conformance.diff.normalized_answers import WORDING, AnswerChange, compare_answers, normalize
from conformance.diff.request_traits import RequestTraits
from conformance.fuzz.case import Case, Origin
from conformance.fuzz.features import Feature, most_specific
from conformance.fuzz.request_renderer import LARGE_BYTES, PreparedCase
from conformance.fuzz.seed_events import SeedEvents
from conformance.fuzz.sender import FuzzSender
from conformance.fuzz.shrinker import Shrinker
from conformance.wire.budget import BudgetExhausted
from conformance.wire.connections import UNRESPONSIVE_FAILURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.core.model import Exchange
    from conformance.diff.normalized_answers import Facet
    from conformance.diff.sides import Side
    from conformance.fuzz.judge import Judgement
    from conformance.wire.responses import Reply

_MAX_SHRINK_STEPS, _MAX_SLOW_SHRINK_STEPS = 160, 6
_CONFIRMATIONS = 2
_EXAMINATION_S = 20.0
_MAX_SHRINKABLE_BYTES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzOnlyDifference:
    """A sort of generated requests that are answered differently: the smallest, and how often it was seen.

    `judgements` are what is wrong with either answer, None where the contract allows it.
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
    """What generated requests came to; `explained` differ as requests of checks do."""

    differences: list[FuzzOnlyDifference] = field(default_factory=list)
    compared_count: int = 0
    unstable_count: int = 0
    unexamined_count: int = 0
    explained_counts: Counter[int] = field(default_factory=Counter)
    is_cut: bool = False


def _build_sender(side: Side) -> FuzzSender:
    return FuzzSender(side.plan.contract, side.plan.keys, side.wire, side.preflight)


async def _send_batch(sender: FuzzSender, cases: Sequence[Case], deadline_s: float | None) -> dict[int, Reply]:
    """The replies to some cases, by their place; fewer where time, budget or the target ends it."""
    replies: dict[int, Reply] = {}
    numbers = {id(case): number for number, case in enumerate(cases)}
    retries: list[Case] = []
    remaining = iter([case for case in cases if len(case.body) <= LARGE_BYTES])

    def next_request() -> PreparedCase | None:
        if sender.should_stop(deadline_s):
            return None
        case = retries.pop() if retries else next(remaining, None)
        return None if case is None else sender.renderer.prepare(case)

    def on_reply(shot: PreparedCase, reply: Reply, _: int) -> None:
        if sender.defer_if_rate_limited(shot.case, reply):
            retries.append(shot.case)
            return
        sender.unanswered += reply.failure in UNRESPONSIVE_FAILURES
        replies[numbers[id(shot.case)]] = reply

    await sender.lanes.send_all(next_request, on_reply)
    for number, case in enumerate(cases):
        if len(case.body) > LARGE_BYTES and not sender.should_stop(deadline_s):
            replies[number] = await sender.case_runner.send_large(case)
    return replies


class FindExplanation(Protocol):
    """Says which of the differences that are known already explains one over a case."""

    def __call__(
        self, case: Case, change: AnswerChange, special_traits: frozenset[Feature], *, is_shrunk: bool = False
    ) -> int | None:
        """Takes what is special about the case, and whether it is shrunk."""


class FuzzComparison:
    """Sends generated requests to both sides, and makes of what differs the smallest of each sort."""

    def __init__(self, first: Side, second: Side, volatile: frozenset[Facet], rate_headers: frozenset[str]) -> None:
        self._contract = first.plan.contract
        self._senders = (_build_sender(first), _build_sender(second))
        self._traits = RequestTraits(self._contract)
        self._seed_events = {
            str(item): SeedEvents.for_operation(self._contract, item) for item in self._contract.operations
        }
        self._dead = {str(item) for side in (first, second) for item in side.preflight.dead}
        self._volatile, self._rate_headers = volatile | {WORDING}, rate_headers
        self._examination_deadline_s = 0.0
        self._explained_by: dict[tuple[AnswerChange, Feature | None], int] = {}
        self.found = FuzzComparisonResult()

    @property
    def sent_counts(self) -> tuple[int, int]:
        """How many requests went to either side, over lanes."""
        return self._senders[0].lanes.sent_count, self._senders[1].lanes.sent_count

    async def run(
        self,
        cases: Iterable[Case],
        max_time_s: float | None,
        find_explanation: FindExplanation,
    ) -> FuzzComparisonResult:
        """All cases to the first side, then to the second; what `explains` has no place for is examined."""
        live_cases = [case for case in cases if case.call not in self._dead]
        try:
            differing = await self._find_differing(live_cases, max_time_s)
            self._examination_deadline_s = time.monotonic() + _EXAMINATION_S
            for case, change in sorted(differing, key=lambda item: len(item[0].body)):
                await self._examine(case, change, find_explanation)
        except (BudgetExhausted, Stopped):
            self.found.is_cut = True
        finally:
            for sender in self._senders:
                sender.lanes.close()
        return self.found

    async def _find_differing(self, cases: Sequence[Case], max_time_s: float | None) -> list[tuple[Case, AnswerChange]]:
        """The cases that were answered differently."""
        replies = []
        for sender in self._senders:
            deadline_s = time.monotonic() + max_time_s / 2 if max_time_s else None
            replies.append(await _send_batch(sender, cases, deadline_s))
        answered_by_both = sorted(replies[0].keys() & replies[1].keys())
        self.found.compared_count = len(answered_by_both)
        self.found.is_cut |= len(answered_by_both) < len(cases)
        result = []
        for number in answered_by_both:
            one, other = replies[0][number], replies[1][number]
            if (one.status, one.body, one.failure) == (other.status, other.body, other.failure):
                continue
            change = self._first_change(cases[number], one, other)
            if change is not None:
                result.append((cases[number], change))
        return result

    def _first_change(self, case: Case, one: Reply, other: Reply) -> AnswerChange | None:
        """The first way in which two replies differ."""
        exchanges = [
            sender.case_runner.redacted_exchange(case, reply)
            for sender, reply in zip(self._senders, (one, other), strict=True)
        ]
        answers = [normalize(exchange, self._rate_headers) for exchange in exchanges]
        return next(compare_answers(answers[0], answers[1], self._volatile), None)

    async def _examine(self, case: Case, change: AnswerChange, find_explanation: FindExplanation) -> None:
        """One difference: told already, no difference when asked again, or a new sort."""
        special_features = self._special_features(case)
        seen_number = next(
            (
                number
                for number, item in enumerate(self.found.differences)
                if item.change.kind == change.kind and (item.feature is None or item.feature in special_features)
            ),
            None,
        )
        if seen_number is not None:
            self.found.differences[seen_number] = _count_again(self.found.differences[seen_number], case.call)
            return
        explained_by = self._find_known(case, change, special_features, find_explanation)
        if explained_by is not None:
            self.found.explained_counts[explained_by] += 1
            return
        if time.monotonic() > self._examination_deadline_s:
            self.found.unexamined_count += 1
            return
        for _ in range(_CONFIRMATIONS):
            if await self._ask_both(case) != change:
                self.found.unstable_count += 1
                return
        smallest = await self._shrink(case, change)
        special_features = self._special_features(smallest)
        explained_by = find_explanation(
            self._senders[0].case_runner.with_expected_facts(smallest), change, special_features, is_shrunk=True
        )
        if explained_by is not None:
            self.found.explained_counts[explained_by] += 1
            self._explained_by[change.kind, most_specific(special_features)] = explained_by
        else:
            await self._add_difference(smallest, change, most_specific(special_features))

    def _find_known(
        self, case: Case, change: AnswerChange, special_features: frozenset[Feature], find_explanation: FindExplanation
    ) -> int | None:
        """The number of the difference that explains a case, or a smaller one that is special likewise."""
        explained_by = find_explanation(
            self._senders[0].case_runner.with_expected_facts(case), change, special_features
        )
        earlier = (at for (sort, feature), at in self._explained_by.items()
                 if sort == change.kind and feature in special_features)  # fmt: skip
        return next(earlier, None) if explained_by is None else explained_by

    async def _add_difference(self, case: Case, change: AnswerChange, feature: Feature | None) -> None:
        exchanges, judgements = [], []
        for sender in self._senders:
            reply, judgement = await sender.case_runner.run(case)
            exchanges.append(sender.case_runner.redacted_exchange(case, reply))
            judgements.append(judgement)
        answers = [normalize(exchange, self._rate_headers) for exchange in exchanges]
        change = next(compare_answers(answers[0], answers[1], self._volatile), change)
        self.found.differences.append(
            FuzzOnlyDifference(case=case, change=change, feature=feature, exchanges=(exchanges[0], exchanges[1]),
                judgements=(judgements[0], judgements[1]), calls=(case.call,))
        )  # fmt: skip

    async def _shrink(self, case: Case, change: AnswerChange) -> Case:
        """The smallest case that both sides answer differently in the same way."""
        if len(case.body) > _MAX_SHRINKABLE_BYTES:
            return case
        is_slow = change.is_unanswered

        async def is_same_change(item: Case) -> bool:
            if time.monotonic() > self._examination_deadline_s:
                return False
            new_change = await self._ask_both(item)
            return new_change is not None and new_change.kind == change.kind

        shrinker = Shrinker(is_same_change, _MAX_SLOW_SHRINK_STEPS if is_slow else _MAX_SHRINK_STEPS)
        smallest = await shrinker.shrink(case, self._seed_events[case.call].minimal_body())
        return smallest if await is_same_change(smallest) else case

    async def _ask_both(self, case: Case) -> AnswerChange | None:
        """How both sides differ over a case, the second asked first."""
        replies = [(await sender.case_runner.run(case))[0] for sender in reversed(self._senders)]
        return self._first_change(case, replies[1], replies[0])

    def _special_features(self, case: Case) -> frozenset[Feature]:
        """What a case has that the ordinary one of its call has not."""
        operation = self._seed_events[case.call].operation
        ordinary = self._traits.of_case(operation, self._control_case(case.call))
        return frozenset(self._traits.of_case(operation, case)) - frozenset(ordinary)

    def _control_case(self, call: str) -> Case:
        body = self._seed_events[call].minimal_body()
        return Case(call=call, origin=Origin.SHRINKER, about="control", body=body)


def _count_again(difference: FuzzOnlyDifference, call: str) -> FuzzOnlyDifference:
    """A sort that was seen once more."""
    calls = difference.calls if call in difference.calls else tuple(sorted({*difference.calls, call}))
    return replace(difference, calls=calls, count=difference.count + 1)
