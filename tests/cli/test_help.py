"""What the command says of itself: groups of options, examples, exit codes, versions, and completion in shells."""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from conformance import __version__
from conformance.cli import main
from conformance.cli.completion import bash_script, fish_script
from conformance.cli.option_groups import GROUPS, epilog
from conformance.cli.options import build_parser
from conformance.settings.table import SECOND_SERVER_SETTINGS, SETTINGS
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = build_parser().commands


def test_each_setting_is_in_one_group() -> None:
    """None is missing from `--help`, and none is there twice."""
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(setting.name for setting in (*SETTINGS, *SECOND_SERVER_SETTINGS))


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_can_be_typed(name: str) -> None:
    """Each is a command line of its command that the parser takes."""
    examples, _, codes = epilog(name).partition("exit codes:")
    for line in examples.splitlines()[1:]:
        words = shlex.split(line.partition(" > ")[0])
        if words:
            assert words[:2] == ["conformance", name]
            assert build_parser().parse_args(words[1:]).command == name
    documented = (ROOT / "docs" / "exit-codes.md").read_text("utf-8")
    assert all(f"| {line.split()[0]} |" in documented for line in codes.splitlines() if line.strip())


def test_help_has_groups_examples_and_codes() -> None:
    """Options are under their titles, and not in the first line."""
    text = COMMANDS["run"].format_help()
    assert text.startswith("usage: conformance run [OPTIONS] [URL]\n")
    for title in ("what is judged:", "credentials:", "generated requests:", "reports:", "examples:", "exit codes:"):
        assert f"\n{title}\n" in text
    assert "the second server:" not in text
    assert "the second server:" in COMMANDS["diff"].format_help()


def test_version_names_the_generators(capsys: pytest.CaptureFixture[str]) -> None:
    """Generated requests depend on their versions."""
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == ["ingest-conformance", "schemathesis", "hypothesis", "Python"]
    assert __version__


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("conformance", "expl"), "explain"),
        (("conformance", "run", "--write-key-"), "--write-key-file"),
        (("conformance", "run", "--profile", "segments"), "segmentstream"),
        (("conformance", "diff", "--bearer-"), "--bearer-b"),
        (("conformance", "report", "conf"), "conformance.json"),
    ],
)
def test_bash_completes(words: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    """Commands, options, profiles and files."""
    (tmp_path / "conformance.json").touch()
    program = (
        f"{bash_script()}\nCOMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}\n"
        '_conformance; echo "${COMPREPLY[*]}"'
    )
    completed = subprocess.run(
        ["bash", "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=30
    )
    assert completed.stdout.strip() == expected


def test_fish_knows_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    """As bash does; zsh runs the script for bash."""
    for name, command in COMMANDS.items():
        options = [text for action in command._actions for text in action.option_strings if text.startswith("--")]  # noqa: SLF001 - argparse lists them nowhere else
        seen = [line for line in fish_script().splitlines() if f"_from {name}'" in line]
        assert [line.split(" -l ")[1].split()[0] for line in seen] == [item.removeprefix("--") for item in options]
    assert main(["completion", "zsh"]) == 0
    assert bash_script() in capsys.readouterr().out


def test_the_url_may_be_a_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """That of an argument comes before that of the environment, and that before a file's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conformance.toml").write_text('url = "http://127.0.0.1:1111"\n', encoding="utf-8")
    line = ["--profile", "segmentstream", "--select", "auth.key.unknown", "--dry-run"]

    def planned(*words: str) -> str:
        assert main(["run", *words, *line]) == 3
        return capsys.readouterr().out.partition("\n\n")[2].split(": ")[0]

    assert planned() == "http://127.0.0.1:1111"
    monkeypatch.setenv("CONFORMANCE_URL", "http://127.0.0.1:2222")
    assert planned() == "http://127.0.0.1:2222"
    assert planned("http://127.0.0.1:3333") == "http://127.0.0.1:3333"
    assert main(["config"]) == 0
    assert "http://127.0.0.1:2222" in capsys.readouterr().out
