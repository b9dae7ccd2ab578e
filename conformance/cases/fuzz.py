"""Fuzzing as checks: one for each thing that can be wrong with the answers to generated requests."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from conformance.catalogue import ERROR_BODY, Tier, check
from conformance.errors import Silent
from conformance.model import Kind

if TYPE_CHECKING:
    from conformance.engine import Steps
    from conformance.payloads import Call


@dataclass(frozen=True, slots=True)
class Promise:
    """What generated requests put to the test; the slug is the word of the fuzzer for what breaks it."""

    slug: str
    words: str
    fact: str


PROMISES = (
    Promise("server-error", "No generated request is answered with a 5xx", "rules.no-server-error"),
    Promise("unanswered", "Every generated request is answered", "rules.no-server-error"),
    Promise("misframed", "Every answer to a generated request ends where its head says", "rules.framing"),
    Promise("refused", "Generated requests that are valid are accepted", "answers.accepted"),
    Promise("taken", "Generated requests that must be refused are refused", "answers.json-invalid"),
    Promise(
        "status", "Generated requests get no status that the contract does not allow", "answers.accepted"
    ),
    Promise("body", "The answers to generated requests have the promised shape", ERROR_BODY),
    Promise(
        "leak", "No answer to a generated request shows the inside of the server", "rules.no-stack-trace"
    ),
    Promise("broken", "No generated request spoils those that come after it", "rules.recovery"),
)


@check("fuzz.generated.{slug}", "{words}.", fact=attrgetter("fact"), kinds=frozenset(Kind), forms=PROMISES,
       exclusive=True, tier=Tier.BURST)  # fmt: skip
def generated(_: Call, __: Promise) -> Steps:
    """Nobody thinks of every request. Thousands are made up, and the contract says which answers are wrong.

    The fuzzer sends them after all other checks, and has its own ways to judge, repeat and shrink what fails.
    """
    yield from ()
    raise Silent("fuzzing is off; see --fuzz")
