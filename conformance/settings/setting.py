"""One setting: its type, and its value from an option, the environment, a configuration file or the default."""

from __future__ import annotations

import enum
import math
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


def _plain_number(text: object) -> str:
    """A number as people write it; raises ValueError for all else that Python takes as one."""
    if re.fullmatch(r"[+-]?[0-9]*(\.[0-9]*)?([eE][+-]?[0-9]+)?", str(text)) is None:
        raise ValueError(text)
    return str(text)


def _integer_parser(minimum: int, maximum: float = math.inf) -> Callable[[str], int]:
    """A function that parses an integer, and raises ValueError if it is out of range."""

    def parse(text: str) -> int:
        value = int(_plain_number(text))
        if not minimum <= value <= maximum:
            raise ValueError(text)
        return value

    return parse


parse_count = _integer_parser(1, 256)
parse_amount = _integer_parser(0, 10_000_000)
parse_positive_int = _integer_parser(1)


def parse_identifier(text: str) -> str:
    """The value of an id; raises ValueError."""
    if re.fullmatch("[A-Za-z0-9._-]{1,64}", text) is None:
        raise ValueError(text)
    return text


def parse_location(text: str) -> str:
    """A file below the root of a repository, with a line or without: `src/server.py:12`; raises ValueError."""
    path, colon, line = text.rpartition(":") if re.search(r":\d+$", text) else (text, "", "")
    is_below = path and not re.search(r"^/|^[A-Za-z]:|\\|(^|/)\.{1,2}(/|$)|//|/$", path)
    if not is_below or not path.isprintable() or len(path) > 1024 or (colon and not 0 < int(line) <= 10_000_000):
        raise ValueError(text)
    return text


def parse_positive_float(text: str) -> float:
    """A finite number above 0; raises ValueError."""
    value = float(_plain_number(text))
    if not 0 < value < math.inf:
        raise ValueError(text)
    return value


_FLAG_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_NUMBER_PARSERS = frozenset({parse_count, parse_amount, parse_positive_int, parse_positive_float})


def _shown(value: object) -> str:
    """A value for a message, after a space: only a number or a short word, for anything else may be the key."""
    from conformance.redaction.harmless import is_harmless

    text = str(value)
    return f" {text}" if is_harmless(text) else ""


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
    the option of a list may be repeated. The value of a secret is never shown. What `loosens_safety` does not count in
    a file of the project, which others may have written.
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
    loosens_safety: bool = False

    @property
    def key(self) -> str:
        """The name with underscores instead of hyphens."""
        return self.name.replace("-", "_")

    @property
    def environment_variable(self) -> str:
        """The name of the environment variable. A list has one item in each line there."""
        return f"CONFORMANCE_{self.key.upper()}"

    @property
    def is_number(self) -> bool:
        """Whether the value is a number."""
        return self.convert in _NUMBER_PARSERS

    def resolve(self, option_value: Any, file_value: Any = None) -> tuple[Any, SettingOrigin]:  # noqa: ANN401 - as different as settings
        """The value and its origin, given the values of the option and of the file; None if they are not set.

        Raises UsageError if the value is not as `expected`.
        """
        if option_value is not None and option_value != []:
            return self._convert_value(option_value, f"--{self.name}{_shown(option_value)}"), SettingOrigin.OPTION
        environment_value = os.environ.get(self.environment_variable)
        if environment_value:
            return self._convert_value(
                self._split_environment_value(environment_value),
                f"${self.environment_variable}{_shown(environment_value)}",
            ), SettingOrigin.ENVIRONMENT
        if file_value is not None:
            return self._convert_value(file_value, f"{self.name} ={_shown(file_value)}"), SettingOrigin.FILE
        return self.default, SettingOrigin.DEFAULT

    def _split_environment_value(self, text: str) -> Any:  # noqa: ANN401 - as above
        """The value that an option would have, from the text of an environment variable."""
        if self.is_flag:
            word = text.strip().lower()
            if word not in _FLAG_WORDS:
                raise UsageError(f"${self.environment_variable}: expected 1, true, yes, on, 0, false, no or off")
            return _FLAG_WORDS[word]
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
