"""Naming: which difference of a group names it, and which request shows it best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.causes.attribution import NO_SERVER_ERROR_FACT
from conformance.causes.normalized_answers import TRAILING_BYTES
from conformance.causes.step_difference import FAIL_OR_ERROR
from conformance.core.model import Area, Level, Outcome
from conformance.core.statuses import MULTI_STATUS, SERVER_ERROR
from conformance.profile.facts import ExpectedResponse

if TYPE_CHECKING:
    from conformance.causes.cause_analysis import CauseAnalysis
    from conformance.causes.step_difference import StepDifference

_FIRST_REDIRECT = 300
_LAST_NAMING_AREAS = frozenset({Area.ERRORS, Area.ROBUSTNESS, Area.SAME, Area.VALUES, Area.COMBINED})
_LARGE_REQUEST_AREAS = frozenset({Area.SDK, Area.ERRORS})
"""Areas whose requests explain least: they have much in them that does not matter."""


def naming_order(difference: StepDifference, causes: CauseAnalysis) -> tuple[object, ...]:
    """The check that names a difference comes first: one that fails, strong, specific, of an ordinary request."""
    check = difference.trial.check
    return (
        not difference.decides_verdict,
        difference.change.facet != TRAILING_BYTES,
        difference.results[0].outcome is Outcome.ERROR or difference.results[1].outcome is Outcome.ERROR,
        check.area in _LAST_NAMING_AREAS or check.fact == NO_SERVER_ERROR_FACT,
        difference.trial.level.rank,
        not check.ignores_preflight,
        check.fact.startswith("rules."),
        not causes.is_ordinary(difference),
        check.area is Area.SDK,
        check.id,
        str(difference.trial.asked_operation),
    )


def request_size_order(difference: StepDifference, causes: CauseAnalysis) -> tuple[object, ...]:
    """The smallest and plainest request comes first."""
    request = difference.request
    size = len(request.body) + sum(len(value) for _, value in request.query) if request else 0
    return (
        request is None, request is not None and request.raw_writer is not None,
        difference.trial.check.area in _LARGE_REQUEST_AREAS, size, len(causes.special_traits(difference)),
        difference.trial.name, difference.step,
    )  # fmt: skip


def promise_level(difference: StepDifference) -> Level:
    """The level of the promise of a check."""
    result = difference.results[0 if difference.results[0].outcome in FAIL_OR_ERROR else 1]
    return difference.trial.cap_level(result.level) if result.level else difference.trial.level


def is_invalid_request(difference: StepDifference) -> bool:
    """Whether the request of a difference is to be refused."""
    facts = difference.trial.facts
    if any(isinstance(fact, ExpectedResponse) for fact in facts):
        return any(map(is_refusal, facts))
    return all(
        exchange is not None and _FIRST_REDIRECT < exchange.status < SERVER_ERROR for exchange in difference.exchanges
    )


def is_refusal(fact: object) -> bool:
    """Whether a fact is about requests that are not simply accepted."""
    return isinstance(fact, ExpectedResponse) and any(
        status == MULTI_STATUS or status >= _FIRST_REDIRECT for status in fact.statuses
    )
