"""Dry runs: a check is run without a network, with made-up answers.

A dry run gives a check statuses and records what it does, so an export always matches the code of the check.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.checks import expect
from conformance.core.errors import Deviation, NotApplicable, Untestable
from conformance.core.model import Exchange, Outcome, Request, Response, weaker_level
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

_CONTROL_PROMISE = "an acceptable request must be accepted, else a refusal proves nothing"

ChooseStatus: TypeAlias = "Callable[[int, Step], int | None]"
"""The status of the answer to a step, given the number of steps before it; None ends the dry run."""


class _RecordingResponse(Response):
    """A made-up response that records which of its attributes were read, apart from the status."""

    __slots__ = ("accessed",)

    is_made_up = True
    accessed: set[str]

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - as different as attributes
        if name in _RECORDED_ATTRIBUTES:
            object.__getattribute__(self, "accessed").add(name)
        return object.__getattribute__(self, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunStep:
    """A step of a check, the status of its answer, and the attributes of the answer that were read."""

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
    """The steps of a dry run, and its result; None if it was left at `next_step`."""

    steps: tuple[DryRunStep, ...]
    result: DryRunResult | None = None
    next_step: Step | None = None


def dry_run(trial: Trial, choose_status: ChooseStatus) -> DryRun:
    """Runs a check. The body of each answer is one that the contract allows.

    Raises NotApplicable if the contract does not ask for the check, or the first request can't be made.
    """
    nothing_shared = replace(trial.preflight, shared_exchanges={})  # what is made up here must not outlive this run
    generator = replace(trial, preflight=nothing_shared, is_alone=True).steps()
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
    """Answers with these statuses, in order."""
    return lambda number, _: statuses[number] if number < len(statuses) else None


def promised_body(trial: Trial) -> BodyPromise | None:
    """The promise of a check about bodies; None if it is about something else."""
    shape, rule = _promised_shape(trial), trial.check.rule
    return shape or (expect.FORBIDDEN_PATTERNS.get(rule) if rule else None)


def _failure_result(trial: Trial, deviation: Deviation) -> DryRunResult:
    """The result for a broken promise, or a refused control."""
    level = weaker_level(trial.level, trial.cap_level(deviation.level)) if deviation.level else trial.level
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
