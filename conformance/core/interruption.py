"""Signals that ask a command to end, SIGINT, SIGTERM and SIGHUP: none is lost, and none comes where it does harm.

A process has one state of them. While it is watched, a signal is only noted; inside `interruptible` it raises
KeyboardInterrupt wherever the code is, inside `cancelling` it calls a function first.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GRACE_S = 0.5
"""Time for a clean end after a signal, in seconds; then KeyboardInterrupt is raised wherever the code is.

It is raised again each time so many seconds have passed, because Python drops exceptions raised in `__del__`.
"""
WRITING_GRACE_S, INSISTING_S = 30.0, 2.0
"""The same where a signal is only noted: time to write reports, and after which time another signal ends that, too.

Two signals at once are one: a shell and a runner may both pass it on.
"""
_NAMES, _TIMER_NAME = ("SIGINT", "SIGTERM", "SIGHUP"), "SIGALRM"


class _State:
    """`actions` is a stack: what a signal does, None for raising; if it is empty, a signal is only noted.

    No dataclass: this module is loaded before all others, and a signal that comes meanwhile finds no handler.
    """

    def __init__(self) -> None:
        self.is_watching = False
        self.has_come = False
        self.noted_s = 0.0
        self.actions: list[Callable[[], object] | None] = []


_state = _State()


def has_come() -> bool:
    """Whether a signal has come since the process is watched."""
    return _state.has_come


def ignore() -> None:
    """Leaves signals alone for good: this process ends with its parent."""
    _state.is_watching = True


@contextlib.contextmanager
def watching() -> Iterator[None]:
    """Notes signals from now on; inside another one, or in another thread than the main one, it does nothing.

    A SIGHUP that is ignored, as by nohup, stays so.
    """
    if _state.is_watching or threading.current_thread() is not threading.main_thread():
        yield
        return
    _state.is_watching, _state.has_come, _state.actions = True, False, []
    numbers = [getattr(signal, name) for name in (*_NAMES, _TIMER_NAME) if hasattr(signal, name)]
    watched = [number for number in numbers if not (_is_hangup(number) and signal.getsignal(number) is signal.SIG_IGN)]
    previous_handlers = {number: signal.signal(number, _handle) for number in watched}
    previous_hook = sys.unraisablehook
    sys.unraisablehook = _without_interrupts(previous_hook)
    try:
        yield
    finally:
        _set_timer(0)
        _state.is_watching = False
        sys.unraisablehook = previous_hook
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)


def _without_interrupts(report: Callable[[sys.UnraisableHookArgs], object]) -> Callable[[sys.UnraisableHookArgs], None]:
    """Reports what Python can't raise, such as in `__del__`, but no KeyboardInterrupt: that one is raised again."""

    def report_others(unraisable: sys.UnraisableHookArgs) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            report(unraisable)

    return report_others


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Lets a signal raise KeyboardInterrupt, also one that has come before; any error after a signal becomes one."""
    with _action(None):
        yield


@contextlib.contextmanager
def cancelling(cancel: Callable[[], object]) -> Iterator[None]:
    """Calls `cancel` at a signal, and raises KeyboardInterrupt if that does not help, or in any case at the end."""
    with _action(cancel):
        yield


@contextlib.contextmanager
def _action(action: Callable[[], object] | None) -> Iterator[None]:
    if not _state.is_watching or threading.current_thread() is not threading.main_thread():
        yield
        return
    depth = len(_state.actions)
    try:
        _state.actions.append(action)
        _raise_if_come()
        yield
        _raise_if_come()
    except Exception:
        if _state.has_come:
            raise KeyboardInterrupt from None  # Python wraps what is raised in some places, and servers get signals too
        raise
    finally:
        del _state.actions[depth:]
        if not _state.actions and _state.has_come:
            _note()


def _raise_if_come() -> None:
    if _state.has_come:
        raise KeyboardInterrupt


def _handle(number: int, _: object) -> None:
    """Handles a signal, or the end of the time that one left."""
    is_tick = number == getattr(signal, _TIMER_NAME, None)
    is_first = not _state.has_come
    if is_first and is_tick:
        return
    _state.has_come = True
    if not _state.actions:
        if is_first:
            _note()
        elif time.monotonic() >= _state.noted_s + (WRITING_GRACE_S if is_tick else INSISTING_S):
            raise KeyboardInterrupt
        return
    cancel = _state.actions[-1]
    if is_first:
        _set_timer(GRACE_S)
    if is_first and cancel is not None:
        cancel()
    elif is_first or is_tick or not _has_timer():
        raise KeyboardInterrupt


def _note() -> None:
    """Gives the code time to end."""
    _state.noted_s = time.monotonic()
    _set_timer(WRITING_GRACE_S)


def _has_timer() -> bool:
    return hasattr(signal, "setitimer")


def _set_timer(interval_s: float) -> None:
    """Calls the handler again after each interval, 0 for no more; not on Windows, which has no such timer."""
    if _has_timer():
        signal.setitimer(signal.ITIMER_REAL, interval_s, interval_s)


def _is_hangup(number: int) -> bool:
    return number == getattr(signal, "SIGHUP", None)
