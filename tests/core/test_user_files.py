"""The door for files of users: what is read, and what is refused with one sentence."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from typing import TYPE_CHECKING

import pytest

from conformance.cli import main
from conformance.core import user_files
from conformance.core.user_files import UnreadableFile, read_text
from tests.support.paths import ACME

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SENTENCE = "can't be read: "
WRONG_TEXTS = {
    "UTF-16": ("profile: x".encode("utf-16"), "it is UTF-16, not UTF-8"),
    "UTF-32": ("profile: x".encode("utf-32"), "it is UTF-32, not UTF-8"),
    "Latin-1": ("a: b\nb: café".encode("latin-1"), "it is not UTF-8"),
    "a NUL": (b"a: b\nb: \0", "it holds NUL characters"),
    "too large": (b"a" * (user_files.SMALL_FILE_BYTES + 1), "it has more than 1,024 KiB"),
}


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    """Editors write one before UTF-8; other than that nothing is changed."""
    file = tmp_path / "a"
    file.write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\r\n")
    assert read_text(file) == "a: é\r\n"


@pytest.mark.parametrize(("content", "reason"), WRONG_TEXTS.values(), ids=WRONG_TEXTS)
def test_what_is_no_text_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    """With the reason, and the line where there is one."""
    file = tmp_path / "a"
    file.write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        read_text(file)
    assert str(caught.value) == f"{file}: the file {SENTENCE}{reason}"
    assert caught.value.line == 1 + (b"\n" in content and b"b: " in content)


def test_only_as_much_as_allowed_is_read(tmp_path: Path) -> None:
    """A sparse file of a terabyte costs nothing, and one at the limit is read."""
    file = tmp_path / "a"
    with file.open("wb") as opened:
        opened.truncate(2**40)
    with pytest.raises(UnreadableFile, match="more than 1,024 KiB"):
        read_text(file)
    file.write_bytes(b"a" * 1024)
    assert read_text(file, max_bytes=1024) == "a" * 1024


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "its path is empty"),
        ("/nowhere/none", "No such file or directory"),
        ("/", "it is a directory"),
        ("/dev/zero", "it is a device"),
        ("/dev/null", "it is a device"),
        ("a\0b", "a path has no NUL character"),
        ("a" * 5000, "File name too long"),
        ("\ud800", "surrogates not allowed"),
        (f"{ACME}/x", "Not a directory"),
    ],
    ids=["empty", "missing", "directory", "endless", "null", "NUL", "long", "surrogate", "below a file"],
)
def test_what_is_no_file_is_refused(path: str, reason: str) -> None:
    """The message names the path, in part if it is long."""
    with pytest.raises(UnreadableFile) as caught:
        read_text(path)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_socket_is_refused() -> None:
    """It would never end."""
    with tempfile.TemporaryDirectory() as place, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{place}/s")
        with pytest.raises(UnreadableFile, match="it is no file"):
            read_text(f"{place}/s")


def write_pipe(path: Path, parts: list[bytes], ready: threading.Event) -> None:
    """Writes parts into a pipe, and keeps it open in between."""
    with path.open("wb", buffering=0) as opened:
        ready.set()
        for part in parts:
            opened.write(part)


def read_pipe(path: Path, parts: list[bytes]) -> str:
    """What the door reads of a pipe that gets these parts."""
    os.mkfifo(path)
    holder = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # else nobody can open it to write
    ready = threading.Event()
    writer = threading.Thread(target=write_pipe, args=(path, parts, ready))
    writer.start()
    try:
        ready.wait(10)
        return read_text(path, max_bytes=200_000)
    finally:
        os.close(holder)
        writer.join(10)


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    """A key may come out of a command: `--write-key-file <(command)`."""
    assert read_pipe(tmp_path / "pipe", [b"a" * 1000, b"b"]) == "a" * 1000 + "b"


def test_a_pipe_that_nobody_writes_to_is_refused(tmp_path: Path) -> None:
    """At once."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableFile, match="it is a pipe, and nothing came out of it"):
        read_text(tmp_path / "pipe")


def test_a_silent_pipe_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that keeps it open without a word can't keep the command."""
    monkeypatch.setattr(user_files, "MAX_PIPE_WAIT_S", 0.01)
    os.mkfifo(tmp_path / "pipe")
    both_ends = os.open(tmp_path / "pipe", os.O_RDWR)
    try:
        with pytest.raises(UnreadableFile, match=r"nothing came out of the pipe for 0\.01 s"):
            read_text(tmp_path / "pipe")
    finally:
        os.close(both_ends)


def test_an_endless_pipe_is_cut(tmp_path: Path) -> None:
    """What is more than allowed is not collected."""
    os.mkfifo(tmp_path / "pipe")
    both_ends = os.open(tmp_path / "pipe", os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(both_ends, b"a" * 4096)
        with pytest.raises(UnreadableFile, match="more than 1 KiB"):
            read_text(tmp_path / "pipe", max_bytes=1024)
    finally:
        os.close(both_ends)


BASE = ("run", "https://127.0.0.1:1", "--profile", "segment", "--write-key", "k", "--select", "accept.event.minimal")
DOORS: dict[str, Callable[[str], tuple[str, ...]]] = {
    "profile": lambda path: ("run", "--profile", path),
    "deviations": lambda path: (*BASE, "--known-deviations", path),
    "key": lambda path: ("run", "https://127.0.0.1:1", "--profile", "segment", "--write-key-file", path),
    "authorities": lambda path: (*BASE, "--ca-bundle", path),
    "report": lambda path: ("report", path),
    "compared report": lambda path: ("compare", path, path),
    "profile to list": lambda path: ("list", "--profile", path),
}
BOMBS = {
    "YAML in depth": b"[" * 100_000,
    "YAML of aliases": b"a: &a [x, x]\n" + b"".join(b"a%d: &b%d [*a, *a]\n" % (n, n) for n in range(400)),
    "tags": b"a: !!python/object/apply:os.system [exit]\n",
    "sixties": b"a: 1" + b":59" * 100_000,
    "JSON in depth": b'{"format":' * 100_000,
    "digits": b'{"format": ' + b"9" * 100_000 + b"}",
    "binary": bytes(range(256)),
    "a long word": b"a" * 100_000,
    "nothing": b"",
}
PATHS = {"endless": "/dev/zero", "directory": "/dev/", "missing": "/nowhere/none.yaml", "NUL": "/a\0.yaml"}


@pytest.mark.parametrize("door", DOORS)
def test_every_option_with_a_file_refuses_what_is_none(
    door: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and a short message, without a word on the suite being at fault."""
    file = tmp_path / "given.yaml"
    places = dict(PATHS)
    os.mkfifo(tmp_path / "pipe.yaml")
    places["pipe"] = str(tmp_path / "pipe.yaml")
    for name, path in places.items():
        assert main(DOORS[door](path)) == 2, name
        assert_short(capsys.readouterr().err, name)
    for name, content in BOMBS.items():
        if door == "key" and name not in {"binary", "nothing"}:
            continue  # any text is a key
        file.write_bytes(content)
        assert main(DOORS[door](str(file))) == 2, name
        assert_short(capsys.readouterr().err, name)


def assert_short(message: str, name: str) -> None:
    """One message of a few lines."""
    assert message.startswith("conformance: "), name
    assert "a fault of the suite" not in message, name
    assert len(message) < 2000, (name, message)
