"""Learning what a check expects of each answer: by handing it one status after the other."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, TypeAlias

from conformance.core.model import Outcome
from conformance.export.dry_run import DryRunResult, dry_run, promised_body, status_sequence
from conformance.export.exported_checks import Expectation
from conformance.export.statuses import status_ranges
from conformance.requests import ConcurrentRequests, Conversation, Draft
from conformance.run.engine import MAX_EXCHANGES

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from conformance.checks.trial import Trial
    from conformance.core.model import Level, Request
    from conformance.export.exported_checks import BodyPromise
    from conformance.requests import Step

GetReferenceStatus: TypeAlias = Callable[["Request"], int]
"""The status that a correct server answers a request with."""

_BODY_ATTRIBUTES = frozenset({"headers", "header", "media_type", "body", "text"})
"""What is looked at by who looks at a body and its type."""

_COMPARED_FIELDS = [
    item.name for item in fields(Draft) if item.name not in {"edit_bytes", "encode_pixel", "raw_writer"}
]
"""What of a draft can be compared: all but its functions."""


class NotExportable(Exception):
    """A check that can't be written as requests with expected answers; the text says why."""


class StatusKind(enum.Enum):
    """What a check does with an answer: goes on, has passed, is over without a failure, or fails."""

    CONTINUES = enum.auto()
    PASSES = enum.auto()
    ENDS = enum.auto()
    FAILS = enum.auto()


@dataclass(slots=True, kw_only=True)
class LearnedStep:
    """A draft of a check, and what became of it with each status so far; `todo` are those still to be tried.

    `answered` is the status of a correct answer, `looks` what else the check looked at in each answer.
    """

    draft: Draft
    request: Request
    reference_status: int
    untried: list[int]
    kinds: dict[int, StatusKind] = field(default_factory=dict)
    accessed: dict[int, frozenset[str]] = field(default_factory=dict)
    expected: str = ""
    promise: str = ""

    @property
    def good_kind(self) -> StatusKind:
        """What a check does with a good answer: it goes on if it ever does."""
        return StatusKind.CONTINUES if StatusKind.CONTINUES in self.kinds.values() else StatusKind.PASSES

    def statuses_of(self, kind: StatusKind) -> list[int]:
        """The statuses of a sort."""
        return [status for status, status_kind in self.kinds.items() if status_kind is kind]

    @property
    def continuing_status(self) -> int:
        """A status with which the check goes on, the correct one if that is so; that, if it never does."""
        continuing = self.statuses_of(StatusKind.CONTINUES)
        return (
            self.reference_status
            if self.reference_status in continuing
            else min(continuing, default=self.reference_status)
        )

    def copy_from(self, other: LearnedStep) -> None:
        """Takes over what is known of another draft."""
        self.untried, self.kinds, self.accessed = [], {**other.kinds}, {**other.accessed}
        self.expected, self.promise = other.expected, other.promise

    def make_expectation(self, title: str, body: BodyPromise | None) -> Expectation:
        """What is expected of the answer. Raises Unwritable where that can't be said by status and body."""
        good_kind = self.good_kind
        accessed_sets = {self.accessed[status] for status in self.statuses_of(good_kind)}
        if len(accessed_sets) > 1 or (
            good_kind is not StatusKind.PASSES and any(map(self.accessed.get, self.statuses_of(StatusKind.PASSES)))
        ):
            raise NotExportable("what it looks at depends on the status of the answer")
        accessed = next(iter(accessed_sets), frozenset())
        if accessed and (body is None or not accessed <= _BODY_ATTRIBUTES):
            raise NotExportable(_reason_not_expressible(accessed))
        return Expectation(
            statuses=status_ranges(self.kinds, good_kind),
            ending_statuses=status_ranges(self.kinds, StatusKind.ENDS, *({StatusKind.PASSES} - {good_kind})),
            body=body if accessed else None,
            expected=self.expected or "any answer",
            promise=self.promise or title,
        )


