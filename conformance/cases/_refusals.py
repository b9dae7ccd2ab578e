"""Refusals that several checks look at: each is sent once, and says what two reasons at once may be answered."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.checks import expect
from conformance.core.errors import NotApplicable
from conformance.core.statuses import MULTIPLE_CHOICES, SERVER_ERROR
from conformance.requests import Draft
from conformance.requests.refused_requests import RefusedRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from conformance.core.model import Exchange
    from conformance.profile.facts import ExpectedResponse
    from conformance.requests import Call, Step
    from conformance.requests.invalid_cases import InvalidCase


def lone_exchange(
    call: Call, case: InvalidCase | RefusedRequest, allow: Callable[[Draft], Draft] = Draft.allowing_no_answer
) -> Generator[Step, Exchange, Exchange]:
    """The answer to a request with one reason to refuse it; sent once for each path in a run, until it is answered.

    `allow` says how the draft may go unanswered.
    """
    slug = case.shared_slug or case.slug if isinstance(case, RefusedRequest) else case.slug
    key = f"{slug} of {call.operation}"
    exchange = call.refusals.get(key)
    if exchange is None or exchange.response is None:
        own_call = call.labelled(key)  # so that the bytes of other requests don't depend on which check comes first
        exchange = yield allow(case.make_draft(own_call))
        call.refusals[key] = exchange
    return exchange


def must_be_answered(draft: Draft) -> Draft:
    """A draft of which the engine finds out why it has no answer."""
    return draft


def may_time_out(draft: Draft) -> Draft:
    """A draft for checks that judge silence themselves."""
    return draft.allowing_no_answer(may_time_out=True)


def refusal_of(call: Call, case: InvalidCase, *others: InvalidCase) -> Generator[Step, Exchange, ExpectedResponse]:
    """The refusals that are documented for a case and for others, and those of the target to the case alone.

    A success is among them only if the case alone is accepted, as it may be. Raises NotApplicable if it is accepted
    and should not be, or makes the server fail: that is judged by the checks of the case.
    """
    answer = call.contract.expected_response(case.condition)
    exchange = yield from lone_exchange(call, case)
    is_known = exchange.status in answer.statuses
    if exchange.response is None or exchange.status >= SERVER_ERROR or (expect.is_accepted(exchange) and not is_known):
        raise NotApplicable(f"{case.description} alone is not refused: {exchange.summary}")
    documented = [*answer.statuses, exchange.status]
    for other in others:
        with contextlib.suppress(NotApplicable):
            if call.contract.has_fact(other.fact):
                documented += call.contract.expected_response(other.condition).statuses
    if not expect.is_accepted(exchange):
        documented = [status for status in documented if status >= MULTIPLE_CHOICES]
    return replace(answer, expect=tuple(dict.fromkeys(documented)), tolerate=())
