"""Where Hypothesis keeps its tables of characters: in the suite's cache, and not in the user's directory."""

from __future__ import annotations

import contextlib
import gzip
import json
import sys
from typing import TYPE_CHECKING

from hypothesis.configuration import set_hypothesis_home_dir, storage_directory
from hypothesis.internal.charmap import charmap_file

from conformance.core.resources import cache_dir

if TYPE_CHECKING:
    from collections.abc import Iterator

_UTF8_TABLE = "codec-v2-utf-8"
_UTF8_RANGES = [[0, 0xD7FF], [0xE000, sys.maxunicode]]
"""All that UTF-8 can encode (RFC 3629, section 3). Hypothesis would try each of a million characters, in 200 MiB."""


@contextlib.contextmanager
def in_cache_directory() -> Iterator[None]:
    """Keeps the tables in the cache while it is entered; afterwards they are where they were before."""
    home = storage_directory(intent_to_write=False).path
    set_hypothesis_home_dir(cache_dir() / "hypothesis")
    try:
        with contextlib.suppress(OSError):  # Hypothesis makes its tables itself where they can't be stored
            _store_utf8_table()
        yield
    finally:
        set_hypothesis_home_dir(home)


def _store_utf8_table() -> None:
    """Stores which characters UTF-8 can encode, and that each comes back, as Hypothesis would. Raises OSError."""
    table = charmap_file(_UTF8_TABLE)
    if not table.exists():
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_bytes(gzip.compress(json.dumps([_UTF8_RANGES, []]).encode(), mtime=0))
