"""Rehearsals: a check driven without a network, by answers that are made up.

What a check expects stands in its own code and nowhere else. A rehearsal hands it statuses and looks at
what it does: so an export can't come to say anything else than the check.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.checks import expect
from conformance.core.errors import Deviation, NotApplicable, Untestable
from conformance.core.model import Exchange, Outcome, Request, Response
from conformance.profile.facts import ResponseBody
from conformance.refserver.replies import build_reply
from conformance.requests import Draft

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.checks.trial import Trial
    from conformance.core.model import Level
    from conformance.export.exported_checks import BodyPromise
    from conformance.requests import Step

_RECORDED_ATTRIBUTES = frozenset({"headers", "header", "media_type", "body", "text", "http_version", "truncated"})
_OK = 200
"""A status that allows a body."""

_CONTROL_PROMISE = "an acceptable request must be accepted, else nothing follows from what is refused"

ChooseStatus: TypeAlias = "Callable[[int, Step], int | None]"
"""The status to answer a message with, given how many came before it; None ends the rehearsal."""


class _RecordingResponse(Response):
    """A made-up answer that remembers what of it beside its status was looked at."""

    __slots__ = ("accessed",)

    accessed: set[str]

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - as different as attributes
        if name in _RECORDED_ATTRIBUTES:
            object.__getattribute__(self, "accessed").add(name)
        return object.__getattribute__(self, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunStep:
    """A message of a check, the status that it was answered with, and what else was looked at."""

    step: Step
    status: int
    accessed: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunResult:
    """What a check came to. `level` is that of a broken promise, `expected` what the answer should be.

    `promise` is the broken promise, without what was received instead.
    """

    outcome: Outcome
    level: Level | None = None
    expected: str = ""
    promise: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """A rehearsal: its turns, and the end; none where it was left at a `next` message."""

    steps: tuple[DryRunStep, ...]
    result: DryRunResult | None = None
    next_step: Step | None = None


def dry_run(trial: Trial, choose_status: ChooseStatus) -> DryRun:
    """Drives a check. The body of each answer is one that the contract allows.

    Raises Silent where the contract does not ask, or a request can't be made.
    """
    generator = trial.steps()
    answered_steps: list[DryRunStep] = []
    pending: tuple[Step, int, set[str]] | None = None

    def finish(result: DryRunResult | None = None, next_step: Step | None = None) -> DryRun:
        last_step = [DryRunStep(step=pending[0], status=pending[1], accessed=frozenset(pending[2]))] if pending else []
        return DryRun(steps=(*answered_steps, *last_step), result=result, next_step=next_step)

    try:
        step = next(generator)
        while (status := choose_status(len(answered_steps), step)) is not None:
            pending = (step, status, set())
            step = generator.send(_made_up_exchange(trial, *pending))
            answered_steps.append(DryRunStep(step=pending[0], status=status, accessed=frozenset(pending[2])))
            pending = None
    except StopIteration:
        return finish(DryRunResult(outcome=Outcome.PASS))
    except NotApplicable:
        if pending is None:
            raise
        return finish(DryRunResult(outcome=Outcome.NOT_APPLICABLE))
    except Deviation as deviation:
        return finish(_failure_result(trial, deviation))
    finally:
        generator.close()
    return finish(next_step=step)


def status_sequence(statuses: Sequence[int]) -> ChooseStatus:
    """Answers with one status after the other, as long as there are any."""
    return lambda number, _: statuses[number] if number < len(statuses) else None


def promised_body(trial: Trial) -> BodyPromise | None:
    """What is promised of the bodies that a check is about; None for one that is about something else."""
    shape, rule = _promised_shape(trial), trial.check.rule
    return shape or (expect.FORBIDDEN_PATTERNS.get(rule) if rule else None)


def _failure_result(trial: Trial, deviation: Deviation) -> DryRunResult:
    """A broken promise, or a control that was refused."""
    level = trial.cap_level(deviation.level) if deviation.level else trial.level
    if isinstance(deviation, Untestable):
        return DryRunResult(
            outcome=Outcome.UNTESTABLE, level=level, expected=deviation.expected, promise=_CONTROL_PROMISE
        )
    return DryRunResult(outcome=Outcome.FAIL, level=level, expected=deviation.expected, promise=deviation.promise)


def _promised_shape(trial: Trial) -> ResponseBody | None:
    return next((fact for fact in trial.facts if isinstance(fact, ResponseBody)), None)


def _made_up_exchange(trial: Trial, step: Step, status: int, accessed: set[str]) -> Exchange:
    """A made-up answer to a draft."""
    if not isinstance(step, Draft):
        raise TypeError("only a single draft has a single answer")
    shape = _promised_shape(trial)
    model_reply = build_reply(_OK, shape, (shape.text if shape else None) or "OK")
    response = _RecordingResponse.__new__(_RecordingResponse)
    object.__setattr__(response, "accessed", accessed)
    headers = (("Content-Type", model_reply.media_type),) if model_reply.media_type else ()
    Response.__init__(response, status=status, headers=headers, body=model_reply.body)
    path = step.operation.path if step.path is None else step.path
    request = Request(method=step.method or step.operation.method, path=path)
    return Exchange(request=request, url=path, response=response)
