"""Files that are written whole or not at all: beside their place first, then renamed into it.

Only a stream is written in its place, line by line; readers see by its last line whether it is whole.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PART_PREFIX, PART_SUFFIX = ".conformance-", ".part"
"""How the name of a file begins and ends that is not in its place yet; a process that is killed leaves it behind."""
_CREATE_FLAGS = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"))
)
_SYSTEM_ROOTS = frozenset({"dev", "proc"})


def write_text(path: str | os.PathLike[str], text: str, *, mode: int | None = None) -> None:
    """Writes a file in UTF-8, as `replacing` does. Raises OSError."""
    with replacing(path, mode=mode) as file:
        file.write(text)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], *, mode: int | None = None) -> Iterator[IO[str]]:
    """A file to write text to; it takes its place when the block ends, and is gone if the block raises.

    Until then the place keeps what it has. A symbolic link is replaced, not followed. What is no regular file (a pipe,
    a terminal, /dev/stdout) is written to directly. `mode` are the permissions of a new file, if not the usual ones.
    Raises OSError.
    """
    place = Path(path)
    kept_mode = _mode_of_regular_file(place)
    if kept_mode is None:
        with place.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        return
    part = _name_beside(place)
    try:
        with _created(part, kept_mode if mode is None else mode) as file:
            yield file
        part.replace(place)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def open_stream(path: str | os.PathLike[str], *, mode: int | None = None) -> IO[str]:
    """A new file at its place, for a stream of lines; what was there is gone. Raises OSError."""
    place = Path(path)
    kept_mode = _mode_of_regular_file(place)
    if kept_mode is None:
        return place.open("w", encoding="utf-8", newline="\n")
    place.unlink(missing_ok=True)
    return _created(place, kept_mode if mode is None else mode)


def require_writable(path: str | os.PathLike[str]) -> None:
    """Raises OSError if `replacing` would; a pipe or device is not opened."""
    place = Path(path)
    mode = _mode_of_regular_file(place)
    if mode is not None:
        part = _name_beside(place)
        _created(part, mode).close()
        part.unlink()
    elif place.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    elif place.exists() and not os.access(place, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def remove(path: str | os.PathLike[str]) -> int | None:
    """Removes a file, or a link to one, and returns its permissions; None if there is none. Raises OSError."""
    place = Path(path)
    mode = _mode_of_regular_file(place)
    if mode is None or not (place.exists() or place.is_symlink()):
        return None
    place.unlink()
    return mode


def _name_beside(place: Path) -> Path:
    return place.with_name(f"{PART_PREFIX}{os.getpid()}-{secrets.token_hex(6)}{PART_SUFFIX}")


def _created(place: Path, mode: int) -> IO[str]:
    """A new file, which must not be there yet. Raises OSError."""
    return os.fdopen(os.open(place, _CREATE_FLAGS, mode), "w", encoding="utf-8", newline="\n")


def _mode_of_regular_file(place: Path) -> int | None:
    """The permissions for a file that can be replaced, or created; None for a place that has to be written to as it is.

    Raises OSError if that can't be found out.
    """
    if _is_in_system_directory(place.parent):
        return None
    try:
        kind = place.stat().st_mode
    except FileNotFoundError:
        return 0o666  # the process's umask takes its part
    if not stat.S_ISREG(kind):
        return None
    return 0o666 if place.is_symlink() else stat.S_IMODE(kind)


def _is_in_system_directory(directory: Path) -> bool:
    """Whether a directory holds what only looks like files: /dev/stdout may stand for a file, and is not one."""
    parts = Path(os.path.realpath(directory)).parts  # unlike resolve(), it takes links that lead in a circle
    return len(parts) > 1 and parts[1] in _SYSTEM_ROOTS
