"""Groups: each difference told once, by the promise that it is about, with who keeps it."""

from __future__ import annotations

import enum
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.difference.answers import STATUS, STRAY, Change
from conformance.difference.comparing import BROKEN, VERDICT, Unit
from conformance.difference.effects import Effect, effects, harm
from conformance.difference.homes import SOUND
from conformance.expect import SERVER_ERROR
from conformance.model import Area, Level, Outcome
from conformance.profile.facts import Answer
from conformance.report.curl import curl
from conformance.report.transcript import transcript
from conformance.verdicts import judged

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.contract import Contract
    from conformance.difference.causes import Reasons
    from conformance.model import Exchange, JsonObject, Source
    from conformance.sdks import Reaction

_PARTLY, _REDIRECT = 207, 300
_USUAL = frozenset({Area.ACCEPT, Area.SDK})
_GENERAL = frozenset({Area.ERRORS, Area.ROBUSTNESS})


class Keeps(enum.StrEnum):
    """Which side keeps the promise that a difference is about."""

    FIRST = "A"
    SECOND = "B"
    NEITHER = "neither"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way in which the answers differ: how, on which calls, in how many requests."""

    change: Change
    calls: tuple[str, ...]
    requests: int

    def as_json(self) -> JsonObject:
        """It as JSON data."""
        return {
            "in": self.change.facet, "A": self.change.first, "B": self.change.second,
            "calls": [*self.calls], "requests": self.requests,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference, told once.

    `id` is the check that names it, `checks` are all that judge the sides differently, `likewise` those in
    whose requests it shows as well. `exchanges` are those of the smallest request that shows it. `is_usual`
    says that SDKs send such requests; `generated` counts generated requests that show it, `examples` say what
    is special about those that no check is like.
    """

    id: str
    title: str
    keeps: Keeps
    level: Level
    fact: str
    sources: tuple[Source, ...]
    message: str
    ways: tuple[Way, ...]
    exchanges: tuple[Exchange | None, Exchange | None]
    checks: tuple[str, ...] = ()
    likewise: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    harm: Reaction | None = None
    is_usual: bool = False
    generated: int = 0
    examples: tuple[str, ...] = ()
    curls: tuple[str, str] = ("", "")

    @property
    def calls(self) -> tuple[str, ...]:
        """Every call that it shows on."""
        return tuple(sorted({call for way in self.ways for call in way.calls}))

    def as_json(self) -> JsonObject:
        """It as JSON data."""
        one, other = self.exchanges
        return {
            "id": self.id, "title": self.title, "keeps": self.keeps.value, "level": self.level.value,
            "fact": self.fact, "sources": [source.as_json() for source in self.sources],
            "message": self.message, "checks": [*self.checks], "likewise": [*self.likewise],
            "calls": [*self.calls], "ways": [way.as_json() for way in self.ways],
            "generated": self.generated, "examples": [*dict.fromkeys(self.examples)],
            "sdks": {
                "usual": self.is_usual,
                "harm": self.harm.value if self.harm else "unnoticed",
                "effects": [item.as_json() for item in self.effects],
            },
            "exchanges": {
                "A": transcript(one) if one else None, "B": transcript(other) if other else None,
            },
            "curl": {"A": self.curls[0], "B": self.curls[1]},
        }  # fmt: skip


def difference(cluster: Sequence[Unit], reasons: Reasons, contract: Contract) -> Difference:
    """What a cluster of differences comes to."""
    named = min(cluster, key=lambda unit: _naming(unit, reasons))
    leads = [unit for unit in cluster if unit.leading]
    shown = min(
        (unit for unit in leads or cluster if unit.change == named.change),
        key=lambda unit: _size(unit, reasons),
    )
    trial = named.trial
    keeps = _keeps(named)
    broken = named.findings[0 if keeps is Keeps.SECOND else 1]
    is_bad = _is_bad(named)
    ways = _ways(cluster)
    checks = sorted({unit.trial.check.id for unit in leads} or {trial.check.id})
    found = Difference(
        id=trial.check.id,
        title=trial.check.title,
        keeps=keeps,
        level=min(map(_level, leads or [named]), key=lambda level: level.rank),
        fact=trial.check.fact,
        sources=broken.sources or trial.sources,
        message=judged(trial, broken).message if leads else "",
        ways=ways,
        exchanges=shown.exchanges,
        checks=tuple(checks),
        likewise=tuple(sorted({unit.trial.check.id for unit in cluster} - {*checks})),
        is_usual=any(unit.trial.check.area in _USUAL or reasons.is_plain(unit) for unit in leads or cluster),
    )
    return weighed(found, contract, is_bad=is_bad)


