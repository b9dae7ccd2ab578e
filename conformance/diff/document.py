"""The result of a comparison, and its JSON document, which every renderer reads."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance import __version__
from conformance.causes.sdk_effects import REACTIONS_WORST_FIRST
from conformance.diff.difference import KeptBy
from conformance.diff.sides import FIRST, SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.causes.step_difference import UnstableCheck
    from conformance.contract import Contract
    from conformance.diff.difference import Difference

FORMAT_VERSION = 1
SAME, DIFFERENT, UNCOMPARED = "same", "different", "uncompared"
_KEY_VARIABLE = re.compile(r"CONFORMANCE_(?:WRITE_KEY|BEARER)\b")
_EXIT_CODES = {SAME: 0, DIFFERENT: 1, UNCOMPARED: 3}


@dataclass(slots=True, kw_only=True)
class DiffReport:
    """The result of a comparison. `stopped` is the side and the reason, if it ended early."""

    contract: Contract
    urls: tuple[str, str]
    differences: Sequence[Difference] = ()
    unstable: Sequence[UnstableCheck] = ()
    dead: dict[str, list[str]] = field(default_factory=dict)
    check_count: int = 0
    answer_count: int = 0
    generated_count: int = 0
    reworded_count: int = 0
    unstable_generated_count: int = 0
    is_strict: bool = False
    has_two_keys: bool = False
    stopped: str = ""

    @property
    def verdict(self) -> str:
        """`different` if anything differs; `same` only if every planned check was compared on both sides."""
        if self.differences:
            return DIFFERENT
        return UNCOMPARED if self.stopped or not self.check_count else SAME

    @property
    def exit_code(self) -> int:
        """0 for `same`, 1 for `different`, 3 for `uncompared`."""
        return _EXIT_CODES[self.verdict]

    def as_json(self, redact: Callable[[str], str]) -> dict[str, Any]:
        """The JSON document. `redact` removes the secrets of both sides from texts of the servers."""
        differences = sorted(self.differences, key=_cost_order)
        return {
            "format": FORMAT_VERSION,
            "suite": {"version": __version__},
            "profile": {"name": self.contract.profile.name, "title": self.contract.profile.title},
            "servers": {"A": self.urls[0], "B": self.urls[1]},
            "verdict": self.verdict,
            "strict": self.is_strict,
            "compared": {"checks": self.check_count, "answers": self.answer_count, "generated": self.generated_count},
            "counts": {word.value: sum(item.kept_by is word for item in differences) for word in KeptBy},
            "differences": [self._difference_json(item, redact) for item in differences],
            "unstable": [
                {"id": item.id, "operation": item.operation, FIRST: [*item.first], SECOND: [*item.second]}
                for item in sorted(self.unstable, key=lambda item: (item.id, item.operation))
            ],
            "unstable_generated": self.unstable_generated_count,
            "reworded": self.reworded_count,
            "dead": self.dead,
            "stopped": redact(self.stopped),
            "complete": not self.stopped,
        }  # fmt: skip

    def _difference_json(self, item: Difference, redact: Callable[[str], str]) -> dict[str, Any]:
        """A difference. With two keys, the curl command for the second server reads a variable of its own."""
        document: dict[str, Any] = item.as_json()
        for name in ("message", "ways", "exchanges", "curl"):
            document[name] = _redact_json(document[name], redact)
        if self.has_two_keys:
            document["curl"][SECOND] = _KEY_VARIABLE.sub(r"\g<0>_B", document["curl"][SECOND])
        return document


def _cost_order(item: Difference) -> tuple[object, ...]:
    """The most harmful difference for a user who moves from A to B comes first."""
    rank = REACTIONS_WORST_FIRST.index(item.worst_reaction) if item.worst_reaction else len(REACTIONS_WORST_FIRST)
    return (
        rank if item.is_sent_by_sdks else rank + len(REACTIONS_WORST_FIRST) * (rank < len(REACTIONS_WORST_FIRST)),
        item.kept_by is KeptBy.BOTH, item.level.rank, item.id, item.calls,
    )  # fmt: skip


def _redact_json(value: Any, redact: Callable[[str], str]) -> Any:  # noqa: ANN401 - any JSON
    """A JSON value with its texts redacted."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {name: _redact_json(item, redact) for name, item in value.items()}
    return [_redact_json(item, redact) for item in value] if isinstance(value, list) else value
