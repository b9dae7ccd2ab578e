"""SDK effects: what each official SDK does with the two answers, and how harmful the change is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import sdks
from conformance.checks import expect
from conformance.sdks import Reaction, effective_reaction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.contract import Contract
    from conformance.core.model import Exchange, JsonObject

REACTIONS_WORST_FIRST = (
    Reaction.DELIVER_ANYWAY,
    Reaction.GIVE_UP,
    Reaction.SEND_AGAIN,
    Reaction.RETRY,
    Reaction.FOLLOW,
    Reaction.DELIVER,
)
"""The reactions of an SDK, the most harmful first."""
UNNOTICED = "unnoticed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkEffect:
    """The reactions of one SDK to the two answers. A supported one is named by the profile."""

    name: str
    title: str
    is_supported: bool
    first: Reaction
    second: Reaction

    @property
    def is_noticed(self) -> bool:
        """Whether the reactions differ."""
        return self.first is not self.second

    def as_json(self) -> JsonObject:
        """The JSON form."""
        return {
            "name": self.name, "title": self.title, "supported": self.is_supported,
            "A": self.first.value, "B": self.second.value, "noticed": self.is_noticed,
        }  # fmt: skip


def compare_sdk_effects(
    contract: Contract, paths: Iterable[str], first: Exchange, second: Exchange, *, is_invalid: bool
) -> tuple[SdkEffect, ...]:
    """The effects on the SDKs that send to any of these paths; those that the profile names come first.

    `is_invalid` says that the request is to be refused; a success whose body refuses it is as bad.
    """
    places = frozenset(paths)
    is_refused = tuple(bool(expect.says_refused(item)) for item in (first, second))
    effects = [
        SdkEffect(
            name=sdk.name,
            title=sdk.title,
            is_supported=contract.has_fact(f"sdks.{sdk.name}"),
            first=effective_reaction(sdk, first, is_invalid=is_invalid or is_refused[0]),
            second=effective_reaction(sdk, second, is_invalid=is_invalid or is_refused[1]),
        )
        for sdk in sdks.load_all()
        if sdk.paths & places
    ]
    return tuple(sorted(effects, key=lambda item: (not item.is_supported, item.name)))


def worst_reaction(effects: Iterable[SdkEffect], *, is_invalid: bool) -> Reaction | None:
    """The worst new reaction of an SDK to the second side; None if no reaction changes.

    Only SDKs that the profile names count, if it names any. Giving up an invalid request is no harm.
    """
    listed = list(effects)
    relevant = [item for item in listed if item.is_supported] or listed
    changed = [item.second for item in relevant if item.is_noticed]
    worst = min(changed, key=REACTIONS_WORST_FIRST.index, default=None)
    return Reaction.DELIVER if is_invalid and worst is Reaction.GIVE_UP else worst
