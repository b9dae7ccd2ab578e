"""Learning what a check expects of each answer: by handing it one status after the other."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, TypeAlias

from conformance.engine import MOST_EXCHANGES
from conformance.export.rehearsal import End, promised, rehearse, scripted
from conformance.export.script import Expectation
from conformance.export.statuses import ranges
from conformance.model import Outcome
from conformance.payloads import Conversation, Draft, Volley

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from conformance.catalogue import Trial
    from conformance.export.script import Body
    from conformance.model import Level, Request
    from conformance.payloads import Message

Answered: TypeAlias = Callable[["Request"], int]
"""The status that a correct server answers a request with."""

_OF_BODIES = frozenset({"headers", "header", "media_type", "body", "text"})
"""What is looked at by who looks at a body and its type."""

_DATA = [item.name for item in fields(Draft) if item.name not in {"respell", "encode_pixel", "spelling"}]
"""What of a draft can be compared: all but its functions."""


class Unwritable(Exception):
    """A check that can't be written as requests with expected answers; the text says why."""


class Sort(enum.Enum):
    """What a check does with an answer: goes on, has passed, is over without a failure, or fails."""

    GOES_ON = enum.auto()
    PASSED = enum.auto()
    OVER = enum.auto()
    BROKEN = enum.auto()


@dataclass(slots=True, kw_only=True)
class Lesson:
    """A draft of a check, and what became of it with each status so far; `todo` are those still to be tried.

    `answered` is the status of a correct answer, `looks` what else the check looked at in each answer.
    """

    draft: Draft
    request: Request
    answered: int
    todo: list[int]
    sorts: dict[int, Sort] = field(default_factory=dict)
    looks: dict[int, frozenset[str]] = field(default_factory=dict)
    expected: str = ""
    about: str = ""

    @property
    def good(self) -> Sort:
        """What a check does with a good answer: it goes on if it ever does."""
        return Sort.GOES_ON if Sort.GOES_ON in self.sorts.values() else Sort.PASSED

    def being(self, sort: Sort) -> list[int]:
        """The statuses of a sort."""
        return [status for status, found in self.sorts.items() if found is sort]

    @property
    def usual(self) -> int:
        """A status with which the check goes on, the correct one if that is so; that, if it never does."""
        going = self.being(Sort.GOES_ON)
        return self.answered if self.answered in going else min(going, default=self.answered)

    def learn_from(self, other: Lesson) -> None:
        """Takes over what is known of another draft."""
        self.todo, self.sorts, self.looks = [], {**other.sorts}, {**other.looks}
        self.expected, self.about = other.expected, other.about

    def expectation(self, title: str, body: Body | None) -> Expectation:
        """What is expected of the answer. Raises Unwritable where that can't be said by status and body."""
        good = self.good
        looks = {self.looks[status] for status in self.being(good)}
        if len(looks) > 1 or (good is not Sort.PASSED and any(map(self.looks.get, self.being(Sort.PASSED)))):
            raise Unwritable("what it looks at depends on the status of the answer")
        looked = next(iter(looks), frozenset())
        if looked and (body is None or not looked <= _OF_BODIES):
            raise Unwritable(_beyond(looked))
        return Expectation(
            statuses=ranges(self.sorts, good),
            ends=ranges(self.sorts, Sort.OVER, *({Sort.PASSED} - {good})),
            body=body if looked else None,
            says=self.expected or "any answer",
            about=self.about or title,
        )


