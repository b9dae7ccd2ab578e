"""A thread for the calls of a library that waits: they run one after another, and none holds up the program's end."""

from __future__ import annotations

import asyncio
import concurrent.futures
import queue
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from conformance.sinks.stored_event import SinkError

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")


class Worker:
    """One thread, which ends with the program even while a call hangs."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._is_stuck = False
        self._thread: threading.Thread | None = None

    async def run(self, function: Callable[..., _Result], *arguments: Any) -> _Result:  # noqa: ANN401 - the function's
        """The result of a call. Raises what it raises, and SinkError if it takes longer than the worker's time."""
        if self._is_stuck:
            raise SinkError("the sink no longer answers")
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="sink", daemon=True)
            self._thread.start()
        future: concurrent.futures.Future[_Result] = concurrent.futures.Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(function(*arguments))
            except BaseException as error:  # noqa: BLE001 - the caller gets it
                future.set_exception(error)

        self._calls.put(call)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._timeout_s)
        except TimeoutError:
            self._is_stuck = True
            raise SinkError(f"the sink gave no answer within {self._timeout_s:g} s") from None

    def stop(self) -> None:
        """Ends the thread after the calls that it has."""
        if self._thread is not None:
            self._calls.put(None)
            self._thread = None

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
