"""The files of corpora: a header with count and digest, then a case a line. What is damaged is not read.

Those that come with the suite are compressed.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from conformance.core.atomic_files import replacing
from conformance.core.user_files import UnreadableFile, open_large

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import Protocol

    class ReadableLines(Protocol):
        """What is read of a file, compressed or not."""

        def read(self, size: int = -1, /) -> bytes:
            """The next bytes."""

        def __iter__(self) -> Iterator[bytes]:
            """The lines."""


FORMAT_VERSION = 3
_HEADER_BYTES = 1024
"""The first line has this length, its line break included: it is written last, over spaces."""
_CHUNK_BYTES = 1024 * 1024
COMPRESSED_SUFFIX = ".xz"


class DamagedCorpus(Exception):
    """A stored corpus is not as it was written; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusKey:
    """What a corpus is of: the name of the profile, the digest of everything that its cases depend on, the seed."""

    profile: str
    contract: str
    seed: int


def write_corpus(path: Path, key: CorpusKey, lines: Iterable[str]) -> None:
    """Writes a corpus, in whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file():
        path.unlink(missing_ok=True)  # what is no file is not written to
    with replacing(path) as file:
        file.write(" " * (_HEADER_BYTES - 1) + "\n")
        count, hasher = 0, hashlib.sha256()
        for line in lines:
            file.write(line + "\n")
            hasher.update(line.encode() + b"\n")
            count += 1
        file.seek(0)
        file.write(json.dumps(_header(key, count, hasher.hexdigest())))


def _header(key: CorpusKey, count: int, digest: str) -> dict[str, object]:
    """The first line of a corpus; `sha256` is of all lines after it."""
    return {"format": FORMAT_VERSION, **asdict(key), "cases": count, "sha256": digest}


def count_stored(path: Path, key: CorpusKey) -> int:
    """The number of cases in a stored corpus; 0 if there is none.

    Raises DamagedCorpus if it is not, to the last byte, what was written for this key.
    """
    if not os.path.lexists(path):
        return 0
    try:
        with _opened(path) as file:
            return _verify(file, key)
    except UnreadableFile as error:
        raise DamagedCorpus(error.reason) from None
    except (EOFError, ImportError) as error:
        raise DamagedCorpus(str(error)) from None
    except OSError as error:
        raise DamagedCorpus(error.strerror or str(error)) from None


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[ReadableLines]:
    """A corpus, decompressed. Raises OSError, EOFError, or ImportError where Python was built without lzma."""
    with open_large(path, what="the stored requests") as file:
        if path.suffix != COMPRESSED_SUFFIX:
            yield file
            return
        import lzma

        try:
            with lzma.LZMAFile(file) as decompressed:
                yield decompressed
        except lzma.LZMAError as error:
            raise EOFError(str(error)) from None


def _verify(file: ReadableLines, key: CorpusKey) -> int:
    """The number of cases. Raises DamagedCorpus, or OSError."""
    first_line = file.read(_HEADER_BYTES)
    try:
        header = json.loads(first_line)
        count, digest = int(header["cases"]), str(header["sha256"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DamagedCorpus("its first line can't be read") from None
    if header != _header(key, count, digest) or not first_line.endswith(b"\n"):
        raise DamagedCorpus("its first line is not the one that was written")
    line_count, hasher = 0, hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        line_count += chunk.count(b"\n")
        hasher.update(chunk)
    if (line_count, hasher.hexdigest()) != (count, digest):
        raise DamagedCorpus("its requests are not those that were written")
    return count


def read_lines(path: Path, count: int) -> Iterator[bytes]:
    """The first `count` lines of a corpus that `count_stored` has found sound. Raises UsageError."""
    with _opened(path) as file:
        file.read(_HEADER_BYTES)
        yield from itertools.islice(file, count)
