"""Content codings once gzip is accepted: limits hold for what a body unpacks to, and the name of its coding counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._steps import expect_no_server_errors
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import NO_SERVER_ERROR, WITH_BODY, FirstPer
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import Level
from conformance.profile.facts import Condition
from conformance.requests.content_codings import with_gzip
from conformance.requests.invalid_cases import oversized_request
from conformance.requests.other_codings import MISLABELLED, UNUSUAL, gzip_of
from conformance.requests.path_shares import share_of_path

if TYPE_CHECKING:
    from collections.abc import Generator

    from conformance.core.model import Exchange
    from conformance.requests import Call, Step
    from conformance.requests.steps import Steps


_FAR_OVER, _SLIGHTLY_OVER = 300, 110
"""Shares of the limit of a body, in percent."""


@check("robustness.coding.over", "A body in gzip that unpacks to three times its limit is refused.",
       fact="rules.inflated-size", kinds=WITH_BODY, first_per=FirstPer.KIND)  # fmt: skip
def unpacked_over_limit(call: Call) -> Steps:
    """A limit on what arrives lets in a hundred times as much, and what comes after the server has no room for it."""
    exchange = yield from _unpacked(call, _FAR_OVER)
    _expect_refused(exchange, "a body in gzip that unpacks to three times its limit")
    return None


@check("robustness.coding.slightly-over",
       "The answer to a body in gzip that unpacks to slightly more than its limit is reported.",
       fact="rules.inflated-size", kinds=WITH_BODY, max_level=Level.MAY, observes=True,
       first_per=FirstPer.KIND)  # fmt: skip
def unpacked_slightly_over_limit(call: Call) -> Steps:
    """No document says how large a body may be once it is unpacked, and a server may have a limit of its own."""
    exchange = yield from _unpacked(call, _SLIGHTLY_OVER)
    return f"a body in gzip that unpacks to slightly more than its limit was answered with {exchange.summary}"


def _unpacked(call: Call, percent: int) -> Generator[Step, Exchange, Exchange]:
    """The answer to gzip that unpacks to a share of the limit. Raises NotApplicable where it shows nothing."""
    expect.require_supported((yield with_gzip(call.acceptable_request())), "a body in gzip")
    plain = yield oversized_request(call).allowing_no_answer()
    if expect.is_accepted(plain):
        raise NotApplicable(f"a body over the limit is accepted without gzip, too: {plain.summary}")
    return (yield gzip_of(call, percent).allowing_no_answer())


@check("robustness.coding.named", "The answers to bodies that are not in the coding that they name are reported.",
       fact=f"answers.{Condition.ENCODING_INVALID}", kinds=WITH_BODY, max_level=Level.MAY, observes=True)  # fmt: skip
def mislabelled(call: Call) -> Steps:
    """A server that skips a name that it does not know reads noise as an event. HTTP allows to refuse it."""
    expect.control((yield call.control_request()))
    expect.require_supported((yield with_gzip(call.acceptable_request()).allowing_no_answer()), "a body in gzip")
    answers = []
    for coded in share_of_path(call, MISLABELLED):
        exchange = yield coded.make_draft(call).allowing_no_answer()
        answers.append(f"{coded.description}: {exchange.summary}")
    return "; ".join(answers)


@check("robustness.coding.status", "Bodies in other codings, in several or in odd gzip cause no server error.",
       fact=NO_SERVER_ERROR, kinds=WITH_BODY, first_per=FirstPer.KIND)  # fmt: skip
def unusual_codings(call: Call) -> Steps:
    """After a 5xx, or no answer at all, SDKs send the same body again and again."""
    bodies = [(coded.description, coded.make_draft(call)) for coded in (*UNUSUAL, *MISLABELLED)]
    return (yield from expect_no_server_errors(call, bodies))


def _expect_refused(exchange: Exchange, subject: str) -> None:
    """A request was refused. Raises Deviation if not."""
    if not expect.is_refused(exchange):
        raise Deviation(
            f"{subject} must be refused",
            f"was answered with {exchange.summary}",
            exchange=exchange,
            expected="a refusal",
            is_server_error=expect.is_server_error(exchange),
        )
