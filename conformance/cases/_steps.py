"""Steps that several checks take: each sends drafts and judges the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import expect
from conformance.model import Mishap
from conformance.payloads import converse
from conformance.payloads.spelling import usual
from conformance.profile.facts import Condition

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from conformance.engine import Steps
    from conformance.model import Exchange
    from conformance.payloads import Call, Draft, Message
    from conformance.payloads.several import Answers
    from conformance.payloads.spoils import Spoil


def succeeds(call: Call, drafts: Iterable[tuple[str, Draft]]) -> Steps:
    """Each draft, named, is answered with exactly the documented status of success."""
    note = None
    for what, draft in drafts:
        draft.fit()
        note = expect.status((yield draft), call.contract.answer(Condition.ACCEPTED), what) or note
    return note


def accepted(drafts: Iterable[tuple[str, Draft]]) -> Steps:
    """Each draft, named, is accepted; with which status is for the accept checks to judge."""
    for what, draft in drafts:
        draft.fit()
        expect.accepted((yield draft), what)
    return None


def spoilt(call: Call, spoil: Spoil) -> Steps:
    """The control is accepted, and its spoilt twin is answered as the contract says."""
    expect.control((yield call.control()))
    return expect.status((yield spoil.make(call)), call.contract.answer(spoil.condition), spoil.words)


def refusal(call: Call, draft: Draft) -> Generator[Draft, Exchange, Exchange]:
    """The control is accepted, the draft refused: the refusal, for a check of its body to look at."""
    expect.control((yield call.control()))
    exchange = yield draft
    expect.refused(exchange)
    return exchange


def reports(drafts: Iterable[tuple[str, Draft]]) -> Steps:
    """What becomes of each draft, named, for the note of a check that only observes."""
    found = []
    for what, draft in drafts:
        exchange = yield draft
        word = "accepted" if expect.is_accepted(exchange) else "refused"
        found.append(f"{what}: {word} with {exchange.status}")
    return "; ".join(dict.fromkeys(found))


def survives(call: Call, drafts: Iterable[tuple[str, Draft]]) -> Steps:
    """Each draft, named, is answered, not with the server's own failure; then the control still works."""
    expect.control((yield call.control()))
    for what, draft in drafts:
        exchange = yield draft.unanswered(hanging=True)
        yield from heard(call, exchange, what)
        expect.no_server_error(exchange, what)
    expect.accepted((yield call.event()), "an acceptable request after the faulty ones")
    return None


def heard(call: Call, exchange: Exchange, what: str) -> Generator[Message, Exchange, None]:
    """A request did not hang: one that did is a failure if an acceptable one is answered after it."""
    if exchange.mishap is Mishap.TIMEOUT:
        yield call.event()
        raise expect.hang(exchange, what)
    expect.no_timeout(exchange)


def spoken(call: Call, what: str, *drafts: Draft, pipelined: bool = False) -> Answers:
    """The exchanges of one connection, the first of which did not hang.

    All are written by hand: each alone, sent by another client, would show nothing.
    """
    waiting = (draft.raw(draft.spelling or usual).unanswered(hanging=True) for draft in drafts)
    exchanges = yield from converse(*waiting, pipelined=pipelined)
    yield from heard(call, exchanges[0], what)
    return exchanges


def reconnected(call: Call, what: str) -> Generator[Message, Exchange, None]:
    """An acceptable request on a new connection is accepted; it is that connection's last."""
    (exchange,) = yield from converse(last(call).unanswered())
    expect.accepted(exchange, f"an acceptable request on a new connection, after {what},")


def last(call: Call) -> Draft:
    """An acceptable request that is the last of its connection."""
    return call.event().headed("Connection", "close").raw(usual)
