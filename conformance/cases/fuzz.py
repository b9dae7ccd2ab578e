"""Fuzzing as checks: one for each way in which the answers to generated requests can be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.checks.catalogue import check
from conformance.checks.check import ACCEPTED, ALL_KINDS, ERROR_BODY, FACT_OF_PARAMETER, NO_SERVER_ERROR, Tier
from conformance.core.errors import NotApplicable
from conformance.core.model import Parameter

if TYPE_CHECKING:
    from conformance.requests import Call
    from conformance.requests.steps import Steps


@dataclass(frozen=True, slots=True)
class FuzzProperty(Parameter):
    """A property of the answers to generated requests; the slug is the fuzzer's name for its violation."""

    fact: str


FUZZ_PROPERTIES = (
    FuzzProperty("server-error", "Generated requests cause no server error", NO_SERVER_ERROR),
    FuzzProperty("unanswered", "Every generated request is answered", NO_SERVER_ERROR),
    FuzzProperty("misframed", "Every answer to a generated request ends where its headers say", "rules.framing"),
    FuzzProperty("refused", "Generated requests that are valid are accepted", ACCEPTED),
    FuzzProperty("taken", "Generated requests that must be refused are refused", "answers.json-invalid"),
    FuzzProperty("status", "Generated requests are answered with statuses that the contract allows", ACCEPTED),
    FuzzProperty("body", "The answers to generated requests have the documented shape", ERROR_BODY),
    FuzzProperty("leak", "No answer to a generated request shows a stack trace", "rules.no-stack-trace"),
    FuzzProperty("broken", "Generated requests do not affect the requests after them", "rules.recovery"),
)


@check(
    "fuzz.generated.{slug}",
    "{description}.",
    fact=FACT_OF_PARAMETER,
    kinds=ALL_KINDS,
    parameters=FUZZ_PROPERTIES,
    exclusive=True,
    tier=Tier.BURST,
)
def generated_requests(_: Call, __: FuzzProperty) -> Steps:
    """Hand-written checks miss requests that nobody thought of; the fuzzer generates thousands.

    It sends them after all other checks, judges the answers by the contract, and repeats and shrinks the failing ones.
    """
    yield from ()
    raise NotApplicable("fuzzing is off; see --fuzz")
