"""No verdict is stronger than its fact, its path and its check, and each cites the documents of what was broken.

Every check of every profile is run against made-up bad answers, without a network.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, cast

import pytest

from conformance.cases import CHECKS
from conformance.checks.expect import HTML_PROBE
from conformance.checks.trial import make_trials
from conformance.contract import Contract
from conformance.core.model import (
    Area,
    Exchange,
    Level,
    Outcome,
    Request,
    Response,
    TransportFailure,
    Verdict,
    weaker_level,
)
from conformance.profile import common_facts, load
from conformance.requests import Keys, PreflightResult
from conformance.requests.framings import is_well_formed
from conformance.run.engine import CheckResult, run_one
from conformance.run.verdicts import build_verdict
from tests.support import paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.checks.trial import Trial
    from conformance.core.model import Source
    from conformance.requests import ConcurrentRequests, Conversation, Draft
    from conformance.run.sender import Sender

KEYS = Keys(write_key="Key-12345")
BARE = "bare"
PROFILES = ("metarouter", "rudderstack", "segment", "segmentstream", "acme", BARE)
OTHER_PROMISES = (
    "rules.no-server-error",
    "rules.malformed-request",
    "rules.recovery",
    "rules.overload",
    "rules.success-means-taken",
)
"""What an answer may break although the check asks for something else."""
GENERAL_DOCUMENTS = ("RFC ", "CWE-", "Fetch Standard", "Requests and reactions recorded")


@dataclass(frozen=True)
class BadAnswer:
    """What a bad server answers after its first good answers."""

    name: str
    response: Response | None = None
    failure: TransportFailure | None = None


BAD_ANSWERS = (
    BadAnswer("500", Response(status=500, body=b"oops")),
    BadAnswer("overloaded", Response(status=503, headers=(("Retry-After", "1"),))),
    BadAnswer("closed", failure=TransportFailure.CLOSED),
    BadAnswer("silent", failure=TransportFailure.TIMEOUT),
    BadAnswer("200", Response(status=200, headers=(("Content-Type", "image/png"),), body=b"Stack trace:")),
    BadAnswer("400", Response(status=400, headers=(("Content-Type", "text/html"),), body=HTML_PROBE.encode())),
    BadAnswer("429", Response(status=429, headers=(("Retry-After", "soon"),))),
)  # fmt: skip
QUICK = ("silent", "400", "429")
"""Bad answers that the first requests show."""


class BadServer:
    """Stands in for a sender: answers like a good server a few times, and then always badly."""

    def __init__(self, contract: Contract, bad: BadAnswer, good_answers: int) -> None:
        self._good = Response(status=contract.expected_response("accepted").expect[0])  # type: ignore[arg-type]
        self._bad, self._good_left = bad, good_answers
        self.requests: list[Request] = []

    def _answer(self, draft: Draft) -> Exchange:
        request = draft.build_request()
        self.requests.append(request)
        url = f"http://target{request.path}"
        if self._good_left > 0:
            self._good_left -= 1
            return Exchange(request=request, url=url, response=self._good)
        return Exchange(request=request, url=url, response=self._bad.response, failure=self._bad.failure)

    async def send(self, draft: Draft) -> Exchange:
        """The answer to one draft."""
        return self._answer(draft)

    async def send_concurrently(self, concurrent: ConcurrentRequests) -> tuple[Exchange, ...]:
        """The answers to many."""
        return tuple(map(self._answer, concurrent.drafts))

    async def send_conversation(self, conversation: Conversation) -> tuple[Exchange, ...]:
        """The answers on one connection."""
        return tuple(map(self._answer, conversation.drafts))


@cache
def contract_of(name: str) -> Contract:
    """The contract of a profile; that of `bare` has nothing but what HTTP promises, an address and a key."""
    if name != BARE:
        return Contract(load(str(paths.ACME) if name == "acme" else name))
    profile = load(str(paths.ACME))
    stated = {key: fact for key, fact in profile.facts.items() if key == "answers.accepted" or "credentials." in key}
    events = {key: replace(event, required={}) for key, event in profile.events.items()}
    return Contract(replace(profile, name=BARE, events=events, facts={**common_facts(), **stated}))


def trials_of(name: str) -> Iterator[Trial]:
    """A trial of every check on each level of operation."""
    seen = set()
    for trial in make_trials(contract_of(name), KEYS, CHECKS):
        operation = trial.operation
        key = (trial.check.id, operation and operation.level)
        if trial.is_runnable and trial.check.area is not Area.FUZZ and key not in seen:
            seen.add(key)
            yield trial


def failures(trial: Trial) -> Iterator[tuple[BadAnswer, Verdict, CheckResult]]:
    """Each failed verdict on the bad servers, with the answer that led to it."""
    for bad in BAD_ANSWERS:
        for good_answers in range(2 if bad.name in QUICK else 3):
            server = BadServer(trial.contract, bad, good_answers)
            fresh = replace(trial, preflight=PreflightResult())
            result = asyncio.run(run_one(fresh, cast("Sender", server)))
            assert "fault of the suite" not in result.message, (trial.name, bad.name, result.message)
            if result.outcome is Outcome.FAIL:
                yield bad, build_verdict(trial, result), result


def cap(trial: Trial, level: Level) -> Level:
    """A level, no stronger than the path and the check."""
    path = trial.operation.level if trial.operation else Level.MUST
    return weaker_level(weaker_level(level, path), trial.check.max_level)


def strongest_promise(trial: Trial, sources: tuple[Source, ...]) -> Level:
    """The strongest level of a fact that the sources are of: of the check's own, or of a general one."""
    contract = trial.contract
    general = [contract.fact(name) for name in OTHER_PROMISES if contract.has_fact(name)]
    cited = set(sources)
    levels = [fact.level for fact in (*trial.facts, *general) if set(fact.sources) <= cited]
    for name in ("json-invalid", "accepted", "credentials-missing"):
        fact = contract.profile.facts.get(f"answers.{name}")
        if fact and set(fact.sources) <= cited:
            levels.append(weaker_level(fact.level, trial.level))
    assert levels, (trial.name, "cites no fact that it may break", sources)
    return min(levels, key=lambda level: level.rank)


@pytest.mark.parametrize("profile", PROFILES)
def test_no_verdict_is_stronger_than_what_was_broken(profile: str) -> None:
    """The weakest of fact, path, check and of what the cited documents promise; a 5xx has one rule."""
    contract = contract_of(profile)
    count = 0
    for trial in trials_of(profile):
        for bad, verdict, result in failures(trial):
            where = (profile, trial.name, bad.name, verdict.level, verdict.message)
            count += 1
            well_formed = all(is_well_formed(exchange.request) for exchange in result.exchanges)
            assert verdict.sources, where
            assert verdict.level.rank >= cap(trial, strongest_promise(trial, verdict.sources)).rank, where
            server_error = contract.fact("rules.no-server-error").level
            own = cap(trial, trial.level)
            if not result.is_server_error:
                assert verdict.level.rank >= own.rank, where
            elif well_formed:
                assert verdict.level.rank <= cap(trial, server_error).rank, where
                assert verdict.level.rank >= min(own.rank, cap(trial, server_error).rank), where
            if not well_formed:
                assert verdict.level is not Level.MUST, where
            if verdict.received_status == 503 and trial.check.id.startswith(("rate-limit.", "robustness.concurrency.")):
                assert verdict.level is not Level.MUST, where
            if verdict.level is Level.MUST:
                documents = {source.document for source in verdict.sources}
                assert not all(name.startswith(GENERAL_DOCUMENTS) for name in documents), where
    assert count > 500
