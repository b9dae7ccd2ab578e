"""Correct servers that differ: legal choices that trip naive testers. No check fails on one of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.contract import Contract
from conformance.profile.facts import Answer, Limit
from conformance.refserver.application import Manner
from conformance.refserver.change import Change
from conformance.refserver.faults.fault import always

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.profile.facts import Fact
    from conformance.refserver.faults.fault import Fit


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A correct server. `does` says in what it differs from the reference server.

    Where it `is_pressed`, it is sent bursts and large volumes, too.
    """

    name: str
    does: str
    change: Change
    fits: Fit = field(default=always)
    is_pressed: bool = False


CORRECT = Variant(name="correct", does="is the reference server as it is", change=Change(), is_pressed=True)


def restating(edit: Callable[[Answer], Answer]) -> Change:
    """A change of every answer that a contract states."""

    def fact(found: Fact) -> Fact:
        return edit(found) if isinstance(found, Answer) else found

    def restate(contract: Contract) -> Contract:
        profile = contract.profile
        events = {
            name: replace(event, required={key: edit(answer) for key, answer in event.required.items()})
            for name, event in profile.events.items()
        }
        facts = {name: fact(found) for name, found in profile.facts.items()}
        return Contract(replace(profile, events=events, facts=facts))

    return Change(restate=restate)


def _tolerated(number: int) -> Change:
    """Each answer that has so many tolerated statuses is given with that one."""
    return restating(
        lambda answer: (
            replace(answer, expect=(answer.tolerate[number].status,))
            if len(answer.tolerate) > number
            else answer
        )
    )


def _tolerates(count: int) -> Fit:
    return lambda contract: any(
        len(getattr(fact, "tolerate", ())) >= count for fact in contract.profile.facts.values()
    )


def _has_choice(contract: Contract) -> bool:
    return any(len(getattr(fact, "expect", ())) > 1 for fact in contract.profile.facts.values())


def _thousands(answer: Answer) -> Answer:
    return replace(answer, at_most=answer.at_least) if isinstance(answer, Limit) else answer


VARIANTS = (
    Variant(name="slow", does="takes 30 ms for each answer", change=Change(manner=Manner(delay_s=0.03))),
)
