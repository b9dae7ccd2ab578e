"""Differences that only generated requests show: reported alone, or merged into a known one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.causes.naming import is_refusal
from conformance.core.model import Level
from conformance.diff.difference import ChangeOccurrence, Difference, KeptBy, with_sdk_effects
from conformance.fuzz.features import describe_feature

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.contract import Contract
    from conformance.diff.fuzz_comparison import FuzzOnlyDifference
    from conformance.fuzz.judge import Judgement


def merge_fuzz_only(
    differences: Sequence[Difference], fuzz_only: Iterable[FuzzOnlyDifference], contract: Contract
) -> list[Difference]:
    """All differences. One that only generated requests show is merged into the one difference with the same change.

    Its title is kept there, because the cause may be another one.
    """
    merged = [*differences]
    unmatched = []
    for generated in fuzz_only:
        item = build_fuzz_difference(generated, contract)
        owner_number = _find_owner_number(generated, item, differences)
        if owner_number is None:
            unmatched.append(item)
            continue
        known = merged[owner_number]
        if known.kept_by is KeptBy.BOTH and item.kept_by is not KeptBy.BOTH:
            known = replace(known, kept_by=item.kept_by, level=item.level, message=item.message)
        merged[owner_number] = replace(
            known,
            generated_count=known.generated_count + generated.count,
            fuzz_only_titles=(*known.fuzz_only_titles, item.title),
        )
    return [*merged, *unmatched]


def _find_owner_number(
    fuzz_only: FuzzOnlyDifference, item: Difference, differences: Sequence[Difference]
) -> int | None:
    """The number of the one difference with the same change; None if there is none, or several."""
    matching = [
        number
        for number, other in enumerate(differences)
        if any(way.change.kind == fuzz_only.change.kind for way in other.changes)
    ]
    broken = [number for number in matching if differences[number].kept_by is not KeptBy.BOTH]
    if not broken and item.kept_by is KeptBy.BOTH:
        return matching[0] if matching else None
    if len(broken or matching) != 1:
        return None
    broken = broken or matching
    kept_by = differences[broken[0]].kept_by
    return broken[0] if KeptBy.BOTH in {item.kept_by, kept_by} or item.kept_by is kept_by else None


def build_fuzz_difference(fuzz_only: FuzzOnlyDifference, contract: Contract) -> Difference:
    """The difference that a kind of generated request shows."""
    first, second = fuzz_only.judgements
    judgement = second or first
    kept_by = _judged_kept_by(first, second)
    facts = [name for name in (judgement.facts if judgement else ()) if contract.has_fact(name)]
    sources = [source for name in facts for source in contract.fact(name).sources]
    result = Difference(
        id=f"fuzz.generated.{judgement.failure_kind if judgement else 'open'}",
        title=f"{describe_feature(fuzz_only.feature)[:1].upper()}{describe_feature(fuzz_only.feature)[1:]}",
        kept_by=kept_by,
        level=judgement.level if judgement else Level.MAY,
        fact=facts[0] if facts else "",
        sources=tuple(dict.fromkeys(sources)),
        message=judgement.message if judgement else "",
        changes=(ChangeOccurrence(change=fuzz_only.change, calls=fuzz_only.calls, request_count=fuzz_only.count),),
        exchanges=fuzz_only.exchanges,
        is_sent_by_sdks=fuzz_only.feature is None,
        generated_count=fuzz_only.count,
    )
    return with_sdk_effects(
        result, contract, is_invalid=bool(facts) and any(map(is_refusal, map(contract.fact, facts)))
    )


def _judged_kept_by(first: Judgement | None, second: Judgement | None) -> KeptBy:
    if first and second:
        return KeptBy.NEITHER
    if first or second:
        return KeptBy.SECOND if first else KeptBy.FIRST
    return KeptBy.BOTH
