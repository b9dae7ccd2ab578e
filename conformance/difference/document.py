"""The document of a comparison: what every renderer reads."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance import __version__
from conformance.difference.effects import HARM
from conformance.difference.groups import Keeps
from conformance.difference.sides import FIRST, SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.contract import Contract
    from conformance.difference.comparing import Unstable
    from conformance.difference.groups import Difference

FORMAT = 1
SAME, DIFFERENT, UNCOMPARED = "same", "different", "uncompared"
_VARIABLE = re.compile(r"CONFORMANCE_(?:WRITE_KEY|BEARER)\b")
_CODES = {SAME: 0, DIFFERENT: 1, UNCOMPARED: 3}


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a comparison came to. `stopped` says why, if it ended before its end, and by which side."""

    contract: Contract
    urls: tuple[str, str]
    differences: Sequence[Difference] = ()
    unstable: Sequence[Unstable] = ()
    dead: dict[str, list[str]] = field(default_factory=dict)
    checks: int = 0
    answers: int = 0
    generated: int = 0
    reworded: int = 0
    doubtful: int = 0
    is_strict: bool = False
    has_two_keys: bool = False
    stopped: str = ""

    @property
    def verdict(self) -> str:
        """Different as soon as anything is; the same only if all was asked of both that was meant to be."""
        if self.differences:
            return DIFFERENT
        return UNCOMPARED if self.stopped or not self.checks else SAME

    @property
    def exit_code(self) -> int:
        """0, 1 or 3."""
        return _CODES[self.verdict]

    def as_json(self, redact: Callable[[str], str]) -> dict[str, Any]:
        """The document; what servers said has no secret of either in it."""
        listed = sorted(self.differences, key=_cost)
        return {
            "format": FORMAT,
            "suite": {"version": __version__},
            "profile": {"name": self.contract.profile.name, "title": self.contract.profile.title},
            "servers": {"A": self.urls[0], "B": self.urls[1]},
            "verdict": self.verdict,
            "strict": self.is_strict,
            "compared": {"checks": self.checks, "answers": self.answers, "generated": self.generated},
            "counts": {word.value: sum(item.keeps is word for item in listed) for word in Keeps},
            "differences": [self._told(item, redact) for item in listed],
            "unstable": [
                {"id": item.id, "operation": item.operation, FIRST: [*item.first], SECOND: [*item.second]}
                for item in sorted(self.unstable, key=lambda item: (item.id, item.operation))
            ],
            "unstable_generated": self.doubtful,
            "reworded": self.reworded,
            "dead": self.dead,
            "stopped": redact(self.stopped),
            "complete": not self.stopped,
        }  # fmt: skip

    def _told(self, item: Difference, redact: Callable[[str], str]) -> dict[str, Any]:
        """A difference; with two keys, the line for the second server reads a variable of its own."""
        found: dict[str, Any] = item.as_json()
        for name in ("message", "ways", "exchanges", "curl"):
            found[name] = _redacted(found[name], redact)
        if self.has_two_keys:
            found["curl"][SECOND] = _VARIABLE.sub(r"\g<0>_B", found["curl"][SECOND])
        return found


def _cost(item: Difference) -> tuple[object, ...]:
    """What a difference costs a user who goes from A to B: the costliest first."""
    rank = HARM.index(item.harm) if item.harm else len(HARM)
    return (
        rank if item.is_usual else rank + len(HARM) * (rank < len(HARM)),
        item.keeps is Keeps.BOTH, item.level.rank, item.id, item.calls,
    )  # fmt: skip


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:  # noqa: ANN401 - any JSON
    """JSON data with its texts redacted."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {name: _redacted(item, redact) for name, item in value.items()}
    return [_redacted(item, redact) for item in value] if isinstance(value, list) else value
