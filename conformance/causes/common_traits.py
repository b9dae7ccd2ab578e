"""Common traits: what all requests of a cause have, and no request that is answered as it should be, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.model import Area
from conformance.fuzz.features import ANYWHERE, REQUEST, Category, describe_feature

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.causes.cause_analysis import CauseAnalysis
    from conformance.causes.conjunction import FieldStates
    from conformance.causes.step_difference import StepDifference

_TELLING_CATEGORIES = (
    Category.CODING, Category.CONTENT_TYPE, Category.CHUNKED_BODY, Category.QUERY, Category.NON_ASCII_BYTES,
    Category.ASTRAL_TEXT,
)  # fmt: skip
"""What may stand in a request beside its fields, and is named where all have it."""
_PLAIN_AREAS = frozenset({Area.ACCEPT, Area.SDK, Area.PIXEL, Area.WEBHOOK, Area.PAYLOAD})
"""Areas of requests that have much in them, of which their checks do not name each part."""
_MAX_FIELDS, _MAX_CHOICES = 2, 2


def describe_common_traits(differences: Iterable[StepDifference], causes: CauseAnalysis) -> str:
    """What all requests that fail these checks have in common, where one thing, or one of two, explains them.

    Empty if their checks name it, nothing is known, or nothing at all is accepted on one of the calls.
    """
    named = [
        item
        for item in differences
        if item.decides_verdict and item.change.statuses and item.change.statuses[0].is_success and item.request
    ]
    is_plain = any(item.trial.check.area in _PLAIN_AREAS for item in named)
    if not is_plain or not all(causes.accepts_any(item.trial.asked_operation) for item in named):
        return ""
    telling = _telling_trait(named, causes)
    if telling:
        return telling
    choices = _distinguishing_fields(named, causes)
    return " or ".join(choices) if 0 < len(choices) <= _MAX_CHOICES else ""


def _telling_trait(differences: Sequence[StepDifference], causes: CauseAnalysis) -> str:
    """The one trait beside the event that all these requests have and no accepted one has; empty if there is none."""
    common = frozenset.intersection(*(frozenset(causes.candidate_traits(item)) for item in differences))
    traits = [trait for trait in common if trait.category in _TELLING_CATEGORIES and trait.place in {ANYWHERE, REQUEST}]
    telling = min(traits, key=lambda trait: _TELLING_CATEGORIES.index(trait.category), default=None)
    return describe_feature(telling) if telling else ""


def _distinguishing_fields(differences: Sequence[StepDifference], causes: CauseAnalysis) -> list[str]:
    """The fields that these events have or lack, as few as no accepted event has or lacks together."""
    if any(item.trial.asked_operation is None for item in differences):
        return []
    found = causes.conjunction.smallest_distinguishing(differences, _MAX_FIELDS)
    return list(dict.fromkeys(map(_describe, sorted(found, key=sorted))))


def _describe(states: FieldStates) -> str:
    return " and ".join(f"{'without' if state == 'absent' else 'with'} {place}" for place, state in sorted(states))
