"""Aftermath: failures that a request leaves to those that come after it, on its connection or anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.fuzz.shrinker import Shrinker
from conformance.model import Mishap

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.fuzz.bench import Bench
    from conformance.fuzz.case import Case
    from conformance.fuzz.suspicion import Suspicion

_TRIES = 60
CONNECTION, TARGET = "connection", "target"


@dataclass(frozen=True, slots=True)
class Trace:
    """The request that did it, one that fails for it, and whether a connection or the target is spoiled."""

    cause: Case
    case: Case
    scope: str


class Aftermath:
    """Looks for the request that made another fail; `control` gives a case's acceptable twin."""

    def __init__(self, bench: Bench, control: Callable[[Case], Case], is_over: Callable[[], bool]) -> None:
        self._bench = bench
        self._control = control
        self._is_over = is_over

    async def trace(self, suspicion: Suspicion) -> Trace | None:
        """What a failure that does not come alone comes of; None if that can't be found."""
        return await self._on_connection(suspicion) or await self._anywhere(suspicion)

    async def _on_connection(self, suspicion: Suspicion) -> Trace | None:
        """The request that went before on the same connection, if it is that."""
        before, case = suspicion.before, suspicion.case
        if before is None or not (await self._breaks(before, case) and await self._breaks(before, case)):
            return None
        control = self._control(case)
        case = control if await self._breaks(before, control) else case
        if await self._breaks(self._control(before), case):
            return None
        shrinker = Shrinker(lambda item: self._breaks(item, case), _TRIES)
        return Trace(await shrinker.shrink(before, self._control(before).body), case, CONNECTION)

    async def _anywhere(self, suspicion: Suspicion) -> Trace | None:
        """One of the requests just before, on whichever connection."""
        if suspicion.judgement.kind == Mishap.TIMEOUT:
            return None
        control = self._control(suspicion.case)
        for cause in suspicion.earlier:
            if await self._spoils(cause, control) and await self._spoils(cause, control):
                if await self._spoils(self._control(cause), control):
                    return None
                shrinker = Shrinker(lambda item: self._spoils(item, control), _TRIES)
                return Trace(await shrinker.shrink(cause, self._control(cause).body), control, TARGET)
        return None

    async def _breaks(self, before: Case, case: Case) -> bool:
        """Whether a case fails after another, on the same connection."""
        if self._is_over():
            return False
        await self._bench.settle(self._control(case))
        _, judgement = await self._bench.ask(before, case)
        return judgement is not None

    async def _spoils(self, cause: Case, control: Case) -> bool:
        """Whether an acceptable request fails after a case, on connections of their own."""
        if self._is_over() or not await self._bench.settle(control):
            return False
        await self._bench.ask(cause)
        _, judgement = await self._bench.ask(control)
        return judgement is not None
