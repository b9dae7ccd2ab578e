"""The event loop for all commands that talk to a target, uvloop's where there is one, ended by signals."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

from conformance.core import interruption

if TYPE_CHECKING:
    from collections.abc import Coroutine

try:
    from uvloop import new_event_loop as _new_event_loop
except ImportError:  # it has no wheel for Windows
    from asyncio import new_event_loop as _new_event_loop  # type: ignore[assignment]

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine as asyncio.run does, on uvloop's event loop if it is installed, and returns its result.

    SIGINT, SIGTERM and SIGHUP cancel it; then KeyboardInterrupt is raised, even if it came to its end meanwhile.
    """
    tasks: list[asyncio.Task[T]] = []

    def cancel() -> None:
        for task in tasks:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                task.get_loop().call_soon_threadsafe(task.cancel)

    try:
        with (
            interruption.watching(),
            interruption.cancelling(cancel),
            asyncio.Runner(loop_factory=_new_event_loop) as runner,
        ):
            tasks.append(runner.get_loop().create_task(main))
            return runner.run(_awaited(tasks[0]))
    except asyncio.CancelledError:
        if interruption.has_come():
            raise KeyboardInterrupt from None
        raise
    finally:
        if not tasks:
            main.close()


async def _awaited(task: asyncio.Task[T]) -> T:
    return await task
