"""The reference page of all options, from the command's parser and the table of settings."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass

from conformance.cli.options import build_parser
from conformance.settings.table import SECOND_SERVER_SETTINGS, SETTINGS

_ALL_SETTINGS = {setting.name: setting for setting in (*SETTINGS, *SECOND_SERVER_SETTINGS)}
_DEFAULT = re.compile(r" \(default: (.+)\)$")
_INTRODUCTION = """# Options

Every command and its options. Commands that send requests take the *settings*: options that can also stand in
`conformance.toml`, or under `[tool.conformance]` in `pyproject.toml`, and in environment variables. An option takes
precedence over the variable, the variable over the file. The pytest plugin has each setting of the first table as
`--conformance-NAME`. See [Run](../run.md) for examples.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of a command, or one argument without a name: its value's metavar, its default as text, its help."""

    name: str
    metavar: str
    default: str
    help: str

    @property
    def usage(self) -> str:
        """As it is typed."""
        return f"{self.name} {self.metavar}".strip()


def command_options() -> dict[str, dict[str, Option]]:
    """The options of each subcommand by their names, arguments included."""
    return {
        name: {option.name or option.metavar: option for option in map(_option, command._actions) if option.help}  # noqa: SLF001 - argparse has no public list of them
        for name, command in _commands().items()
    }


def render() -> str:
    """The page."""
    helps = {action.dest: action.help or "" for action in _subparsers()._choices_actions}  # noqa: SLF001 - likewise
    parts = [_INTRODUCTION, *_settings_section("Settings", SETTINGS)]
    parts += _settings_section("Settings of the second server", SECOND_SERVER_SETTINGS)
    parts += ["## Commands\n"]
    for name, options in command_options().items():
        parts += [f"### conformance {name}\n", f"{_sentence(helps[name])}\n"]
        parts += _command_table({key: option for key, option in options.items() if not _is_setting(option)})
        settings = [key.removeprefix("--") for key, option in options.items() if _is_setting(option)]
        parts += [f"{_describe_settings(settings)}\n"] if settings else []
    return "\n".join(parts)


def _settings_section(title: str, settings: tuple[object, ...]) -> list[str]:
    """The table of some settings."""
    rows = ["| option | default | | environment variable |", "|---|---|---|---|"]
    names = {getattr(setting, "name", "") for setting in settings}
    for name, setting in _ALL_SETTINGS.items():
        if name in names:
            usage = f"--{name} {setting.metavar}".strip()
            text, default = _split_default(setting.help)
            default = default or _default_text(setting.default)
            rows.append(f"| {_code(usage)} | {_cell(default)} | {_cell(text)} | `{setting.environment_variable}` |")
    return [f"## {title}\n", *rows, ""]


def _command_table(options: dict[str, Option]) -> list[str]:
    """The table of a command's own options; nothing where it has none."""
    if not options:
        return []
    rows = [f"| {_code(item.usage)} | {_cell(item.default)} | {_cell(item.help)} |" for item in options.values()]
    return ["| option | default | |", "|---|---|---|", *rows, ""]


def _describe_settings(names: list[str]) -> str:
    """One sentence on which settings a command takes."""
    first, second = [setting.name for setting in SETTINGS], [setting.name for setting in SECOND_SERVER_SETTINGS]
    missing = [name for name in first if name not in names]
    if len(missing) > len(names):
        return f"Settings: {', '.join(f'`--{name}`' for name in names)}."
    text = "All [settings](#settings)"
    if missing:
        text += f" except {', '.join(f'`--{name}`' for name in missing)}, which means something else here"
    if set(second) <= set(names):
        text += ", and those of [the second server](#settings-of-the-second-server)"
    return f"{text}."


def _is_setting(option: Option) -> bool:
    """Whether an option is a setting, and not a command's own option of the same name."""
    setting = _ALL_SETTINGS.get(option.name.removeprefix("--"))
    return setting is not None and _split_default(setting.help)[0] == option.help


def _option(action: argparse.Action) -> Option:
    """An option from the parser's own description of it; without help for `--help` itself."""
    name = max(action.option_strings, key=len, default="")
    text, default = _split_default(action.help or "")
    setting = _ALL_SETTINGS.get(name.removeprefix("--"))
    if not default and setting is not None:
        default = _default_text(setting.default)
    elif not default and action.required and name:
        default = "required"
    metavar = action.metavar if isinstance(action.metavar, str) else "|".join(map(str, action.choices or ()))
    if name == "--help":
        text = ""
    return Option(name=name, metavar=metavar, default=default, help=text)


def _subparsers() -> argparse._SubParsersAction[argparse.ArgumentParser]:
    """The part of the parser that knows the subcommands."""
    (action,) = [item for item in build_parser()._actions if isinstance(item, argparse._SubParsersAction)]  # noqa: SLF001 - as above
    return action


def _commands() -> dict[str, argparse.ArgumentParser]:
    return dict(_subparsers().choices)


def _split_default(text: str) -> tuple[str, str]:
    """A help text without its `(default: ...)` at the end, and that default."""
    match = _DEFAULT.search(text)
    return (text[: match.start()], match[1]) if match else (text, "")


def _default_text(value: object) -> str:
    """A default as people write it; empty for none."""
    if value is None or value is False or value == ():
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _code(text: str) -> str:
    return f"`{_cell(text)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
