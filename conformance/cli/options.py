"""The command line: subcommands and their options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.cli.command_parser import CommandParser, Version
from conformance.cli.load_options import LOAD_OPTIONS, UNUSED_BY_LOAD
from conformance.cli.option_groups import REPORTS_GROUP, epilog
from conformance.cli.option_makers import (
    REPORT_OPTIONS,
    add_profile_option,
    add_report_options,
    add_setting_options,
    add_target_and_settings,
)
from conformance.cli.sdk_options import add_client_options, add_sdk_options
from conformance.cli.sink_options import add_sink_options
from conformance.settings.table import SECOND_SERVER_SETTINGS, SETTINGS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


SHELLS = ("bash", "zsh", "fish")
"""The shells for which there is a completion."""
EXPORT_FORMATS = ("postman", "har", "jsonl")
"""The formats of an export."""
EXPORT_SETTINGS = ("profile", "gate", "select", "deselect", "include", "exclude")
"""The settings that `export` takes."""
_SETTINGS_OF_CHECKS = ("select", "deselect", "sink", "known-deviations", "repeat", "thorough", "sarif-location")
_UNUSED_SETTINGS = {
    "fuzz": _SETTINGS_OF_CHECKS,
    "replay": (*_SETTINGS_OF_CHECKS, "fuzz", "fuzz-seed", "max-time"),
    "probe": ("profile", "include", "exclude", *_SETTINGS_OF_CHECKS),
    "diff": ("sink", "known-deviations", "repeat", "sarif-location"),
}
"""The settings that a command has no use for. They may stand in files and the environment, which all commands share."""


def build_parser() -> CommandParser:
    """The parser of the whole command."""
    command_parser = CommandParser(
        prog="conformance",
        description="Tests any event-ingestion server against a vendor's documented promises.",
    )
    command_parser.add_argument("--version", action=Version, nargs=0, help="print the versions, and exit")
    commands = command_parser.add_subparsers(
        prog="conformance", dest="command", metavar="COMMAND", required=True, parser_class=CommandParser
    )
    command_parser.commands = commands.choices
    commands.add_parser = _with_help_texts(commands.add_parser)  # type: ignore[method-assign]
    _add_sending_commands(commands)
    _add_diff_command(commands)
    _add_load_command(commands)
    _add_report_commands(commands)
    config = commands.add_parser("config", help="print every setting, its value and where that comes from")
    add_target_and_settings(config)
    _add_info_commands(commands)
    _add_trace_options(
        commands.add_parser("trace", help="show every statement of a vendor's documents, and what judges it")
    )
    add_sink_options(
        commands.add_parser("sink", help="print a template of a sink file, or read a sink to see that it works")
    )
    _add_export_options(
        commands.add_parser("export", help="write the checks' requests for Postman, as HAR or JSON lines")
    )
    _add_self_check_options(
        commands.add_parser("self-check", help="test the checks themselves on servers that are known to be broken")
    )
    completion = commands.add_parser("completion", help="print a script with which a shell completes the command")
    completion.add_argument("shell", choices=SHELLS, help="the shell")
    return command_parser


def _with_help_texts(add_parser: Callable[..., CommandParser]) -> Callable[..., CommandParser]:
    """Adds a command with what it does, its examples and its exit codes."""

    def add(name: str, **settings: Any) -> CommandParser:  # noqa: ANN401 - those of argparse
        return add_parser(name, description=_sentence(settings["help"]), epilog=epilog(name), **settings)

    return add


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _add_sending_commands(commands: argparse._SubParsersAction[CommandParser]) -> None:
    """The subcommands that send requests to a target."""
    run = commands.add_parser("run", help="judge a server, or the embedded one if no URL is given")
    add_target_and_settings(run)
    add_report_options(run, *REPORT_OPTIONS)
    run.group(REPORTS_GROUP).add_argument(
        "--write-known-deviations",
        metavar="FILE",
        help="write a list of the broken promises, for --known-deviations once you have added reasons",
    )
    run.group(REPORTS_GROUP).add_argument(
        "--ndjson",
        metavar="FILE",
        help="write each verdict at once, as a line of JSON; - is standard output",
    )
    run.add_argument(
        "--browser",
        action="store_true",
        help="also send from a page in this machine's Chromium, and report what it sees; needs the extra `browser`",
    )
    fuzz = commands.add_parser("fuzz", help="send generated requests, and show the smallest that fail")
    add_target_and_settings(fuzz, *_UNUSED_SETTINGS["fuzz"])
    add_report_options(fuzz, "json", "junit")
    for command in (run, fuzz):
        command.add_argument(
            "--dry-run",
            action="store_true",
            help="show what would be sent, send nothing, and end with exit code 3",
        )
    fuzz.add_argument("--refresh", action="store_true", help="generate the requests again")
    replay = commands.add_parser("replay", help="send the request of a finding again")
    replay.add_argument("id", metavar="ID", help="the finding's id, as `fuzz` shows it")
    add_target_and_settings(replay, *_UNUSED_SETTINGS["replay"])
    add_report_options(replay, "json", "junit")
    _add_probe_options(commands.add_parser("probe", help="find out how a server answers, and write its profile"))
    add_sdk_options(commands.add_parser("sdk", help="install official SDKs, and let them send to a server"))
    add_client_options(commands.add_parser("client", help="judge a program that sends events, such as an SDK"))


def _add_probe_options(command: CommandParser) -> None:
    """The options of `probe`."""
    add_target_and_settings(command, *_UNUSED_SETTINGS["probe"])
    command.add_argument(
        "--profile",
        action="append",
        metavar="NAME|FILE",
        help="the profile of a similar server, for its paths and events; may be repeated",
    )
    command.add_argument("--out", metavar="FILE", help="write the profile; - is standard output")
    command.add_argument("--name", metavar="NAME", help="the name of the profile (default: the host)")
    command.add_argument("--date", metavar="TEXT", help="the date of the probe, as the profile states it")
    add_report_options(command, "json")


def _add_diff_command(commands: argparse._SubParsersAction[CommandParser]) -> None:
    """The subcommand that sends requests to two targets."""
    diff = commands.add_parser("diff", help="send two servers the same requests, and show where their answers differ")
    diff.add_argument("url", metavar="URL_A", help="the base URL of the first server, such as the one in use")
    diff.add_argument("url_b", metavar="URL_B", help="the base URL of the second server, such as the new one")
    used = [setting for setting in SETTINGS if setting.name not in _UNUSED_SETTINGS["diff"]]
    add_setting_options(diff, (*used, *SECOND_SERVER_SETTINGS))
    diff.add_argument("--quiet", action="store_true", help="print only the differences, and the verdict")
    diff.add_argument("--strict", action="store_true", help="count different texts in answers as differences, too")
    diff.add_argument(
        "--dry-run",
        action="store_true",
        help="show what would be sent, send nothing, and end with exit code 3",
    )
    add_report_options(diff, "json", "html", "markdown")


def _add_load_command(commands: argparse._SubParsersAction[CommandParser]) -> None:
    """The subcommand that puts a target under load."""
    load = commands.add_parser("load", help="put a server under load, and judge every answer by the contract")
    add_target_and_settings(load, *UNUSED_BY_LOAD)
    for name, settings in LOAD_OPTIONS.items():
        load.add_argument(f"--{name}", **settings)
    add_report_options(load, "json", "html", "markdown", "junit")


def _add_report_commands(commands: argparse._SubParsersAction[CommandParser]) -> None:
    """The subcommands that read reports."""
    report = commands.add_parser("report", help="show JSON reports again, several of them side by side")
    report.add_argument("files", nargs="+", metavar="FILE", help="a JSON report")
    add_report_options(report, *REPORT_OPTIONS)
    compare = commands.add_parser("compare", help="show which checks changed between two JSON reports")
    compare.add_argument("old", metavar="OLD", help="the earlier JSON report")
    compare.add_argument("new", metavar="NEW", help="the later JSON report")
    add_report_options(compare, "json", "markdown")
    history = commands.add_parser(
        "history", help="show JSON reports over time: what was kept, which causes came and went"
    )
    history.add_argument("files", nargs="+", metavar="FILE", help="a JSON report")
    add_report_options(history, "json", "html")
    site = commands.add_parser("site", help="write pages of many reports, servers by promises, for any host")
    site.add_argument(
        "directory", metavar="DIR", help="where to write: a new directory, an empty one, or an earlier site"
    )
    site.add_argument("files", nargs="+", metavar="FILE", help="a JSON report")


def _add_trace_options(command: CommandParser) -> None:
    """The options of `trace`."""
    add_profile_option(command, required=True)
    command.add_argument("--include", action="append", metavar="GROUP", help="optional routes of the profile")
    command.add_argument("--report", metavar="FILE", help="a JSON report of a run, for how each statement came out")
    command.add_argument("--requirements", metavar="FILE", help="the statements of a profile of your own, as YAML")
    command.add_argument("--json", metavar="FILE", help="write the trace as JSON; - is standard output")
    command.add_argument("--html", metavar="FILE", help="write the trace as one page of HTML; - is standard output")
    command.add_argument("--markdown", metavar="FILE", help="write the trace as Markdown; - is standard output")


def _add_info_commands(commands: argparse._SubParsersAction[CommandParser]) -> None:
    """The subcommands that print what the suite knows, and `serve`."""
    list_command = commands.add_parser("list", help="list the checks, with their levels")
    list_command.add_argument(
        "words", nargs="*", metavar="WORDS", help="only these checks: areas, levels or globs of ids (default: all)"
    )
    add_profile_option(list_command, required=False)
    explain = commands.add_parser("explain", help="show what a check does and where its promise is documented")
    explain.add_argument("id", metavar="ID", help="a check's id, a glob of ids, an area or a level")
    explain.add_argument(
        "--profile",
        metavar="NAME|FILE",
        action="append",
        help="the profile to show; may be repeated (default: all that come with the suite)",
    )
    commands.add_parser("profiles", help="list the profiles that come with the suite")
    spec = commands.add_parser("spec", help="print a vendor's OpenAPI document")
    serve = commands.add_parser("serve", help="serve the reference server of a profile")
    for command in (spec, serve):
        add_profile_option(command, required=True)
        command.add_argument("--include", action="append", metavar="GROUP", help="optional routes of the profile")
    serve.add_argument("--port", metavar="N", default="0", help="the port to listen on (default: a free one)")
    serve.add_argument(
        "--store", metavar="URL", help="keep accepted events in a database: sqlite:///FILE, or postgresql://..."
    )
    serve.add_argument(
        "--write-key", metavar="KEY", help="the key to accept (default: $CONFORMANCE_WRITE_KEY, or its own)"
    )
    serve.add_argument("--bearer", metavar="TOKEN", help="the token to accept (default: $CONFORMANCE_BEARER)")
    serve.add_argument(
        "--source-id", metavar="ID", help="the id of a source to accept (default: $CONFORMANCE_SOURCE_ID, or the key)"
    )
    serve.add_argument(
        "--disabled-write-key",
        metavar="KEY",
        help="the key of a source that is switched off (default: $CONFORMANCE_DISABLED_WRITE_KEY)",
    )


def _add_export_options(command: CommandParser) -> None:
    """The options of `export`."""
    command.add_argument(
        "--format",
        choices=EXPORT_FORMATS,
        required=True,
        help="a Postman collection, an HTTP Archive, or a line of JSON for each request",
    )
    command.add_argument("--out", metavar="FILE", default="-", help="where to write (default: standard output)")
    add_setting_options(command, [setting for setting in SETTINGS if setting.name in EXPORT_SETTINGS])


def _add_self_check_options(command: CommandParser) -> None:
    """The options of `self-check`."""
    add_profile_option(command, required=False)
    command.add_argument(
        "--fault", action="append", metavar="GLOB", help="test only such faults, under all profiles; may be repeated"
    )
    command.add_argument("--check", action="append", metavar="GLOB", help="run only such checks; may be repeated")
    command.add_argument(
        "--thorough", action="store_true", help="test every fault under every profile that it fits; takes longer"
    )
    command.add_argument("--json", metavar="FILE", help="write the JSON report; - is standard output")
    command.add_argument("--markdown", metavar="FILE", help="write the table; - is standard output")
