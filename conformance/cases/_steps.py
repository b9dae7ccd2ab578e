"""Steps that several checks take: each sends drafts and judges the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import expect
from conformance.profile.facts import Condition

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from conformance.engine import Steps
    from conformance.model import Exchange
    from conformance.payloads import Call, Draft
    from conformance.payloads.spoils import Spoil


def accepted(call: Call, draft: Draft, what: str) -> Steps:
    """What is sent is answered with the status of success."""
    return expect.status((yield draft), call.contract.answer(Condition.ACCEPTED), what)


def all_accepted(call: Call, drafts: Iterable[tuple[str, Draft]]) -> Steps:
    """Each of several, named, is answered with the status of success."""
    note = None
    for what, draft in drafts:
        note = (yield from accepted(call, draft, what)) or note
    return note


def spoilt(call: Call, spoil: Spoil) -> Steps:
    """The control is accepted, and its spoilt twin is answered as the contract says."""
    expect.control((yield call.event()))
    return expect.status((yield spoil.make(call)), call.contract.answer(spoil.condition), spoil.words)


def refusal(call: Call, draft: Draft) -> Generator[Draft, Exchange, Exchange]:
    """The control is accepted, the draft refused: the refusal, for a check of its body to look at."""
    expect.control((yield call.event()))
    exchange = yield draft
    expect.refused(exchange)
    return exchange
