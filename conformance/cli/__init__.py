"""The command: subcommands that judge, that show reports again, and that only tell what the suite knows."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from conformance.cli.options import parser
from conformance.errors import ConformanceError
from conformance.text import safe

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

_INTERRUPTED = 130
_SENDERS = frozenset({"run", "fuzz", "replay", "probe"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0, 1, 2 or 3, as the README says."""
    try:
        options = parser().parse_args(arguments)
        with _terminable(options.command):
            return _run(options)
    except ConformanceError as error:
        sys.stderr.write(f"conformance: {safe(str(error))}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("conformance: interrupted\n")
        return _INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return ConformanceError.exit_code
    except Exception as fault:  # CONFORMANCE_DEBUG=1 shows the traceback
        if os.environ.get("CONFORMANCE_DEBUG"):
            raise
        what = f"{type(fault).__name__}: {fault}"
        sys.stderr.write(f"conformance: a fault of the suite, not of the target: {safe(what)}\n")
        return ConformanceError.exit_code


@contextlib.contextmanager
def _terminable(command: str) -> Iterator[None]:
    """SIGTERM ends a command that sends as SIGINT does: with what there is to report."""
    if command not in _SENDERS or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(options: argparse.Namespace) -> int:
    """Imports what a subcommand needs, and nothing else, and runs it."""
    if options.command == "run":
        from conformance.cli.running import run

        return run(vars(options))
    if options.command in {"fuzz", "replay"}:
        from conformance.cli import fuzzing

        return fuzzing.COMMANDS[options.command](vars(options))
    if options.command == "probe":
        from conformance.cli.probing import probe

        return probe(vars(options))
    if options.command in {"report", "compare"}:
        from conformance.cli import reporting

        return reporting.COMMANDS[options.command](vars(options))
    if options.command == "self-check":
        from conformance.cli.checking import self_check

        return self_check(vars(options))
    from conformance.cli import showing

    return showing.COMMANDS[options.command](vars(options))
