"""The command: `run`, `fuzz`, `replay`, `list`, `explain`, `profiles`, `spec`, `serve` and `self-check`."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

from conformance import __version__
from conformance.errors import ConformanceError, UsageError
from conformance.settings import SETTINGS
from conformance.text import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_INTERRUPTED = 130
_SENDERS = frozenset({"run", "fuzz", "replay"})


class _Parser(argparse.ArgumentParser):
    """An argument parser that raises one clear sentence."""

    def error(self, message: str) -> NoReturn:
        """Raises UsageError."""
        raise UsageError(f"{message}; see `{self.prog} --help`")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0, 1, 2 or 3, as the README says."""
    try:
        options = _parser().parse_args(arguments)
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
    if options.command == "self-check":
        from conformance.cli.checking import self_check

        return self_check(vars(options))
    from conformance.cli import showing

    return showing.COMMANDS[options.command](vars(options))


def _parser() -> _Parser:
    parser = _Parser(
        prog="conformance",
        description="Tests any event-ingestion server against a vendor's documented promises.",
    )
    parser.add_argument("--version", action="version", version=f"ingest-conformance {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    run = commands.add_parser("run", help="judge a server, or the embedded one if no URL is given")
    _run_options(run)
    fuzz = commands.add_parser("fuzz", help="send generated requests, and show the smallest that fail")
    _run_options(fuzz)
    for command in (run, fuzz):
        command.add_argument(
            "--dry-run",
            action="store_true",
            help="show what would be sent, send nothing, and end with exit code 3",
        )
    fuzz.add_argument("--refresh", action="store_true", help="generate the requests anew")
    replay = commands.add_parser("replay", help="send the request of a finding again")
    replay.add_argument("id", metavar="ID", help="the finding's id, as `fuzz` shows it")
    _run_options(replay)
    _profile(commands.add_parser("list", help="list the checks"), required=False)
    explain = commands.add_parser("explain", help="say what a check does and where its promise is documented")
    explain.add_argument("id", metavar="ID", help="the check's id, as `list` shows it")
    commands.add_parser("profiles", help="list the profiles that come with the suite")
    spec = commands.add_parser("spec", help="print a vendor's OpenAPI document")
    serve = commands.add_parser("serve", help="serve the reference server of a profile")
    for command in (spec, serve):
        _profile(command, required=True)
        command.add_argument(
            "--include", action="append", metavar="GROUP", help="optional routes of the profile"
        )
    serve.add_argument("--port", metavar="N", default="0", help="the port to listen on (default: a free one)")
    serve.add_argument(
        "--write-key", metavar="KEY", help="the key to accept (default: $CONFORMANCE_WRITE_KEY)"
    )
    serve.add_argument("--bearer", metavar="TOKEN", help="the token to accept (default: $CONFORMANCE_BEARER)")
    _self_check_options(
        commands.add_parser("self-check", help="judge the checks themselves, by servers that are broken")
    )
    return parser


def _self_check_options(parser: argparse.ArgumentParser) -> None:
    """The options of `self-check`."""
    _profile(parser, required=False)
    parser.add_argument(
        "--thorough", action="store_true", help="every fault under every profile that it fits; takes longer"
    )
    parser.add_argument("--json", metavar="FILE", help="write the JSON report; - is standard output")
    parser.add_argument("--markdown", metavar="FILE", help="write the table; - is standard output")


def _run_options(run: argparse.ArgumentParser) -> None:
    """The options of commands that send: every setting, and where the reports go."""
    run.add_argument("url", nargs="?", metavar="URL", help="the base URL of the target")
    for setting in SETTINGS:
        if setting.is_flag:
            run.add_argument(f"--{setting.name}", action="store_true", default=None, help=setting.help)
        else:
            action = "append" if setting.is_list else "store"
            run.add_argument(f"--{setting.name}", action=action, metavar=setting.metavar, help=setting.help)
    run.add_argument("--json", metavar="FILE", help="write the JSON report; - is standard output")
    run.add_argument("--junit", metavar="FILE", help="write a JUnit report; - is standard output")
    run.add_argument("--quiet", action="store_true", help="print only what is broken, and the verdict")


def _profile(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--profile", metavar="NAME|FILE", required=required, help="a profile's name, or a YAML file"
    )
