"""Text for people: suggestions for misspelt words."""

from __future__ import annotations

from conformance.core.text import did_you_mean, nearest, nearest_hint

WORDS = ("size", "auth", "accept")


def test_the_nearest_word_is_data() -> None:
    """A word, or None: a caller needs no sentence to know."""
    assert nearest("sise", WORDS) == "size"
    assert nearest("xyz", WORDS) is None


def test_a_hint_names_one_word_or_nothing() -> None:
    """An unlike word has no hint, however many words are known."""
    assert nearest_hint("sise", WORDS) == "; did you mean 'size'?"
    assert nearest_hint("xyz", WORDS) == ""


def test_known_words_are_listed_if_none_is_near() -> None:
    """In order; nothing is listed if nothing is known."""
    assert did_you_mean("sise", WORDS) == "; did you mean 'size'?"
    assert did_you_mean("xyz", WORDS) == "; known here: accept, auth, size"
    assert did_you_mean("xyz", ()) == ""
