"""Replaying: sends the request of a finding once more, to this or another target."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.core.errors import InconclusiveError, UsageError
from conformance.core.model import TransportFailure
from conformance.fuzz.campaign import with_context
from conformance.fuzz.judge import FailureKind
from conformance.fuzz.sender import FuzzSender
from conformance.requests import PreflightResult

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.fuzz.finding import Finding
    from conformance.requests import Keys
    from conformance.wire import Wire


async def replay_finding(contract: Contract, keys: Keys, wire: Wire, finding: Finding) -> Finding | None:
    """The finding with the response that it gets now; None if it does not fail any more.

    Raises UsageError if the profile has no such operation, InconclusiveError if the target can't be reached.
    """
    sender = FuzzSender(contract, keys, wire, PreflightResult())
    if finding.case.call not in sender.renderer.operations:
        raise UsageError(f"the profile {contract.profile.name} has no operation {finding.case.call}")
    case_runner = sender.case_runner
    try:
        reply, judgement = await case_runner.run(*finding.preceding, finding.case)
    finally:
        sender.close()
    if reply.failure in {TransportFailure.UNREACHABLE, TransportFailure.TLS}:
        raise InconclusiveError(f"{wire.target.url} can't be reached: {reply.failure_detail}")
    if judgement is None or (
        judgement.failure_kind is not finding.failure_kind
        and finding.failure_kind is not FailureKind.BREAKS_LATER_REQUESTS
    ):
        return None
    finding_now = replace(
        finding,
        received=judgement.received,
        exchange=case_runner.redacted_exchange(finding.case, reply),
    )
    return with_context(finding_now, contract, case_runner)
