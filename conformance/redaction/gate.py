"""The gate: what the process knows to be secret, and the one redaction for all that it prints and writes.

Exchanges are redacted where they are made. The gate is for everything else, and for what nobody thought of: messages,
exceptions, tracebacks, command lines, URLs and files. It is open for the time of a command or of a pytest session;
outside of that nothing is secret.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from conformance.core.text import escape_log_text
from conformance.redaction.redactor import TextRedactor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import IO

_MIN_LENGTH_IN_FILES = 8
"""The shortest secret that is replaced in the text of a file: a shorter one may be a word of the format."""
_STRUCTURE = frozenset(
    {"id", "area", "level", "outcome", "verdict", "gate", "format", "event", "title", "name", "operation", "path_state"}
)
"""Members of documents with words of the suite or of a profile: a key that is such a word must not spoil them."""


class Gate:
    """The secrets that are known so far, and their redactors."""

    def __init__(self) -> None:
        self._placeholders: dict[str, str] = {}
        self._texts = self._files = TextRedactor({})
        self._shown: dict[str, str] = {}

    def learn(self, placeholders_by_secret: Mapping[str, str]) -> None:
        """Adds secrets; a secret keeps the placeholder that it has."""
        new = {secret: shown for secret, shown in placeholders_by_secret.items() if secret not in self._placeholders}
        if new:
            self._placeholders |= new
            self._texts = TextRedactor(self._placeholders)
            self._files = TextRedactor(
                {item: shown for item, shown in self._placeholders.items() if len(item) >= _MIN_LENGTH_IN_FILES}
            )
            self._shown.clear()

    def redact(self, text: str) -> str:
        """A text without secrets."""
        return self._texts.redact_text(text)

    def redact_file_text(self, text: str) -> str:
        """The text of a file, without secrets that are no words of its format."""
        return self._files.replace_known_spellings(text)

    def redact_document(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        """A JSON value without secrets in its texts; names of members, and the suite's own words, are left alone."""
        if isinstance(value, str):
            if value not in self._shown:
                self._shown[value] = self.redact(value)
            return self._shown[value]
        if isinstance(value, dict):
            return {
                name: item if name in _STRUCTURE and isinstance(item, str) else self.redact_document(item)
                for name, item in value.items()
            }
        return [self.redact_document(item) for item in value] if isinstance(value, list | tuple) else value


class RedactedStream:
    """A stream of text that passes the gate on its way out; all else is the stream's own."""

    def __init__(self, stream: IO[str], gate: Gate) -> None:
        self._stream, self._gate = stream, gate

    def write(self, text: str) -> int:
        """Writes a text without secrets, and without commands to CI systems."""
        self._stream.write(escape_log_text(self._gate.redact(text)))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes texts, as `write` does."""
        for line in lines:
            self.write(line)

    def write_document(self, text: str) -> None:
        """Writes a text that went through the gate already, as it is."""
        self._stream.write(text)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as different as attributes of streams
        return getattr(self._stream, name)


_open_gates: list[Gate] = []
"""The innermost one counts: a test may run a command inside a session."""


@contextmanager
def opened(*, with_streams: bool = False) -> Iterator[Gate]:
    """Opens a gate. With `with_streams`, standard output and error pass through it."""
    gate = Gate()
    _open_gates.append(gate)
    originals = sys.stdout, sys.stderr
    if with_streams:
        sys.stdout, sys.stderr = RedactedStream(sys.stdout, gate), RedactedStream(sys.stderr, gate)
    try:
        yield gate
    finally:
        if with_streams:
            sys.stdout, sys.stderr = originals
        _open_gates.remove(gate)


def learn(placeholders_by_secret: Mapping[str, str]) -> None:
    """Makes secrets known to the gate, if one is open."""
    if _open_gates:
        _open_gates[-1].learn(placeholders_by_secret)


def redact(text: str) -> str:
    """A text without the secrets that are known."""
    return _open_gates[-1].redact(text) if _open_gates else text


def redact_file_text(text: str) -> str:
    """The text of a file without the secrets that are known, unless they are so short that they may be its words."""
    return _open_gates[-1].redact_file_text(text) if _open_gates else text


def redact_document(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A JSON value without the secrets that are known in its texts."""
    return _open_gates[-1].redact_document(value) if _open_gates else value


def write_to_stdout(text: str) -> None:
    """Writes the text of a file, which went through the gate already, to standard output."""
    stream = sys.stdout
    if isinstance(stream, RedactedStream):
        stream.write_document(text)
    else:
        stream.write(text)
