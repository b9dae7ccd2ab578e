"""The causes of a report, from its JSON document, as every other report shows them."""

from __future__ import annotations

import itertools
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from conformance.core.model import Level, Outcome
from conformance.report.cause import Harm
from conformance.report.failure_groups import describe_known

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_SELECTED = 12
_MAX_FLAKY = 3
_PROBLEM_OUTCOMES = frozenset({Outcome.FAIL.value, Outcome.UNTESTABLE.value, Outcome.ERROR.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseView:
    """A cause of a report. `number` counts from 1, in the order of harm, those at the gate first.

    `shown` is the check that shows it, None if it is not in the report; `known` says why it is accepted, and is empty
    if it is not; `flaky` are the messages of checks that did not fail in every run.
    """

    data: Mapping[str, Any]
    command: str
    shown: Mapping[str, Any] | None = None
    known: str = ""
    flaky: tuple[str, ...] = ()
    number: int = 0

    @property
    def harm(self) -> Harm:
        """What it costs."""
        return Harm(self.data["harm"])

    @property
    def check_ids(self) -> tuple[str, ...]:
        """The ids of the checks that it explains."""
        return tuple(dict.fromkeys(item["id"] for item in self.data["explains"]))

    @property
    def counted(self) -> str:
        """How many checks it explains, and on how many calls: `3 checks, 12 calls`."""
        ids, calls = self.check_ids, len(self.data["calls"])
        checks = f"{len(ids):,} checks" if len(ids) > 1 else str(ids[0])
        return f"{checks}, {calls:,} calls" if calls > 1 else checks

    @property
    def costs(self) -> str:
        """What it costs, and what official SDKs do because of it."""
        losses = (f"{item['title']} {item['does']}" for item in self.data["sdks"])
        return "; ".join(dict.fromkeys([self.harm.words, *losses]))

    @property
    def outcome(self) -> str:
        """The outcome of the check that shows it."""
        shown = self.data["shown_by"]
        outcomes = (item["outcome"] for item in self.data["explains"] if item["id"] == shown["id"])
        return str(next(outcomes, Outcome.FAIL.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseOverview:
    """The causes of a report: those at the gate, those below it, and those of which all is known.

    `unexplained` are the problems that no cause explains.
    """

    gate: str
    gated: tuple[CauseView, ...]
    below: tuple[CauseView, ...]
    known: tuple[CauseView, ...]
    failures: int
    unexplained: tuple[Mapping[str, Any], ...] = ()

    @property
    def heading(self) -> str:
        """How many causes there are, in a sentence without a full stop."""
        count = len(self.gated)
        parts = [f"{count:,} cause{'s' if count != 1 else ''} at the gate {self.gate}"]
        parts += [
            f"{len(items):,} {words}" for items, words in ((self.below, "below it"), (self.known, "known")) if items
        ]
        return f"{', '.join(parts)}: what has to be mended for {self.failures:,} failures, the costliest first"

    @property
    def all(self) -> tuple[CauseView, ...]:
        """All of them."""
        return (*self.gated, *self.below, *self.known)

    @property
    def stopped(self) -> list[tuple[str, str]]:
        """Which official SDKs can't deliver, each with the sentence of the first cause."""
        sentences: dict[str, str] = {}
        for view in self.gated:
            for words in view.data["stops"]:
                sentences.setdefault(words, view.data["sentence"])
        return list(sentences.items())


def view_causes(document: Mapping[str, Any]) -> CauseOverview | None:
    """The causes of a report's JSON document; None if nobody looked for them, or there are none.

    What no document of the vendor promises comes after what one does.
    """
    if not document.get("causes"):
        return None
    checks = {(item["id"], item["operation"]): item for item in document["checks"]}
    gate = Level(document["run"]["gate"])
    sorted_causes: dict[str, list[CauseView]] = {"gated": [], "below": [], "known": []}
    for cause in document["causes"]:
        view = _view(cause, checks, document)
        is_gated = Level(cause["level"]).is_at_least(gate)
        sorted_causes["known" if view.known else "gated" if is_gated else "below"].append(view)
    for views in sorted_causes.values():
        views.sort(key=lambda view: not view.data.get("documented", True))
    numbers = itertools.count(1)
    numbered = {
        place: tuple(replace(view, number=next(numbers)) for view in items) for place, items in sorted_causes.items()
    }
    return CauseOverview(
        gate=gate.value,
        failures=document["counts"].get(Outcome.FAIL.value, 0),
        unexplained=tuple(
            item for item in document["checks"] if item["outcome"] in _PROBLEM_OUTCOMES and "cause" not in item
        ),
        gated=numbered["gated"],
        below=numbered["below"],
        known=numbered["known"],
    )


def _view(
    cause: Mapping[str, Any], checks: Mapping[tuple[str, str], Mapping[str, Any]], document: Mapping[str, Any]
) -> CauseView:
    """A cause with what the checks that it explains say, given by id and operation."""
    places = [(item["id"], operation) for item in cause["explains"] for operation in item["operations"]]
    explained = [checks[place] for place in places if place in checks]
    is_known = bool(explained) and all("known" in item for item in explained)
    return CauseView(
        data=cause,
        command=select_command(cause, document),
        shown=checks.get((cause["shown_by"]["id"], cause["shown_by"]["operation"])),
        known="; ".join(dict.fromkeys(describe_known(item["known"]) for item in explained)) if is_known else "",
        flaky=tuple(item["message"] for item in explained if "runs" in item)[:_MAX_FLAKY],
    )


def select_command(cause: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """The command that runs the checks of a cause again; if these are many, their areas."""
    ids = dict.fromkeys(item["id"] for item in cause["explains"])
    if len(ids) > _MAX_SELECTED:
        ids = dict.fromkeys(name.partition(".")[0] for name in ids)
    return shlex.join(
        ["conformance", "run", document["target"]["url"], "--profile", document["profile"]["name"],
         "--select", ",".join(ids)]
    )  # fmt: skip


def sentences_by_cause(document: Mapping[str, Any]) -> dict[str, str]:
    """The sentence of each cause, by its id."""
    return {item["id"]: item["sentence"] for item in document.get("causes", ())}
