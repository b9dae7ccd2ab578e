"""Collecting: every check of a contract as a script, or a reason why it is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from conformance.catalogue import Tier, chosen, trials
from conformance.errors import Silent
from conformance.export.learning import Pupil, Unwritable
from conformance.export.rehearsal import rehearse, scripted
from conformance.export.script import Export, Omission, Script, Step
from conformance.export.statuses import telling
from conformance.export.template import Foreign, template
from conformance.model import Area
from conformance.payloads import Draft, Keys
from conformance.refserver.admission import Incoming
from conformance.refserver.answering import Answering

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from conformance.catalogue import Check, Trial
    from conformance.contract import Contract
    from conformance.export.learning import Lesson
    from conformance.export.template import Template
    from conformance.model import Level, Request

_ONE = Keys(write_key="Conformance-Export-Key-One")
_TWO = Keys(write_key="Another-Key-for-the-Export-of-Conformance")
"""Two keys of different lengths: what is the same for both, placeholders aside, is so for every key."""
_TIERS = frozenset({Tier.GENTLE, Tier.STANDARD})


def collect(
    contract: Contract,
    checks: Iterable[Check],
    gate: Level,
    select: Iterable[str] = (),
    deselect: Iterable[str] = (),
) -> Export:
    """The scripts of the checks that are selected. Raises UsageError for a selection of nothing."""
    school = _School(contract, gate)
    scripts: list[Script] = []
    omissions: list[Omission] = []
    for trial in chosen(trials(contract, _ONE, checks, _TIERS), select, deselect):
        try:
            scripts.append(_script(trial, school))
        except Silent:
            omissions.append(Omission(name=trial.name, reason="the profile does not ask for it"))
        except (Unwritable, Foreign) as failure:
            omissions.append(Omission(name=trial.name, reason=str(failure)))
    return Export(profile=contract.profile, gate=gate, scripts=tuple(scripts), omissions=tuple(omissions))


class _School:
    """Where all checks of a contract are learned; what was learned on one operation is tried on the next."""

    def __init__(self, contract: Contract, gate: Level) -> None:
        self.gate = gate
        self._points = telling(contract)
        self._server = Answering(contract, _ONE.write_key)
        self._known: dict[tuple[Hashable, ...], list[Lesson]] = {}

    def taught(self, trial: Trial) -> Pupil:
        """Who has learned a check. Raises Silent and Unwritable."""
        pupil = Pupil(trial, self.gate, self._points, self._answered)
        facts = tuple(map(id, trial.facts))
        known = (trial.check.id, trial.operation.kind if trial.operation else None, trial.level, facts)
        pupil.learn(self._known.get(known, ()))
        self._known[known] = pupil.lessons
        return pupil

    def _answered(self, request: Request) -> int:
        """What the reference server answers."""
        incoming = Incoming(
            method=request.method,
            path=unquote(request.path),
            query=dict(request.query),
            headers={name.lower(): value for name, value in request.headers},
            body=request.body,
        )
        return self._server.reply(incoming).status


def _script(trial: Trial, school: _School) -> Script:
    """A check as a script. Raises Silent, Unwritable and Foreign."""
    if trial.operation is None or not trial.facts:
        raise Silent("the profile does not ask for it")
    _refuse(trial, school.gate)
    pupil = school.taught(trial)
    expectations = pupil.expectations()
    if not any(item.can_fail for item in expectations):
        raise Unwritable("nothing in it can fail at the gate")
    return Script(
        id=trial.check.id,
        operation=str(trial.operation),
        title=trial.check.title,
        level=trial.level,
        sources=trial.sources,
        steps=tuple(
            Step(
                template=found,
                expectation=expectation,
                answered=lesson.answered,
                is_control=lesson.draft.is_control,
            )
            for found, expectation, lesson in zip(
                _templates(trial, pupil.lessons), expectations, pupil.lessons, strict=True
            )
        ),
    )


def _refuse(trial: Trial, gate: Level) -> None:
    """Raises Unwritable for a check that is not even looked at."""
    if trial.check.area is Area.FUZZ:
        raise Unwritable("it is made of thousands of generated requests")
    if trial.check.observes:
        raise Unwritable("it only reports, and can't fail")
    if not trial.level.reaches(gate):
        raise Unwritable(f"its level is below the gate {gate}")
    if not trial.is_allowed:
        raise Unwritable(f"it is of the tier {trial.check.tier}, and presses the target hard")


def _templates(trial: Trial, lessons: list[Lesson]) -> list[Template]:
    """The requests without their key. Raises Foreign where more in them than the key depends on it."""
    again = rehearse(replace(trial, keys=_TWO), scripted([lesson.usual for lesson in lessons]))
    found = [template(lesson.request, _ONE) for lesson in lessons]
    for mine, turn in zip(found, again.turns, strict=True):
        if not isinstance(turn.message, Draft) or template(turn.message.request(), _TWO) != mine:
            raise Foreign("more in it than the key itself depends on the key")
    return found
