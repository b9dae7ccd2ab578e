"""Where files lie: on this machine, or wherever fsspec reaches. They are only read."""

from __future__ import annotations

import glob
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from conformance.core.errors import UsageError
from conformance.sinks.stored_event import SinkError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.sinks.secrets import SinkSecrets

MAX_FILES = 100_000
_MAX_OPEN = 200
_LAST_LINE_BYTES = 1024 * 1024
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"))


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file: its name, what tells it from another of the same name, its size in bytes, its version if it has one."""

    name: str
    identity: str
    size: int
    version: str = ""


class FilePlace(Protocol):
    """A place with files that a pattern matches. `is_final` where files appear only once they are whole."""

    is_final: bool

    def find(self) -> list[FoundFile]:
        """The files there. Raises SinkError."""

    def read(self, file: FoundFile, offset: int, count: int) -> bytes:
        """A part of a file; empty at its end. Raises SinkError."""

    def start_of_last_line(self, file: FoundFile) -> int:
        """Where the last line begins that has no end yet: the size of the file if there is none."""

    def close(self) -> None:
        """Closes what is open."""


class LocalFiles:
    """Files of this machine. They are kept open, so that one that is renamed or deleted can be read to its end."""

    is_final = False

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._open: dict[str, tuple[int, str]] = {}
        self._last_seen: dict[str, int] = {}
        self._round = 0

    def find(self) -> list[FoundFile]:
        """The regular files that match, the oldest first, and once more those that were open and are gone."""
        self._round += 1
        found: dict[str, tuple[int, FoundFile]] = {}
        for path in glob.iglob(self._pattern, recursive=True):  # noqa: PTH207 - a pattern with a root
            try:
                status = Path(path).stat()
            except OSError:
                continue  # gone since it was listed
            if stat.S_ISREG(status.st_mode):
                identity = f"{status.st_dev}:{status.st_ino}"
                found[identity] = status.st_mtime_ns, FoundFile(path, identity, status.st_size)
            if len(found) > MAX_FILES:
                raise SinkError(f"more than {MAX_FILES:,} files match {self._pattern}")
        self._last_seen |= dict.fromkeys(found.keys() & self._open.keys(), self._round)
        for identity in [*self._open.keys() - found.keys()]:
            descriptor, name = self._open[identity]
            if self._round - self._last_seen.get(identity, self._round) > 1:
                os.close(descriptor)
                del self._open[identity]
                continue
            status = os.fstat(descriptor)
            found[identity] = status.st_mtime_ns, FoundFile(name, identity, status.st_size)
        files = [file for _, file in sorted(found.values(), key=lambda item: (item[0], item[1].name))]
        for file in files[-_MAX_OPEN:]:
            self._descriptor(file)
        return files

    def read(self, file: FoundFile, offset: int, count: int) -> bytes:
        """A part of a file."""
        try:
            if file.identity in self._open:
                return os.pread(self._open[file.identity][0], count, offset)
            descriptor = os.open(file.name, _FLAGS)
            try:
                return os.pread(descriptor, count, offset)
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise SinkError(f"{file.name} can't be read: {error.strerror}") from None

    def start_of_last_line(self, file: FoundFile) -> int:
        """Where the last line begins that has no end yet."""
        begin = max(0, file.size - _LAST_LINE_BYTES)
        return begin + self.read(file, begin, file.size - begin).rfind(b"\n") + 1

    def close(self) -> None:
        """Closes the files."""
        while self._open:
            os.close(self._open.popitem()[1][0])

    def _descriptor(self, file: FoundFile) -> None:
        if file.identity in self._open or len(self._open) >= _MAX_OPEN:
            return
        try:
            descriptor = os.open(file.name, _FLAGS)
        except FileNotFoundError:
            return
        except OSError as error:
            raise SinkError(f"{file.name} can't be read: {error.strerror}") from None
        status = os.fstat(descriptor)
        if f"{status.st_dev}:{status.st_ino}" != file.identity:
            os.close(descriptor)  # another file has the name by now: the next look finds it
            return
        self._open[file.identity] = descriptor, file.name
        self._last_seen[file.identity] = self._round


class RemoteFiles:
    """Objects that fsspec reaches. An object that is replaced has another version."""

    is_final = True

    def __init__(self, pattern: str, options: Mapping[str, str], secrets: SinkSecrets) -> None:
        try:
            import fsspec
        except ImportError:
            raise UsageError("these files need `pip install 'ingest-conformance[sinks]'`") from None
        self._secrets = secrets
        try:
            self._files: Any
            self._files, self._pattern = fsspec.core.url_to_fs(pattern, **_nested(options))
        except (ImportError, ValueError, OSError) as error:
            raise self._trouble(error) from None

    def find(self) -> list[FoundFile]:
        """The objects that match, by name."""
        try:
            self._files.invalidate_cache()
            found = self._files.glob(self._pattern, detail=True)
        except FileNotFoundError:
            return []
        except Exception as error:  # noqa: BLE001 - as different as the file systems
            raise self._trouble(error) from None
        if len(found) > MAX_FILES:
            raise SinkError(f"more than {MAX_FILES:,} objects match")
        return [
            FoundFile(name, name, int(info.get("size") or 0), str(_version(info)))
            for name, info in sorted(found.items())
            if info.get("type") == "file"
        ]

    def read(self, file: FoundFile, offset: int, count: int) -> bytes:
        """A part of an object."""
        end = min(offset + count, file.size)
        if offset >= end:
            return b""
        try:
            return bytes(self._files.cat_file(file.name, start=offset, end=end))
        except FileNotFoundError:
            return b""
        except Exception as error:  # noqa: BLE001 - as above
            raise self._trouble(error) from None

    def start_of_last_line(self, file: FoundFile) -> int:
        """The size of the object: it is whole."""
        return file.size

    def close(self) -> None:
        """Nothing is kept open."""

    def _trouble(self, error: Exception) -> SinkError:
        return SinkError(self._secrets.clean(f"the file system says: {type(error).__name__}: {error}"))


def _version(info: Mapping[str, Any]) -> object:
    """What changes when an object is replaced."""
    names = ("ETag", "etag", "md5Hash", "LastModified", "mtime", "created")
    return next((info[name] for name in names if info.get(name)), "")


def _nested(options: Mapping[str, str]) -> dict[str, Any]:
    """Options by name; a dot leads into one: `client_kwargs.endpoint_url`."""
    nested: dict[str, Any] = {}
    for name, value in options.items():
        *path, last = name.split(".")
        inner = nested
        for step in path:
            inner = inner.setdefault(step, {})
        inner[last] = {"true": True, "false": False}.get(value, value)
    return nested
