"""What an SDK will do after an answer that stays the same: how often it sends again, how long, and what then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.sdks.sdk import Reaction, SeenAnswer, effective_reaction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.core.model import Exchange, JsonObject
    from conformance.sdks.sdk import Sdk

_MINUTE_S, _HOUR_S = 60, 3600
_SHORT_S = 10
_REPEATING = frozenset({Reaction.RETRY, Reaction.SEND_AGAIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an SDK does with its events, as long as it gets the same answer; see `Repeats.planned`.

    `repeats` is False where nothing is known of how often it sends again, or where it does not.
    """

    reaction: Reaction
    repeats: bool = False
    times: int | None = None
    total_s: float | None = None
    keeps_after: bool = False
    follows_by_get: bool = False

    @classmethod
    def for_exchange(cls, sdk: Sdk, exchange: Exchange, *, is_invalid: bool = False, is_blocked: bool = False) -> Plan:
        """The plan of an SDK after an exchange; `is_blocked`: a browser does not show it the answer."""
        answer = SeenAnswer(status=0) if is_blocked else SeenAnswer.from_exchange(exchange)
        rule = sdk.rule_for(answer)
        reaction = rule.reaction if is_blocked else effective_reaction(sdk, exchange, is_invalid=is_invalid)
        if reaction not in _REPEATING or rule.repeats is None:
            return cls(reaction=reaction, follows_by_get=rule.follows_by_get)
        times, total_s = rule.repeats.planned(answer.retry_after_s)
        return cls(
            reaction=reaction,
            repeats=True,
            times=times,
            total_s=total_s,
            keeps_after=rule.repeats.keeps_after,
            follows_by_get=rule.follows_by_get,
        )

    def as_json(self) -> JsonObject:
        """Returns a JSON-serializable dict, with what is known beside the reaction."""
        found: JsonObject = {}
        if self.follows_by_get:
            found["follows"] = "get"
        if self.repeats:
            found["repeats"] = {
                "times": self.times,
                "total_s": None if self.total_s is None else round(self.total_s, 1),
                "then": "keep" if self.keeps_after else "drop",
            }
        return found


def describe_plan(outcome: Mapping[str, Any]) -> str:
    """What an SDK does, such as `sends again 10 times in about 17 s, then drops`; `outcome` as in a report's JSON."""
    reaction = Reaction(outcome["does"])
    words = _describe_repeats(reaction, outcome["repeats"]) if "repeats" in outcome else reaction.verb
    return f"asks the Location with a GET, {words}" if "follows" in outcome else words


def _describe_repeats(reaction: Reaction, repeats: Mapping[str, Any]) -> str:
    verb = "retries" if reaction is Reaction.RETRY else "sends again"
    times, total_s = repeats["times"], repeats["total_s"]
    then = "keeps it for later" if repeats["then"] == "keep" else "drops"
    if times is None:
        return f"{verb} without end" if total_s is None else f"{verb} for {_describe_time(total_s)}, then {then}"
    often = "once" if times == 1 else "twice" if times == 2 else f"{times} times"
    return f"{verb} {often} in about {_describe_time(total_s)}, then {then}"


def _describe_time(total_s: float) -> str:
    """A time as people say it, such as `0.7 s`, `17 s`, `4 min` or `12 h`."""
    if total_s >= 2 * _HOUR_S:
        return f"{total_s / _HOUR_S:.0f} h"
    if total_s >= 2 * _MINUTE_S:
        return f"{total_s / _MINUTE_S:.0f} min"
    return f"{total_s:.1f} s" if total_s < _SHORT_S else f"{total_s:.0f} s"
