"""Corrections: a fact that the server does not keep is stated as it was observed, or not at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.checks.check import ACCEPTED
from conformance.core.model import Outcome
from conformance.core.statuses import SERVER_ERROR
from conformance.probe.dialects import probe_source
from conformance.probe.draft_profile import without_pointer
from conformance.profile.facts import ExpectedResponse, SizeLimit, ToleratedStatus

if TYPE_CHECKING:
    from conformance.checks.trial import Trial
    from conformance.core.model import Verdict
    from conformance.probe.draft_profile import DraftProfile
    from conformance.profile.facts import Fact

_POINTER_OF_CHECK_PREFIX = {
    "accept.timestamp.": "timestamp",
    "payload.context.": "context",
    "batch.context.own": "context",
    "payload.integrations.": "integrations",
    "payload.message-id.": "message_id",
}
"""Checks that a profile does not ask for if it leaves out a pointer."""
_FIRST_STATABLE = 200
_FIRST_REFUSAL = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A check that a run by the profile would not pass."""

    trial: Trial
    verdict: Verdict

    @property
    def fact(self) -> Fact | None:
        """The fact that it breaks, if it is only one."""
        facts = self.trial.facts
        return facts[0] if len(facts) == 1 else None

    @property
    def path(self) -> str:
        """The path of its operation; empty without one."""
        return self.trial.operation.path if self.trial.operation else ""


def correct(draft_profile: DraftProfile, problem: Problem) -> bool:
    """Changes the draft so that it no longer promises what the server does not keep; returns whether it could."""
    fact = problem.fact
    if fact is None or problem.verdict.outcome is not Outcome.FAIL:
        return False
    section = fact.name.partition(".")[0]
    if fact.name == ACCEPTED:
        return _leave_out_pointer(draft_profile, problem)
    if section == "credentials":
        return _leave_out_path(draft_profile, problem, fact)
    if section == "bodies":
        return _leave_out_body(draft_profile, problem, fact)
    if isinstance(fact, ExpectedResponse) and section in {"answers", "limits"}:
        return _tolerate(draft_profile, problem, fact)
    return False


def _leave_out_pointer(draft_profile: DraftProfile, problem: Problem) -> bool:
    """Leaves out an optional field that some legal values are refused in."""
    check = problem.trial.check.id
    name = next((word for prefix, word in _POINTER_OF_CHECK_PREFIX.items() if check.startswith(prefix)), None)
    if name is None:
        return False
    if getattr(draft_profile.pointers, name) is not None:
        draft_profile.pointers = without_pointer(draft_profile.pointers, name)
        draft_profile.add_remark(
            f"the profile leaves out {name.replace('_', ' ')}: {problem.trial.name}: {problem.verdict.message}"
        )
    return True


def _leave_out_path(draft_profile: DraftProfile, problem: Problem, fact: Fact) -> bool:
    """States a place of the key only for the paths that accept it there."""
    stated = draft_profile.facts.get(fact.name)
    if stated is None:
        return False
    paths = [path for path in stated.paths or draft_profile.paths if path != problem.path]
    if not paths:
        return False
    draft_profile.facts[fact.name] = replace(stated, paths=tuple(paths))
    draft_profile.add_remark(f"{fact.name}: refused on {problem.trial.operation}: {problem.verdict.received}")
    return True


def _leave_out_body(draft_profile: DraftProfile, problem: Problem, fact: Fact) -> bool:
    """Leaves out a body that is not always so."""
    if fact.name in draft_profile.facts:
        draft_profile.remove_fact(fact.name)
        draft_profile.add_fact_row(fact.name, "not always of one kind, not stated", problem.trial.name)
        draft_profile.add_remark(f"{fact.name}: not stated: {problem.trial.name}: {problem.verdict.message}")
    return True


def _tolerate(draft_profile: DraftProfile, problem: Problem, fact: ExpectedResponse) -> bool:
    """Tolerates one more status. A limit is not made weaker by an answer that is no refusal."""
    status = problem.verdict.received_status or 0
    is_refusal_of_size = not isinstance(fact, SizeLimit) or status >= _FIRST_REFUSAL
    if not (_FIRST_STATABLE <= status < SERVER_ERROR and is_refusal_of_size):
        return False
    stated = draft_profile.facts.get(fact.name, fact)
    if not isinstance(stated, ExpectedResponse):
        return False
    if status not in stated.statuses:
        source = probe_source(str(problem.trial.operation or "-"), f"{problem.trial.check.id}: {status}")
        more = ToleratedStatus(status=status, source=source)
        draft_profile.facts[fact.name] = replace(stated, tolerate=(*stated.tolerate, more))
        draft_profile.add_remark(f"{fact.name}: not the same everywhere: {status} to {problem.trial.name}")
    return True
