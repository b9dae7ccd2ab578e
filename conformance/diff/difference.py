"""Differences for the report: each once, by the promise that it breaks, with the side that keeps it."""

from __future__ import annotations

import enum
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.causes.attribution import NO_SERVER_ERROR_FACT
from conformance.causes.normalized_answers import STATUS, TRAILING_BYTES, VERDICT, AnswerChange
from conformance.causes.step_difference import FAIL_OR_ERROR, StepDifference
from conformance.core.model import Area, Level, Outcome
from conformance.core.statuses import MULTI_STATUS, SERVER_ERROR
from conformance.diff.sdk_effects import UNNOTICED, SdkEffect, compare_sdk_effects, worst_reaction
from conformance.diff.sides import FIRST, SECOND
from conformance.profile.facts import ExpectedResponse
from conformance.report.curl import curl_command
from conformance.report.transcript import transcript_json
from conformance.run.verdicts import build_verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.causes.cause_analysis import CauseAnalysis
    from conformance.contract import Contract
    from conformance.core.model import Exchange, JsonObject, Source
    from conformance.sdks import Reaction

_FIRST_REDIRECT = 300
_SDK_LIKE_AREAS = frozenset({Area.ACCEPT, Area.SDK})
_LAST_NAMING_AREAS = frozenset({Area.ERRORS, Area.ROBUSTNESS})
_LARGE_REQUEST_AREAS = frozenset({Area.SDK, Area.ERRORS})
"""Areas whose requests explain least: they have much in them that does not matter."""


