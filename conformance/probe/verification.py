"""Verification: runs checks of the catalogue by the new profile, as far as the budget goes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.checks.check import Tier
from conformance.checks.trial import make_trials
from conformance.contract import Contract
from conformance.core.errors import NoResponse
from conformance.core.model import DEVIATING_OUTCOMES, Area, Level, Outcome
from conformance.probe.draft_profile import without_pointer
from conformance.probe.summary import Section
from conformance.requests import PreflightResult
from conformance.run import engine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.checks.check import Check
    from conformance.checks.trial import Trial
    from conformance.probe.draft_profile import DraftProfile
    from conformance.profile.profile import Profile
    from conformance.requests import Keys
    from conformance.run.sender import Sender

_AREA_ORDER = (Area.ACCEPT, Area.PAYLOAD, Area.BATCH, Area.CONTENT_TYPE, Area.PIXEL, Area.WEBHOOK, Area.ERRORS)
_SPARE_REQUESTS = 20
"""The most requests of a check; with fewer left, none is started."""
_TIERS = frozenset({Tier.GENTLE, Tier.STANDARD})
_POINTER_OF_CHECK_PREFIX = {
    "accept.timestamp.": "timestamp",
    "payload.context.": "context",
    "batch.context.own": "context",
    "payload.integrations.": "integrations",
    "payload.message-id.": "message_id",
}
"""Checks that a profile does not ask for if it leaves out a pointer."""
_VERIFIED_FACTS = ("answers.accepted", "rules.content-type-charset", "rules.repeated-message-id")


@dataclass(slots=True, kw_only=True)
class ProfileVerifier:
    """Runs the checks that send acceptable requests. A failure removes the optional pointer, or becomes a remark."""

    draft_profile: DraftProfile
    sender: Sender
    keys: Keys
    checks: Iterable[Check]
    run_id: str

    async def verify(self, profile: Profile) -> None:
        """Runs the checks, on the first operation of each kind before any other."""
        contract = Contract(profile)
        selected_trials = [
            trial
            for trial in make_trials(contract, self.keys, self.checks, _TIERS)
            if trial.is_runnable and _verifies_acceptance(trial)
        ]
        first_by_kind = {operation.kind: operation for operation in reversed(contract.operations)}
        selected_trials.sort(
            key=lambda trial: (trial.operation not in first_by_kind.values(), _AREA_ORDER.index(trial.check.area))
        )
        run_count = failed_count = 0
        for trial in selected_trials:
            if self.sender.wire.budget.requests_left < _SPARE_REQUESTS:
                break
            failed_count += not await self._run_trial(trial)
            run_count += 1
        evidence = f"{run_count} of {len(selected_trials)} checks of acceptable requests, as the budget allows"
        self.draft_profile.add_row(Section.VERIFICATION, "verified", f"{failed_count} fail", evidence)

    async def _run_trial(self, trial: Trial) -> bool:
        """Runs one check; returns whether it passed. Raises NoResponse if it was not answered."""
        preflight = PreflightResult(run_id=self.run_id, shared_exchanges=self.sender.shared_exchanges)
        result = await engine.run_one(replace(trial, preflight=preflight), self.sender)
        if result.outcome is Outcome.ERROR:
            raise NoResponse(result.message)
        if result.outcome not in DEVIATING_OUTCOMES:
            return True
        pointer_name = next(
            (word for prefix, word in _POINTER_OF_CHECK_PREFIX.items() if trial.check.id.startswith(prefix)), None
        )
        failure_text = f"{trial.name}: {result.message}"
        if pointer_name is None:
            self.draft_profile.add_remark(f"a run fails on {failure_text}")
        else:
            self.draft_profile.pointers = without_pointer(self.draft_profile.pointers, pointer_name)
            self.draft_profile.add_remark(f"the profile leaves out {pointer_name.replace('_', ' ')}: {failure_text}")
        return False


def _verifies_acceptance(trial: Trial) -> bool:
    """Whether a check sends acceptable requests and could fail a run."""
    check = trial.check
    is_excluded = check.exclusive or check.observes or check.area not in _AREA_ORDER
    return not is_excluded and trial.level is Level.MUST and check.fact in _VERIFIED_FACTS
