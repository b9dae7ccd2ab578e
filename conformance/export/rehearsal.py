"""Rehearsals: a check driven without a network, by answers that are made up.

What a check expects stands in its own code and nowhere else. A rehearsal hands it statuses and looks at
what it does: so an export can't come to say anything else than the check.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance import expect
from conformance.errors import Deviation, Silent, Untestable
from conformance.model import Exchange, Outcome, Request, Response
from conformance.payloads import Draft
from conformance.profile.facts import BodyShape
from conformance.refserver.replies import reply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.catalogue import Trial
    from conformance.export.script import Body
    from conformance.model import Level
    from conformance.payloads import Message

_LOOKED_AT = frozenset({"headers", "header", "media_type", "body", "text", "http_version", "truncated"})
_OK = 200
"""A status that allows a body."""

_CONTROL = "an acceptable request must be accepted, else nothing follows from what is refused"
_RECEIVED = ", and "
"""What stands in a message between what is promised and what came."""

Choose: TypeAlias = "Callable[[int, Message], int | None]"
"""The status to answer a message with, given how many came before it; None ends the rehearsal."""


class _Watched(Response):
    """A made-up answer that remembers what of it beside its status was looked at."""

    __slots__ = ("looks",)

    looks: set[str]

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - as different as attributes
        if name in _LOOKED_AT:
            object.__getattribute__(self, "looks").add(name)
        return object.__getattribute__(self, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A message of a check, the status that it was answered with, and what else was looked at."""

    message: Message
    status: int
    looks: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What a check came to. `level` is that of a broken promise, `expected` what the answer should be.

    `about` is the broken promise in a few words, without what came in its place.
    """

    outcome: Outcome
    level: Level | None = None
    expected: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A rehearsal: its turns, and the end; none where it was left at a `next` message."""

    turns: tuple[Turn, ...]
    end: End | None = None
    next: Message | None = None


def rehearse(trial: Trial, choose: Choose) -> Course:
    """Drives a check. The body of each answer is one that the contract allows.

    Raises Silent where the contract does not ask, or a request can't be made.
    """
    steps = trial.steps()
    turns: list[Turn] = []
    waiting: tuple[Message, int, set[str]] | None = None

    def over(end: End | None = None, message: Message | None = None) -> Course:
        done = [Turn(message=waiting[0], status=waiting[1], looks=frozenset(waiting[2]))] if waiting else []
        return Course(turns=(*turns, *done), end=end, next=message)

    try:
        message = next(steps)
        while (status := choose(len(turns), message)) is not None:
            waiting = (message, status, set())
            message = steps.send(_exchange(trial, *waiting))
            turns.append(Turn(message=waiting[0], status=status, looks=frozenset(waiting[2])))
            waiting = None
    except StopIteration:
        return over(End(outcome=Outcome.PASS))
    except Silent:
        if waiting is None:
            raise
        return over(End(outcome=Outcome.NOT_APPLICABLE))
    except Deviation as found:
        return over(_end(trial, found))
    finally:
        steps.close()
    return over(message=message)


def scripted(statuses: Sequence[int]) -> Choose:
    """Answers with one status after the other, as long as there are any."""
    return lambda number, _: statuses[number] if number < len(statuses) else None


def promised(trial: Trial) -> Body | None:
    """What is promised of the bodies that a check is about; None for one that is about something else."""
    rule = trial.check.fact.removeprefix("rules.")
    return _shape(trial) or next((what for name, what in expect.ABSENCES.items() if name == rule), None)


def _end(trial: Trial, found: Deviation) -> End:
    """A broken promise, or a control that was refused."""
    level = trial.capped(found.level) if found.level else trial.level
    if isinstance(found, Untestable):
        return End(outcome=Outcome.UNTESTABLE, level=level, expected=found.expected, about=_CONTROL)
    about = found.message.partition(_RECEIVED)[0]
    return End(outcome=Outcome.FAIL, level=level, expected=found.expected, about=about)


def _shape(trial: Trial) -> BodyShape | None:
    return next((fact for fact in trial.facts if isinstance(fact, BodyShape)), None)


def _exchange(trial: Trial, message: Message, status: int, looks: set[str]) -> Exchange:
    """A made-up answer to a draft."""
    if not isinstance(message, Draft):
        raise TypeError("only a single draft has a single answer")
    shape = _shape(trial)
    like = reply(_OK, shape, (shape.text if shape else None) or "OK")
    response = _Watched.__new__(_Watched)
    object.__setattr__(response, "looks", looks)
    headers = (("Content-Type", like.media_type),) if like.media_type else ()
    Response.__init__(response, status=status, headers=headers, body=like.body)
    path = message.operation.path if message.path is None else message.path
    request = Request(method=message.method or message.operation.method, path=path)
    return Exchange(request=request, url=path, response=response)
