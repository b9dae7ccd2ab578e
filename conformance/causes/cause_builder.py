"""Builds causes from groups: names each, finds the smallest request that shows it, and says what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.causes.cause_groups import is_generated
from conformance.causes.common_traits import describe_common_traits
from conformance.causes.harm import harm_of, sdk_losses
from conformance.causes.naming import naming_order, request_size_order
from conformance.causes.normalized_answers import AnswerStatus
from conformance.causes.sentences import describe_cause, describe_finding, stopped_sdks
from conformance.core.model import Outcome
from conformance.report.cause import Cause, ExplainedCheck, Harm

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.causes.cause_analysis import CauseAnalysis
    from conformance.causes.cause_groups import CauseGroup
    from conformance.causes.evidence import Problem
    from conformance.causes.hints import PassedChecks
    from conformance.causes.step_difference import StepDifference
    from conformance.contract import Contract
    from conformance.core.model import Level


_NOT_AGAIN = "; not when asked again, alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseBuilder:
    """Builds the causes of one run, with hints from the checks that passed.

    `unsteady` are the names of trials that fail only now and then.
    """

    contract: Contract
    analysis: CauseAnalysis
    passed: PassedChecks
    unsteady: frozenset[str] = frozenset()

    def build_all(self, groups: Iterable[CauseGroup]) -> tuple[Cause, ...]:
        """The causes of all groups, in the order of harm."""
        return tuple(sorted(map(self._build, groups), key=lambda item: item.sort_key))

    def _build(self, group: CauseGroup) -> Cause:
        naming = self._naming_problem(group)
        smallest = self._smallest_problem(group, naming)
        differences = group.deciding
        explains = tuple(sorted(map(_explained, group.problems), key=lambda item: (item.id, item.operation)))
        change = self._naming_change(group)
        shown = smallest.verdict
        return Cause(
            key=(naming.verdict.id, naming.verdict.outcome.value, change),
            check=naming.verdict.id,
            sentence=self._sentence(group, naming),
            level=_level(group),
            harm=harm_of(differences, self.contract) if differences else Harm.LETTER,
            promise=naming.verdict.title,
            expected=naming.verdict.expected,
            received=naming.verdict.received,
            sources=naming.verdict.sources,
            shown_by=_explained(smallest),
            explains=explains,
            calls=tuple(sorted({item.verdict.judged_operation for item in group.problems} - {""})),
            curl=_replay_command(group) or shown.curl,
            stops=stopped_sdks({item.id for item in explains}, self.contract),
            sdks=sdk_losses(self._difference_of(group, smallest), self.contract) if differences else (),
            hint=self.passed.hint(naming, group.problems),
            is_documented=self._is_documented(group),
        )

    def _sentence(self, group: CauseGroup, naming: Problem) -> str:
        if group.findings and not group.differences:
            return describe_finding(group.findings[0])
        in_common = describe_common_traits(group.differences, self.analysis)
        alike = _alike(group, naming)
        sentence = describe_cause(
            naming.result, [item.result for item in alike], in_common, _other_promise(alike, naming)
        )
        is_unsteady = all(item.trial.name in self.unsteady for item in group.deciding)
        return f"{sentence}{_NOT_AGAIN}" if is_unsteady and group.differences else sentence

    def _is_documented(self, group: CauseGroup) -> bool:
        """Whether a document of the vendor promises anything that the cause breaks."""
        titles = {*self.contract.profile.document_titles.values()}
        return any(source.document in titles for item in group.problems for source in item.verdict.sources)

    def _naming_problem(self, group: CauseGroup) -> Problem:
        """The problem whose check names the cause."""
        if not group.differences:
            return min(group.problems, key=lambda item: (item.verdict.level.rank, item.verdict.name))
        return self._problem_of(group, self._naming_difference(group))

    def _naming_difference(self, group: CauseGroup) -> StepDifference:
        return min(group.deciding, key=lambda unit: naming_order(unit, self.analysis))

    def _naming_change(self, group: CauseGroup) -> str:
        """What is wrong with the answer: the facet, and a status by its class."""
        if not group.differences:
            return group.findings[0].reason if group.findings else "verdict"
        change = self._naming_difference(group).change
        second = change.second
        kind = f"{second.code // 100}xx" if isinstance(second, AnswerStatus) else ""
        return f"{change.facet} {kind}"

    def _smallest_problem(self, group: CauseGroup, naming: Problem) -> Problem:
        """The problem with the smallest and plainest request that has the change that names the cause."""
        if not group.differences:
            return naming
        named = self._naming_difference(group).change.kind
        units = [unit for unit in group.deciding if unit.change.kind == named]
        return self._problem_of(group, min(units, key=lambda unit: request_size_order(unit, self.analysis)))

    @staticmethod
    def _problem_of(group: CauseGroup, difference: StepDifference) -> Problem:
        """The problem of a difference, or the first if it is in another group."""
        return next((item for item in group.problems if item.trial.name == difference.trial.name), group.problems[0])

    @staticmethod
    def _difference_of(group: CauseGroup, problem: Problem) -> StepDifference:
        matching = (item for item in group.deciding if item.trial.name == problem.trial.name)
        return next(matching, group.deciding[0])


def _replay_command(group: CauseGroup) -> str:
    """The command that sends the request of a finding again, if only findings show the cause."""
    return f"conformance replay {group.findings[0].id}" if group.findings and not group.differences else ""


def _alike(group: CauseGroup, naming: Problem) -> list[Problem]:
    """The problems of other checks with the same answer as the one that names the cause."""
    return [item for item in group.problems if item.verdict.received_status == naming.verdict.received_status]


def _other_promise(problems: Iterable[Problem], naming: Problem) -> str:
    """What the first check says that asks the same answers for something else, of those that fail."""
    return next(
        (
            item.result.message
            for item in problems
            if item.trial.check.fact != naming.trial.check.fact
            and item.verdict.outcome is Outcome.FAIL
            and not item.result.subject
        ),
        "",
    )


def _level(group: CauseGroup) -> Level:
    """The strongest level of the checks that failed and of the findings, or of all problems if none did.

    A check of generated requests may fail by several causes, and its level is that of the worst.
    """
    checks = [item for item in group.problems if not is_generated(item)]
    failed = [item.verdict.level for item in checks if item.verdict.outcome is Outcome.FAIL]
    levels = [*failed, *(item.level for item in group.findings)] or [item.verdict.level for item in group.problems]
    return min(levels, key=lambda level: level.rank)


def _explained(problem: Problem) -> ExplainedCheck:
    verdict = problem.verdict
    return ExplainedCheck(id=verdict.id, operation=verdict.operation, outcome=verdict.outcome)
