"""Standard output and standard error, which take every character, whatever the locale."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_DOCUMENT_COMMANDS = frozenset({"export", "report", "spec"})
"""The subcommands that print documents for programs; others do so if an option's value is `-`."""


def accept_all_characters(arguments: Sequence[str]) -> None:
    """Lets characters that a stream's encoding lacks be printed as escapes; documents for programs are UTF-8.

    A locale that can't print a character would otherwise end a run (PEP 538 saves only the locales C and POSIX).
    """
    is_document = arguments[:1] in [[name] for name in _DOCUMENT_COMMANDS] or any(
        item == "-" or item.endswith("=-") for item in arguments
    )
    if isinstance(sys.stdout, io.TextIOWrapper):
        if is_document:
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
        else:
            sys.stdout.reconfigure(errors="backslashreplace")
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")
