"""The command `conformance` and its subcommands, one module for each group of them."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
import traceback
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

from conformance import redaction
from conformance.cli.options import build_parser
from conformance.cli.streams import accept_all_characters
from conformance.core.errors import ConformanceError, UsageError
from conformance.core.text import escape_controls
from conformance.redaction.harmless import without_arguments, without_key_like_arguments
from conformance.settings.table import learn_from_environment

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

_INTERRUPTED_CODE = 130
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGALRM") if hasattr(signal, name)]
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
    "trace": "trace",
}
"""The modules of subcommands in this package; subcommands that are not listed are in `info`."""
_SENDING_COMMANDS = frozenset({"run", "fuzz", "replay", "probe", "diff"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code, as docs/exit-codes.md lists them."""
    words = sys.argv[1:] if arguments is None else arguments
    accept_all_characters(words)
    with redaction.opened(with_streams=True):
        return _main(words)


def _main(arguments: Sequence[str]) -> int:
    """Runs the command and returns its exit code; whatever it prints passes the gate."""
    learn_from_environment()
    try:
        options = _parse(arguments)
        with _sigterm_as_interrupt(options.command):
            return _run_subcommand(options)
    except ConformanceError as error:
        message = without_key_like_arguments(str(error), arguments if isinstance(error, UsageError) else ())
        sys.stderr.write(f"conformance: {escape_controls(message)}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("conformance: interrupted\n")
        return _INTERRUPTED_CODE
    except BrokenPipeError:
        sys.stderr.close()
        return ConformanceError.exit_code
    except Exception as error:  # noqa: BLE001 - a fault of ours; CONFORMANCE_DEBUG=1 shows the traceback
        if os.environ.get("CONFORMANCE_DEBUG"):
            traceback.print_exc()
        sys.stderr.write(f"conformance: {escape_controls(_describe_unexpected(error))}\n")
        return _INTERRUPTED_CODE if _is_interruption(error) else ConformanceError.exit_code


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options on a command line. Raises UsageError, which shows no value that could be a key."""
    try:
        return build_parser().parse_args(arguments)
    except UsageError as error:
        raise UsageError(without_arguments(str(error), arguments)) from None


def command() -> NoReturn:
    """Runs `main` and ends the process with its exit code.

    After an interruption the process ends at once: the interpreter takes seconds to free generated requests.
    """
    code = main()
    if code == _INTERRUPTED_CODE:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def _describe_unexpected(error: Exception) -> str:
    """The message for an exception that no subcommand handles."""
    if _is_interruption(error):
        return "interrupted"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "standard output can't be written: no space left on device"
    return f"a fault of the suite, not of the target: {type(error).__name__}: {error}"


@contextlib.contextmanager
def _sigterm_as_interrupt(command: str) -> Iterator[None]:
    """Lets SIGTERM end a command that sends requests as SIGINT does: with a report of what was judged."""
    if command not in _SENDING_COMMANDS or threading.current_thread() is not threading.main_thread():
        yield
        return
    previous_handlers = {number: signal.signal(number, _interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        _repeat_interrupt(0)
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)


def _interrupt(*_: object) -> None:
    """Raises KeyboardInterrupt, and again shortly after: Python drops exceptions raised in a `__del__`."""
    _repeat_interrupt(_REPEAT_INTERRUPT_S)
    raise KeyboardInterrupt


def _repeat_interrupt(interval_s: float) -> None:
    """Interrupts again after each interval, 0 for no more; not on Windows, which has no such timer."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, interval_s, interval_s)


def _is_interruption(error: BaseException | None) -> bool:
    """Whether an interruption caused an error: Python wraps exceptions that are raised while a class is created."""
    return error is not None and (isinstance(error, KeyboardInterrupt) or _is_interruption(error.__cause__))


def _run_subcommand(options: argparse.Namespace) -> int:
    """Imports the module of a subcommand, and no other, and runs it."""
    module = import_module(f"conformance.cli.{_COMMAND_MODULES.get(options.command, 'info')}")
    code: int = module.COMMANDS[options.command](vars(options))
    return code
