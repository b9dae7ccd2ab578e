"""The score: how many faults are caught, how many alarms are false, and which checks nothing kills."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.cases import CHECKS
from conformance.refserver.variants import CORRECT
from conformance.selfcheck.pair import Catch, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.refserver.faults import Fault
    from conformance.refserver.variants import Variant
    from conformance.selfcheck.pair import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A correct server under a profile, and the verdicts that are wrong about it."""

    profile: str
    variant: Variant
    troubles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a self-check came to. `kills` has the faults that each check noticed, by its id."""

    profiles: tuple[str, ...]
    catches: tuple[Catch, ...]
    alarms: tuple[Alarm, ...]
    kills: dict[str, tuple[str, ...]]

    @classmethod
    def of(
        cls,
        profiles: Sequence[str],
        pairs: Sequence[Pair],
        faults: Sequence[Fault],
        variants: Sequence[Variant],
    ) -> Score:
        """The score of pairs, in the order of profiles, faults and variants."""
        known = {(pair.profile, pair.peer): pair for pair in pairs}
        catches = tuple(
            Catch.of(known[profile, fault.name], known[profile, CORRECT.name], fault, CHECKS)
            for profile, fault in itertools.product(profiles, faults)
            if (profile, fault.name) in known
        )
        alarms = tuple(
            Alarm(
                profile=profile,
                variant=variant,
                troubles=tuple(map(told, known[profile, variant.name].troubles)),
            )
            for profile, variant in itertools.product(profiles, (CORRECT, *variants))
            if (profile, variant.name) in known
        )
        return cls(profiles=tuple(profiles), catches=catches, alarms=alarms, kills=_kills(pairs, catches))

    @property
    def caught(self) -> int:
        """How many pairs of a fault and a profile every check noticed that must."""
        return sum(catch.is_caught for catch in self.catches)

    @property
    def right(self) -> int:
        """How many of them were noticed in the right area, and in no other."""
        return sum(catch.is_right for catch in self.catches)

    @property
    def false(self) -> int:
        """How many correct servers raised an alarm."""
        return sum(bool(alarm.troubles) for alarm in self.alarms)

    @property
    def idle(self) -> tuple[str, ...]:
        """The checks that some profile asks for and no fault makes fail."""
        return tuple(name for name, killers in self.kills.items() if not killers)

    def problems(self) -> list[str]:
        """Everything that is wrong, a line each; nothing if all is perfect."""
        found = []
        for catch in self.catches:
            where = f"{catch.fault.name} under {catch.profile}"
            if catch.missed or not catch.is_caught:
                found.append(f"{where}: not noticed by {', '.join(catch.missed) or 'any check'}")
            if not catch.is_right:
                found += [f"{where}: another area: {item}" for item in catch.strangers] or [
                    f"{where}: not noticed in its own area"
                ]
        for alarm in self.alarms:
            found += [
                f"{alarm.variant.name} under {alarm.profile} is correct: {item}" for item in alarm.troubles
            ]
        return found + [f"{name}: no fault makes this check fail" for name in self.idle]


def _kills(pairs: Sequence[Pair], catches: Sequence[Catch]) -> dict[str, tuple[str, ...]]:
    """The names of the faults that each check noticed, for each check that any profile asks for."""
    asked: set[str] = set()
    for pair in pairs:
        asked |= pair.asked(pair)
    return {
        name: tuple(dict.fromkeys(catch.fault.name for catch in catches if name in catch.noticed))
        for name in sorted(asked)
    }
