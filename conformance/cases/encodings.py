"""Content codings: bodies in gzip, valid and invalid. Support is optional; gzip never causes a server error."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.cases._steps import describe_outcomes, expect_no_hang, expect_no_server_errors, get_lone_answer
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import EVENTS_AND_BATCHES, NO_SERVER_ERROR, WITH_BODY, FirstPer, Tier
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import Level, Parameter
from conformance.core.statuses import SERVER_ERROR
from conformance.profile.facts import Condition
from conformance.requests import content_codings
from conformance.requests.invalid_cases import EMPTY_BODY, TRUNCATED_JSON, oversized_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.checks.check import CheckOptions
    from conformance.contract import Contract
    from conformance.profile.facts import ExpectedResponse
    from conformance.requests import Call, Draft
    from conformance.requests.invalid_cases import InvalidCase
    from conformance.requests.steps import Steps

BOMB_OPTIONS: CheckOptions = {"first_per": FirstPer.KIND, "tier": Tier.VOLUME}


@check("robustness.gzip.accepted", "The answer to a body in gzip is reported.",
       fact="rules.gzip", kinds=WITH_BODY, max_level=Level.MAY, observes=True)  # fmt: skip
def gzip_accepted(call: Call) -> Steps:
    """Some official SDKs send gzip; a server that accepts it on some paths only is hard to debug."""
    expect.control((yield call.control_request()))
    draft = content_codings.with_gzip(call.acceptable_request()).allowing_no_answer()
    return (yield from describe_outcomes([("a body in gzip", draft)]))


@dataclass(frozen=True, slots=True)
class InvalidGzip(Parameter):
    """A way to make gzip invalid, and the JSON that a server may take it for."""

    make: Callable[[Draft], Draft]
    plain_case: InvalidCase = TRUNCATED_JSON


CORRUPT_GZIP = InvalidGzip("corrupt", "a body with a gzip header and corrupt data", content_codings.with_corrupt_gzip)
TRUNCATED_GZIP = InvalidGzip("truncated", "the first half of a body in gzip", content_codings.with_truncated_gzip)
EMPTY_GZIP = InvalidGzip("empty", "a body in gzip of nothing", content_codings.with_gzip_of_nothing, EMPTY_BODY)


@check("robustness.gzip.{slug}", "{description} is refused.", fact=f"answers.{Condition.ENCODING_INVALID}",
       kinds=WITH_BODY, parameters=(CORRUPT_GZIP, TRUNCATED_GZIP, EMPTY_GZIP))  # fmt: skip
def invalid_gzip(call: Call, invalid: InvalidGzip) -> Steps:
    """A server can't read such a body; if it answers with a success, the event is lost silently."""
    expect.control((yield call.control_request()))
    plain = yield from get_lone_answer(call, invalid.plain_case)
    return expect.status(
        (yield invalid.make(call.acceptable_request())), _invalid_gzip_answer(call.contract, plain), invalid.description
    )


def _invalid_gzip_answer(contract: Contract, plain: ExpectedResponse) -> ExpectedResponse:
    """The answer to invalid gzip. A server that does not decode gzip answers as to a `plain` body that is not JSON."""
    answer = contract.expected_response(Condition.ENCODING_INVALID)
    statuses = [*plain.statuses]
    if contract.has_fact(f"answers.{Condition.JSON_NOT_UTF8}"):
        statuses += contract.expected_response(Condition.JSON_NOT_UTF8).statuses
    return replace(answer, expect=tuple(dict.fromkeys((*answer.expect, *statuses))))


@check("robustness.gzip.status", "A body in gzip, valid or not, causes no server error.",
       fact=NO_SERVER_ERROR, kinds=WITH_BODY)  # fmt: skip
def gzip_status(call: Call) -> Steps:
    """After a 5xx, or no answer at all, SDKs send the same body again and again."""
    bodies = (
        ("a body in gzip", content_codings.with_gzip(call.acceptable_request())),
        (CORRUPT_GZIP.description, CORRUPT_GZIP.make(call.acceptable_request())),
        (TRUNCATED_GZIP.description, TRUNCATED_GZIP.make(call.acceptable_request())),
        ("a plain body under the name of gzip", content_codings.with_gzip_label_only(call.acceptable_request())),
        ("a body in an unknown content coding", content_codings.with_unknown_coding(call.acceptable_request())),
    )
    return (yield from expect_no_server_errors(call, bodies))


@check("robustness.gzip.bomb", "A small body that unpacks to ten megabytes is refused.",
       fact="rules.inflated-size", kinds=EVENTS_AND_BATCHES, **BOMB_OPTIONS)  # fmt: skip
def gzip_bomb(call: Call) -> Steps:
    """A limit that holds only for packed bodies lets anybody fill the server's memory."""
    limit = call.contract.body_size_limit(call.operation)
    expect.require_supported((yield content_codings.with_gzip(call.acceptable_request())), "a body in gzip")
    plain = yield oversized_request(call)
    if expect.is_accepted(plain):
        raise NotApplicable(f"a body over the limit is accepted without gzip, too: {plain.summary}")
    subject = f"a body in gzip that unpacks to {content_codings.BOMB_BYTES:,} bytes"
    exchange = yield content_codings.gzip_bomb(call).allowing_no_answer(may_time_out=True)
    yield from expect_no_hang(call, exchange, subject)
    if not 400 <= exchange.status < SERVER_ERROR:
        raise Deviation(
            f"{subject}, over the limit of {limit.format_size(limit.at_most)}, must be refused",
            f"was answered with {exchange.summary}",
            exchange=exchange,
            expected="a refusal",
            is_server_error=expect.is_server_error(exchange),
        )
    return None


@check("robustness.gzip.bomb-status", "A small body that unpacks to ten megabytes causes no server error.",
       fact=NO_SERVER_ERROR, kinds=EVENTS_AND_BATCHES, **BOMB_OPTIONS)  # fmt: skip
def gzip_bomb_status(call: Call) -> Steps:
    """A server that unpacks the whole body before it checks the size may run out of memory."""
    drafts = [("a body in gzip that unpacks to ten megabytes", content_codings.gzip_bomb(call))]
    return (yield from expect_no_server_errors(call, drafts))
