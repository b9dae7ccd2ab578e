"""`conformance completion`: prints a script with which a shell completes the command."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from conformance.cli.options import build_parser
from conformance.core.resources import profile_names

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping

_BASH = """# bash completion of conformance
_conformance() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} words=""
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="{commands}"
    elif [ "$before" = "--profile" ]; then
        words="{profiles}"
    elif [[ $word == -* ]]; then
        case ${{COMP_WORDS[1]}} in
{cases}
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    [ "${{#COMPREPLY[@]}}" -gt 0 ] || mapfile -t COMPREPLY < <(compgen -f -- "$word")
}}
complete -o filenames -F _conformance conformance ingest-conformance
"""
_FISH_START = "# fish completion of conformance\n"


def completion(options: Mapping[str, Any]) -> int:
    """Prints the script for a shell."""
    sys.stdout.write({"bash": bash_script, "zsh": zsh_script, "fish": fish_script}[options["shell"]]())
    return 0


def bash_script() -> str:
    """The script for bash 4 and later: commands, their options, profiles and files."""
    commands = _options_by_command()
    cases = "\n".join(f'            {name}) words="{" ".join(options)}" ;;' for name, options in commands.items())
    return _BASH.format(commands=" ".join(commands), profiles=" ".join(profile_names()), cases=cases)


def zsh_script() -> str:
    """The script for zsh, which runs that for bash."""
    return f"#compdef conformance ingest-conformance\nautoload -U +X bashcompinit && bashcompinit\n{bash_script()}"


def fish_script() -> str:
    """The script for fish."""
    lines = []
    for name, options in _options_by_command().items():
        lines.append(f"complete -c conformance -n __fish_use_subcommand -a {name}")
        for option in options:
            values = f" -x -a '{' '.join(profile_names())}'" if option == "--profile" else ""
            condition = f"'__fish_seen_subcommand_from {name}'"
            lines.append(f"complete -c conformance -n {condition} -l {option.removeprefix('--')}{values}")
    return _FISH_START + "".join(f"{line}\n" for line in lines)


def _options_by_command() -> dict[str, list[str]]:
    """The long options of every subcommand."""
    return {name: [*_long_options(command)] for name, command in build_parser().commands.items()}


def _long_options(command: argparse.ArgumentParser) -> Iterator[str]:
    for action in command._actions:  # noqa: SLF001 - argparse lists them nowhere else
        yield from (name for name in action.option_strings if name.startswith("--"))


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"completion": completion}