class Pupil:
    """Somebody who learns what one check expects. A failure below the gate is none.

    `answered` says what a correct server answers, and is asked once for each draft.
    """

    def __init__(self, trial: Trial, gate: Level, points: Collection[int], answered: Answered) -> None:
        self._trial = trial
        self._gate = gate
        self._points = points
        self._answered = answered
        self.lessons: list[Lesson] = []

    def learn(self, known: Sequence[Lesson] = ()) -> None:
        """Fills the lessons. Raises Unwritable, and Silent where the contract does not ask.

        `known` are the lessons of another operation that is promised the same: if they hold, they will do.
        """
        if known and self._recall(known):
            return
        self.lessons = []
        rehearse(self._trial, self._first)
        while (place := next((n for n, item in enumerate(self.lessons) if item.todo), None)) is not None:
            self._try(place)
        if not self._holds():
            raise Unwritable("what it expects depends on earlier answers")

    def _recall(self, known: Sequence[Lesson]) -> bool:
        """Takes lessons over; says whether they hold."""

        def choose(number: int, message: Message) -> int | None:
            self._lesson(message)
            if number >= len(known) or self.lessons[number].answered not in known[number].sorts:
                return None
            self.lessons[number].learn_from(known[number])
            return self.lessons[number].usual

        rehearse(self._trial, choose)
        return (
            len(self.lessons) == len(known) and not any(item.todo for item in self.lessons) and self._holds()
        )

    def _first(self, _: int, message: Message) -> None:
        """Makes the first lesson."""
        self._lesson(message)

    def _try(self, place: int) -> None:
        """Tries a status at one place, and, as long as the check goes on, others at the next ones."""

        def choose(number: int, message: Message) -> int | None:
            if number == len(self.lessons):
                self._lesson(message)
            lesson = self.lessons[number]
            if not _alike(lesson.draft, message):
                raise Unwritable("its next request depends on the answer to the one before")
            if number < place:
                return lesson.usual
            return lesson.todo[0] if lesson.todo else None

        found = rehearse(self._trial, choose)
        for number, turn in enumerate(found.turns):
            if number >= place:
                end = found.end if number == len(found.turns) - 1 else None
                self._note(self.lessons[number], turn.status, turn.looks, end)

    def _note(self, lesson: Lesson, status: int, looks: frozenset[str], end: End | None) -> None:
        lesson.todo.remove(status)
        lesson.sorts[status] = sort = self.sort(end)
        lesson.looks[status] = looks
        if sort is Sort.BROKEN and end is not None and not lesson.about:
            lesson.expected, lesson.about = end.expected, end.about

    def sort(self, end: End | None) -> Sort:
        """What a check has done with an answer, by its end."""
        if end is None:
            return Sort.GOES_ON
        if end.outcome is Outcome.PASS:
            return Sort.PASSED
        return Sort.BROKEN if end.level and end.level.reaches(self._gate) else Sort.OVER

    def _lesson(self, message: Message) -> None:
        """A new lesson; what a correct server answers is tried first. Raises Unwritable."""
        if len(self.lessons) >= MOST_EXCHANGES:
            raise RuntimeError(f"{self._trial.name} wants more than {MOST_EXCHANGES} exchanges")
        draft = _plain(message)
        request = draft.request()
        answered = self._answered(request)
        todo = sorted({*self._points, answered}, key=lambda status: (status != answered, status))
        self.lessons.append(Lesson(draft=draft, request=request, answered=answered, todo=todo))

    def _holds(self) -> bool:
        """Whether one status of each sort is still that after other good answers than the usual ones."""
        for place, lesson in enumerate(self.lessons):
            before = [max(item.being(Sort.GOES_ON)) for item in self.lessons[:place]]
            for sort in set(lesson.sorts.values()):
                found = rehearse(self._trial, scripted([*before, max(lesson.being(sort))]))
                if len(found.turns) != place + 1 or self.sort(found.end) is not sort:
                    return False
        return True

    def expectations(self) -> list[Expectation]:
        """What is expected of each answer. Raises Unwritable."""
        title, body = self._trial.check.title, promised(self._trial)
        return [lesson.expectation(title, body) for lesson in self.lessons]


def _plain(message: Message) -> Draft:
    """A draft that any client can send. Raises Unwritable."""
    match message:
        case Volley():
            raise Unwritable("it sends many requests at once")
        case Conversation():
            raise Unwritable("it is about the connection, and its bytes are written by hand")
    if message.spelling is not None:
        raise Unwritable("it is about the connection, and its bytes are written by hand")
    if message.is_chunked:
        raise Unwritable("its body goes out in chunks")
    if message.pause_s:
        raise Unwritable("it waits between its requests")
    return message


def _beyond(looked: Collection[str]) -> str:
    """Why what a check looks at can't be written down."""
    if "http_version" in looked:
        return "it asks for the version of HTTP in the answer"
    return "it judges more of the answer than its status and the promised body"


def _alike(first: Draft, second: Message) -> bool:
    """Whether two drafts are the same, as far as data goes."""
    if not isinstance(second, Draft):
        return False
    return all(getattr(first, name) == getattr(second, name) for name in _DATA)
