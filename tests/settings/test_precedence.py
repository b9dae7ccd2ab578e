"""Which value counts: an option before the environment, before a configuration file, before the default."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from conformance.cli.options import build_parser
from conformance.core.errors import UsageError
from conformance.settings.file import find_configuration
from conformance.settings.setting import SettingOrigin
from conformance.settings.table import (
    CONTRADICTIONS,
    SECOND_SERVER_SETTINGS,
    SETTINGS,
    resolve,
    resolve_second_server,
    resolve_with_origins,
)
from tests.support.pytest_sessions import run_pytest, write_project

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.settings.setting import Setting

OPTION, ENVIRONMENT, FILE = SettingOrigin.OPTION, SettingOrigin.ENVIRONMENT, SettingOrigin.FILE
ORIGINS = (OPTION, ENVIRONMENT, FILE)
ALL_SETTINGS = (*SETTINGS, *SECOND_SERVER_SETTINGS)
KEY_PAIRS = (("write-key", "write-key-file"), ("write-key-b", "write-key-file-b"))


def sample(setting: Setting, origin: SettingOrigin) -> str:
    """A valid text for a setting, another one for each origin."""
    if setting.name == "gate":
        return {OPTION: "may", ENVIRONMENT: "should", FILE: "must"}[origin]
    if setting.is_flag:
        return {OPTION: "true", ENVIRONMENT: "off", FILE: "true"}[origin]
    if setting.metavar in {"N", "SECONDS"}:
        return {OPTION: "11", ENVIRONMENT: "12", FILE: "13"}[origin]
    return f"{setting.name}-of-{origin}"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is set but by the test."""
    for setting in ALL_SETTINGS:
        monkeypatch.delenv(setting.environment_variable, raising=False)


class Given:
    """Settings that are given by each origin, as a user gives them."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._place, self._monkeypatch = place, monkeypatch
        self._argv: list[str] = []
        self._command = ["run", "http://a"]
        self._lines: list[str] = []

    def add(self, setting: Setting, origin: SettingOrigin, text: str = "") -> None:
        """Gives a setting by an origin."""
        text = text or sample(setting, origin)
        if setting in SECOND_SERVER_SETTINGS:
            self._command = ["diff", "http://a", "http://b"]
        if origin is OPTION:
            self._argv += [f"--{setting.name}"] if setting.is_flag else [f"--{setting.name}", text]
        elif origin is ENVIRONMENT:
            self._monkeypatch.setenv(setting.environment_variable, text)
        else:
            self._lines.append(f"{setting.name} = {text if setting.is_flag else json.dumps(text)}")

    @property
    def options(self) -> dict[str, Any]:
        """The options of `run`, or of `diff` if one is of the second server."""
        return vars(build_parser().parse_args([*self._command, *self._argv]))

    @property
    def file_values(self) -> Any:  # noqa: ANN401 - as settings are
        """The settings of the configuration file."""
        (self._place / "conformance.toml").write_text("\n".join(self._lines))
        return find_configuration(self._place).values


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Given:
    """No settings yet."""
    return Given(tmp_path, monkeypatch)


def origins_of(setting: Setting) -> tuple[SettingOrigin, ...]:
    """The origins that a setting may have: a project's file has no secret, no permission, and no second server."""
    has_no_file = setting.is_secret or setting.loosens_safety or setting in SECOND_SERVER_SETTINGS
    return ORIGINS[:2] if has_no_file else ORIGINS


def subsets(origins: tuple[SettingOrigin, ...]) -> list[tuple[SettingOrigin, ...]]:
    """Every choice of some origins, in order."""
    return [some for count in range(1, len(origins) + 1) for some in itertools.combinations(origins, count)]


@pytest.mark.parametrize(
    ("setting", "origins"),
    [
        pytest.param(setting, origins, id=f"{setting.name}-{'-'.join(origins)}")
        for setting in ALL_SETTINGS
        for origins in subsets(origins_of(setting))
    ],
)
def test_the_earliest_origin_counts(setting: Setting, origins: tuple[SettingOrigin, ...], given: Given) -> None:
    """Whatever setting it is, and however many origins give it."""
    for origin in origins:
        given.add(setting, origin)
    settings = SETTINGS if setting in SETTINGS else SECOND_SERVER_SETTINGS
    value, origin = resolve_with_origins(given.options, given.file_values, settings)[setting.key]
    text = sample(setting, origins[0])
    assert origin is origins[0]
    if setting.is_flag:
        assert value is (text == "true")
    elif setting.is_list:
        assert value == (text,)
    else:
        assert str(value).endswith(text) or float(value) == float(text)


