"""Odds: what only generated requests show, told as a difference of its own, or with one that is known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.difference.groups import Difference, Keeps, Way, refuses, weighed
from conformance.fuzz.features import reason
from conformance.model import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.contract import Contract
    from conformance.difference.fuzzing import Odd
    from conformance.fuzz.judge import Judgement


def adopted(told: Sequence[Difference], odds: Iterable[Odd], contract: Contract) -> list[Difference]:
    """All differences: what only generated requests show is told with the one that changes the same.

    That has to be one alone; and it is named there, for nobody can be sure that it has the same reason.
    """
    found = [*told]
    rest = []
    for odd in odds:
        item = of_odd(odd, contract)
        home = _home(odd, item, told)
        if home is None:
            rest.append(item)
            continue
        known = found[home]
        if known.keeps is Keeps.BOTH and item.keeps is not Keeps.BOTH:
            known = replace(known, keeps=item.keeps, level=item.level, message=item.message)
        found[home] = replace(
            known, generated=known.generated + odd.count, examples=(*known.examples, item.title)
        )
    return [*found, *rest]


def _home(odd: Odd, item: Difference, told: Sequence[Difference]) -> int | None:
    """The number of the one difference that some generated requests are told with; None for none."""
    alike = [
        number
        for number, other in enumerate(told)
        if any(way.change.sort == odd.change.sort for way in other.ways)
    ]
    broken = [number for number in alike if told[number].keeps is not Keeps.BOTH]
    if not broken and item.keeps is Keeps.BOTH:
        return alike[0] if alike else None
    if len(broken or alike) != 1:
        return None
    broken = broken or alike
    keeps = told[broken[0]].keeps
    return broken[0] if Keeps.BOTH in {item.keeps, keeps} or item.keeps is keeps else None


def of_odd(odd: Odd, contract: Contract) -> Difference:
    """What a sort of generated requests comes to."""
    first, second = odd.judgements
    wrong = second or first
    keeps = _judged_keeps(first, second)
    facts = [name for name in (wrong.kind if wrong else "").split("|") if contract.states(name)]
    sources = [source for name in facts for source in contract.fact(name).sources]
    found = Difference(
        id=f"fuzz.generated.{wrong.fault if wrong else 'open'}",
        title=f"{reason(odd.feature)[:1].upper()}{reason(odd.feature)[1:]}",
        keeps=keeps,
        level=wrong.level if wrong else Level.MAY,
        fact=facts[0] if facts else "",
        sources=tuple(dict.fromkeys(sources)),
        message=wrong.message if wrong else "",
        ways=(Way(change=odd.change, calls=odd.calls, requests=odd.count),),
        exchanges=odd.exchanges,
        is_usual=odd.feature is None,
        generated=odd.count,
    )
    return weighed(found, contract, is_bad=bool(facts) and any(map(refuses, map(contract.fact, facts))))


def _judged_keeps(first: Judgement | None, second: Judgement | None) -> Keeps:
    if first and second:
        return Keeps.NEITHER
    if first or second:
        return Keeps.SECOND if first else Keeps.FIRST
    return Keeps.BOTH
