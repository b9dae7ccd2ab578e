"""The files of a site in their directory: what an earlier one left is removed, and nothing of anybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core import atomic_files
from conformance.core.errors import InconclusiveError, UsageError
from conformance.core.foreign_json import read_file_json
from conformance.core.user_files import REPORT_FILE_BYTES, read_text
from conformance.redaction import redact_file_text
from conformance.report.site import DATA_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def write_site(directory: Path, files: Mapping[str, Callable[[], str]]) -> None:
    """Writes the files of a site. Raises UsageError if the directory has files of others.

    Raises InconclusiveError if a file can't be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        earlier = _earlier_files(directory)
        for name, text in files.items():
            atomic_files.write_text(str(directory / name), redact_file_text(text()))
        for name in earlier - set(files):
            (directory / name).unlink(missing_ok=True)
    except OSError as error:
        raise InconclusiveError(f"{directory}: the site can't be written: {error.strerror or error}") from None


def _earlier_files(directory: Path) -> set[str]:
    """The files of an earlier site that are there. Raises UsageError if the directory is neither empty nor a site."""
    present = {path.name for path in directory.iterdir() if path.is_file() and not path.is_symlink()}
    if not any(directory.iterdir()):
        return set()
    document = (
        read_file_json(read_text(str(directory / DATA_FILE), max_bytes=REPORT_FILE_BYTES))
        if (DATA_FILE in present)
        else None
    )
    names = document.get("files") if isinstance(document, dict) else None
    if not isinstance(names, list):
        raise UsageError(f"{directory}: this directory is neither empty nor a site of this command; choose another")
    return present & {name for name in names if isinstance(name, str)}
