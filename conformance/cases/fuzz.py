"""Fuzzing as checks: one for each thing that can be wrong with the answers to generated requests."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from conformance.checks.catalogue import check
from conformance.checks.check import ERROR_BODY, Tier
from conformance.core.errors import NotApplicable
from conformance.core.model import OperationKind

if TYPE_CHECKING:
    from conformance.requests import Call
    from conformance.requests.steps import Steps


@dataclass(frozen=True, slots=True)
class FuzzProperty:
    """What generated requests put to the test; the slug is the word of the fuzzer for what breaks it."""

    slug: str
    description: str
    fact: str


FUZZ_PROPERTIES = (
    FuzzProperty("server-error", "No generated request is answered with a 5xx", "rules.no-server-error"),
    FuzzProperty("unanswered", "Every generated request is answered", "rules.no-server-error"),
    FuzzProperty("misframed", "Every answer to a generated request ends where its head says", "rules.framing"),
    FuzzProperty("refused", "Generated requests that are valid are accepted", "answers.accepted"),
    FuzzProperty("taken", "Generated requests that must be refused are refused", "answers.json-invalid"),
    FuzzProperty("status", "Generated requests get no status that the contract does not allow", "answers.accepted"),
    FuzzProperty("body", "The answers to generated requests have the promised shape", ERROR_BODY),
    FuzzProperty("leak", "No answer to a generated request shows the inside of the server", "rules.no-stack-trace"),
    FuzzProperty("broken", "No generated request spoils those that come after it", "rules.recovery"),
)


@check(
    "fuzz.generated.{slug}",
    "{description}.",
    fact=attrgetter("fact"),
    kinds=frozenset(OperationKind),
    parameters=FUZZ_PROPERTIES,
    exclusive=True,
    tier=Tier.BURST,
)
def generated_requests(_: Call, __: FuzzProperty) -> Steps:
    """Nobody thinks of every request. Thousands are made up, and the contract says which answers are wrong.

    The fuzzer sends them after all other checks, and has its own ways to judge, repeat and shrink what fails.
    """
    yield from ()
    raise NotApplicable("fuzzing is off; see --fuzz")
