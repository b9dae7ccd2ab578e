"""Finds the causes of a run's failures, by asking the reference server of the profile the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.causes.aftermath import merge_aftermath
from conformance.causes.cause_analysis import CauseAnalysis
from conformance.causes.cause_builder import CauseBuilder
from conformance.causes.cause_groups import assign_problems, choose_samples, is_about_target, is_generated
from conformance.causes.generated import FindingJoiner
from conformance.causes.grouping import group_differences
from conformance.causes.hints import PassedChecks
from conformance.causes.normalized_answers import NormalizedAnswer, normalize
from conformance.causes.ordinary_requests import ordinary_requests
from conformance.causes.problem_differences import ComparedProblem
from conformance.causes.reference_run import ask_reference_server
from conformance.causes.request_traits import RequestTraits
from conformance.causes.step_difference import CheckComparisonResult
from conformance.causes.unsteady import join_unsteady, split_unsteady
from conformance.core.model import Outcome
from conformance.fuzz.seed_events import seed_events_by_call
from conformance.report.cause import FoundCauses
from conformance.wire import Redactor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.causes.cause_analysis import OrdinaryRequests
    from conformance.causes.evidence import Evidence, Problem
    from conformance.causes.step_difference import StepDifference
    from conformance.checks.trial import Trial
    from conformance.contract import Operation
    from conformance.core.model import Exchange
    from conformance.fuzz.features import Feature
    from conformance.run.plan import Plan

_MAX_FINDINGS = 60
"""So many findings are sent to the reference server."""


@dataclass(slots=True, kw_only=True)
class AnswerCache:
    """Normal forms of answers, each made once."""

    rate_headers: frozenset[str]
    _known: dict[int, tuple[Exchange, NormalizedAnswer]] = field(default_factory=dict)

    def normalize(self, exchange: Exchange) -> NormalizedAnswer:
        """The normal form of an answer."""
        known = self._known.get(id(exchange))
        if known is None:
            known = self._known[id(exchange)] = exchange, normalize(exchange, self.rate_headers)
        return known[1]


async def find_causes(plan: Plan, evidence: Evidence) -> FoundCauses:
    """The causes of all problems in the evidence. Sends nothing to the target."""
    plan = plan.after_preflight(evidence.preflight)
    problems = [item for item in evidence.problems if is_about_target(item)]
    if not problems:
        return FoundCauses()
    samples = choose_samples(item for item in problems if not is_generated(item) and item.verdict.path_state is None)
    answers = await ask_reference_server(
        plan, evidence.preflight, [item.trial for item in samples], evidence.findings[:_MAX_FINDINGS]
    )
    cache = AnswerCache(rate_headers=frozenset(name.lower() for name in plan.contract.profile.rate_headers))
    traits = RequestTraits(plan.contract)
    compared = CheckComparisonResult()
    for item in samples:
        steps = ComparedProblem.of(item, answers.results.get(item.trial.name), cache.normalize)
        compared.differences += steps.differences()
        compared.matching += [(item.trial, exchange) for exchange in steps.alike]
    ordinary = ordinary_requests(plan, evidence.preflight, Redactor(plan.placeholders_by_secret()))
    compared.matching += _known_to_be_right(evidence, compared.differences, traits, ordinary)
    analysis = CauseAnalysis(compared, traits, cache.normalize, ordinary)
    steady, unsteady = split_unsteady(compared.differences, evidence.again)
    difference_groups = merge_aftermath(group_differences(steady, analysis), analysis)
    difference_groups = join_unsteady(difference_groups, unsteady, analysis)
    groups = assign_problems(difference_groups, _not_found(problems, evidence))
    seed_events = seed_events_by_call(plan.contract) if evidence.findings else {}
    joiner = FindingJoiner(traits=traits, normalize=cache.normalize, right=answers.generated, seed_events=seed_events)
    groups = joiner.join(groups, evidence.findings, problems, analysis)
    passed = PassedChecks(trial for trial, _ in evidence.passed)
    unsteady_names = frozenset(item.trial.name for item in unsteady)
    builder = CauseBuilder(contract=plan.contract, analysis=analysis, passed=passed, unsteady=unsteady_names)
    return FoundCauses(causes=builder.build_all(groups), remark=answers.failure)


def _known_to_be_right(
    evidence: Evidence, differences: Sequence[StepDifference], traits: RequestTraits, ordinary: OrdinaryRequests
) -> list[tuple[Trial, Exchange]]:
    """The answers of checks that passed, on operations with failures.

    A check that asks for less passes by the wrong answer, too: so what has all the traits of a request with a wrong
    answer, and the same answer, is left out.
    """
    wrong: dict[Operation, set[tuple[frozenset[Feature], int]]] = {}
    for item in differences:
        operation, statuses = item.trial.asked_operation, item.change.statuses
        if operation is not None:
            known = wrong.setdefault(operation, set())
            if item.request is not None and statuses and operation in ordinary:
                usual = traits.of_request(operation, ordinary[operation])
                known.add((traits.of_request(operation, item.request) - usual, statuses[-1].code))
    return [
        (trial, exchange)
        for trial, exchange in evidence.passed
        if (operation := trial.asked_operation) is not None
        and operation in wrong
        and not any(
            special and status == exchange.status and special <= traits.of_request(operation, exchange.request)
            for special, status in wrong[operation]
        )
    ]


def _not_found(problems: Sequence[Problem], evidence: Evidence) -> list[Problem]:
    """The problems that are no failures by findings, which are joined one by one."""
    has_findings = bool(evidence.findings)
    return [
        item for item in problems if not (has_findings and is_generated(item) and item.verdict.outcome is Outcome.FAIL)
    ]
