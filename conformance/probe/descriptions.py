"""Facts in words, for the summary of a probe and the distances from known profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.text import format_range
from conformance.profile.facts import CredentialFact, ExpectedResponse, MaxEvents, ResponseBody, SizeLimit

if TYPE_CHECKING:
    from conformance.profile.facts import Fact


def describe_fact(fact: Fact) -> str:
    """A fact in a few words, for a comparison with another one."""
    match fact:
        case SizeLimit():
            size = format_range(fact.at_least, fact.at_most)
            return f"{size} {fact.unit.words} ({', '.join(map(str, fact.statuses))})"
        case MaxEvents():
            return f"{fact.count:,} events"
        case ExpectedResponse():
            return " or ".join(map(str, fact.statuses))
        case ResponseBody():
            words = [fact.body_format or "", fact.media_type or "", fact.text or ""]
            return " ".join(word for word in words if word) or "another shape"
        case CredentialFact():
            return fact.carrier
        case _:
            return "accepted"


def describe_limit(limit: SizeLimit) -> str:
    """The size, the unit and the scope of a limit."""
    is_exact = limit.at_least == limit.at_most
    size = f"{limit.at_least:,}" if is_exact else f"between {limit.at_least:,} and {limit.at_most:,}"
    return f"{size} {limit.unit.words}{'' if limit.applies_to_chunked else ', not in chunks'}"


def describe_answer(answer: ExpectedResponse) -> str:
    """The expected statuses, and the tolerated ones."""
    tolerated = [str(item.status) for item in answer.tolerate]
    return " or ".join(map(str, answer.expect)) + (f" (also {', '.join(tolerated)})" if tolerated else "")
