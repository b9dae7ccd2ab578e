"""Text for people: made safe for terminals and files, shortened, and with suggestions for misspelt words."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_INVISIBLE = (
    r"\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    r"\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Characters above ASCII that are not seen: C1 controls, what sets the direction of text, joins or separates nothing,
chooses a variant, or tags (Unicode 15, Default_Ignorable_Code_Point; CVE-2021-42574 for the direction)."""
_COMMANDS = (
    "add-mask|add-matcher|add-path|debug|echo|endgroup|error|group|internal-set-repo-path|notice|remove-matcher|"
    "save-state|set-env|set-output|stop-commands|warning"
)
_LOG_COMMANDS = (
    rf"(?<!\S:)(?<=:)(?=:[A-Za-z])|(?<=:)(?=:(?i:{_COMMANDS})\b)|(?<=#)(?=#(?i:vso|teamcity)?\[)|"
    r"(?<=section_)(?=start:|end:)|(?<=travis_)(?=fold:|time:)"
)
"""Where the first character of a marker was that a CI system obeys in a log: GitHub takes `::command::` at the
beginning of a line and `##[command]` anywhere, Azure Pipelines `##[...]` and `##vso[...]`, TeamCity `##teamcity[...]`,
GitLab `section_start:` and `section_end:`, Travis `travis_fold:` and `travis_time:`."""
_UNSAFE = re.compile(rf"[\x00-\x08\x0b-\x1f{_INVISIBLE}:#_](?:(?<=[^:#_])|{_LOG_COMMANDS})")
_UNSAFE_IN_LINES = re.compile(rf"[{_INVISIBLE}:#_](?:(?<=[^:#_])|{_LOG_COMMANDS})")
"""The same without the control characters that terminals use; JSON has no unescaped ones."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LATIN_1, _BASIC_PLANE = 0xFF, 0xFFFF
_MAX_NEAREST, _MAX_LISTED, _MAX_WORD_LENGTH = 3, 12, 200
"""How many words are suggested, how many are listed if none is near, and up to which length a word is compared."""
_LIKE, _MUCH_LIKE = 0.5, 0.8
_MAX_SHOWN_LENGTH = 120


def escape_controls(text: str) -> str:
    """Replaces what a text from a target could control a terminal or a CI system with by Python's escapes.

    That is control and invisible characters, and the first character of each command to a CI system.
    """
    return _UNSAFE.sub(lambda match: _escape(ord(match[0])), text)


def escape_log_text(text: str) -> str:
    """The same for lines with the control characters of terminals, which a console made: these stay."""
    return _UNSAFE_IN_LINES.sub(lambda match: _escape(ord(match[0])), text)


def _escape(code: int) -> str:
    if code <= _LATIN_1:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _BASIC_PLANE else f"\\U{code:08x}"


def to_json_text(value: Any, indent: int | None = None, *, ensure_ascii: bool = False) -> str:  # noqa: ANN401 - any JSON
    """A value as JSON, without a line break at its end; what `escape_controls` replaces has JSON's escapes.

    None of it is part of JSON outside of strings, so the value is the same.
    """
    text = json.dumps(value, indent=indent, ensure_ascii=ensure_ascii)
    return _UNSAFE_IN_LINES.sub(lambda match: _escape_in_json(match[0]), text)


def _escape_in_json(character: str) -> str:
    """A character as JSON's escapes: two above the basic plane (RFC 8259, section 7)."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[start : start + 2].hex()}" for start in range(0, len(units), 2))


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
    words = [repr(str(near)) for near in _nearest_words(word, known)]
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
