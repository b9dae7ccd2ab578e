"""Differences for the report: each once, by the promise that it breaks, with the side that keeps it."""

from __future__ import annotations

import enum
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.causes.naming import is_invalid_request, naming_order, promise_level, request_size_order
from conformance.causes.normalized_answers import STATUS, VERDICT, AnswerChange
from conformance.causes.sdk_effects import UNNOTICED, SdkEffect, compare_sdk_effects, worst_reaction
from conformance.causes.step_difference import FAIL_OR_ERROR, StepDifference
from conformance.core.model import Area, Level
from conformance.diff.sides import FIRST, SECOND
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
    naming = min(group, key=lambda unit: naming_order(unit, causes))
    deciding = [difference for difference in group if difference.decides_verdict]
    smallest = min(
        (unit for unit in deciding or group if unit.change == naming.change),
        key=lambda unit: request_size_order(unit, causes),
    )
    trial = naming.trial
    kept_by = _kept_by(naming)
    failing = naming.results[0 if kept_by is KeptBy.SECOND else 1]
    is_invalid = is_invalid_request(naming)
    changes = _change_occurrences(group)
    check_ids = sorted({unit.trial.check.id for unit in deciding} or {trial.check.id})
    result = Difference(
        id=trial.check.id,
        title=trial.check.title,
        kept_by=kept_by,
        level=min(map(promise_level, deciding or [naming]), key=lambda level: level.rank),
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
