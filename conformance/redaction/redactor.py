"""Replaces secrets in texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.redaction.spellings import MIN_SECRET_LENGTH, spellings_of

if TYPE_CHECKING:
    from collections.abc import Mapping


class TextRedactor:
    """Replaces every secret by its placeholder, however it is written down.

    `secrets` maps a secret to its placeholder, such as `$CONFORMANCE_WRITE_KEY`. A secret of fewer than four
    characters is not replaced: that would make every text unreadable.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = {
            secret: placeholder for secret, placeholder in secrets.items() if len(secret) >= MIN_SECRET_LENGTH
        }
        placeholders = {
            spelling: placeholder for secret, placeholder in self._secrets.items() for spelling in spellings_of(secret)
        }
        self._text_replacements = sorted(placeholders.items(), key=lambda item: -len(item[0]))
        self._byte_replacements = [
            (spelling.encode(), placeholder.encode()) for spelling, placeholder in self._text_replacements
        ]

    def redact_text(self, text: str) -> str:
        """A text without secrets."""
        return self.replace_known_spellings(text)

    def redact_body(self, body: bytes) -> bytes:
        """A body without secrets."""
        for spelling, placeholder in self._byte_replacements:
            if spelling in body:
                body = body.replace(spelling, placeholder)
        return body

    def replace_known_spellings(self, text: str) -> str:
        """A text without the spellings of secrets that can be told without decoding it."""
        for spelling, placeholder in self._text_replacements:
            if spelling in text:
                text = text.replace(spelling, placeholder)
        return text
