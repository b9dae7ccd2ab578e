"""Encodings: bodies in gzip, good and bad. Nobody has to take gzip, and nobody may break over it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from conformance.cases._steps import describe_outcomes, expect_no_hang, expect_no_server_errors
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import EVENTS_AND_BATCHES, WITH_BODY, FirstPer, Tier
from conformance.core.errors import Deviation
from conformance.core.model import Level
from conformance.core.statuses import SERVER_ERROR
from conformance.profile.facts import Condition
from conformance.requests import content_codings

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.contract import Contract
    from conformance.profile.facts import ExpectedResponse
    from conformance.requests import Call, Draft
    from conformance.requests.steps import Steps

NO_5XX: Final = "rules.no-server-error"
BOMB_OPTIONS: Final[dict[str, Any]] = {"kinds": EVENTS_AND_BATCHES, "first_per": FirstPer.KIND, "tier": Tier.VOLUME}


@check("robustness.gzip.accepted", "Whether a body in gzip is accepted is reported.",
       fact="rules.gzip", kinds=WITH_BODY, max_level=Level.MAY, observes=True)  # fmt: skip
def gzip_accepted(call: Call) -> Steps:
    """Some official SDKs send gzip; servers that take it on one path and not on another are hard to find."""
    expect.control((yield call.control_request()))
    return (
        yield from describe_outcomes(
            [("a body in gzip", content_codings.with_gzip(call.acceptable_request()).allowing_no_answer())]
        )
    )


@dataclass(frozen=True, slots=True)
class InvalidGzip:
    """A way to spoil gzip."""

    slug: str
    description: str
    make: Callable[[Draft], Draft]


INVALID_GZIP = (
    InvalidGzip("corrupt", "a body that begins like gzip and is none", content_codings.with_corrupt_gzip),
    InvalidGzip("truncated", "a body in gzip that breaks off", content_codings.with_truncated_gzip),
)


@check("robustness.gzip.{slug}", "{description} is refused.", fact="answers.encoding-invalid", kinds=WITH_BODY,
       parameters=INVALID_GZIP)  # fmt: skip
def invalid_gzip(call: Call, invalid_encoding: InvalidGzip) -> Steps:
    """Nothing can be read in it; a success would lose the event silently."""
    expect.control((yield call.control_request()))
    return expect.status(
        (yield invalid_encoding.make(call.acceptable_request())),
        _invalid_gzip_answer(call.contract),
        invalid_encoding.description,
    )


def _invalid_gzip_answer(contract: Contract) -> ExpectedResponse:
    """How gzip is answered that is none; where gzip is not looked at, it is bytes that are no JSON."""
    answer = contract.expected_response(Condition.ENCODING_INVALID)
    json_conditions = (Condition.JSON_INVALID, Condition.JSON_NOT_UTF8)
    json_answers = [
        contract.expected_response(item) for item in json_conditions if contract.has_fact(f"answers.{item}")
    ]
    statuses = [status for item in json_answers for status in item.statuses if status not in answer.statuses]
    return replace(answer, expect=(*answer.expect, *statuses))


@check("robustness.gzip.status", "No gzip, good or bad, is answered as the server's own failure.",
       fact=NO_5XX, kinds=WITH_BODY)  # fmt: skip
def gzip_status(call: Call) -> Steps:
    """A 5xx, or no answer at all, makes SDKs send the same body again and again."""
    bodies = (
        ("a body in gzip", content_codings.with_gzip(call.acceptable_request())),
        ("a body that begins like gzip and is none", content_codings.with_corrupt_gzip(call.acceptable_request())),
        ("a body in gzip that breaks off", content_codings.with_truncated_gzip(call.acceptable_request())),
        ("a plain body that is called gzip", content_codings.with_gzip_label_only(call.acceptable_request())),
        ("a body in a coding that nobody knows", content_codings.with_unknown_coding(call.acceptable_request())),
    )
    return (yield from expect_no_server_errors(call, bodies))


@check("robustness.gzip.bomb", "A small body that unpacks to ten megabytes is refused.",
       fact="rules.inflated-size", **BOMB_OPTIONS)  # fmt: skip
def gzip_bomb(call: Call) -> Steps:
    """A limit that is only looked at before unpacking lets anybody fill the server's memory."""
    limit = call.contract.body_size_limit(call.operation)
    expect.require_supported((yield content_codings.with_gzip(call.acceptable_request())), "a body in gzip")
    subject = f"a body in gzip that unpacks to {content_codings.BOMB_BYTES:,} bytes"
    exchange = yield content_codings.gzip_bomb(call).allowing_no_answer(may_time_out=True)
    yield from expect_no_hang(call, exchange, subject)
    if not 400 <= exchange.status < SERVER_ERROR:
        raise Deviation(
            f"{subject}, over the limit of {limit.at_most:,}, must be refused",
            f"was answered with {exchange.summary}",
            exchange=exchange,
            expected="a refusal",
        )
    return None


@check("robustness.gzip.bomb-status", "A body that unpacks to ten megabytes does not bring the server down.",
       fact=NO_5XX, **BOMB_OPTIONS)  # fmt: skip
def gzip_bomb_status(call: Call) -> Steps:
    """A server that unpacks all of it before it looks runs out of memory, or of patience."""
    return (
        yield from expect_no_server_errors(
            call, [("a body in gzip that unpacks to ten megabytes", content_codings.gzip_bomb(call))]
        )
    )
