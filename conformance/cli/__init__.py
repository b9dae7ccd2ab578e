"""The command `conformance` and its subcommands, one module for each group of them."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from importlib import import_module
from typing import IO, TYPE_CHECKING, NoReturn

from conformance.cli.streams import accept_all_characters
from conformance.core import interruption

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

_UNJUDGED_CODE, _INTERRUPTED_CODE = 3, 130
_BROKEN_OFF = "interrupted before the end: a report that is there may be an earlier one"
_COMMAND_MODULES = {
    "run": "run",
    "fuzz": "fuzz",
    "replay": "fuzz",
    "probe": "probe",
    "diff": "diff",
    "load": "load",
    "config": "config",
    "export": "export",
    "report": "report",
    "compare": "report",
    "history": "history",
    "site": "history",
    "self-check": "self_check",
    "trace": "trace",
    "sink": "sink",
    "sdk": "sdk",
    "client": "client",
    "completion": "completion",
}
"""The modules of subcommands in this package; subcommands that are not listed are in `info`."""
_SENDING_COMMANDS = frozenset({"run", "fuzz", "replay", "probe", "diff", "load"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code, as docs/exit-codes.md lists them."""
    with interruption.watching():
        from conformance import redaction  # only once signals are watched, as is all that takes time to load

        words = sys.argv[1:] if arguments is None else arguments
        accept_all_characters(words)
        with redaction.opened(with_streams=True):
            code = _run_command(words)
            if interruption.has_come():
                _say(_BROKEN_OFF if code is None and "serve" not in words[:1] else "interrupted")
                return _INTERRUPTED_CODE
        return _INTERRUPTED_CODE if code is None else code


def command() -> NoReturn:
    """Runs `main` and ends the process with its exit code.

    It ends at once: the interpreter takes seconds to free generated requests, and a signal must not find it without
    a handler.
    """
    _open_standard_streams()
    with interruption.watching():
        code = main()
        try:
            sys.stdout.flush()
        except (OSError, ValueError):
            code = code or _UNJUDGED_CODE
        os._exit(_INTERRUPTED_CODE if interruption.has_come() else code)


def _open_standard_streams() -> None:
    """Opens what the caller has closed, so that no socket gets the number of a standard stream."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()


def _nowhere() -> IO[str]:
    """A stream for what the caller does not want to see."""
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - to the end of the process


def _run_command(arguments: Sequence[str]) -> int | None:
    """Runs the command; what goes wrong is a sentence and an exit code. Whatever it prints passes the gate.

    None if a signal has broken it off wherever it was.
    """
    from conformance.core.errors import ConformanceError, UsageError
    from conformance.redaction.harmless import without_key_like_arguments
    from conformance.settings.table import learn_from_environment

    learn_from_environment()
    try:
        return _run_subcommand(_parse(arguments))
    except ConformanceError as error:
        _say(without_key_like_arguments(str(error), arguments if isinstance(error, UsageError) else ()))
        return error.exit_code
    except KeyboardInterrupt:
        return None
    except BrokenPipeError:
        return _UNJUDGED_CODE
    except Exception as error:  # noqa: BLE001 - a fault of ours; CONFORMANCE_DEBUG=1 shows the traceback
        if os.environ.get("CONFORMANCE_DEBUG"):
            import traceback  # which takes time to load, and signals are only watched after that

            traceback.print_exc()
        if not interruption.has_come():
            _say(_describe_unexpected(error))
        return _UNJUDGED_CODE


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options on a command line. Raises UsageError, which shows no value that could be a key."""
    from conformance.cli.options import build_parser
    from conformance.core.errors import UsageError
    from conformance.redaction.harmless import without_arguments

    try:
        return build_parser().parse_args(arguments)
    except UsageError as error:
        raise UsageError(without_arguments(str(error), arguments)) from None


def _say(message: str) -> None:
    """Writes a message to standard error, if there is one."""
    from conformance.cli.consoles import say
    from conformance.core.text import escape_controls

    say(f"conformance: {escape_controls(message)}")


def _describe_unexpected(error: Exception) -> str:
    """The message for an exception that no subcommand handles."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "standard output can't be written: no space left on device"
    return f"a fault of the suite, not of the target: {type(error).__name__}: {error}"


def _run_subcommand(options: argparse.Namespace) -> int:
    """Imports the module of a subcommand, and no other, and runs it.

    Commands that send end by themselves after a signal, with their reports; the others are broken off.
    """
    module = import_module(f"conformance.cli.{_COMMAND_MODULES.get(options.command, 'info')}")
    is_sending = options.command in _SENDING_COMMANDS
    with contextlib.nullcontext() if is_sending else interruption.interruptible():
        code: int = module.COMMANDS[options.command](vars(options))
    return code
