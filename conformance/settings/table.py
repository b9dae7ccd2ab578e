"""The settings of a run: one table, from which the options of the command and of the plugin are made."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.core.errors import UsageError
from conformance.core.model import DEFAULT_RUN_ID, Level
from conformance.core.user_files import UnreadableFile, read_text
from conformance.settings.setting import (
    Setting,
    SettingOrigin,
    parse_amount,
    parse_count,
    parse_identifier,
    parse_location,
    parse_positive_float,
    parse_positive_int,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

WRITE_KEY_VARIABLE = "CONFORMANCE_WRITE_KEY"
BEARER_VARIABLE = "CONFORMANCE_BEARER"
EXPIRED_BEARER_VARIABLE = "CONFORMANCE_EXPIRED_BEARER"
SOURCE_ID_VARIABLE = "CONFORMANCE_SOURCE_ID"
DISABLED_KEY_VARIABLE = "CONFORMANCE_DISABLED_WRITE_KEY"
_MAX_SECRET_LENGTH = 16_384
"""The length of the longest credential and of the longest header."""
CREDENTIALS = ("write_key", "write_key_file", "bearer", "expired_bearer", "source_id", "disabled_write_key")
"""The keys of the settings that let a request in."""

TARGET = Setting(
    name="url",
    metavar="URL",
    help="the base URL of the target (default: $CONFORMANCE_URL, or `url` in the settings of the project)",
)
"""The setting that has no option of its own: commands take it as their argument."""

SETTINGS = (
    Setting(name="profile", metavar="NAME|FILE",
            help="the vendor's profile: a name (see `conformance profiles`), a YAML file, or (`run`) all"),
    Setting(name="write-key", metavar="KEY", is_secret=True,
            help=f"the write key of a source at the target (default: ${WRITE_KEY_VARIABLE})"),
    Setting(name="write-key-file", metavar="FILE", help="a file that contains only the write key"),
    Setting(name="bearer", metavar="TOKEN", is_secret=True,
            help=f"an OAuth access token, for profiles with OAuth (default: ${BEARER_VARIABLE})"),
    Setting(name="expired-bearer", metavar="TOKEN", is_secret=True,
            help=f"an access token that has expired (default: ${EXPIRED_BEARER_VARIABLE})"),
    Setting(name="source-id", metavar="ID", is_secret=True,
            help=f"the id of a source, for paths that take it in place of a key (default: ${SOURCE_ID_VARIABLE})"),
    Setting(name="disabled-write-key", metavar="KEY", is_secret=True,
            help=f"the write key of a source that is switched off (default: ${DISABLED_KEY_VARIABLE})"),
    Setting(name="gate", metavar="LEVEL", convert=Level, default=Level.MUST, expected="must, should or may",
            help="the weakest level that counts: must (default), should or may"),
    Setting(name="select", metavar="WORDS", is_list=True, default=(),
            help="only these checks: areas, levels, calls or globs of ids, separated by commas; "
                 "if repeated, a check has to match each"),
    Setting(name="deselect", metavar="WORDS", is_list=True, default=(), help="leave out these checks"),
    Setting(name="sink", metavar="FILE", loosens_safety=True,
            help="a YAML file that says where accepted events arrive, to judge whether they do"),
    Setting(name="known-deviations", metavar="FILE",
            help="a list of broken promises that do not fail the run, in YAML"),
    Setting(name="sarif-location", metavar="PATH[:LINE]", convert=parse_location,
            expected="a path from the root of your repository, with a line or without, such as src/server.py:12",
            help="where SARIF, code quality and annotations place what is broken: a file of your repository "
                 "(default: the profile's)"),
    Setting(name="repeat", metavar="N", convert=parse_count, default=1, expected="a whole number from 1 to 256",
            help="run the checks N times, and report which ones are flaky (default: 1)"),
    Setting(name="thorough", is_flag=True, default=False,
            help="send every form of a request on every path; by default each is sent on two paths of its kind"),
    Setting(name="include", metavar="GROUP", is_list=True, default=(),
            help="a group of optional routes in the profile, such as internal; may be repeated"),
    Setting(name="exclude", metavar="GROUP", is_list=True, default=(),
            help="leave out a group of routes of the profile, such as sdk-paths; may be repeated"),
    Setting(name="allow", metavar="WHAT", is_list=True, default=(),
            help="allows checks on another machine to cause more load: burst (many requests at once) or volume "
                 "(large bodies); `load` has to be named for a load on any machine; may be repeated"),
    Setting(name="tier", metavar="TIER", is_list=True, default=(),
            help="the load that checks may cause: gentle, standard (default for other machines), burst or "
                 "volume (both include standard); may be repeated (default on this machine: all)"),
    Setting(name="i-may-test", metavar="HOST", is_list=True, default=(), loosens_safety=True,
            help="confirms that you may test a host on the public internet, or, as metadata:HOST, a cloud's metadata "
                 "service; may be repeated, or list several, separated by commas"),
    Setting(name="run-id", metavar="TEXT", convert=parse_identifier, default=DEFAULT_RUN_ID,
            expected="1 to 64 letters, digits, dots, hyphens and underscores",
            help=f"an id that every event carries in context.conformance.run (default: {DEFAULT_RUN_ID})"),
    Setting(name="max-requests", metavar="N", convert=parse_positive_int, expected="a whole number from 1",
            help="the most requests to send in total; checks beyond that have no verdict"),
    Setting(name="max-bytes", metavar="N", convert=parse_positive_int, expected="a whole number from 1",
            help="the most bytes to send in total, bodies and headers together"),
    Setting(name="max-events", metavar="N", convert=parse_positive_int, expected="a whole number from 1",
            help="the most events to send in total, invalid ones included"),
    Setting(name="jobs", metavar="N", convert=parse_count, expected="a whole number from 1 to 256",
            help="requests in flight (default: 8; for `fuzz` on this machine: 16)"),
    Setting(name="rate", metavar="N", convert=parse_positive_float, expected="a number above 0",
            help="the most requests per second (default: no limit); for `load` the rate itself (default: 50)"),
    Setting(name="deadline", metavar="SECONDS", convert=parse_positive_float, default=10.0,
            expected="a number of seconds above 0", help="how long one exchange may take (default: 10)"),
    Setting(name="max-duration", metavar="SECONDS", convert=parse_positive_float,
            expected="a number of seconds above 0",
            help="the longest time of a run, waits included (default: 900, and 55 without any progress)"),
    Setting(name="wait", metavar="SECONDS", convert=parse_positive_float, expected="a number of seconds above 0",
            help="wait up to so long for a target that is starting (default: not at all)"),
    Setting(name="fuzz", metavar="N", convert=parse_amount,
            expected="a whole number from 0 to 10000000",
            help="the number of generated requests (default on this machine: 8000 for `run`, 10000 for `fuzz`; "
                 "elsewhere: none)"),
    Setting(name="fuzz-seed", metavar="N", convert=parse_amount, default=1, expected="a whole number from 0",
            help="the seed of the generated requests (default: 1)"),
    Setting(name="max-time", metavar="SECONDS", convert=parse_positive_float, expected="a number of seconds above 0",
            help="the longest time to send generated requests (default: 5 for `run`, unless --fuzz is given)"),
    Setting(name="header", metavar="'NAME: VALUE'", is_list=True, default=(), is_secret=True, loosens_safety=True,
            help="a further header for every request, whose value is a secret; may be repeated"),
    Setting(name="plain-header", metavar="'NAME: VALUE'", is_list=True, default=(), loosens_safety=True,
            help="the same for a header whose value is no secret, and is shown in reports; may be repeated"),
    Setting(name="ca-bundle", metavar="FILE", loosens_safety=True, help="certificate authorities to trust, in PEM"),
    Setting(name="insecure", is_flag=True, default=False, loosens_safety=True,
            help="do not verify the target's certificate"),
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
    Setting(name="header-b", metavar="'NAME: VALUE'", is_list=True, default=(), is_secret=True,
            help="a further header for every request to the second server, in place of those of --header; "
                 "may be repeated"),
)  # fmt: skip
"""The settings of the second server in a comparison."""
_PLACEHOLDER_VARIABLES = {
    "write_key": WRITE_KEY_VARIABLE,
    "write_key_b": WRITE_KEY_VARIABLE,
    "bearer": BEARER_VARIABLE,
    "expired_bearer": EXPIRED_BEARER_VARIABLE,
    "source_id": SOURCE_ID_VARIABLE,
    "disabled_write_key": DISABLED_KEY_VARIABLE,
    "bearer_b": BEARER_VARIABLE,
}
"""The settings with a credential, by key, with the variable that reports show in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Two settings that can't both count: if their origins differ, that of the earlier origin wins.

    `exists` says whether the values of all settings contradict each other here. If `first_only`, the second
    setting never wins: it would lift what the first forbids.
    """

    first: str
    second: str
    exists: Callable[[Mapping[str, Any]], bool] = lambda _: True
    first_only: bool = False


def _is_gentle(values: Mapping[str, Any]) -> bool:
    return set(values["tier"]) == {"gentle"}


CONTRADICTIONS = (
    Contradiction(first="write_key", second="write_key_file"),
    Contradiction(first="write_key_b", second="write_key_file_b"),
    Contradiction(first="tier", second="allow", exists=_is_gentle),
    Contradiction(
        first="tier", second="jobs", exists=lambda values: _is_gentle(values) and values["jobs"] > 1, first_only=True
    ),
    Contradiction(
        first="tier",
        second="fuzz",
        exists=lambda values: values["fuzz"] > 0 and "burst" not in {*values["tier"], *values["allow"]},
        first_only=True,
    ),
)
"""Of the first two pairs, the key itself counts if both have one origin; the others are then refused by the plan."""


def resolve(
    options: Mapping[str, Any],
    file_values: Mapping[str, Any] | None = None,
    settings: Sequence[Setting] = SETTINGS,
) -> dict[str, Any]:
    """The value of every setting, by key, from options, the environment and a configuration file.

    Raises UsageError for an invalid value, or if the file of the write key can't be read.
    """
    values = {name: value for name, (value, _) in resolve_with_origins(options, file_values, settings).items()}
    for name, file_name in (("write_key", "write_key_file"), ("write_key_b", "write_key_file_b")):
        if values.get(name) is None and values.get(file_name) is not None:
            values[name] = _read_secret_file(file_name.replace("_", "-"), values[file_name])
    _require_sendable(values)
    learn_from_values(values)
    return values


def _require_sendable(values: Mapping[str, Any]) -> None:
    """Raises UsageError, which does not show it, for a secret that no server would take the header of."""
    for key in (*_PLACEHOLDER_VARIABLES, "header", "header_b"):
        secrets = values.get(key) or ()
        if any(len(secret) > _MAX_SECRET_LENGTH for secret in ([secrets] if isinstance(secrets, str) else secrets)):
            name = key.replace("_", "-")
            raise UsageError(f"{name}: it has more than {_MAX_SECRET_LENGTH:,} characters, which fit into no header")


def learn_from_environment() -> None:
    """Makes the secrets in the environment known to the gate for output, before anything else is read."""
    from conformance.redaction import learn

    learn(
        {
            secret: f"${_PLACEHOLDER_VARIABLES[setting.key]}"
            for setting in (*SETTINGS, *SECOND_SERVER_SETTINGS)
            if setting.key in _PLACEHOLDER_VARIABLES and (secret := os.environ.get(setting.environment_variable))
        }
    )


def learn_from_values(values: Mapping[str, Any]) -> None:
    """Makes the secrets among the values of settings known to the gate for output."""
    from conformance.redaction import learn
    from conformance.redaction.header_secrets import secrets_of_headers

    learn({values[key]: f"${name}" for key, name in _PLACEHOLDER_VARIABLES.items() if values.get(key)})
    for key in ("header", "header_b"):
        lines = [line.partition(":") for line in values.get(key) or ()]
        learn(secrets_of_headers([(name, (value if colon else name).strip()) for name, colon, value in lines]))


def resolve_second_server(options: Mapping[str, Any], first_values: Mapping[str, Any]) -> dict[str, Any]:
    """The value of every setting for the second server in a comparison, given those of the first.

    Raises UsageError for an invalid value, or if the file of its write key can't be read.
    """
    values = resolve(options, settings=SECOND_SERVER_SETTINGS)
    own_values = {name: values[f"{name}_b"] for name in ("write_key", "bearer", "header")}
    return {**first_values, **{name: value for name, value in own_values.items() if value not in {None, ()}}}


def resolve_with_origins(
    options: Mapping[str, Any],
    file_values: Mapping[str, Any] | None = None,
    settings: Sequence[Setting] = SETTINGS,
) -> dict[str, tuple[Any, SettingOrigin]]:
    """The value of every setting and its origin, by key. Raises UsageError for an invalid value.

    Of two settings that contradict each other, that of the later origin is as if it were not set.
    """
    file_values = file_values or {}
    resolved = {
        setting.key: setting.resolve(options.get(setting.key), file_values.get(setting.key)) for setting in settings
    }
    for contradiction in CONTRADICTIONS:
        loser = _overruled(contradiction, resolved)
        if loser:
            default = next(setting.default for setting in settings if setting.key == loser)
            resolved[loser] = (default, SettingOrigin.DEFAULT)
    return resolved


def _overruled(contradiction: Contradiction, resolved: Mapping[str, tuple[Any, SettingOrigin]]) -> str:
    """The key of the setting that another one of an earlier origin overrules; empty if none is."""
    ranks = {
        key: list(SettingOrigin).index(resolved[key][1])
        for key in (contradiction.first, contradiction.second)
        if key in resolved and resolved[key][1] is not SettingOrigin.DEFAULT
    }
    values = {key: value for key, (value, _) in resolved.items()}
    if len(set(ranks.values())) < 2 or not contradiction.exists(values):
        return ""
    loser = max(ranks, key=lambda key: ranks[key])
    return "" if contradiction.first_only and loser == contradiction.first else loser


def _read_secret_file(option: str, path: str) -> str:
    """The content of an option's file, without surrounding white space. Raises UsageError, which does not name it.

    Who takes the option for --write-key gives the key in place of the file's name.
    """
    try:
        return read_text(path).strip()
    except UnreadableFile as error:
        raise UsageError(
            f"--{option}: the file can't be read: {error.reason} (its name is not shown: it may be the key)"
        ) from None
