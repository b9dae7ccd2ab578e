"""The event loop for all commands that talk to a target, uvloop's where there is one, and its signal handling."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from types import FrameType

try:
    from uvloop import new_event_loop as _new_event_loop
except ImportError:  # it has no wheel for Windows
    from asyncio import new_event_loop as _new_event_loop  # type: ignore[assignment]

T = TypeVar("T")
GRACE_S = 0.5
"""Time for a clean end after a signal, in seconds; then KeyboardInterrupt is raised wherever the code is.

It is raised again each time so many seconds have passed, because Python drops exceptions raised in `__del__`.
"""


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine as asyncio.run does, on uvloop's event loop if it is installed, and returns its result.

    SIGINT and SIGTERM both cancel it; then KeyboardInterrupt is raised.
    """
    with asyncio.Runner(loop_factory=_new_event_loop) as runner:
        loop = runner.get_loop()
        task = loop.create_task(main)
        with _cancel_on_signal(lambda: loop.call_soon_threadsafe(task.cancel)) as received:
            try:
                return runner.run(_awaited(task))
            except asyncio.CancelledError:
                if received:
                    raise KeyboardInterrupt from None
                raise


async def _awaited(task: asyncio.Task[T]) -> T:
    return await task


@contextlib.contextmanager
def _cancel_on_signal(cancel: Callable[[], object]) -> Iterator[list[int]]:
    """Calls `cancel` at the first SIGINT or SIGTERM; yields the list of received signals.

    Signals can only be handled in the main thread: elsewhere the list stays empty.
    """
    received: list[int] = []

    def handle(number: int, _: FrameType | None) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)
        cancel()
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, GRACE_S, GRACE_S)

    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    names = [name for name in ("SIGINT", "SIGTERM", "SIGALRM") if hasattr(signal, name)]
    previous_handlers = {name: signal.signal(getattr(signal, name), handle) for name in names}
    try:
        yield received
    finally:
        if received and hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        for name, handler in previous_handlers.items():
            signal.signal(getattr(signal, name), handler)
