"""Builds an export: every check of a contract as data, or the reason why it is left out."""

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
from conformance.export.learner import Learner
from conformance.export.limitations import Limitation, NotExportable, OmissionReason
from conformance.export.request_template import make_template
from conformance.export.statuses import representative_statuses
from conformance.refserver.request import ReceivedRequest
from conformance.refserver.responder import Responder
from conformance.requests import Draft, Keys

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from conformance.checks.check import Check
    from conformance.checks.trial import Trial
    from conformance.contract import Contract
    from conformance.core.model import Level, Request
    from conformance.export.learner import LearnedStep
    from conformance.export.request_template import RequestTemplate

_FIRST_KEYS = Keys(write_key="Conformance-Export-Key-One")
_SECOND_KEYS = Keys(write_key="Another-Key-for-the-Export-of-Conformance")
"""Two keys of different lengths: what is the same with both, apart from placeholders, is so with every key."""
_TIERS = frozenset({Tier.GENTLE, Tier.STANDARD})


def build_export(  # noqa: PLR0913 - each is a choice of its own
    contract: Contract,
    checks: Iterable[Check],
    gate: Level,
    select: Iterable[str] = (),
    deselect: Iterable[str] = (),
    *,
    on_check: Callable[[int, int], None] = lambda *_: None,
) -> Export:
    """Exports the selected checks. Raises UsageError if nothing is selected.

    At first, and after each check, `on_check` is called with how many are done, and how many there are.
    """
    learners = _CheckLearners(contract, gate)
    exported_checks: list[ExportedCheck] = []
    omissions: list[Omission] = []
    trials = select_trials(make_trials(contract, _FIRST_KEYS, checks, _TIERS), select, deselect)
    on_check(0, len(trials))
    for number, trial in enumerate(trials, 1):
        try:
            exported_checks.append(_export_check(trial, learners))
        except NotApplicable:
            omissions.append(Omission(name=trial.name, limitation=Limitation(OmissionReason.NOT_ASKED)))
        except NotExportable as failure:
            omissions.append(Omission(name=trial.name, limitation=failure.limitation))
        on_check(number, len(trials))
    return Export(profile=contract.profile, gate=gate, checks=tuple(exported_checks), omissions=tuple(omissions))


class _CheckLearners:
    """Makes the learners of all checks of a contract; what was learned on one operation is tried on the next."""

    def __init__(self, contract: Contract, gate: Level) -> None:
        self.gate = gate
        self._statuses = representative_statuses(contract)
        self._server = Responder(contract, _FIRST_KEYS.write_key)
        self._steps_by_contract: dict[tuple[Hashable, ...], list[LearnedStep]] = {}

    def learn(self, trial: Trial) -> Learner:
        """The learner of a check, with its learned steps. Raises NotApplicable and NotExportable."""
        learner = Learner(trial, self.gate, self._statuses, self._reference_status)
        facts = tuple(map(id, trial.facts))
        cache_key = (trial.check.id, trial.operation.kind if trial.operation else None, trial.level, facts)
        learner.learn(self._steps_by_contract.get(cache_key, ()))
        self._steps_by_contract[cache_key] = learner.learned_steps
        return learner

    def _reference_status(self, request: Request) -> int:
        """The status with which the reference server answers."""
        incoming = ReceivedRequest(
            method=request.method,
            path=unquote(request.path),
            query=dict(request.query),
            headers={name.lower(): value for name, value in request.headers},
            body=request.body,
        )
        return self._server.handle(incoming).status


def _export_check(trial: Trial, learners: _CheckLearners) -> ExportedCheck:
    """Exports a check. Raises NotApplicable and NotExportable."""
    if trial.operation is None or not trial.facts:
        raise NotApplicable("the profile does not ask for it")
    _require_exportable(trial, learners.gate)
    learner = learners.learn(trial)
    expectations = learner.expectations()
    if not any(item.can_fail for item in expectations):
        raise NotExportable(OmissionReason.CANNOT_FAIL)
    return ExportedCheck(
        id=trial.check.id,
        area=trial.check.area,
        operation=str(trial.operation),
        title=trial.check.title,
        level=trial.level,
        sources=trial.sources,
        requests=tuple(
            ExportedRequest(
                template=template,
                expectation=expectation,
                reference_status=step.reference_status,
                is_control=step.draft.is_control,
            )
            for template, expectation, step in zip(
                _request_templates(trial, learner.learned_steps), expectations, learner.learned_steps, strict=True
            )
        ),
    )


def _require_exportable(trial: Trial, gate: Level) -> None:
    """Raises NotExportable for a check that no dry run has to show as such."""
    if trial.check.area is Area.FUZZ:
        raise NotExportable(OmissionReason.FUZZING)
    if trial.check.observes:
        raise NotExportable(OmissionReason.ONLY_REPORTS)
    if not trial.level.is_at_least(gate):
        raise NotExportable(OmissionReason.BELOW_GATE, gate)
    if not trial.is_allowed:
        raise NotExportable(OmissionReason.HIGH_LOAD, trial.check.tier)


def _request_templates(trial: Trial, learned_steps: list[LearnedStep]) -> list[RequestTemplate]:
    """The requests with placeholders for the key. Raises NotExportable if other parts depend on the key, too."""
    second_run = dry_run(
        replace(trial, keys=_SECOND_KEYS), status_sequence([step.continuing_status for step in learned_steps])
    )
    templates = [make_template(step.request, _FIRST_KEYS) for step in learned_steps]
    for expected_template, second_step in zip(templates, second_run.steps, strict=True):
        draft = second_step.step
        if not isinstance(draft, Draft) or make_template(draft.build_request(), _SECOND_KEYS) != expected_template:
            raise NotExportable(OmissionReason.DEPENDS_ON_KEY)
    return templates
