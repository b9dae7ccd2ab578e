"""Refusals of two things at once: the answer to each alone says what the answer to both may be."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.checks import expect
from conformance.core.errors import NotApplicable
from conformance.core.statuses import MULTIPLE_CHOICES, SERVER_ERROR

if TYPE_CHECKING:
    from collections.abc import Generator

    from conformance.core.model import Exchange
    from conformance.profile.facts import ExpectedResponse
    from conformance.requests import Call, Step
    from conformance.requests.invalid_cases import InvalidCase


def lone_exchange(call: Call, case: InvalidCase) -> Generator[Step, Exchange, Exchange]:
    """The answer to an invalid request with nothing else unusual about it; sent once for each path in a run."""
    key = f"{case.slug} of {call.operation}"
    exchange = call.shared_exchanges.get(key)
    if exchange is None:
        own_call = call.labelled(key)  # so that the bytes of other requests don't depend on which check comes first
        exchange = yield case.make_draft(own_call).allowing_no_answer()
        call.shared_exchanges[key] = exchange
    return exchange


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