@pytest.mark.parametrize("key_origin", [OPTION, ENVIRONMENT])
@pytest.mark.parametrize(
    ("pair", "file_origin"),
    [
        pytest.param(pair, origin, id=f"{pair[1]}-{origin}")
        for pair in KEY_PAIRS
        for origin in origins_of(next(item for item in ALL_SETTINGS if item.name == pair[1]))
    ],
)
def test_the_key_and_its_file_are_one_setting(
    key_origin: SettingOrigin, pair: tuple[str, str], file_origin: SettingOrigin, given: Given, tmp_path: Path
) -> None:
    """The earlier origin counts, whether it gives the key or the file; of one origin the key itself does."""
    key_setting, file_setting = (next(item for item in ALL_SETTINGS if item.name == name) for name in pair)
    (tmp_path / "secret").write_text("key of the file\n")
    given.add(key_setting, key_origin, "key itself")
    given.add(file_setting, file_origin, str(tmp_path / "secret"))
    if file_setting in SETTINGS:
        values = resolve(given.options, given.file_values)
    else:
        values = resolve_second_server(given.options, {"write_key": "a", "bearer": None, "header": ()})
    file_wins = ORIGINS.index(file_origin) < ORIGINS.index(key_origin)
    assert values["write_key"] == ("key of the file" if file_wins else "key itself")


def test_a_file_that_does_not_count_is_not_read(given: Given, tmp_path: Path) -> None:
    """It may be there on another machine only."""
    key, key_file = (next(item for item in SETTINGS if item.name == name) for name in KEY_PAIRS[0])
    given.add(key, OPTION, "key")
    given.add(key_file, ENVIRONMENT, str(tmp_path / "none"))
    assert resolve(given.options)["write_key"] == "key"


@pytest.mark.parametrize("names", KEY_PAIRS, ids=["a", "b"])
def test_an_empty_file_is_not_replaced_by_another_key(names: tuple[str, str], given: Given, tmp_path: Path) -> None:
    """A key that was asked for and is not there is missing: no other key goes to that server."""
    key, key_file = (next(item for item in ALL_SETTINGS if item.name == name) for name in names)
    (tmp_path / "empty").write_text("\n")
    given.add(key, ENVIRONMENT, "another key")
    given.add(key_file, OPTION, str(tmp_path / "empty"))
    values = resolve(given.options) if key in SETTINGS else resolve_second_server(given.options, {"write_key": "a"})
    assert values["write_key"] == ""


@pytest.mark.parametrize(
    ("option", "variables", "expected"),
    [
        (("tier", "gentle"), {"allow": "burst"}, {"tier": ("gentle",), "allow": ()}),
        (("tier", "gentle"), {"jobs": "8", "fuzz": "100"}, {"tier": ("gentle",), "jobs": None, "fuzz": None}),
        (("tier", "gentle"), {"jobs": "1", "fuzz": "0"}, {"jobs": 1, "fuzz": 0}),
        (("tier", "standard"), {"allow": "volume"}, {"tier": ("standard",), "allow": ("volume",)}),
        (("tier", "standard"), {"allow": "burst", "fuzz": "9"}, {"allow": ("burst",), "fuzz": 9}),
        (("tier", "volume"), {"fuzz": "9", "jobs": "3"}, {"tier": ("volume",), "fuzz": None, "jobs": 3}),
        (("allow", "burst"), {"tier": "gentle"}, {"tier": (), "allow": ("burst",)}),
        (("jobs", "8"), {"tier": "gentle"}, {"tier": ("gentle",), "jobs": 8}),
        (("fuzz", "9"), {"tier": "standard"}, {"tier": ("standard",), "fuzz": 9}),
    ],
)
def test_settings_that_contradict_each_other(
    option: tuple[str, str], variables: dict[str, str], expected: dict[str, Any], given: Given
) -> None:
    """The option counts; but one that asks for more load never lifts a tier, and is refused beside it."""
    settings = {setting.name: setting for setting in SETTINGS}
    given.add(settings[option[0]], OPTION, option[1])
    for name, text in variables.items():
        given.add(settings[name], ENVIRONMENT, text)
    values = resolve(given.options)
    assert {name: values[name] for name in expected} == expected


