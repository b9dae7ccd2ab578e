"""Steps of checks that send many forms of one request: each form is judged, and the verdict names those that failed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.cases._steps import converse_raw, expect_no_hang, fact_of_documented_request
from conformance.checks import expect
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import TransportFailure
from conformance.profile.facts import Condition

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from conformance.core.model import Exchange
    from conformance.requests import Call, Draft, Step
    from conformance.requests.spellings import Form
    from conformance.requests.steps import Steps

_MOST_NAMED = 6
"""How many failed forms a message names one by one."""


def make_form(call: Call, form: Form) -> Draft | None:
    """The request of a form; None where the dialect or a limit has no room for it."""
    try:
        draft = form.make(call)
        draft.require_within_limits()
    except NotApplicable:
        return None
    return draft


def send_form(call: Call, subject: str, draft: Draft) -> Generator[Step, Exchange, Exchange]:
    """The exchange of a form. Raises Deviation if it times out although an acceptable request is answered."""
    if draft.raw_writer is not None:
        (exchange,) = yield from converse_raw(call, subject, draft)
        return exchange
    exchange = yield draft.allowing_no_answer(may_time_out=True)
    yield from expect_no_hang(call, exchange, subject)
    return exchange


def judge_forms(
    call: Call, forms: Iterable[Form], judge: Callable[[Exchange, str], None]
) -> Generator[Step, Exchange, None]:
    """Sends each form, and judges its answer.

    Raises one Deviation that names all forms that failed, and NotApplicable if the dialect has room for none. After one
    without an answer no more are sent: each would take as long.
    """
    deviations: list[Deviation] = []
    is_any_sent = False
    for form in forms:
        draft = make_form(call, form)
        if draft is None:
            continue
        is_any_sent = True
        try:
            exchange = yield from send_form(call, form.description, draft)
            judge(exchange, form.description)
        except Deviation as deviation:
            deviations.append(deviation)
            if deviation.exchange.failure is TransportFailure.TIMEOUT:
                break
    if deviations:
        raise join_deviations(deviations)
    if not is_any_sent:
        raise NotApplicable("the dialect has no room for these forms")


def expect_same_answers(call: Call, forms: Iterable[Form], rule: str = "") -> Steps:
    """The control is accepted, and each form is answered as it was, or as documented.

    `rule` says why it must be, if the documented answer is not all.
    """
    control = yield call.control_request()
    expect.control(control)
    yield from judge_forms(call, forms, same_answer(call, control, rule))
    return None


def same_answer(call: Call, control: Exchange, rule: str = "") -> Callable[[Exchange, str], None]:
    """A judge of forms that must have the answer of a control, or the documented one.

    Bodies may not say that the event was refused.
    """
    documented = call.contract.expected_response(Condition.ACCEPTED)
    answer = replace(documented, expect=tuple(dict.fromkeys((*documented.expect, control.status))))
    fact = fact_of_documented_request(call, rule) if rule else None

    def judge(exchange: Exchange, description: str) -> None:
        subject = f"an acceptable request with {description}"
        expect.status(exchange, answer, subject, fact=fact)
        expect.taken(exchange, subject, call.contract, call.usual_success)

    return judge


def join_deviations(deviations: Sequence[Deviation]) -> Deviation:
    """The worst of some deviations, with a message that names the others: a server error, a refusal, then the rest."""
    worst = min(deviations, key=lambda item: (not item.is_server_error, item.exchange.status < 400))
    if len(deviations) == 1:
        return worst
    others = [item.message for item in deviations if item is not worst]
    more = [f"{len(others) - _MOST_NAMED} more"] if len(others) > _MOST_NAMED else []
    return Deviation(
        worst.promise,
        "; ".join([worst.message.removeprefix(f"{worst.promise}, and "), *others[:_MOST_NAMED], *more]),
        exchange=worst.exchange,
        expected=worst.expected,
        received=worst.received,
        level=worst.level,
        sources=worst.sources,
        is_server_error=worst.is_server_error,
    )
