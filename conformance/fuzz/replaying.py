"""Replaying: the request of a finding once more, against this or another target."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.errors import CannotJudge, UsageError
from conformance.fuzz.campaign import Campaign
from conformance.fuzz.judge import Fault
from conformance.model import Mishap
from conformance.payloads import Ground

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.fuzz.finding import Finding
    from conformance.payloads import Keys
    from conformance.wire import Wire


async def again(contract: Contract, keys: Keys, wire: Wire, finding: Finding) -> Finding | None:
    """The finding as it shows now; None if it does not. Raises CannotJudge for a target out of reach."""
    campaign = Campaign(contract, keys, wire, Ground())
    if finding.case.call not in campaign.bench.rendering.operations:
        raise UsageError(f"the profile {contract.profile.name} has no operation {finding.case.call}")
    try:
        reply, judgement = await campaign.bench.ask(*finding.before, finding.case)
    finally:
        campaign.close()
    if reply.mishap in {Mishap.UNREACHABLE, Mishap.TLS}:
        raise CannotJudge(f"{wire.target.url} can't be reached: {reply.detail}")
    if judgement is None or (judgement.fault is not finding.fault and finding.fault is not Fault.BROKEN):
        return None
    now = replace(
        finding,
        received=judgement.received,
        exchange=campaign.bench.kept(finding.case, reply),
        url=wire.target.url,
    )
    return campaign.dressed(now)
