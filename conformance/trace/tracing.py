"""Traces requirements to the checks that judge them, and to the outcomes of a report."""

from __future__ import annotations

import enum
import fnmatch
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.cases import CHECKS, SINK_CHECKS
from conformance.checks.trial import make_trials
from conformance.core.errors import UsageError
from conformance.core.model import Level, Outcome
from conformance.requests import Keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.checks.trial import Trial
    from conformance.contract import Contract
    from conformance.trace.requirements import Requirement

NOT_RUN = "not-run"
"""The outcome of checks that a report does not have."""
_FROM_WORST = (
    Outcome.FAIL, Outcome.ERROR, Outcome.UNTESTABLE, Outcome.PASS, Outcome.OBSERVED, Outcome.NOT_APPLICABLE,
)  # fmt: skip
_ALL_CHECKS = (*CHECKS, *SINK_CHECKS)
_PLACEHOLDER_KEYS = Keys(write_key="conformance", bearer="conformance")
_MAX_DECIDING = 20


class Kind(enum.StrEnum):
    """What becomes of a requirement: judged, only observed, kept by the suite itself, or excluded."""

    JUDGED = "judged"
    OBSERVED = "observed"
    KEPT_BY_SUITE = "kept-by-suite"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedRequirement:
    """A requirement with its checks: their strongest level, their worst outcome, and those that had it.

    `outcome` is None without a report; `deciding` is empty for a pass.
    """

    requirement: Requirement
    document: str
    kind: Kind
    level: Level | None
    check_ids: tuple[str, ...]
    outcome: str | None = None
    deciding: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The traced requirements of a profile; `target` is that of the report, if there is one."""

    profile: str
    title: str
    target: str | None
    rows: tuple[TracedRequirement, ...]

    @property
    def totals(self) -> dict[str, int]:
        """How many requirements there are of each kind."""
        counts = Counter(row.kind for row in self.rows)
        return {kind.value: counts[kind] for kind in Kind}

    @property
    def outcomes(self) -> dict[str, int]:
        """How many requirements have each outcome, the worst first."""
        counts = Counter(row.outcome for row in self.rows if row.outcome)
        return {name: counts[name] for name in (*_FROM_WORST, NOT_RUN) if counts[name]}


def trace(
    contract: Contract,
    document_titles: Mapping[str, str],
    requirements: Iterable[Requirement],
    report: Mapping[str, Any] | None = None,
) -> Trace:
    """Traces requirements under a contract, with the outcomes of a JSON report if there is one.

    `document_titles` are those of the profile, by their keys. Raises UsageError for a report of another profile, a
    document that the profile does not have, or a glob that matches no check.
    """
    if report is not None and report["profile"]["name"] != contract.profile.name:
        raise UsageError(f"the report is of the profile {report['profile']['name']}, not of {contract.profile.name}")
    planned = make_trials(contract, _PLACEHOLDER_KEYS, _ALL_CHECKS)
    trials = [trial for trial in planned if trial.operation and trial.facts]
    by_id: dict[str, list[Trial]] = {}
    for trial in trials:
        by_id.setdefault(trial.check.id, []).append(trial)
    names = {name: _fact_names(found) for name, found in by_id.items()}
    results: dict[str, list[Mapping[str, Any]]] = {}
    for item in report["checks"] if report else ():
        results.setdefault(item["id"], []).append(item)
    return Trace(
        profile=contract.profile.name,
        title=contract.profile.title,
        target=report["target"]["url"] if report else None,
        rows=tuple(
            _trace_one(item, document_titles, by_id, names, results if report else None) for item in requirements
        ),
    )


def requirements_of(trials: Sequence[Trial], requirements: Iterable[Requirement]) -> list[Requirement]:
    """The requirements that a check judges, given its trials under the profile; none without trials."""
    names = _fact_names(trials)
    return [item for item in requirements for trial in trials[:1] if _judges(item, trial.check.id, names)]


def _trace_one(
    requirement: Requirement,
    document_titles: Mapping[str, str],
    trials_by_id: Mapping[str, Sequence[Trial]],
    fact_names_by_id: Mapping[str, frozenset[str]],
    results: Mapping[str, Sequence[Mapping[str, Any]]] | None,
) -> TracedRequirement:
    if requirement.document not in document_titles:
        raise UsageError(f"requirement {requirement.id}: the profile has no document {requirement.document!r}")
    for glob in requirement.check_globs:
        if not any(fnmatch.fnmatchcase(check.id, glob) for check in _ALL_CHECKS):
            raise UsageError(f"requirement {requirement.id}: no check is called {glob}")
    check_ids = tuple(name for name, names in fact_names_by_id.items() if _judges(requirement, name, names))
    trials = [trial for check_id in check_ids for trial in trials_by_id[check_id]]
    outcome, deciding = _worst_outcome(check_ids, results) if results is not None and check_ids else (None, ())
    return TracedRequirement(
        requirement=requirement,
        document=document_titles[requirement.document],
        kind=_kind_of(requirement, trials),
        level=min((trial.level for trial in trials), key=lambda level: level.rank, default=None),
        check_ids=check_ids,
        outcome=outcome,
        deciding=deciding,
    )


def _fact_names(trials: Iterable[Trial]) -> frozenset[str]:
    """The names of the facts that the trials of a check are about."""
    return frozenset(fact.name for trial in trials for fact in trial.facts)


def _judges(requirement: Requirement, check_id: str, fact_names: Iterable[str]) -> bool:
    """Whether a check judges a requirement: it names the check, or a fact that the check is about."""
    return any(fnmatch.fnmatchcase(check_id, glob) for glob in requirement.check_globs) or any(
        fnmatch.fnmatchcase(name, glob) for name in fact_names for glob in requirement.fact_globs
    )


def _kind_of(requirement: Requirement, trials: Iterable[Trial]) -> Kind:
    if requirement.excluded:
        return Kind.EXCLUDED
    if requirement.kept_by:
        return Kind.KEPT_BY_SUITE
    return Kind.OBSERVED if all(trial.check.observes for trial in trials) else Kind.JUDGED


def _worst_outcome(
    check_ids: Iterable[str], results: Mapping[str, Sequence[Mapping[str, Any]]]
) -> tuple[str, tuple[str, ...]]:
    """The worst outcome of some checks in a report, and the results that have it unless it is a pass."""
    relevant = [item for check_id in check_ids for item in results.get(check_id, ())]
    worst = next((outcome for outcome in _FROM_WORST if any(item["outcome"] == outcome for item in relevant)), None)
    if worst is None:
        return NOT_RUN, ()
    deciding = (f"{item['id']} {item['operation'] or ''}".strip() for item in relevant if item["outcome"] == worst)
    return worst.value, () if worst is Outcome.PASS else tuple(deciding)[:_MAX_DECIDING]
