"""A cause: the one thing about a target that, were it mended, would make all the failures it explains pass."""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.model import Outcome
from conformance.core.text import escape_surrogates

if TYPE_CHECKING:
    from conformance.core.model import Json, JsonObject, Level, Source

_FINGERPRINT_LENGTH = 12


class Harm(enum.StrEnum):
    """What a cause costs, the worst first."""

    LOST = "lost"
    DOUBLED = "doubled"
    RETRIED = "retried"
    UNSAFE = "unsafe"
    CRASH = "crash"
    LETTER = "letter"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Harm).index(self)

    @property
    def words(self) -> str:
        """What it costs, in a few words."""
        return _HARM_WORDS[self]


_HARM_WORDS = {
    Harm.LOST: "valid events are refused or lost",
    Harm.DOUBLED: "events are sent again that were taken",
    Harm.RETRIED: "what can't succeed is sent again and again",
    Harm.UNSAFE: "a security hole",
    Harm.CRASH: "the server fails",
    Harm.LETTER: "not as the documents say",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedCheck:
    """A check that a cause explains on one operation; `operation` as in its verdict."""

    id: str
    operation: str
    outcome: Outcome

    @property
    def name(self) -> str:
        """The name of its verdict."""
        return f"{self.id}[{self.operation}]" if self.operation else self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkLoss:
    """What an official SDK does with the events of a request that shows a cause; `does` is in words."""

    title: str
    does: str

    def as_json(self) -> JsonObject:
        """The JSON form."""
        return {"title": self.title, "does": self.does}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One cause. `key` are the parts that stay the same from run to run, from which its id is made.

    `stops` names the official SDKs that can't deliver because of it. The last exchange of the check `shown_by` is the
    smallest request that shows it. `hint` says where to look, if the evidence tells. `sentence` has no full stop.
    `is_documented`: whether a document of the vendor promises what is broken, and not only HTTP or good practice.
    """

    key: tuple[str, ...]
    check: str
    sentence: str
    level: Level
    harm: Harm
    promise: str
    expected: str
    received: str
    sources: tuple[Source, ...]
    shown_by: ExplainedCheck
    explains: tuple[ExplainedCheck, ...]
    calls: tuple[str, ...] = ()
    curl: str = ""
    sdks: tuple[SdkLoss, ...] = ()
    stops: tuple[str, ...] = ()
    hint: str = ""
    is_documented: bool = True

    @property
    def id(self) -> str:
        """A fingerprint, the same in every run in which the same is wrong."""
        return hashlib.sha256("\n".join(self.key).encode("utf-8", "surrogatepass")).hexdigest()[:_FINGERPRINT_LENGTH]

    @property
    def failure_count(self) -> int:
        """How many of the checks that it explains fail."""
        return sum(item.outcome is Outcome.FAIL for item in self.explains)

    @property
    def check_ids(self) -> tuple[str, ...]:
        """The ids of all checks that it explains."""
        return tuple(sorted({item.id for item in self.explains}))

    @property
    def sort_key(self) -> tuple[int, int, int, str]:
        """The order of causes: what costs most first, then the strongest promise, then what explains most."""
        return self.harm.rank, self.level.rank, -len(self.explains), self.check

    def as_json(self) -> JsonObject:
        """The JSON form."""
        return {
            "id": self.id,
            "check": self.check,
            "sentence": escape_surrogates(self.sentence),
            "level": self.level.value,
            "harm": self.harm.value,
            "promise": self.promise,
            "expected": escape_surrogates(self.expected),
            "received": escape_surrogates(self.received),
            "sources": [source.as_json() for source in self.sources],
            "documented": self.is_documented,
            "calls": [*self.calls],
            "shown_by": {"id": self.shown_by.id, "operation": self.shown_by.operation},
            "curl": escape_surrogates(self.curl),
            "sdks": [item.as_json() for item in self.sdks],
            "stops": [*self.stops],
            **({"hint": self.hint} if self.hint else {}),
            "explains": self._explains_json(),
        }

    def _explains_json(self) -> list[Json]:
        """The checks, each outcome of one once, with its operations."""
        operations: dict[tuple[str, Outcome], list[Json]] = {}
        for item in self.explains:
            operations.setdefault((item.id, item.outcome), []).append(item.operation)
        return [
            {"id": name, "outcome": outcome.value, "operations": places}
            for (name, outcome), places in operations.items()
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCauses:
    """The causes of a run, in the order of harm. `remark` says what is missing, if anything is."""

    causes: tuple[Cause, ...] = ()
    remark: str = ""

    def ids_by_check(self) -> dict[str, str]:
        """The id of the first cause that explains a check, by the name of its verdict."""
        found: dict[str, str] = {}
        for cause in self.causes:
            for item in cause.explains:
                found.setdefault(item.name, cause.id)
        return found

    def all_ids_by_check(self) -> dict[str, set[str]]:
        """The ids of all causes that explain a check, by the name of its verdict."""
        found: dict[str, set[str]] = {}
        for cause in self.causes:
            for item in cause.explains:
                found.setdefault(item.name, set()).add(cause.id)
        return found
