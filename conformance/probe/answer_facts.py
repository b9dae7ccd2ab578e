"""Answer facts: the statuses of answers, derived from the observations of a draft profile."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from conformance.core.model import Level
from conformance.core.statuses import SERVER_ERROR
from conformance.core.text import join_first
from conformance.probe.descriptions import describe_answer
from conformance.probe.dialects import probe_source
from conformance.profile.facts import Condition, ExpectedResponse, ToleratedStatus

if TYPE_CHECKING:
    from conformance.core.model import Exchange, Source
    from conformance.probe.draft_profile import DraftProfile, Observation

_FIRST_STATABLE, _NOT_IMPLEMENTED = 200, 501
_MAX_PATHS, _MAX_DESCRIPTIONS = 4, 3


def is_statable(exchange: Exchange) -> bool:
    """Whether a profile can state such an answer: not a missing one, and not a 5xx."""
    return _FIRST_STATABLE <= exchange.status < SERVER_ERROR


def derive_answer_facts(draft_profile: DraftProfile) -> None:
    """Makes facts of the observed answers, and remarks of those that no profile can state."""
    for name, observations in sorted(draft_profile.observations.items()):
        unusable = [item for item in observations if not is_statable(item.exchange)]
        if name == f"answers.{Condition.METHOD_WRONG}":
            unusable = [item for item in unusable if item.exchange.status != _NOT_IMPLEMENTED]
        for item in unusable[:1]:
            draft_profile.add_remark(
                f"{name}: {item.request_description} on {item.operation} was answered with {item.exchange.summary}; "
                "no profile states that, and a run fails on it"
            )
        answer = answer_fact(name, observations)
        if answer is None:
            continue
        draft_profile.facts[name] = answer
        draft_profile.add_fact_row(name, describe_answer(answer), _evidence(answer, observations))
        for tolerated in answer.tolerate:
            draft_profile.add_remark(f"{name}: not the same everywhere: {tolerated.status} to {tolerated.source.says}")


def answer_fact(name: str, observations: list[Observation]) -> ExpectedResponse | None:
    """The fact for these observations: the most common status is expected, the others are tolerated."""
    usable = [item for item in observations if is_statable(item.exchange)]
    if not usable:
        return None
    counts = Counter(item.exchange.status for item in usable)
    most_common, *others = [status for status, _ in counts.most_common()]
    return ExpectedResponse(
        name=name,
        level=Level.MUST,
        sources=(_source([item for item in usable if item.exchange.status == most_common]),),
        expect=(most_common,),
        tolerate=tuple(
            ToleratedStatus(status=status, source=_source([item for item in usable if item.exchange.status == status]))
            for status in others
        ),
    )


def _source(observations: list[Observation]) -> Source:
    """The source: the operations, the requests and the status."""
    paths = list(dict.fromkeys(str(item.operation) for item in observations))
    descriptions = list(dict.fromkeys(item.request_description for item in observations))
    return probe_source(
        join_first(paths, _MAX_PATHS),
        f"{join_first(descriptions, _MAX_DESCRIPTIONS)}: {observations[0].exchange.status}",
    )


def _evidence(answer: ExpectedResponse, observations: list[Observation]) -> str:
    paths = len({item.operation for item in observations})
    return f"{len(observations)} asked on {paths} path{'s' * (paths > 1)}: {answer.sources[0].says}"
