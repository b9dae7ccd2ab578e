"""Effects: what each official SDK makes of the two answers, and how much the difference costs its user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import sdks
from conformance.sdks import Reaction, consequence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.contract import Contract
    from conformance.model import Exchange, JsonObject

HARM = (Reaction.LOSE, Reaction.GIVE_UP, Reaction.SEND_AGAIN, Reaction.RETRY, Reaction.DELIVER)
"""What an SDK may come to do, the costliest first."""
UNNOTICED = "unnoticed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one SDK does with the answer of either side; a supported one is named by the profile."""

    name: str
    title: str
    is_supported: bool
    first: Reaction
    second: Reaction

    @property
    def is_noticed(self) -> bool:
        """Whether it does something else."""
        return self.first is not self.second

    def as_json(self) -> JsonObject:
        """It as JSON data."""
        return {
            "name": self.name, "title": self.title, "supported": self.is_supported,
            "A": self.first.value, "B": self.second.value, "noticed": self.is_noticed,
        }  # fmt: skip


def effects(
    contract: Contract, paths: Iterable[str], first: Exchange, second: Exchange, *, is_bad: bool
) -> tuple[Effect, ...]:
    """What the SDKs that send to any of these paths do; those that the profile names come first.

    `is_bad` says that the request should be refused.
    """
    places = frozenset(paths)
    found = [
        Effect(
            name=sdk.name,
            title=sdk.title,
            is_supported=contract.states(f"sdks.{sdk.name}"),
            first=consequence(sdk, first, is_bad=is_bad),
            second=consequence(sdk, second, is_bad=is_bad),
        )
        for sdk in sdks.load_all()
        if sdk.paths & places
    ]
    return tuple(sorted(found, key=lambda item: (not item.is_supported, item.name)))


def harm(found: Iterable[Effect], *, is_bad: bool) -> Reaction | None:
    """The worst that the second side makes an SDK do that the first does not; None if none would notice.

    Those that the profile names count, if it names any. To give up what should be refused is no harm.
    """
    listed = list(found)
    named = [item for item in listed if item.is_supported] or listed
    changed = [item.second for item in named if item.is_noticed]
    worst = min(changed, key=HARM.index, default=None)
    return Reaction.DELIVER if is_bad and worst is Reaction.GIVE_UP else worst
