"""The door for files that users give: bounded in size and time, never a device, refused with one sentence."""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from conformance.core.errors import UsageError
from conformance.core.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL_FILE_BYTES = 1024 * 1024
"""The most bytes of a profile, a list of deviations, settings, a key or a finding."""
REPORT_FILE_BYTES = 32 * 1024 * 1024
"""The most bytes of a JSON report."""
MAX_PIPE_WAIT_S = 60.0
"""How long a pipe may keep a command waiting for its next bytes."""
_CHUNK_BYTES, _BUFFER_BYTES = 64 * 1024, 1024 * 1024
_OPEN_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"))
_OTHER_KINDS = {stat.S_IFDIR: "a directory", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
_WIDE_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""The byte order marks of encodings that are not read; that of UTF-32 begins with one of UTF-16."""


class UnreadableFile(UsageError):
    """A file that can't be read; `reason` is the sentence without its name, `line` (from 1) the place of the reason."""

    def __init__(self, path: str, what: str, reason: str, line: int = 1) -> None:
        super().__init__(f"{shorten(path)}: {what} can't be read: {reason}")
        self.reason = reason
        self.line = line


def read_text(path: str | os.PathLike[str], *, what: str = "the file", max_bytes: int = SMALL_FILE_BYTES) -> str:
    """The text of a file in UTF-8, without a byte order mark; a pipe is read to its end.

    Raises UnreadableFile for what is too large, no file, or no text. `what` names the file in the message.
    """
    return _decode(read_bytes(path, what=what, max_bytes=max_bytes), os.fspath(path), what)


def read_bytes(
    path: str | os.PathLike[str], *, what: str = "the file", max_bytes: int = SMALL_FILE_BYTES
) -> bytes | bytearray:
    """The bytes of a file, as `read_text` reads them. Raises UnreadableFile."""
    name = os.fspath(path)
    try:
        return _read(name, max_bytes)
    except OSError as error:
        raise UnreadableFile(name, what, error.strerror or str(error)) from None
    except ValueError as error:
        raise UnreadableFile(name, what, str(error)) from None


@contextlib.contextmanager
def open_large(path: str | os.PathLike[str], *, what: str = "the file") -> Iterator[BinaryIO]:
    """A regular file of any size, to be read in parts. Raises UnreadableFile for what is none."""
    name = os.fspath(path)
    try:
        file = os.fdopen(_open(name, None), "rb", buffering=_BUFFER_BYTES)
    except OSError as error:
        raise UnreadableFile(name, what, error.strerror or str(error)) from None
    except ValueError as error:
        raise UnreadableFile(name, what, str(error)) from None
    with file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise UnreadableFile(name, what, "it is no regular file")
        yield file


def _open(name: str, max_bytes: int | None) -> int:
    """The descriptor of a file. Raises OSError, or ValueError with the reason why it is not read."""
    if not name:
        raise ValueError("its path is empty")
    if "\0" in name:
        raise ValueError("a path has no NUL character")
    _require_readable_kind(Path(name).stat(), max_bytes)  # before it is opened: that alone moves some devices
    return os.open(name, _OPEN_FLAGS)


def _read(name: str, max_bytes: int) -> bytearray:
    """The bytes of a file. Raises OSError, or ValueError with the reason why it is not read."""
    descriptor = _open(name, max_bytes)
    try:
        is_pipe = _require_readable_kind(os.fstat(descriptor), max_bytes)
        content = bytearray()
        for chunk in _chunks(descriptor):
            content += chunk
            if len(content) > max_bytes:
                raise ValueError(_too_large(max_bytes))
    finally:
        os.close(descriptor)
    if is_pipe and not content:
        raise ValueError("it is a pipe, and nothing came out of it")
    return content


def _require_readable_kind(status: os.stat_result, max_bytes: int | None) -> bool:
    """Whether a file is a pipe. Raises ValueError for what is neither one nor a regular file, or is too large."""
    kind = stat.S_IFMT(status.st_mode)
    if kind not in {stat.S_IFREG, stat.S_IFIFO}:
        raise ValueError(f"it is {_OTHER_KINDS.get(kind, 'no file')}")
    if max_bytes is not None and status.st_size > max_bytes:
        raise ValueError(_too_large(max_bytes))
    return kind == stat.S_IFIFO


def _chunks(descriptor: int) -> Iterator[bytes]:
    """The content of an open file. Raises ValueError if a pipe keeps silent for too long."""
    while True:
        try:
            chunk = os.read(descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            if not select.select([descriptor], [], [], MAX_PIPE_WAIT_S)[0]:
                raise ValueError(f"nothing came out of the pipe for {MAX_PIPE_WAIT_S:g} s") from None
            continue
        if not chunk:
            return
        yield chunk


def _decode(content: bytes | bytearray, name: str, what: str) -> str:
    """The text of some bytes. Raises UnreadableFile."""
    wide = next((encoding for mark, encoding in _WIDE_MARKS.items() if content.startswith(mark)), "")
    if wide:
        raise UnreadableFile(name, what, f"it is {wide}, not UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(name, what, "it is not UTF-8", content.count(b"\n", 0, error.start) + 1) from None
    if "\0" in text:
        raise UnreadableFile(name, what, "it holds NUL characters", text.count("\n", 0, text.index("\0")) + 1)
    return text


def _too_large(max_bytes: int) -> str:
    return f"it has more than {max_bytes // 1024:,} KiB"
