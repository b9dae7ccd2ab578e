"""Verifying: checks of the catalogue, by the profile that was just made, as far as the budget goes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance import engine
from conformance.catalogue import Tier, trials
from conformance.contract import Contract
from conformance.errors import NoAnswer
from conformance.model import Area, Level, Outcome
from conformance.payloads import Ground
from conformance.probe.sketch import without

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.catalogue import Check, Trial
    from conformance.engine import Sender
    from conformance.payloads import Keys
    from conformance.probe.sketch import Sketch
    from conformance.profile.facts import Profile

_ORDER = (Area.ACCEPT, Area.PAYLOAD, Area.BATCH, Area.CONTENT_TYPE, Area.PIXEL, Area.WEBHOOK, Area.ERRORS)
_SPARE_REQUESTS = 20
"""So many requests a check may take; with fewer left, none is begun."""
_TIERS = frozenset({Tier.GENTLE, Tier.STANDARD})
_FIELDS = {
    "accept.timestamp.": "timestamp",
    "payload.context.": "context",
    "batch.context.own": "context",
    "payload.integrations.": "integrations",
    "payload.message-id.": "message_id",
}
"""Checks that a profile does not ask for if it says nothing of a field."""
_FACTS = ("answers.accepted", "rules.content-type-charset", "rules.repeated-message-id")


@dataclass(slots=True, kw_only=True)
class Verifying:
    """Makes checks of acceptable requests; what fails is told, or left out where a profile can do that."""

    sketch: Sketch
    sender: Sender
    keys: Keys
    checks: Iterable[Check]
    run_id: str

    async def verify(self, profile: Profile) -> None:
        """Makes the checks, each on the first operation of each kind before any on others."""
        contract = Contract(profile)
        asked = [
            trial
            for trial in trials(contract, self.keys, self.checks, _TIERS)
            if trial.operation and trial.facts and trial.is_allowed and _is_telling(trial)
        ]
        firsts = {operation.kind: operation for operation in reversed(contract.operations)}
        asked.sort(key=lambda trial: (trial.operation not in firsts.values(), _ORDER.index(trial.check.area)))
        made = failed = 0
        for trial in asked:
            if self.sender.wire.budget.requests_left < _SPARE_REQUESTS:
                break
            failed += not await self._passes(trial)
            made += 1
        told = f"{made} of {len(asked)} checks of acceptable requests, as the budget allows"
        self.sketch.tell("verified", f"{failed} fail", told)

    async def _passes(self, trial: Trial) -> bool:
        """Makes one check, and tells of it if it fails."""
        ground = Ground(run_id=self.run_id, seen=self.sender.seen)
        finding = await engine.drive(replace(trial, ground=ground), self.sender)
        if finding.outcome is Outcome.ERROR:
            raise NoAnswer(finding.message)
        if finding.outcome not in {Outcome.FAIL, Outcome.UNTESTABLE}:
            return True
        word = next((word for prefix, word in _FIELDS.items() if trial.check.id.startswith(prefix)), None)
        said = f"{trial.name}: {finding.message}"
        if word is None:
            self.sketch.remark(f"a run fails on {said}")
        else:
            self.sketch.pointers = without(self.sketch.pointers, word)
            self.sketch.remark(f"the profile says nothing of {word.replace('_', ' ')}: {said}")
        return False


def _is_telling(trial: Trial) -> bool:
    """Whether a check is about what should be accepted, and would fail a run."""
    check = trial.check
    is_quiet = check.exclusive or check.observes or check.area not in _ORDER
    return not is_quiet and trial.level is Level.MUST and check.fact in _FACTS