class KeptBy(enum.StrEnum):
    """The side that keeps the promise of a difference."""

    FIRST = "A"
    SECOND = "B"
    NEITHER = "neither"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOccurrence:
    """A change, with the calls that show it and the number of requests."""

    change: AnswerChange
    calls: tuple[str, ...]
    request_count: int

    def as_json(self) -> JsonObject:
        """The JSON form."""
        return {
            "in": str(self.change.facet), FIRST: str(self.change.first), SECOND: str(self.change.second),
            "calls": [*self.calls], "requests": self.request_count,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference, with everything that shows it.

    `id` is the check that names it. `deciding_checks` fail on one side because of it, `other_checks` show it without
    failing. `exchanges` are those of the smallest request that shows it. `generated_count` counts generated requests
    that show it; `fuzz_only_titles` describe those that resemble no check.
    """

    id: str
    title: str
    kept_by: KeptBy
    level: Level
    fact: str
    sources: tuple[Source, ...]
    message: str
    changes: tuple[ChangeOccurrence, ...]
    exchanges: tuple[Exchange | None, Exchange | None]
    deciding_checks: tuple[str, ...] = ()
    other_checks: tuple[str, ...] = ()
    effects: tuple[SdkEffect, ...] = ()
    worst_reaction: Reaction | None = None
    is_sent_by_sdks: bool = False
    generated_count: int = 0
    fuzz_only_titles: tuple[str, ...] = ()
    curl_commands: tuple[str, str] = ("", "")

    @property
    def calls(self) -> tuple[str, ...]:
        """Every call that shows it."""
        return tuple(sorted({call for way in self.changes for call in way.calls}))

    def as_json(self) -> JsonObject:
        """The JSON form."""
        one, other = self.exchanges
        return {
            "id": self.id, "title": self.title, "keeps": self.kept_by.value, "level": self.level.value,
            "fact": self.fact, "sources": [source.as_json() for source in self.sources],
            "message": self.message, "checks": [*self.deciding_checks], "likewise": [*self.other_checks],
            "calls": [*self.calls], "ways": [way.as_json() for way in self.changes],
            "generated": self.generated_count, "examples": [*dict.fromkeys(self.fuzz_only_titles)],
            "sdks": {
                "usual": self.is_sent_by_sdks,
                "harm": self.worst_reaction.value if self.worst_reaction else UNNOTICED,
                "effects": [item.as_json() for item in self.effects],
            },
            "exchanges": {
                FIRST: transcript_json(one) if one else None, SECOND: transcript_json(other) if other else None,
            },
            "curl": {FIRST: self.curl_commands[0], SECOND: self.curl_commands[1]},
        }  # fmt: skip


def build_difference(group: Sequence[StepDifference], causes: CauseAnalysis, contract: Contract) -> Difference:
    """The difference of a group."""
    naming = min(group, key=lambda unit: _naming_order(unit, causes))
    deciding = [difference for difference in group if difference.decides_verdict]
    smallest = min(
        (unit for unit in deciding or group if unit.change == naming.change),
        key=lambda unit: _request_size_order(unit, causes),
    )
    trial = naming.trial
    kept_by = _kept_by(naming)
    failing = naming.results[0 if kept_by is KeptBy.SECOND else 1]
    is_invalid = _is_invalid(naming)
    changes = _change_occurrences(group)
    check_ids = sorted({unit.trial.check.id for unit in deciding} or {trial.check.id})
    result = Difference(
        id=trial.check.id,
        title=trial.check.title,
        kept_by=kept_by,
        level=min(map(_promise_level, deciding or [naming]), key=lambda level: level.rank),
        fact=trial.check.fact,
        sources=failing.sources or trial.sources,
        message=build_verdict(trial, failing).message if deciding else "",
        changes=changes,
        exchanges=smallest.exchanges,
        deciding_checks=tuple(check_ids),
        other_checks=tuple(sorted({unit.trial.check.id for unit in group} - {*check_ids})),
        is_sent_by_sdks=any(
            unit.trial.check.area in _SDK_LIKE_AREAS or causes.is_ordinary(unit) for unit in deciding or group
        ),
    )
    return with_sdk_effects(result, contract, is_invalid=is_invalid)


def _promise_level(difference: StepDifference) -> Level:
    """The level of the promise of a check."""
    result = difference.results[0 if difference.results[0].outcome in FAIL_OR_ERROR else 1]
    return difference.trial.cap_level(result.level) if result.level else difference.trial.level


def with_sdk_effects(difference: Difference, contract: Contract, *, is_invalid: bool) -> Difference:
    """A difference with SDK effects and curl commands."""
    one, other = difference.exchanges
    if one is None or other is None:
        return difference
    paths = [call.partition(" ")[2] for call in difference.calls]
    sdk_effects = compare_sdk_effects(contract, paths, one, other, is_invalid=is_invalid)
    commands = [
        "" if item.request.raw_writer is not None else curl_command(item.request, item.url) for item in (one, other)
    ]
    return replace(
        difference,
        effects=sdk_effects,
        worst_reaction=worst_reaction(sdk_effects, is_invalid=is_invalid),
        curl_commands=(commands[0], commands[1]),
    )


def _naming_order(difference: StepDifference, causes: CauseAnalysis) -> tuple[object, ...]:
    """The check that names a difference comes first: one that fails, strong, specific, of an ordinary request."""
    check = difference.trial.check
    return (
        not difference.decides_verdict,
        difference.change.facet != TRAILING_BYTES,
        difference.results[0].outcome is Outcome.ERROR or difference.results[1].outcome is Outcome.ERROR,
        check.area in _LAST_NAMING_AREAS or check.fact == NO_SERVER_ERROR_FACT,
        difference.trial.level.rank,
        not check.ignores_preflight,
        check.fact.startswith("rules."),
        not causes.is_ordinary(difference),
        check.area is Area.SDK,
        check.id,
        str(difference.trial.asked_operation),
    )


def _request_size_order(difference: StepDifference, causes: CauseAnalysis) -> tuple[object, ...]:
    """The smallest and plainest request comes first."""
    request = difference.request
    size = len(request.body) + sum(len(value) for _, value in request.query) if request else 0
    return (
        request is None, request is not None and request.raw_writer is not None,
        difference.trial.check.area in _LARGE_REQUEST_AREAS, size, len(causes.special_traits(difference)),
        difference.trial.name, difference.step,
    )  # fmt: skip


def _kept_by(difference: StepDifference) -> KeptBy:
    """The side that keeps the promise of a check."""
    first, second = (result.outcome in FAIL_OR_ERROR for result in difference.results)
    if first and second:
        return KeptBy.NEITHER
    if not difference.decides_verdict:
        return KeptBy.BOTH
    return KeptBy.SECOND if first else KeptBy.FIRST


def _change_occurrences(group: Iterable[StepDifference]) -> tuple[ChangeOccurrence, ...]:
    """The distinct changes of a group: those that fail checks first, then the most frequent."""
    by_change: dict[AnswerChange, list[StepDifference]] = defaultdict(list)
    for difference in group:
        by_change[difference.change].append(difference)
    if len(by_change) > 1:
        by_change = {change: units for change, units in by_change.items() if change.facet != VERDICT}
    ordered = sorted(
        by_change.items(),
        key=lambda item: (
            not any(unit.decides_verdict for unit in item[1]), item[0].facet != STATUS, -len(item[1]), item[0].sort_key,
        ),
    )  # fmt: skip
    return tuple(
        ChangeOccurrence(
            change=change,
            calls=tuple(sorted({str(place) for unit in differences if (place := unit.trial.asked_operation)})),
            request_count=len(differences),
        )
        for change, differences in ordered
    )


def _is_invalid(difference: StepDifference) -> bool:
    """Whether the request of a difference is to be refused."""
    facts = difference.trial.facts
    if any(isinstance(fact, ExpectedResponse) for fact in facts):
        return any(map(is_refusal, facts))
    return all(
        exchange is not None and _FIRST_REDIRECT < exchange.status < SERVER_ERROR for exchange in difference.exchanges
    )


def is_refusal(fact: object) -> bool:
    """Whether a fact is about requests that are not simply accepted."""
    return isinstance(fact, ExpectedResponse) and any(
        status == MULTI_STATUS or status >= _FIRST_REDIRECT for status in fact.statuses
    )
