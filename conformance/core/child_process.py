"""Processes that the suite starts for itself: none outlives the one that started it, and none prints a traceback.

A parent ends by a signal, by SIGKILL even; its end of a pipe is closed in any case.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from conformance.core import interruption

if TYPE_CHECKING:
    from collections.abc import Iterator

_FAILED_CODE = 1


@contextlib.contextmanager
def ending_at_once() -> Iterator[None]:
    """Ends this process with what is done here, by itself or by an error, which is one line on standard error.

    Signals to the group of processes are for the parent, whose end is that of this process.
    """
    code = _FAILED_CODE
    _leave_signals_to_parent()
    try:
        yield
        code = 0
    except Exception as error:  # noqa: BLE001 - the parent says that there is no server
        with contextlib.suppress(OSError, ValueError, AttributeError):
            if not isinstance(error, BrokenPipeError):  # that is the parent's end
                sys.stderr.write(f"conformance: a process of the suite ended: {type(error).__name__}: {error}\n")
                sys.stderr.flush()
    finally:
        os._exit(code)


def wait_for_parent() -> None:
    """Ends this process once standard input is closed, without any more ado."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdin.buffer.read()
    os._exit(0)


def follow_parent() -> None:
    """Ends this worker of a pool when its parent ends; to be called once, in the worker."""
    _leave_signals_to_parent()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), name="parent", daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(_FAILED_CODE)


def _leave_signals_to_parent() -> None:
    interruption.ignore()
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
