"""Suspicions: answers that look wrong, before anybody has looked again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.fuzz.case import Case
    from conformance.fuzz.judge import Judgement


@dataclass(frozen=True, slots=True)
class Candidate:
    """A case that failed, and what was wrong.

    `before` is what had gone over the same connection just before, `earlier` what had been answered last on
    all of them, newest first; `number` says where the case stands in the stream.
    """

    case: Case
    judgement: Judgement
    previous_on_connection: Case | None = None
    position: int = 0
    recent: tuple[Case, ...] = ()
