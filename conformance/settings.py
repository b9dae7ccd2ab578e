"""The settings of a run: one table, from which the command's and the plugin's options are made."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.errors import UsageError
from conformance.model import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WRITE_KEY_VARIABLE = "CONFORMANCE_WRITE_KEY"
BEARER_VARIABLE = "CONFORMANCE_BEARER"
FUZZ_VARIABLE = "CONFORMANCE_FUZZ"


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 256:
        raise ValueError(text)
    return value


def _amount(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 10_000_000:
        raise ValueError(text)
    return value


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: its option without dashes, what it takes, and what it is when nobody says.

    `kind` turns the option's text into its value, raising ValueError for what is not `expected`; a flag
    takes no text, a list may be given several times.
    """

    name: str
    help: str
    metavar: str = ""
    expected: str = "a text"
    kind: Callable[[str], Any] = str
    default: Any = None
    variable: str = ""
    is_flag: bool = False
    is_list: bool = False

    @property
    def key(self) -> str:
        """The name as Python writes it."""
        return self.name.replace("-", "_")

    def value(self, given: Any) -> Any:  # noqa: ANN401 - as different as the settings are
        """The value of an option as it was given; the environment's, then the default, where it was not.

        Raises UsageError with one clear sentence.
        """
        if given is None and self.variable:
            given = os.environ.get(self.variable) or None
        if given is None or given == []:
            return self.default
        if self.is_flag or self.is_list:
            return given
        try:
            return self.kind(given)
        except ValueError:
            raise UsageError(f"--{self.name} {given}: expected {self.expected}") from None


SETTINGS = (
    Setting(name="profile", metavar="NAME|FILE",
            help="the vendor's profile: a name (see `conformance profiles`), a YAML file, or (`run`) all"),
    Setting(name="write-key", metavar="KEY", variable=WRITE_KEY_VARIABLE,
            help=f"the write key of a source at the target (default: ${WRITE_KEY_VARIABLE})"),
    Setting(name="bearer", metavar="TOKEN", variable=BEARER_VARIABLE,
            help=f"an OAuth access token, where the profile knows OAuth (default: ${BEARER_VARIABLE})"),
    Setting(name="gate", metavar="LEVEL", kind=Level, default=Level.MUST, expected="must, should or may",
            help="the weakest level that counts: must (default), should or may"),
    Setting(name="select", metavar="GLOBS",
            help="only these checks: areas or globs of ids, separated by commas"),
    Setting(name="include", metavar="GROUP", is_list=True, default=(),
            help="optional routes of the profile, such as internal; may be repeated"),
    Setting(name="allow", metavar="WHAT", is_list=True, default=(),
            help="what checks may do to a target beyond loopback: burst (many requests at once) or volume "
                 "(large bodies); may be repeated"),
    Setting(name="jobs", metavar="N", kind=_count, default=8, expected="a whole number from 1 to 256",
            help="requests in flight (default: 8)"),
    Setting(name="rate", metavar="N", kind=_positive, expected="a number above 0",
            help="the most requests a second, over the whole run (default: no limit)"),
    Setting(name="deadline", metavar="SECONDS", kind=_positive, default=10.0,
            expected="a number of seconds above 0", help="how long one exchange may take (default: 10)"),
    Setting(name="fuzz", metavar="N", kind=_amount, variable=FUZZ_VARIABLE,
            expected="a whole number from 0 to 10000000",
            help="how many generated requests are sent (default: none by run, 10000 by fuzz)"),
    Setting(name="fuzz-seed", metavar="N", kind=_amount, default=1, expected="a whole number from 0",
            help="another seed makes other requests (default: 1)"),
    Setting(name="max-time", metavar="SECONDS", kind=_positive, expected="a number of seconds above 0",
            help="how long generated requests are sent at most"),
    Setting(name="header", metavar="'NAME: VALUE'", is_list=True, default=(),
            help="a further header for every request; may be repeated"),
    Setting(name="ca-bundle", metavar="FILE", help="certificate authorities to trust, in PEM"),
    Setting(name="insecure", is_flag=True, default=False, help="do not verify the target's certificate"),
)  # fmt: skip


def resolve(given: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting's value, by its key, from the options that were given."""
    return {setting.key: setting.value(given.get(setting.key)) for setting in SETTINGS}
