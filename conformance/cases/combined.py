"""Two things at once: what is accepted alone is accepted together, and what is refused alone stays refused."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from conformance.cases._forms import join_deviations, judge_forms, same_answer, send_form
from conformance.cases._refusals import refusal_of
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import ACCEPTED, FACT_OF_PARAMETER, NO_SERVER_ERROR, FirstPer
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import TransportFailure
from conformance.core.statuses import MULTIPLE_CHOICES, SERVER_ERROR
from conformance.requests.combinations import combinations_of_path
from conformance.requests.content_codings import with_gzip
from conformance.requests.credentials import NO_CREDENTIALS, UNKNOWN_KEY
from conformance.requests.invalid_credentials import MISSING_CREDENTIALS, UNKNOWN_KEY_CASE
from conformance.requests.path_shares import share_of_path
from conformance.requests.refusal_pairs import CREDENTIAL_PAIRS, OTHER_PAIRS
from conformance.requests.spellings import Form

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from conformance.core.model import Exchange
    from conformance.profile.facts import ExpectedResponse
    from conformance.requests import Call, Step
    from conformance.requests.combinations import Combination
    from conformance.requests.invalid_cases import InvalidCase
    from conformance.requests.refusal_pairs import Reason, ReasonPair
    from conformance.requests.steps import Steps


def _supported_features(call: Call) -> Generator[Step, Exchange, frozenset[str]]:
    """What is accepted here alone, though no document promises it."""
    drafts = {
        "gzip": with_gzip(call.acceptable_request()),
        "chunks": call.acceptable_request().with_chunked_encoding(),
    }
    supported = set()
    for name, draft in drafts.items():
        if expect.is_accepted((yield draft.allowing_no_answer())):
            supported.add(name)
    return frozenset(supported)


@check("combined.accepted.usual", "Features that are accepted alone are accepted together.", fact=ACCEPTED)
def accepted_together(call: Call) -> Steps:
    """Clients send gzip in chunks, with a charset, for users without an id; a server may have tried each alone."""
    control = yield call.control_request()
    expect.control(control)
    supported = yield from _supported_features(call)
    combinations = dict.fromkeys(item.documented(supported) for item in combinations_of_path(call))
    forms = [Form(item.description or "nothing unusual", item.make_draft) for item in combinations]
    yield from judge_forms(call, forms, same_answer(call, control))
    return None


@check("combined.{slug}", "{description} is refused in gzip, in chunks, under any type and for any user.",
       fact=FACT_OF_PARAMETER, parameters=(MISSING_CREDENTIALS, UNKNOWN_KEY_CASE))  # fmt: skip
def refused_together(call: Call, case: InvalidCase) -> Steps:
    """A guard may look only at what it knows: a body in gzip, in chunks or without a user passes it by."""
    expect.control((yield call.control_request()))
    others = tuple(item for item in (MISSING_CREDENTIALS, UNKNOWN_KEY_CASE) if item is not case)
    answer = yield from refusal_of(call, case, *others)
    deviations: list[Deviation] = []
    for combination in combinations_of_path(call):
        with contextlib.suppress(NotApplicable):
            try:
                yield from _expect_refusal_of(call, case, combination, answer)
            except Deviation as deviation:
                deviations.append(deviation)
    if deviations:
        raise join_deviations(deviations)
    return None


def _expect_refusal_of(
    call: Call, case: InvalidCase, combination: Combination, answer: ExpectedResponse
) -> Generator[Step, Exchange, None]:
    """Wrong credentials beside other oddities are refused. Raises Deviation if not.

    A server that fails on the oddities with the right key, too, is left to other checks.
    """
    credentials = NO_CREDENTIALS if case is MISSING_CREDENTIALS else call.credentials(key=UNKNOWN_KEY)
    subject = f"{case.description} with {combination.description or 'nothing else unusual'}"
    draft = combination.make_draft(call)
    exchange = yield from send_form(call, subject, draft.with_credentials(credentials))
    if exchange.failure is TransportFailure.CLOSED and combination.may_close:
        return
    if expect.is_server_error(exchange):
        alone = yield combination.make_draft(call).allowing_no_answer(may_time_out=True)
        if expect.is_server_error(alone):
            return
    is_other_refusal = not combination.is_documented and MULTIPLE_CHOICES <= exchange.status < SERVER_ERROR
    if not is_other_refusal:
        expect.status(exchange, answer, subject)


@check("combined.credentials.with-refusals", "Wrong credentials beside another reason to refuse are refused.",
       fact=NO_SERVER_ERROR)  # fmt: skip
def credentials_with_refusals(call: Call) -> Steps:
    """An answer to the second reason may come from code that takes the first for checked."""
    expect.control((yield call.control_request()))
    return (yield from _expect_all_refused(call, share_of_path(call, CREDENTIAL_PAIRS)))


@check("combined.refusals.status", "Two reasons to refuse a request at once cause no server error.",
       fact=NO_SERVER_ERROR, first_per=FirstPer.KIND)  # fmt: skip
def refusals(call: Call) -> Steps:
    """An error within the handling of an error is the one that nobody has tried."""
    expect.control((yield call.control_request()))
    return (yield from _expect_all_refused(call, OTHER_PAIRS))


def _expect_all_refused(call: Call, pairs: Iterable[ReasonPair]) -> Steps:
    """Each pair of reasons is answered, and accepted only if one of its reasons is no reason here."""
    deviations = []
    for pair in pairs:
        with contextlib.suppress(NotApplicable):
            draft = pair.make_draft(call)
            exchange = yield draft.allowing_no_answer(may_time_out=True)
            is_bad = expect.is_server_error(exchange) or expect.is_accepted(exchange)
            if is_bad and not (yield from _explains(call, exchange, pair.first, pair.second)):
                deviations.append(_deviation(exchange, pair))
    if deviations:
        raise join_deviations(deviations)
    return None


def _explains(call: Call, exchange: Exchange, *reasons: Reason) -> Generator[Step, Exchange, bool]:
    """Whether one reason alone has an answer as bad.

    A success is explained by a reason that is accepted alone, unless it is one that servers ignore: then the other
    reason still holds.
    """
    is_success, explained = expect.is_accepted(exchange), []
    for reason in reasons:
        alone = yield reason.make_draft(call).allowing_no_answer(may_time_out=True)
        is_as_bad = expect.is_accepted(alone) if is_success else expect.is_server_error(alone)
        explained.append((is_as_bad, is_success and reason.is_ignorable))
    return all(is_as_bad for is_as_bad, _ in explained) or any(
        is_as_bad and not is_ignorable for is_as_bad, is_ignorable in explained
    )


def _deviation(exchange: Exchange, pair: ReasonPair) -> Deviation:
    return Deviation(
        f"a request with {pair.description} must be refused as one with either alone",
        f"was answered with {exchange.summary}",
        exchange=exchange,
        expected="a refusal",
        is_server_error=expect.is_server_error(exchange),
    )
