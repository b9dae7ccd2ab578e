"""Replaying: sends the request of a finding once more, between two requests that the target must accept."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.core.errors import InconclusiveError, UsageError
from conformance.fuzz.accepted_requests import AcceptedRequests
from conformance.fuzz.campaign import with_context
from conformance.fuzz.finding import Certainty
from conformance.fuzz.judge import FailureKind
from conformance.fuzz.oracle import answer_for_fact
from conformance.fuzz.sender import FuzzSender
from conformance.requests.rate_limits import asks_to_wait
from conformance.run import preflight
from conformance.wire.budget import BudgetExhausted

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.fuzz.case import Case
    from conformance.fuzz.case_runner import CaseRunner
    from conformance.fuzz.finding import Finding
    from conformance.fuzz.judge import Judgement
    from conformance.requests import Keys
    from conformance.run.sender import Sender
    from conformance.wire.responses import Reply

_MAX_DURATION_S = 45.0
_REPEATS_IF_UNCONFIRMED = 4
"""How often a request is sent again that failed only sometimes, or once."""
_BREAKS_TARGET = frozenset({FailureKind.BREAKS_LATER_REQUESTS, FailureKind.UNANSWERED, FailureKind.SERVER_ERROR})
"""Failures after which a target may well accept nothing any more."""


async def replay_finding(contract: Contract, keys: Keys, sender: Sender, finding: Finding) -> Finding | None:
    """The finding with the response that it gets now; None if it does not fail any more.

    Raises UsageError if the profile has no such operation, InconclusiveError if nothing can be said: the target does
    not accept an ordinary request before and after, asks to wait, or takes too long.
    """
    calls = {str(operation) for operation in contract.operations}
    for case in (*finding.preceding, finding.case):
        if case.call not in calls:
            raise UsageError(f"the profile {contract.profile.name} has no operation {case.call}; see --include")
    url = sender.wire.target.url
    try:
        async with asyncio.timeout(_MAX_DURATION_S):
            return await _replay(contract, keys, sender, finding)
    except TimeoutError:
        raise InconclusiveError(f"{url} can't be judged: no verdict within {_MAX_DURATION_S:g} s") from None
    except BudgetExhausted as error:
        raise InconclusiveError(f"{url} can't be judged: {error}") from None


async def _replay(contract: Contract, keys: Keys, sender: Sender, finding: Finding) -> Finding | None:
    found = await preflight.run_preflight(contract, keys, sender)
    contract = found.contract or contract
    fuzz_sender = FuzzSender(contract, keys, sender.wire, found)
    try:
        case_runner = fuzz_sender.case_runner
        accepted = AcceptedRequests(contract)
        for operation in contract.operations:
            if str(operation) == finding.case.call:
                await accepted.learn(case_runner, operation)
        control = accepted.seed_events[finding.case.call].control_case()
        await _require_accepted(case_runner, control, "")
        finding_now = await _send_between_controls(case_runner, contract, finding, control)
        return with_context(finding_now, contract, case_runner) if finding_now else None
    finally:
        await fuzz_sender.aclose()


async def _send_between_controls(
    case_runner: CaseRunner, contract: Contract, finding: Finding, control: Case
) -> Finding | None:
    """The finding as it fails now, or None. The control has just been accepted."""
    case = finding.case
    known_facts = tuple(name for name in case.expected_facts if answer_for_fact(contract, name))
    case = case_runner.with_expected_facts(case._replace(expected_facts=known_facts))
    reads_trailing = finding.failure_kind is FailureKind.MALFORMED_RESPONSE
    reply, judgement = await case_runner.run(*finding.preceding, case, reads_trailing_bytes=reads_trailing)
    for _ in range(0 if finding.certainty is Certainty.CONFIRMED else _REPEATS_IF_UNCONFIRMED):
        if judgement is None:
            reply, judgement = await case_runner.run(*finding.preceding, case, reads_trailing_bytes=reads_trailing)
    _require_judgeable(case_runner, finding, case, reply)
    is_same = judgement is not None and finding.failure_kind in {
        judgement.failure_kind, FailureKind.BREAKS_LATER_REQUESTS,
    }  # fmt: skip
    if not (is_same and finding.failure_kind in _BREAKS_TARGET):
        await _require_accepted(case_runner, control, " after the request of the finding")
    if judgement is None:
        return None
    exchange = case_runner.redacted_exchange(case, reply)
    return replace(_as_judged(finding, judgement, is_same=is_same), case=case, exchange=exchange)


def _as_judged(finding: Finding, judgement: Judgement, *, is_same: bool) -> Finding:
    """A finding with what is wrong now, which may be another failure than before."""
    now = replace(finding, received=judgement.received, certainty=Certainty.CONFIRMED)
    if is_same:
        return now
    return replace(
        now,
        failure_kind=judgement.failure_kind,
        dedup_key=judgement.dedup_key,
        message=judgement.message,
        expected=judgement.expected,
        level=judgement.level,
    )


def _require_judgeable(case_runner: CaseRunner, finding: Finding, case: Case, reply: Reply) -> None:
    """Raises InconclusiveError if an answer says nothing about the request."""
    url = case_runner.wire.target.url
    if asks_to_wait(reply):
        raise InconclusiveError(
            f"{url} can't be judged: it answers the request of the finding with {reply.status}, and goes on so"
        )
    needs_fact = finding.failure_kind in {FailureKind.WRONGLY_REJECTED, FailureKind.WRONGLY_ACCEPTED}
    if needs_fact and not case.expected_facts:
        raise InconclusiveError(f"{url} can't be judged: the profile does not say how this request is answered")


async def _require_accepted(case_runner: CaseRunner, control: Case, when: str) -> None:
    """Raises InconclusiveError if an ordinary request is not accepted."""
    if not await case_runner.accepts(control):
        url = case_runner.wire.target.url
        raise InconclusiveError(f"{url} can't be judged: an ordinary request to {control.call} is not accepted{when}")
