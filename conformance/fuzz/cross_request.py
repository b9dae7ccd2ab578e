"""Failures caused by an earlier request, on the same connection or on any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.model import TransportFailure
from conformance.fuzz.finding import Scope
from conformance.fuzz.shrinker import Shrinker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from conformance.fuzz.case import Case
    from conformance.fuzz.case_runner import CaseRunner
    from conformance.fuzz.defects import Candidate

_MAX_SHRINK_TRIES = 60
_CONFIRMATIONS = 2
"""How often a request must make another fail, and its control must not: some targets drop a connection now and then."""


@dataclass(frozen=True, slots=True)
class CrossRequestFailure:
    """A request that makes later requests fail, one of those, and which are affected."""

    cause: Case
    case: Case
    scope: Scope


class CrossRequestSearch:
    """Searches the request that made another fail; `control_of` gives the control of a case."""

    def __init__(
        self, case_runner: CaseRunner, control_of: Callable[[Case], Case], is_time_up: Callable[[], bool]
    ) -> None:
        self._case_runner = case_runner
        self._control_of = control_of
        self._is_time_up = is_time_up

    async def find_cause(self, candidate: Candidate) -> CrossRequestFailure | None:
        """Finds the earlier request that causes a failure; None if there is no such request."""
        return await self._search_connection(candidate) or await self._search_target(candidate)

    async def _search_connection(self, candidate: Candidate) -> CrossRequestFailure | None:
        """Tries the request just before on the same connection."""
        previous, case = candidate.previous_on_connection, candidate.case
        if previous is None or not await self._fails_after(previous, case):
            return None
        control = self._control_of(case)
        case = control if await self._fails_after(previous, control) else case
        if not await self._is_cause(previous, lambda cause: self._fails_after(cause, case)):
            return None
        shrinker = Shrinker(lambda shrunk: self._fails_after(shrunk, case), _MAX_SHRINK_TRIES)
        return CrossRequestFailure(
            await shrinker.shrink(previous, self._control_of(previous).body), case, Scope.CONNECTION
        )

    async def _search_target(self, candidate: Candidate) -> CrossRequestFailure | None:
        """Tries the last requests on any connection, the newest first."""
        if candidate.judgement.failure is TransportFailure.TIMEOUT:
            return None
        control = self._control_of(candidate.case)
        for cause in candidate.recent:
            if await self._control_fails_after(cause, control):
                if not await self._is_cause(cause, lambda cause: self._control_fails_after(cause, control)):
                    continue
                shrinker = Shrinker(lambda shrunk: self._control_fails_after(shrunk, control), _MAX_SHRINK_TRIES)
                return CrossRequestFailure(
                    await shrinker.shrink(cause, self._control_of(cause).body), control, Scope.TARGET
                )
        return None

    async def _is_cause(self, cause: Case, fails_after: Callable[[Case], Awaitable[bool]]) -> bool:
        """Whether there is a failure after a request each time, and never after its control."""
        for _ in range(_CONFIRMATIONS):
            if not await fails_after(cause) or await fails_after(self._control_of(cause)):
                return False
        return True

    async def _fails_after(self, previous: Case, case: Case) -> bool:
        """Whether a case fails after another, on the same connection."""
        if self._is_time_up():
            return False
        await self._case_runner.wait_until_healthy(self._control_of(case))
        _, judgement = await self._case_runner.run(previous, case)
        return judgement is not None

    async def _control_fails_after(self, cause: Case, control: Case) -> bool:
        """Whether a control fails after a case, each on its own connection."""
        if self._is_time_up() or not await self._case_runner.wait_until_healthy(control):
            return False
        await self._case_runner.run(cause)
        _, judgement = await self._case_runner.run(control)
        return judgement is not None
