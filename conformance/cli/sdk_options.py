"""The options of `sdk` and `client`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cli.option_makers import add_profile_option, add_report_options, add_target_and_settings

if TYPE_CHECKING:
    from conformance.cli.command_parser import CommandParser

UNUSED_BY_SDKS = (
    "select", "deselect", "known-deviations", "repeat", "thorough", "sarif-location", "fuzz", "fuzz-seed", "max-time",
    "gate", "jobs", "rate", "wait", "deadline", "run-id", "max-requests", "max-bytes", "max-events", "max-duration",
    "include", "exclude", "sink",
)  # fmt: skip
"""The settings that `sdk` has no use for."""


def add_client_options(command: CommandParser) -> None:
    """The options of `client`."""
    add_profile_option(command, required=True)
    command.add_argument("--script", action="append", metavar="GLOB", help="only such scripts of answers; repeatable")
    command.add_argument("--timeout", metavar="SECONDS", help="the most time for each script; 60 by default")
    add_report_options(command, "json")
    command.add_argument("client", nargs="...", metavar="COMMAND", help="what starts the client; {} is the script")


def add_sdk_options(command: CommandParser) -> None:
    """The options of `sdk`."""
    add_target_and_settings(command, *UNUSED_BY_SDKS)
    command.add_argument(
        "--sdk", action="append", metavar="NAME|all", required=True, help="an SDK, or all of the vendor's; repeatable"
    )
    command.add_argument("--sdk-dir", metavar="DIR", help="where SDKs are installed, in place of the cache directory")
    command.add_argument("--sdk-timeout", metavar="SECONDS", help="the most time for each SDK's events; 60 by default")
    command.add_argument("--offline", action="store_true", help="use what is installed, and ask no registry")
    add_report_options(command, "json")