class Learner:
    """Somebody who learns what one check expects. A failure below the gate is none.

    `answered` says what a correct server answers, and is asked once for each draft.
    """

    def __init__(
        self, trial: Trial, gate: Level, statuses: Collection[int], get_reference_status: GetReferenceStatus
    ) -> None:
        self._trial = trial
        self._gate = gate
        self._statuses = statuses
        self._get_reference_status = get_reference_status
        self.learned_steps: list[LearnedStep] = []

    def learn(self, known_steps: Sequence[LearnedStep] = ()) -> None:
        """Fills the lessons. Raises Unwritable, and Silent where the contract does not ask.

        `known` are the lessons of another operation that is promised the same: if they hold, they will do.
        """
        if known_steps and self._reuse(known_steps):
            return
        self.learned_steps = []
        dry_run(self._trial, self._add_first_step)
        while (index := next((n for n, item in enumerate(self.learned_steps) if item.untried), None)) is not None:
            self._try_next_status(index)
        if not self._is_independent_of_earlier_statuses():
            raise NotExportable("what it expects depends on earlier answers")

    def _reuse(self, known_steps: Sequence[LearnedStep]) -> bool:
        """Takes lessons over; says whether they hold."""

        def choose_status(number: int, message: Step) -> int | None:
            self._add_step(message)
            if (
                number >= len(known_steps)
                or self.learned_steps[number].reference_status not in known_steps[number].kinds
            ):
                return None
            self.learned_steps[number].copy_from(known_steps[number])
            return self.learned_steps[number].continuing_status

        dry_run(self._trial, choose_status)
        return (
            len(self.learned_steps) == len(known_steps)
            and not any(item.untried for item in self.learned_steps)
            and self._is_independent_of_earlier_statuses()
        )

    def _add_first_step(self, _: int, message: Step) -> None:
        """Makes the first lesson."""
        self._add_step(message)

    def _try_next_status(self, index: int) -> None:
        """Tries a status at one place, and, as long as the check goes on, others at the next ones."""

        def choose_status(number: int, message: Step) -> int | None:
            if number == len(self.learned_steps):
                self._add_step(message)
            learned_step = self.learned_steps[number]
            if not _is_same_request(learned_step.draft, message):
                raise NotExportable("its next request depends on the answer to the one before")
            if number < index:
                return learned_step.continuing_status
            return learned_step.untried[0] if learned_step.untried else None

        run = dry_run(self._trial, choose_status)
        for number, step in enumerate(run.steps):
            if number >= index:
                result = run.result if number == len(run.steps) - 1 else None
                self._record(self.learned_steps[number], step.status, step.accessed, result)

    def _record(
        self, learned_step: LearnedStep, status: int, accessed: frozenset[str], result: DryRunResult | None
    ) -> None:
        learned_step.untried.remove(status)
        learned_step.kinds[status] = kind = self.kind_of(result)
        learned_step.accessed[status] = accessed
        if kind is StatusKind.FAILS and result is not None and not learned_step.promise:
            learned_step.expected, learned_step.promise = result.expected, result.promise

    def kind_of(self, result: DryRunResult | None) -> StatusKind:
        """What a check has done with an answer, by its end."""
        if result is None:
            return StatusKind.CONTINUES
        if result.outcome is Outcome.PASS:
            return StatusKind.PASSES
        return StatusKind.FAILS if result.level and result.level.is_at_least(self._gate) else StatusKind.ENDS

    def _add_step(self, message: Step) -> None:
        """A new lesson; what a correct server answers is tried first. Raises Unwritable."""
        if len(self.learned_steps) >= MAX_EXCHANGES:
            raise RuntimeError(f"{self._trial.name} wants more than {MAX_EXCHANGES} exchanges")
        draft = _require_plain_draft(message)
        request = draft.build_request()
        reference_status = self._get_reference_status(request)
        untried = sorted({*self._statuses, reference_status}, key=lambda status: (status != reference_status, status))
        self.learned_steps.append(
            LearnedStep(draft=draft, request=request, reference_status=reference_status, untried=untried)
        )

    def _is_independent_of_earlier_statuses(self) -> bool:
        """Whether one status of each sort is still that after other good answers than the usual ones."""
        for index, learned_step in enumerate(self.learned_steps):
            earlier_statuses = [max(item.statuses_of(StatusKind.CONTINUES)) for item in self.learned_steps[:index]]
            for kind in set(learned_step.kinds.values()):
                run = dry_run(self._trial, status_sequence([*earlier_statuses, max(learned_step.statuses_of(kind))]))
                if len(run.steps) != index + 1 or self.kind_of(run.result) is not kind:
                    return False
        return True

    def expectations(self) -> list[Expectation]:
        """What is expected of each answer. Raises Unwritable."""
        title, body = self._trial.check.title, promised_body(self._trial)
        return [lesson.make_expectation(title, body) for lesson in self.learned_steps]


def _require_plain_draft(message: Step) -> Draft:
    """A draft that any client can send. Raises Unwritable."""
    match message:
        case ConcurrentRequests():
            raise NotExportable("it sends many requests at once")
        case Conversation():
            raise NotExportable("it is about the connection, and its bytes are written by hand")
    if message.raw_writer is not None:
        raise NotExportable("it is about the connection, and its bytes are written by hand")
    if message.is_chunked:
        raise NotExportable("its body goes out in chunks")
    if message.pause_s:
        raise NotExportable("it waits between its requests")
    return message


def _reason_not_expressible(accessed: Collection[str]) -> str:
    """Why what a check looks at can't be written down."""
    if "http_version" in accessed:
        return "it asks for the version of HTTP in the answer"
    return "it judges more of the answer than its status and the promised body"


def _is_same_request(first: Draft, second: Step) -> bool:
    """Whether two drafts are the same, as far as data goes."""
    if not isinstance(second, Draft):
        return False
    return all(getattr(first, name) == getattr(second, name) for name in _COMPARED_FIELDS)
