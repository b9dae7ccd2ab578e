"""Values of users that messages may repeat: what was put in the wrong place may be a key that nobody else knows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_SHOWN = "(not shown)"
_HARMLESS = re.compile(r"[a-z -]{0,14}|[-+.,\deE]{0,12}")
_OPTION = re.compile(r"--?[a-z][a-z-]{0,40}")
_KEY_LIKE = re.compile(r"(?=[^\d]*\d)(?=[^A-Za-z]*[A-Za-z])[\w~+=-]{12,}")
"""A word of letters and digits that is as long as keys are, and is neither a path nor a URL nor a check's id."""


def is_harmless(text: str) -> bool:
    """Whether a value can't be a secret: a number, or a short word in lower case."""
    return _HARMLESS.fullmatch(text) is not None


def without_arguments(message: str, arguments: Sequence[str]) -> str:
    """A message about a command line that can't be understood: options by their names, no values but harmless ones."""
    values = [value for word in arguments for value in _values_of(word) if not is_harmless(value)]
    return _hide(message, values)


def without_key_like_arguments(message: str, arguments: Sequence[str]) -> str:
    """A message about the values on a command line, without those that look like keys."""
    values = [value for word in arguments for value in (word, *_values_of(word)) if _KEY_LIKE.fullmatch(value)]
    return _hide(message, values)


def _values_of(word: str) -> tuple[str, ...]:
    """The value in a word of a command line; none in an option's name."""
    name, equals, value = word.partition("=")
    if _OPTION.fullmatch(name):
        return (value,) if equals else ()
    return (word,)


def _hide(message: str, values: Sequence[str]) -> str:
    """A message without values, whether they stand in it as they are or as Python shows them."""
    shown = {form for value in values for form in (value, repr(value)[1:-1]) if form}
    for form in sorted(shown, key=len, reverse=True):
        message = message.replace(form, NOT_SHOWN)
    return message
