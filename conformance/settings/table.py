"""The settings of a run: one table, from which the options of the command and of the plugin are made."""

from __future__ import annotations

import enum
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core.errors import UsageError
from conformance.core.model import DEFAULT_RUN_ID, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WRITE_KEY_VARIABLE = "CONFORMANCE_WRITE_KEY"
BEARER_VARIABLE = "CONFORMANCE_BEARER"


def _integer_parser(minimum: int, maximum: float = math.inf) -> Callable[[str], int]:
    """A function that parses an integer, and raises ValueError if it is out of range."""

    def parse(text: str) -> int:
        value = int(text)
        if not minimum <= value <= maximum:
            raise ValueError(text)
        return value

    return parse


_parse_count = _integer_parser(1, 256)
_parse_amount = _integer_parser(0, 10_000_000)
_parse_positive_int = _integer_parser(1)


def _parse_identifier(text: str) -> str:
    if re.fullmatch("[A-Za-z0-9._-]{1,64}", text) is None:
        raise ValueError(text)
    return text


def _parse_positive_float(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError(text)
    return value


class SettingOrigin(enum.StrEnum):
    """Where a value comes from; the first in this order wins."""

    OPTION = "option"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: the name of its option without dashes, its type and its default.

    `convert` parses the option's text, and raises ValueError if it is not as `expected`. A flag takes no text;
    the option of a list may be repeated. The value of a secret is never shown.
    """

    name: str
    help: str
    metavar: str = ""
    expected: str = "a string"
    convert: Callable[[str], Any] = str
    default: Any = None
    is_flag: bool = False
    is_list: bool = False
    is_secret: bool = False

    @property
    def key(self) -> str:
        """The name with underscores instead of hyphens."""
        return self.name.replace("-", "_")

    @property
    def environment_variable(self) -> str:
        """The name of the environment variable. A list has one item in each line there."""
        return f"CONFORMANCE_{self.key.upper()}"

    def resolve(self, option_value: Any, file_value: Any = None) -> tuple[Any, SettingOrigin]:  # noqa: ANN401 - as different as settings
        """The value and its origin, given the values of the option and of the file; None if they are not set.

        Raises UsageError if the value is not as `expected`.
        """
        if option_value is not None and option_value != []:
            return self._convert_value(option_value, f"--{self.name} {option_value}"), SettingOrigin.OPTION
        environment_value = os.environ.get(self.environment_variable)
        if environment_value:
            return self._convert_value(
                self._split_environment_value(environment_value), f"${self.environment_variable} {environment_value}"
            ), SettingOrigin.ENVIRONMENT
        if file_value is not None:
            return self._convert_value(file_value, f"{self.name} = {file_value}"), SettingOrigin.FILE
        return self.default, SettingOrigin.DEFAULT

    def _split_environment_value(self, text: str) -> Any:  # noqa: ANN401 - as above
        """The value that an option would have, from the text of an environment variable."""
        if self.is_flag:
            return text.strip().lower() not in {"0", "false", "no", "off"}
        return [line for line in text.splitlines() if line.strip()] if self.is_list else text

    def _convert_value(self, raw_value: Any, origin_text: str) -> Any:  # noqa: ANN401 - as above
        if self.is_list:
            return (raw_value,) if isinstance(raw_value, str) else tuple(raw_value)
        if self.is_flag:
            return raw_value
        try:
            return self.convert(raw_value)
        except ValueError:
            raise UsageError(f"{origin_text}: expected {self.expected}") from None


SETTINGS = (
    Setting(name="profile", metavar="NAME|FILE",
            help="the vendor's profile: a name (see `conformance profiles`), a YAML file, or (`run`) all"),
    Setting(name="write-key", metavar="KEY", is_secret=True,
            help=f"the write key of a source at the target (default: ${WRITE_KEY_VARIABLE})"),
    Setting(name="write-key-file", metavar="FILE", help="a file that contains only the write key"),
    Setting(name="bearer", metavar="TOKEN", is_secret=True,
            help=f"an OAuth access token, for profiles with OAuth (default: ${BEARER_VARIABLE})"),
    Setting(name="gate", metavar="LEVEL", convert=Level, default=Level.MUST, expected="must, should or may",
            help="the weakest level that counts: must (default), should or may"),
    Setting(name="select", metavar="WORDS", is_list=True, default=(),
            help="only these checks: areas, levels, calls or globs of ids, separated by commas; "
                 "if repeated, a check has to match each"),
    Setting(name="deselect", metavar="WORDS", is_list=True, default=(), help="leave out these checks"),
    Setting(name="known-deviations", metavar="FILE",
            help="a list of broken promises that do not fail the run, in YAML"),
    Setting(name="repeat", metavar="N", convert=_parse_count, default=1, expected="a whole number from 1 to 256",
            help="run the checks N times, and report which ones are flaky (default: 1)"),
    Setting(name="include", metavar="GROUP", is_list=True, default=(),
            help="a group of optional routes in the profile, such as internal; may be repeated"),
    Setting(name="allow", metavar="WHAT", is_list=True, default=(),
            help="allows checks on another machine to cause more load: burst (many requests at once) or volume "
                 "(large bodies); may be repeated"),
    Setting(name="tier", metavar="TIER", is_list=True, default=(),
            help="the load that checks may cause: gentle, standard (default for other machines), burst or "
                 "volume (both include standard); may be repeated (default on this machine: all)"),
    Setting(name="i-may-test", metavar="HOST", is_list=True, default=(),
            help="confirms that you may test a host on the public internet; may be repeated, or list several, "
                 "separated by commas"),
    Setting(name="run-id", metavar="TEXT", convert=_parse_identifier, default=DEFAULT_RUN_ID,
            expected="1 to 64 letters, digits, dots, hyphens and underscores",
            help=f"an id that every event carries in context.conformance.run (default: {DEFAULT_RUN_ID})"),
    Setting(name="max-requests", metavar="N", convert=_parse_positive_int, expected="a whole number from 1",
            help="the most requests to send in total; checks beyond that have no verdict"),
    Setting(name="max-bytes", metavar="N", convert=_parse_positive_int, expected="a whole number from 1",
            help="the most bytes to send in total, bodies and headers together"),
    Setting(name="max-events", metavar="N", convert=_parse_positive_int, expected="a whole number from 1",
            help="the most events to send in total, invalid ones included"),
    Setting(name="jobs", metavar="N", convert=_parse_count, expected="a whole number from 1 to 256",
            help="requests in flight (default: 8; for `fuzz` on this machine: 16)"),
    Setting(name="rate", metavar="N", convert=_parse_positive_float, expected="a number above 0",
            help="the most requests per second (default: no limit)"),
    Setting(name="deadline", metavar="SECONDS", convert=_parse_positive_float, default=10.0,
            expected="a number of seconds above 0", help="how long one exchange may take (default: 10)"),
    Setting(name="fuzz", metavar="N", convert=_parse_amount,
            expected="a whole number from 0 to 10000000",
            help="the number of generated requests (default on this machine: 8000 for `run`, 10000 for `fuzz`; "
                 "elsewhere: none)"),
    Setting(name="fuzz-seed", metavar="N", convert=_parse_amount, default=1, expected="a whole number from 0",
            help="the seed of the generated requests (default: 1)"),
    Setting(name="max-time", metavar="SECONDS", convert=_parse_positive_float, expected="a number of seconds above 0",
            help="the longest time to send generated requests (default: 5 for `run`, unless --fuzz is given)"),
    Setting(name="header", metavar="'NAME: VALUE'", is_list=True, default=(),
            help="a further header for every request; may be repeated"),
    Setting(name="ca-bundle", metavar="FILE", help="certificate authorities to trust, in PEM"),
    Setting(name="insecure", is_flag=True, default=False, help="do not verify the target's certificate"),
)  # fmt: skip

SECOND_SERVER_SETTINGS = (
    Setting(name="write-key-b", metavar="KEY", is_secret=True,
            help="the write key of the second server (default: $CONFORMANCE_WRITE_KEY_B, or that of the "
                 "first)"),
    Setting(name="write-key-file-b", metavar="FILE",
            help="a file that contains only the write key of the second server"),
    Setting(name="bearer-b", metavar="TOKEN", is_secret=True,
            help="the access token of the second server (default: $CONFORMANCE_BEARER_B, or that of the "
                 "first)"),
    Setting(name="header-b", metavar="'NAME: VALUE'", is_list=True, default=(),
            help="a further header for every request to the second server, in place of those of --header; "
                 "may be repeated"),
)  # fmt: skip
"""The settings of the second server in a comparison."""


def resolve(options: Mapping[str, Any], file_values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The value of every setting, by key, from options, the environment and a configuration file.

    Raises UsageError for an invalid value, or if the file of the write key can't be read.
    """
    values = {name: value for name, (value, _) in resolve_with_origins(options, file_values).items()}
    if values["write_key"] is None and values["write_key_file"]:
        values["write_key"] = _read_secret_file("write-key-file", values["write_key_file"])
    return values


def resolve_second_server(options: Mapping[str, Any], first_values: Mapping[str, Any]) -> dict[str, Any]:
    """The value of every setting for the second server in a comparison, given those of the first.

    Raises UsageError for an invalid value, or if the file of its write key can't be read.
    """
    values = {setting.key: setting.resolve(options.get(setting.key))[0] for setting in SECOND_SERVER_SETTINGS}
    if values["write_key_b"] is None and values["write_key_file_b"]:
        values["write_key_b"] = _read_secret_file("write-key-file-b", values["write_key_file_b"])
    return {
        **first_values,
        **{name: values[f"{name}_b"] or first_values[name] for name in ("write_key", "bearer", "header")},
    }


def resolve_with_origins(
    options: Mapping[str, Any], file_values: Mapping[str, Any] | None = None
) -> dict[str, tuple[Any, SettingOrigin]]:
    """The value of every setting and its origin, by key. Raises UsageError for an invalid value."""
    file_values = file_values or {}
    return {
        setting.key: setting.resolve(options.get(setting.key), file_values.get(setting.key)) for setting in SETTINGS
    }


def _read_secret_file(option: str, path: str) -> str:
    """The content of an option's file, without surrounding white space. Raises UsageError."""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--{option} {path}: the file can't be read: {error}") from None
