"""Ordinary requests: the acceptable request of each operation, with which others are compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.requests import Baseline, Call

if TYPE_CHECKING:
    from conformance.causes.cause_analysis import OrdinaryRequests
    from conformance.requests import PreflightResult
    from conformance.run.plan import Plan
    from conformance.wire import Redactor


def ordinary_requests(plan: Plan, preflight: PreflightResult, redactor: Redactor) -> OrdinaryRequests:
    """The ordinary request of each operation, as it is sent, with secrets redacted."""
    requests = {}
    for operation in plan.contract.operations:
        baseline = preflight.baselines.get(operation, Baseline())
        call = Call(contract=plan.contract, operation=operation, keys=plan.keys, baseline=baseline, run_id=plan.run_id)
        request = call.acceptable_request().build_request()
        full_request = replace(request, headers=(*plan.target.headers, *request.headers))
        requests[operation] = redactor.redact_request(full_request)
    return requests
