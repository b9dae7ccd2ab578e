"""Servers that follow an edited contract: other statuses, other readings of a limit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.contract import Contract
from conformance.profile.facts import ExpectedResponse, SizeLimit
from conformance.refserver.server_change import ServerChange

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.profile.facts import Fact
    from conformance.refserver.faults.fault import ContractPredicate


def with_edited_answers(edit: Callable[[ExpectedResponse], ExpectedResponse]) -> ServerChange:
    """A server under a contract with every answer edited."""

    def edit_fact(stated: Fact) -> Fact:
        return edit(stated) if isinstance(stated, ExpectedResponse) else stated

    def edit_contract(contract: Contract) -> Contract:
        profile = contract.profile
        events = {
            name: replace(event, required={key: edit(answer) for key, answer in event.required.items()})
            for name, event in profile.events.items()
        }
        facts = {name: edit_fact(stated) for name, stated in profile.facts.items()}
        return Contract(replace(profile, events=events, facts=facts))

    return ServerChange(edit_contract=edit_contract)


def last_reading() -> ServerChange:
    """A server that was written by the last of the other readings of documents that contradict themselves."""
    return ServerChange(edit_contract=lambda contract: contract.readings[-1])


def with_tolerated_status(index: int) -> ServerChange:
    """Answers with the tolerated status at `index` where there is one."""

    def edit(answer: ExpectedResponse) -> ExpectedResponse:
        has_status = len(answer.tolerate) > index
        return replace(answer, expect=(answer.tolerate[index].status,)) if has_status else answer

    return with_edited_answers(edit)


def stated_answers(contract: Contract) -> list[ExpectedResponse]:
    """Every answer that a contract states."""
    required = [answer for event in contract.profile.events.values() for answer in event.required.values()]
    return [*(fact for fact in contract.profile.facts.values() if isinstance(fact, ExpectedResponse)), *required]


def tolerates_at_least(count: int) -> ContractPredicate:
    """Fits where an answer has that many tolerated statuses."""
    return lambda contract: any(len(answer.tolerate) >= count for answer in stated_answers(contract))


def with_decimal_limit(answer: ExpectedResponse) -> ExpectedResponse:
    """An answer whose limit is the smaller reading of the documents."""
    return replace(answer, at_most=answer.at_least) if isinstance(answer, SizeLimit) else answer


def with_event_limit(limit_bytes: Callable[[SizeLimit], int]) -> ServerChange:
    """A server with another limit of an event inside a batch, which is measured after parsing."""

    def edit(answer: ExpectedResponse) -> ExpectedResponse:
        if isinstance(answer, SizeLimit) and answer.is_measured_after_parsing:
            return replace(answer, at_most=limit_bytes(answer))
        return answer

    return with_edited_answers(edit)
