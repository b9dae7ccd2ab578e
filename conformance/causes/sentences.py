"""Sentences: a cause in words, with its request and how it was answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import sdks
from conformance.checks import expect
from conformance.core.text import truncate
from conformance.fuzz.finding import FAILURE_TITLES

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from conformance.contract import Contract
    from conformance.core.model import Exchange
    from conformance.fuzz.finding import Finding
    from conformance.run.engine import CheckResult

_MAX_LENGTH, _MAX_MESSAGE_LENGTH, _MAX_OTHERS = 300, 160, 3


def describe_answer(exchange: Exchange) -> str:
    """How a request was answered: `is refused with 400`."""
    if exchange.response is None:
        return f"gets no answer ({exchange.failure})"
    status = exchange.status
    if expect.is_accepted(exchange):
        return f"is accepted with {status}"
    return f"is refused with {status}" if 400 <= status < 500 else f"is answered with {status}"


def describe_cause(naming: CheckResult, others: Sequence[CheckResult], in_common: str = "", beside: str = "") -> str:
    """The sentence of a cause: what is wrong with the request that names it, and a few others with the same answer.

    `in_common` is what all of them have in common, `beside` what else is wrong with an answer that names no request.
    """
    if not naming.subject or naming.exchange is None:
        message = truncate(naming.message, _MAX_MESSAGE_LENGTH if beside else _MAX_LENGTH)
        return truncate(f"{message}; and {beside}" if beside else message, _MAX_LENGTH)
    subjects = list(dict.fromkeys(item.subject for item in others if item.subject and item.subject != naming.subject))
    sentence = f"{naming.subject} {describe_answer(naming.exchange)}"
    if in_common:
        sentence += f" ({in_common})"
    if subjects:
        rest = f" and {len(subjects) - _MAX_OTHERS:,} more" if len(subjects) > _MAX_OTHERS else ""
        sentence += f"; so with {'; '.join(subjects[:_MAX_OTHERS])}{rest}"
    return truncate(sentence, _MAX_LENGTH)


def describe_finding(finding: Finding) -> str:
    """The sentence of a cause that only generated requests show."""
    if finding.exchange is None:
        return truncate(finding.title, _MAX_LENGTH)
    title = FAILURE_TITLES[finding.failure_kind]
    subject = finding.reason or "a valid request"
    return truncate(f"{subject} {describe_answer(finding.exchange)} ({title})", _MAX_LENGTH)


def stopped_sdks(check_ids: Collection[str], contract: Contract) -> tuple[str, ...]:
    """Which official SDKs of the profile can't deliver, whose requests these checks see refused, in words."""
    supported = [sdk for sdk in sdks.load_all() if contract.has_fact(f"sdks.{sdk.name}")]
    stopped = [sdk for sdk in supported if f"sdk.{sdk.name}.accepted" in check_ids]
    if len(stopped) > 1 and len(stopped) == len(supported):
        return ("no official SDK can deliver",)
    words: dict[str, None] = {}
    for sdk in stopped:
        of_language = [item for item in supported if item.language == sdk.language]
        is_whole = len(of_language) > 1 and all(item in stopped for item in of_language)
        words[f"no official SDK for {sdk.language} can deliver" if is_whole else f"{sdk.title} can't deliver"] = None
    return tuple(words)
