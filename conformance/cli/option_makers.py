"""What makes the options that several subcommands have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cli.option_groups import REPORTS_GROUP, group_of
from conformance.settings.table import SETTINGS, TARGET

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.cli.command_parser import CommandParser
    from conformance.settings.setting import Setting

REPORT_OPTIONS = {
    "json": "write the JSON report",
    "html": "write one self-contained page of HTML",
    "markdown": "write Markdown, for pull requests and job summaries",
    "junit": "write a JUnit report",
    "sarif": "write SARIF 2.1.0, for code scanning",
    "badge": "write a badge, as SVG",
    "code_quality": "write a code quality report, for merge requests on GitLab",
    "har": "write an HTTP Archive of the requests of what is broken",
    "annotations": "write commands that a GitHub job shows as annotations, one for each cause",
}
"""Every kind of report, with the help of its option."""


def add_target_and_settings(command: CommandParser, *excluded: str) -> None:
    """The options of commands that send: the target, and every setting except `excluded`."""
    command.add_argument("url", nargs="?", metavar=TARGET.metavar, help=TARGET.help)
    add_setting_options(command, [setting for setting in SETTINGS if setting.name not in excluded])
    command.add_argument("--quiet", action="store_true", help="print only failures and the verdict")


def add_setting_options(command: CommandParser, settings: Iterable[Setting]) -> None:
    """An option for each setting."""
    for setting in settings:
        group = command.group(group_of(setting.name))
        if setting.is_flag:
            group.add_argument(f"--{setting.name}", action="store_true", default=None, help=setting.help)
        else:
            action = "append" if setting.is_list else "store"
            group.add_argument(f"--{setting.name}", action=action, metavar=setting.metavar, help=setting.help)


def add_report_options(command: CommandParser, *names: str) -> None:
    """An option for the destination of each kind of report."""
    for name in names:
        help_text = f"{REPORT_OPTIONS[name]}; - is standard output"
        option = f"--{name.replace('_', '-')}"
        command.group(REPORTS_GROUP).add_argument(option, metavar="FILE", help=help_text)


def add_profile_option(command: CommandParser, *, required: bool) -> None:
    """The option for a profile."""
    command.add_argument("--profile", metavar="NAME|FILE", required=required, help="a profile's name, or a YAML file")
