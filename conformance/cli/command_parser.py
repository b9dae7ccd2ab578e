"""The parser of a command line: it raises our errors, knows no abbreviations, and arranges options in groups."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from conformance.core.errors import UsageError
from conformance.core.text import nearest_hint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of examples, and gives the names of options more room."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32)

    def add_usage(self, usage: str | None, actions: Iterable[argparse.Action], *rest: Any) -> None:  # noqa: ANN401
        """Names the arguments, and leaves the options to the groups below."""
        words = [action for action in actions if not action.option_strings]
        options = argparse.Action([], "options", metavar="[OPTIONS]")
        super().add_usage(usage, [options, *words], *rest)


class Version(argparse.Action):
    """Prints the versions of the suite and of what generates requests, which are looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Prints them, and ends the command."""
        from conformance.cli.version import version_text

        sys.stdout.write(version_text())
        parser.exit()


class CommandParser(argparse.ArgumentParser):
    """An argument parser that raises UsageError instead of printing its usage, and knows no abbreviations."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - those of argparse
        super().__init__(**{**settings, "allow_abbrev": False}, formatter_class=_Formatter)
        self.commands: Mapping[str, CommandParser] = {}
        self._groups: dict[str, argparse._ArgumentGroup] = {}

    def group(self, title: str) -> argparse._ArgumentGroup:
        """The group of options with a title."""
        if title not in self._groups:
            self._groups[title] = self.add_argument_group(title)
        return self._groups[title]

    def parse_args(self, args: Sequence[str] | None = None, namespace: None = None) -> argparse.Namespace:  # type: ignore[override]
        """The options of a subcommand. Raises UsageError, which names the nearest option instead of an unknown one."""
        options, unknown = self.parse_known_args(args, namespace)
        command = self.commands.get(options.command, self)
        if unknown:
            name = unknown[0].partition("=")[0]
            if not name.startswith("-"):
                command.error(f"too many arguments: {len(unknown)}")
            command.error(f"unrecognized arguments: {name}{nearest_hint(name, command._option_string_actions)}")  # noqa: SLF001 - argparse lists them nowhere else
        for action in command._actions:  # noqa: SLF001 - likewise
            value = getattr(options, action.dest, None)
            if action.option_strings and (value == "" or (isinstance(value, list) and "" in value)):
                command.error(f"{action.option_strings[-1]}: its value is empty")
        return options

    def error(self, message: str) -> NoReturn:
        """Raises UsageError."""
        raise UsageError(f"{message}; see `{self.prog} --help`")
