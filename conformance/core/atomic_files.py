"""Files that are written whole or not at all: beside their place first, then renamed into it."""

from __future__ import annotations

import contextlib
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


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes a file in UTF-8, as `replacing` does. Raises OSError."""
    with replacing(path) as file:
        file.write(text)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[str]]:
    """A file to write text to; it takes its place when the block ends, and is gone if the block raises.

    Until then the place keeps what it has. A symbolic link is replaced, not followed. What is no regular file (a pipe,
    a terminal, /dev/stdout) is written to directly. Raises OSError.
    """
    place = Path(path)
    mode = _mode_of_regular_file(place)
    if mode is None:
        with place.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        return
    part = place.with_name(f"{PART_PREFIX}{os.getpid()}-{secrets.token_hex(6)}{PART_SUFFIX}")
    try:
        with os.fdopen(os.open(part, _CREATE_FLAGS, mode), "w", encoding="utf-8", newline="\n") as file:
            yield file
        part.replace(place)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


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
    return len(directory.resolve().parts) > 1 and directory.resolve().parts[1] in _SYSTEM_ROOTS
