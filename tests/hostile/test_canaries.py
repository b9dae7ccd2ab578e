"""Canaries: a key and three headers, said back in every spelling, are in nothing that the suite prints or writes."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from conformance.cli import main
from tests.hostile.echo import echo_script, said_secrets
from tests.support.pytest_sessions import WITHOUT_REORDERING, run_pytest, write_project
from tests.support.scripted_server import scripted_server
from tests.support.spellings import spellings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "Canary-7f3A/9b2C+51dE=Qx"
TOKEN, SESSION, VAULT = "tok-R4nd0m.Jwt~part0000", "s3ss10n-C4n4ry-Value-01", "Vault:4711/Secret+Word9"
SECRETS = (KEY, TOKEN, SESSION, VAULT)
HEADERS = (f"X-Jwt: Bearer {TOKEN}", f"Cookie: theme=dark; sid={SESSION}", f"X-Vault: {VAULT}")
HEADER_OPTIONS = tuple(word for header in HEADERS for word in ("--header", header))
PROFILE = ("--profile", "segmentstream")
_GENERATED = {"corpora", "hypothesis", "__pycache__"}
"""Directories with what is made before anything is sent."""
SOME_CHECKS = (
    "--select",
    "auth.key.*,errors.*,json.syntax.*,accept.event.*,robustness.method.*",
)


@pytest.fixture
def url() -> Iterator[str]:
    """The URL of a disorderly target, with the key in its path.

    It is new for each test: its answers follow in turn, and one that is no HTTP, as the first, ends a command.
    """
    with scripted_server(echo_script(SECRETS)) as server:
        yield with_key(server.url)


@pytest.fixture(scope="module")
def orderly_url() -> Iterator[str]:
    """The URL of a target that accepts and refuses, with the key in its path."""
    with scripted_server(echo_script(SECRETS, is_orderly=True)) as server:
        yield with_key(server.url)


def with_key(url: str) -> str:
    """A URL with the key in its path."""
    return f"{url}/v0/{quote(KEY, safe='')}"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for all that is written, the cache included."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CONFORMANCE_WRITE_KEY", KEY)
    monkeypatch.setenv("CONFORMANCE_DEBUG", "1")
    return tmp_path


def printed_by(*arguments: str) -> str:
    """All that a command prints."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(arguments)
    assert code in {0, 1, 3}, err.getvalue()
    return out.getvalue() + err.getvalue()


def assert_silent(place: Path, *printed: str) -> None:
    """Neither what was printed nor a file says a secret."""
    texts = {f"output {number}": text for number, text in enumerate(printed)}
    files = [file for file in place.rglob("*") if file.is_file() and not _GENERATED & {*file.parts}]
    texts |= {str(file): file.read_text("utf-8") for file in files}
    assert len(texts) > len(printed)
    for name, text in texts.items():
        assert (name, said_secrets(text, SECRETS)[:3]) == (name, [])


def test_the_search_finds_every_spelling() -> None:
    """Else the other tests would prove nothing."""
    for secret in SECRETS:
        for name, form in spellings(secret).items():
            assert said_secrets(f"<{form}>", SECRETS), name
    assert said_secrets("an ordinary text, $CONFORMANCE_WRITE_KEY", SECRETS) == []


def test_run(url: str, place: Path) -> None:
    """In every format, printed in full and quietly, from the run and from its report."""
    kinds = ("json", "html", "markdown", "junit", "sarif", "badge", "ndjson", "write-known-deviations")
    files = tuple(word for kind in kinds for word in (f"--{kind}", f"run.{kind}"))
    options = (url, *PROFILE, *HEADER_OPTIONS, *SOME_CHECKS, "--fuzz", "0")
    printed = printed_by("run", *options, *files)
    assert "auth.key" in printed
    streams = [printed_by("run", *options, "--quiet", f"--{kind}", "-") for kind in ("json", "ndjson")]
    again = [printed_by("report", "run.json", f"--{kind}", "-") for kind in ("markdown", "junit")]
    compared = printed_by("compare", "run.json", "run.json", "--markdown", "-")
    assert_silent(place, printed, *streams, *again, compared)


def test_diff(orderly_url: str, place: Path) -> None:
    """A comparison shows the answers of both."""
    kinds = ("json", "html", "markdown")
    files = tuple(word for kind in kinds for word in (f"--{kind}", f"diff.{kind}"))
    options = (*PROFILE, *HEADER_OPTIONS, "--select", "auth.key.*,accept.event.minimal", "--fuzz", "0", "--strict")
    printed = printed_by("diff", orderly_url, orderly_url.replace("127.0.0.1", "localhost"), *options, *files)
    assert_silent(place, printed)


def test_probe(orderly_url: str, place: Path) -> None:
    """A probe quotes answers, and writes them to a profile."""
    files = ("--json", "probe.json", "--out", "probe.yaml")
    probed = printed_by("probe", orderly_url, *HEADER_OPTIONS, *files, "--max-requests", "120")
    assert_silent(place, probed)


def test_fuzz_and_replay(url: str, orderly_url: str, place: Path) -> None:
    """Findings are printed, written and stored."""
    options = (*PROFILE, *HEADER_OPTIONS)
    printed = printed_by("fuzz", url, *options, "--fuzz", "30", "--json", "fuzz.json")
    ids = [file.stem for file in (place / "cache").rglob("findings/*.json")]
    replays = [printed_by("replay", finding, orderly_url, *HEADER_OPTIONS) for finding in ids[:2]]
    assert replays
    assert_silent(place, printed, *replays)


def test_messages(url: str, place: Path) -> None:
    """What is said without a run: settings, plans and exports."""
    printed = [
        printed_by("config", *HEADER_OPTIONS, "--write-key", KEY),
        printed_by("run", url, *PROFILE, *HEADER_OPTIONS, "--dry-run"),
        printed_by("export", *PROFILE, "--format", "har", "--out", "export.har"),
    ]
    assert_silent(place, *printed)


def test_pytest(url: str, place: Path) -> None:
    """The plugin prints verdicts, and writes its report and pytest's own."""
    write_project(place, {"test_own.py": f"def test_own():\n    key = {KEY!r}\n    assert not key\n"})
    headers = tuple(word for header in HEADERS for word in ("--conformance-header", header))
    options = ("--conformance-url", url, "--conformance-profile", "segmentstream", "--conformance-fuzz", "0", *headers)
    files = ("--conformance-json", "pytest.json", "--junitxml", "pytest.xml", "--debug")
    choice = ("-k", "auth.key or errors or own", "-vv", "-l", "-rA")
    ended = run_pytest(place, *options, *files, *choice, *WITHOUT_REORDERING)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    (place / "test_own.py").unlink()
    assert "CheckFailed" not in ended.stdout
    assert_silent(place, ended.stdout, ended.stderr)
