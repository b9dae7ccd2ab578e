"""How answers are judged under load, as a compact table that the contract yields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.checks.check import SMALLEST_REQUEST_CHECKS
from conformance.core.errors import NotApplicable
from conformance.core.model import OperationKind
from conformance.profile.facts import Condition, ExpectedResponse, ResponseBody, ResponseKind, Rule

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.core.model import Json, JsonObject
    from conformance.requests import Call

_CHECKS = {OperationKind.EVENT: "robustness.concurrency.events", OperationKind.BATCH: "robustness.concurrency.batches"}


def good_rule(call: Call) -> JsonObject:
    """The rule for answers to acceptable requests: the documented statuses and body of a success."""
    answer = call.contract.expected_response(Condition.ACCEPTED)
    body = f"bodies.{ResponseKind.ACCEPTED}"
    kind = call.operation.kind
    return {
        "check": _CHECKS.get(kind, SMALLEST_REQUEST_CHECKS[kind]),
        "subject": "an acceptable request",
        "level": answer.level.value,
        "statuses": [*answer.statuses],
        "body_check": "accept.answer.body",
        "body": _body(call.contract.response_body(ResponseKind.ACCEPTED)) if call.contract.has_fact(body) else None,
        "server_error_level": _level(call.contract, Rule.NO_SERVER_ERROR),
        "taken_level": call.contract.success_fact.level.value,
    }


def bad_rule(call: Call, check: str, fact: str, description: str) -> JsonObject:
    """The rule for answers to one kind of invalid request. Raises NotApplicable if the contract has none."""
    answer = call.contract.fact(fact)
    if not isinstance(answer, ExpectedResponse):
        raise NotApplicable(f"{fact} states no answer")
    statuses = [*answer.statuses]
    if any(200 <= status < 300 for status in statuses):
        statuses += [status for status in range(200, 207) if status not in statuses]
    try:
        body = _body(call.contract.error_body(call.operation))
    except NotApplicable:
        body = None
    return {
        "check": check,
        "subject": description,
        "level": answer.level.value,
        "statuses": [*statuses],
        "body_check": "errors.body.json",
        "body": body,
        "server_error_level": _level(call.contract, Rule.NO_SERVER_ERROR),
        "taken_level": None,
    }


def limited_rule(contract: Contract) -> JsonObject:
    """The rule for answers that ask clients to slow down."""
    try:
        answer = contract.expected_response(Condition.RATE_EXCEEDED)
        statuses, level = [*answer.statuses], answer.level.value
    except NotApplicable:
        statuses, level = [429], "should"
    headers: list[Json] = [
        {"name": fact.name.removeprefix("rate.headers."), "level": fact.level.value, "date": fact.may_be_date}
        for fact in contract.rate_headers
    ]
    unlimited = contract.fact("rate.unlimited").level.value if contract.has_fact("rate.unlimited") else None
    return {"statuses": [*statuses], "level": level, "headers": [*headers], "unlimited_level": unlimited}


def _body(shape: ResponseBody) -> dict[str, Any]:
    return {"level": shape.level.value, **shape.as_json()}


def _level(contract: Contract, rule: Rule) -> str:
    name = f"rules.{rule}"
    return contract.fact(name).level.value if contract.has_fact(name) else "must"
