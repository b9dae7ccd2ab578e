"""Text for people: made safe for terminals and files, shortened, and with suggestions for misspelt words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CONTROL_CHARACTERS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LATIN_1 = 0xFF
_MAX_NEAREST, _MAX_LISTED, _MAX_WORD_LENGTH = 3, 12, 200
"""How many words are suggested, how many are listed if none is near, and up to which length a word is compared."""
_LIKE, _MUCH_LIKE = 0.5, 0.8
_MAX_SHOWN_LENGTH = 120


def escape_controls(text: str) -> str:
    """Replaces control characters by escapes, so that a text from a target can't control a terminal."""
    return _CONTROL_CHARACTERS.sub(lambda match: _escape(ord(match[0])), text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code <= _LATIN_1 else f"\\u{code:04x}"


def escape_surrogates(text: str) -> str:
    """Replaces lone surrogates by escapes, so that the text can be written as UTF-8."""
    return text.encode("utf-8", errors="backslashreplace").decode()


def clean_for_xml(text: str) -> str:
    """Replaces control characters, and characters that XML can't contain. Markup is not escaped."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", escape_controls(text))


def format_range(low: int, high: int) -> str:
    """A number, or a range of numbers if the two differ."""
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like a misspelt one; None if none is like it."""
    return next(iter(_nearest_words(word, known)), None)


def nearest_hint(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, with up to three words, to be put after a message; empty if no known word is near."""
    words = [repr(near) for near in _nearest_words(word, known)]
    return f"; did you mean {' or '.join(filter(None, (', '.join(words[:-1]), words[-1])))}?" if words else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest known words, or all of them if none is near and they are few; to be put after a message."""
    words = sorted(known)
    return nearest_hint(word, words) or (f"; known here: {', '.join(words)}" if 0 < len(words) <= _MAX_LISTED else "")


def _nearest_words(word: str, known: Iterable[str]) -> list[str]:
    """The known words that are most like a misspelt one, the best first: one if it stands out, else up to three."""
    if len(word) > _MAX_WORD_LENGTH:
        return []
    import difflib

    near = difflib.get_close_matches(word, sorted(known), n=_MAX_NEAREST, cutoff=_LIKE)
    best_ratio = difflib.SequenceMatcher(None, word, near[0]).ratio() if near else 0
    return near[:1] if best_ratio >= _MUCH_LIKE else near


def join_first(words: Iterable[str], limit: int) -> str:
    """The first `limit` words, separated by commas, and the number of the others."""
    items = list(words)
    return ", ".join(items[:limit]) + (f" and {len(items) - limit:,} more" if len(items) > limit else "")


def shorten(text: str, limit: int = _MAX_SHOWN_LENGTH) -> str:
    """A word or a path for a message: a long one with its beginning and its end."""
    return text if len(text) <= limit else f"{text[: limit // 2]}...{text[-(limit // 2) :]}"


def truncate(text: str, limit: int, ending: str = "...") -> str:
    """A text, cut after `limit` characters if it is longer."""
    return text if len(text) <= limit else f"{text[:limit]}{ending}"