def test_contradictions_are_between_settings_of_the_table() -> None:
    """A key that is renamed is renamed there, too."""
    keys = {setting.key for setting in ALL_SETTINGS}
    assert {key for item in CONTRADICTIONS for key in (item.first, item.second)} <= keys


def test_a_wrong_value_names_its_origin(given: Given) -> None:
    """So that it can be found."""
    jobs = next(setting for setting in SETTINGS if setting.name == "jobs")
    given.add(jobs, ENVIRONMENT, "many")
    with pytest.raises(UsageError, match=r"^\$CONFORMANCE_JOBS many: expected"):
        resolve(given.options)


def test_config_says_which_key_counts(tmp_path: Path) -> None:
    """The key that the option's file overrules is not shown as set."""
    (tmp_path / "secret").write_text("key")
    completed = subprocess.run(
        [sys.executable, "-m", "conformance", "config", "--write-key-file", str(tmp_path / "secret")],
        cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, "CONFORMANCE_WRITE_KEY": "another"},
    )  # fmt: skip
    lines = {line.split()[0]: line.split()[1:] for line in completed.stdout.splitlines() if line.strip()}
    assert lines["write-key"] == ["-", "default"]
    assert lines["write-key-file"][-1] == "option"


CONFTEST = """
import json, pathlib

def pytest_collection_finish(session):
    checks = session.config.pluginmanager.getplugin("conformance-session")
    pathlib.Path("settings.json").write_text(json.dumps(checks._settings))
"""
VALID_TEXTS = {"write-key-file": "secret", "include": "internal", "select": "accept", "deselect": "fuzz",
               "exclude": "internal",
               "tier": "burst", "allow": "volume", "header": "X-A: b",
               "plain-header": "X-B: c"}  # fmt: skip
NOT_IN_A_SESSION = {"profile", "write-key", "known-deviations", "repeat", "ca-bundle"}
"""Given otherwise, refused, or the name of a file that would have to be good."""


def test_the_options_of_pytest_come_before_the_environment(tmp_path: Path) -> None:
    """Every option of the plugin counts, though the environment says something else."""
    settings = [setting for setting in SETTINGS if setting.name not in NOT_IN_A_SESSION]
    (tmp_path / "secret").write_text("key of the option's file")
    texts = {setting.name: VALID_TEXTS.get(setting.name, sample(setting, OPTION)) for setting in settings}
    arguments = [
        word
        for setting in settings
        for word in (f"--conformance-{setting.name}", *([] if setting.is_flag else [texts[setting.name]]))
    ]
    environment = {setting.environment_variable: sample(setting, ENVIRONMENT) for setting in settings}
    environment["CONFORMANCE_WRITE_KEY"] = "another key"
    place = write_project(tmp_path, {"conftest.py": CONFTEST, "test_it.py": "def test_it(): pass\n"})
    target = ("--conformance-url", "http://127.0.0.1:9", "--conformance-profile", "rudderstack")
    ended = run_pytest(place, *target, *arguments, "--collect-only", "test_it.py", **environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    values = json.loads((tmp_path / "settings.json").read_text())
    assert values["write_key"] == "key of the option's file"
    for setting in settings:
        value = values[setting.key]
        shown = ", ".join(value) if setting.is_list else str(value).lower() if setting.is_flag else str(value)
        assert shown in {texts[setting.name], f"{texts[setting.name]}.0"}, setting.name


@pytest.mark.parametrize("name", ["i-may-test", "header", "plain-header", "ca-bundle", "insecure"])
def test_a_file_cannot_loosen_the_safety_of_a_run(name: str, given: Given) -> None:
    """Whoever wrote the file need not be who starts the run."""
    setting = next(item for item in SETTINGS if item.name == name)
    given.add(setting, FILE)
    with pytest.raises(UsageError, match=rf"{name}: this loosens .*--{name}, or set CONFORMANCE_") as caught:
        _ = given.file_values
    assert "\n" not in str(caught.value)


def test_the_search_for_settings_ends_at_the_repository(tmp_path: Path) -> None:
    """What lies above a repository, or above a directory outside of any, belongs to somebody else."""
    (tmp_path / "conformance.toml").write_text('gate = "may"')
    inside = tmp_path / "repository" / "package"
    inside.mkdir(parents=True)
    assert not find_configuration(inside).values
    (tmp_path / "repository" / "conformance.toml").write_text('gate = "should"')
    assert not find_configuration(inside).values
    (tmp_path / "repository" / ".git").touch()  # as in a worktree
    assert find_configuration(inside).values == {"gate": "should"}
