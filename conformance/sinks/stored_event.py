"""What a sink gives: the events that a server has stored or passed on, and the interface of all readers."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from conformance.core.errors import InconclusiveError

if TYPE_CHECKING:
    from conformance.core.written_json import WrittenObject

_MAX_EXAMPLES = 5


class SinkError(InconclusiveError):
    """A sink could not be read. That says nothing about the target (exit 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as the server has stored it or passed it on.

    `event` is read without loss. `position` grows by one with each event, in the order in which the sink gave them,
    and `seen_s` is the monotonic clock when it was first seen. `record` says in a few words where it lies.
    """

    event: WrittenObject
    position: int
    seen_s: float
    record: str


@dataclass(slots=True)
class Skipped:
    """Records of a sink that hold no event that could be read: how many, and the first few with the reason."""

    count: int = 0
    examples: deque[str] = field(default_factory=lambda: deque(maxlen=_MAX_EXAMPLES))

    def add(self, record: str, reason: str) -> None:
        """Counts a record; `reason` is why it could not be read."""
        self.count += 1
        if len(self.examples) < _MAX_EXAMPLES:
            self.examples.append(f"{record}: {reason}")


class SinkReader(Protocol):
    """Reads what is new in a sink, and never writes or locks anything there.

    Every method raises SinkError for trouble of the sink, with a sentence that holds no credentials.
    """

    skipped: Skipped

    async def start(self) -> None:
        """Notes what is there already: that is not ours."""

    async def read_new(self) -> list[StoredEvent]:
        """The events that are new since the last call, each once; a bounded number. Empty if there is nothing new."""

    async def close(self) -> None:
        """Ends connections and processes; may be called at any time, and twice."""
