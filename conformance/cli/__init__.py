"""The command: subcommands that judge, that show reports again, and that only tell what the suite knows."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

from conformance.cli.options import build_parser
from conformance.core.errors import ConformanceError
from conformance.core.text import escape_controls

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

_INTERRUPTED_CODE = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
_REPEAT_INTERRUPT_S = 0.5
_COMMAND_MODULES = {
    "run": "run",
    "fuzz": "fuzz",
    "replay": "fuzz",
    "probe": "probe",
    "diff": "diff",
    "export": "export",
    "report": "report",
    "compare": "report",
    "self-check": "self_check",
}
"""The modules of subcommands; what is not named here only shows something."""
_SENDING_COMMANDS = frozenset({"run", "fuzz", "replay", "probe", "diff"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0, 1, 2 or 3, as the README says."""
    try:
        options = build_parser().parse_args(arguments)
        with _sigterm_as_interrupt(options.command):
            return _run_subcommand(options)
    except ConformanceError as error:
        sys.stderr.write(f"conformance: {escape_controls(str(error))}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("conformance: interrupted\n")
        return _INTERRUPTED_CODE
    except BrokenPipeError:
        sys.stderr.close()
        return ConformanceError.exit_code
    except Exception as fault:  # CONFORMANCE_DEBUG=1 shows the traceback
        if os.environ.get("CONFORMANCE_DEBUG"):
            raise
        sys.stderr.write(f"conformance: {escape_controls(_describe_unexpected(fault))}\n")
        return _INTERRUPTED_CODE if _is_interruption(fault) else ConformanceError.exit_code


def command() -> NoReturn:
    """The command as a process: what `main` does, and its end.

    One that was interrupted ends at once, for the interpreter takes seconds to take down what was generated.
    """
    code = main()
    if code == _INTERRUPTED_CODE:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def _describe_unexpected(fault: Exception) -> str:
    """What is said of something that nobody expected. Files that can't be written are expected."""
    if _is_interruption(fault):
        return "interrupted"
    if isinstance(fault, OSError) and fault.errno == errno.ENOSPC:
        return "standard output can't be written: no space left on device"
    return f"a fault of the suite, not of the target: {type(fault).__name__}: {fault}"


@contextlib.contextmanager
def _sigterm_as_interrupt(command: str) -> Iterator[None]:
    """SIGTERM ends a command that sends as SIGINT does: with what there is to report."""
    if command not in _SENDING_COMMANDS or threading.current_thread() is not threading.main_thread():
        yield
        return
    previous_handlers = {number: signal.signal(number, _interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)


def _interrupt(*_: object) -> None:
    """Interrupts, and soon does so again: what is raised where an object is being deleted gets lost."""
    signal.setitimer(signal.ITIMER_REAL, _REPEAT_INTERRUPT_S, _REPEAT_INTERRUPT_S)
    raise KeyboardInterrupt


def _is_interruption(fault: BaseException | None) -> bool:
    """Whether it came of an interruption: Python wraps what is raised while a class is being made."""
    return fault is not None and (isinstance(fault, KeyboardInterrupt) or _is_interruption(fault.__cause__))


def _run_subcommand(options: argparse.Namespace) -> int:
    """Imports what a subcommand needs, and nothing else, and runs it."""
    module = import_module(f"conformance.cli.{_COMMAND_MODULES.get(options.command, 'info')}")
    code: int = module.COMMANDS[options.command](vars(options))
    return code