def _level(unit: Unit) -> Level:
    """How strong the promise is that a check is about."""
    found = unit.findings[0 if unit.findings[0].outcome in BROKEN else 1]
    return unit.trial.capped(found.level) if found.level else unit.trial.level


def weighed(found: Difference, contract: Contract, *, is_bad: bool) -> Difference:
    """A difference with what SDKs make of it, and the lines that show it again."""
    one, other = found.exchanges
    if one is None or other is None:
        return found
    paths = [call.partition(" ")[2] for call in found.calls]
    seen = effects(contract, paths, one, other, is_bad=is_bad)
    lines = [
        "" if item.request.spelling is not None else curl(item.request, item.url) for item in (one, other)
    ]
    return replace(found, effects=seen, harm=harm(seen, is_bad=is_bad), curls=(lines[0], lines[1]))


def _naming(unit: Unit, reasons: Reasons) -> tuple[object, ...]:
    """Who names a difference: a complaint, the strongest, the most direct, of the most ordinary request."""
    check = unit.trial.check
    return (
        not unit.leading,
        unit.change.facet != STRAY,
        unit.findings[0].outcome is Outcome.ERROR or unit.findings[1].outcome is Outcome.ERROR,
        check.area in _GENERAL or check.fact == SOUND,
        unit.trial.level.rank,
        not check.opens,
        check.fact.startswith("rules."),
        not reasons.is_plain(unit),
        check.area == "sdk",
        check.id,
        str(unit.trial.operation),
    )


def _size(unit: Unit, reasons: Reasons) -> tuple[object, ...]:
    """How small the request is that shows a difference."""
    request = unit.request
    size = len(request.body) + sum(len(value) for _, value in request.query) if request else 0
    return (
        request is None, request is not None and request.spelling is not None,
        unit.trial.check.area in {"sdk", "errors"}, size, len(reasons.special(unit)),
        unit.trial.name, unit.step,
    )  # fmt: skip


def _keeps(unit: Unit) -> Keeps:
    """Which side keeps the promise of a check."""
    first, second = (finding.outcome in BROKEN for finding in unit.findings)
    if first and second:
        return Keeps.NEITHER
    if not unit.leading:
        return Keeps.BOTH
    return Keeps.SECOND if first else Keeps.FIRST


def _ways(cluster: Iterable[Unit]) -> tuple[Way, ...]:
    """The ways in which answers differ, that of most complaints first."""
    found: dict[Change, list[Unit]] = defaultdict(list)
    for unit in cluster:
        found[unit.change].append(unit)
    if len(found) > 1:
        found.pop(next((change for change in found if change.facet == VERDICT), Change("", "", "")), None)
    ordered = sorted(
        found.items(),
        key=lambda item: (
            not any(unit.leading for unit in item[1]), item[0].facet != STATUS, -len(item[1]), str(item[0]),
        ),
    )  # fmt: skip
    return tuple(
        Way(
            change=change,
            calls=tuple(sorted({str(unit.trial.operation) for unit in units if unit.trial.operation})),
            requests=len(units),
        )
        for change, units in ordered
    )


def _is_bad(unit: Unit) -> bool:
    """Whether the request of a difference should be refused."""
    facts = unit.trial.facts
    if any(isinstance(fact, Answer) for fact in facts):
        return any(map(refuses, facts))
    return all(
        exchange is not None and _REDIRECT < exchange.status < SERVER_ERROR for exchange in unit.exchanges
    )


def refuses(fact: object) -> bool:
    """Whether a fact is about requests that are not plainly accepted."""
    return isinstance(fact, Answer) and any(
        status == _PARTLY or status >= _REDIRECT for status in fact.statuses
    )
