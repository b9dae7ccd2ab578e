"""Collecting: every check of a contract as a script, or a reason why it is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from conformance.checks.check import Tier
from conformance.checks.selection import select_trials
from conformance.checks.trial import make_trials
from conformance.core.errors import NotApplicable
from conformance.core.model import Area
from conformance.export.dry_run import dry_run, status_sequence
from conformance.export.exported_checks import Export, ExportedCheck, ExportedRequest, Omission
from conformance.export.learner import Learner, NotExportable
from conformance.export.request_template import NoTemplate, make_template
from conformance.export.statuses import representative_statuses
from conformance.refserver.request import ReceivedRequest
from conformance.refserver.responder import Responder
from conformance.requests import Draft, Keys

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from conformance.checks.check import Check
    from conformance.checks.trial import Trial
    from conformance.contract import Contract
    from conformance.core.model import Level, Request
    from conformance.export.learner import LearnedStep
    from conformance.export.request_template import RequestTemplate

_FIRST_KEYS = Keys(write_key="Conformance-Export-Key-One")
_SECOND_KEYS = Keys(write_key="Another-Key-for-the-Export-of-Conformance")
"""Two keys of different lengths: what is the same for both, placeholders aside, is so for every key."""
_TIERS = frozenset({Tier.GENTLE, Tier.STANDARD})


def build_export(
    contract: Contract,
    checks: Iterable[Check],
    gate: Level,
    select: Iterable[str] = (),
    deselect: Iterable[str] = (),
) -> Export:
    """The scripts of the checks that are selected. Raises UsageError for a selection of nothing."""
    learners = _CheckLearners(contract, gate)
    exported_checks: list[ExportedCheck] = []
    omissions: list[Omission] = []
    for trial in select_trials(make_trials(contract, _FIRST_KEYS, checks, _TIERS), select, deselect):
        try:
            exported_checks.append(_export_check(trial, learners))
        except NotApplicable:
            omissions.append(Omission(name=trial.name, reason="the profile does not ask for it"))
        except (NotExportable, NoTemplate) as failure:
            omissions.append(Omission(name=trial.name, reason=str(failure)))
    return Export(profile=contract.profile, gate=gate, checks=tuple(exported_checks), omissions=tuple(omissions))


class _CheckLearners:
    """Where all checks of a contract are learned; what was learned on one operation is tried on the next."""

    def __init__(self, contract: Contract, gate: Level) -> None:
        self.gate = gate
        self._statuses = representative_statuses(contract)
        self._server = Responder(contract, _FIRST_KEYS.write_key)
        self._steps_by_contract: dict[tuple[Hashable, ...], list[LearnedStep]] = {}

    def learn(self, trial: Trial) -> Learner:
        """Who has learned a check. Raises Silent and Unwritable."""
        learner = Learner(trial, self.gate, self._statuses, self._reference_status)
        facts = tuple(map(id, trial.facts))
        cache_key = (trial.check.id, trial.operation.kind if trial.operation else None, trial.level, facts)
        learner.learn(self._steps_by_contract.get(cache_key, ()))
        self._steps_by_contract[cache_key] = learner.learned_steps
        return learner

    def _reference_status(self, request: Request) -> int:
        """What the reference server answers."""
        incoming = ReceivedRequest(
            method=request.method,
            path=unquote(request.path),
            query=dict(request.query),
            headers={name.lower(): value for name, value in request.headers},
            body=request.body,
        )
        return self._server.handle(incoming).status


def _export_check(trial: Trial, learners: _CheckLearners) -> ExportedCheck:
    """A check as a script. Raises Silent, Unwritable and Foreign."""
    if trial.operation is None or not trial.facts:
        raise NotApplicable("the profile does not ask for it")
    _require_exportable(trial, learners.gate)
    learner = learners.learn(trial)
    expectations = learner.expectations()
    if not any(item.can_fail for item in expectations):
        raise NotExportable("nothing in it can fail at the gate")
    return ExportedCheck(
        id=trial.check.id,
        area=trial.check.area,
        operation=str(trial.operation),
        title=trial.check.title,
        level=trial.level,
        sources=trial.sources,
        requests=tuple(
            ExportedRequest(
                template=found,
                expectation=expectation,
                reference_status=lesson.reference_status,
                is_control=lesson.draft.is_control,
            )
            for found, expectation, lesson in zip(
                _request_templates(trial, learner.learned_steps), expectations, learner.learned_steps, strict=True
            )
        ),
    )


def _require_exportable(trial: Trial, gate: Level) -> None:
    """Raises Unwritable for a check that is not even looked at."""
    if trial.check.area is Area.FUZZ:
        raise NotExportable("it is made of thousands of generated requests")
    if trial.check.observes:
        raise NotExportable("it only reports, and can't fail")
    if not trial.level.is_at_least(gate):
        raise NotExportable(f"its level is below the gate {gate}")
    if not trial.is_allowed:
        raise NotExportable(f"it is of the tier {trial.check.tier}, and presses the target hard")


def _request_templates(trial: Trial, learned_steps: list[LearnedStep]) -> list[RequestTemplate]:
    """The requests without their key. Raises Foreign where more in them than the key depends on it."""
    second_run = dry_run(
        replace(trial, keys=_SECOND_KEYS), status_sequence([lesson.continuing_status for lesson in learned_steps])
    )
    templates = [make_template(lesson.request, _FIRST_KEYS) for lesson in learned_steps]
    for expected_template, step in zip(templates, second_run.steps, strict=True):
        if (
            not isinstance(step.step, Draft)
            or make_template(step.step.build_request(), _SECOND_KEYS) != expected_template
        ):
            raise NoTemplate("more in it than the key itself depends on the key")
    return templates
