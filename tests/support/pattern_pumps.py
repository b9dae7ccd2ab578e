"""Searches with regular expressions in texts that are as bad for each as can be made of its own parts.

A program of its own: nothing else ends a search. It reads patterns as JSON from its input: place, text, whether that
stands for bytes, flags and the method of `re`. It writes each as JSON before it begins, and `done` at the end.
"""

# ruff: noqa: ANN401 - what the parser of patterns gives has no types
from __future__ import annotations

import json
import re
import signal
import sys
from re import _constants as kinds
from re import _parser as parser
from typing import Any

LENGTH = 131_072
"""What is kept of a body. A search takes a fraction of a second, or, with the square of this, many seconds."""
MAX_SEARCH_S = 2.0
"""The most time of the processor for one search; the system ends this program then."""
MANY, MAX_BODIES = 8, 3
"""A part that may be repeated so often is pumped, with so many texts."""
CHARACTERS = "\n \t\\\"'/<>()[]{}.:;,-_#@$%&=+aAzZ09\x00é"
ENDINGS = ("\x00", "")
REPEATS = {kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT}
GROUPS = {kinds.SUBPATTERN: 3, kinds.ATOMIC_GROUP: None}
CATEGORIES = {
    kinds.CATEGORY_DIGIT: r"\d", kinds.CATEGORY_NOT_DIGIT: r"\D", kinds.CATEGORY_SPACE: r"\s",
    kinds.CATEGORY_NOT_SPACE: r"\S", kinds.CATEGORY_WORD: r"\w", kinds.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip


def sample(items: Any, alphabet: str) -> str:
    """A text that a sequence of parts may match, of characters of an alphabet as far as it goes."""
    return "".join(sample_one(kind, value, alphabet) for kind, value in items)


def sample_one(kind: Any, value: Any, alphabet: str) -> str:
    """A text that one part may match."""
    if kind is kinds.LITERAL:
        return chr(int(value))
    if kind in {kinds.NOT_LITERAL, kinds.ANY, kinds.IN}:
        return str(next(iter(fitting(kind, value, alphabet)), "a"))
    if kind in REPEATS:
        return sample(value[2], alphabet) * int(min(max(value[0], 1), 500))
    if kind is kinds.BRANCH:
        return sample(value[1][0], alphabet)
    if kind in GROUPS:
        return sample(value if GROUPS[kind] is None else value[GROUPS[kind]], alphabet)
    return ""


def fitting(kind: Any, value: Any, alphabet: str) -> list[str]:
    """The characters of an alphabet that a class takes."""
    if kind is kinds.ANY:
        return [*alphabet.replace("\n", "")]
    if kind is kinds.NOT_LITERAL:
        return [*alphabet.replace(chr(value), "")]
    negated = value[0][0] is kinds.NEGATE
    tests = value[1:] if negated else value
    taken = [character for character in alphabet if any(takes(test, character) for test in tests) is not negated]
    own = [chr(test[1] if test[0] is kinds.LITERAL else test[1][0]) for test in tests
           if test[0] in {kinds.LITERAL, kinds.RANGE}]  # fmt: skip
    return taken or ([] if negated else own)


def takes(test: Any, character: str) -> bool:
    """Whether one member of a class is a character."""
    kind, value = test
    if kind is kinds.LITERAL:
        return bool(ord(character) == value)
    if kind is kinds.RANGE:
        return bool(value[0] <= ord(character) <= value[1])
    return re.match(CATEGORIES[value], character) is not None


def pumps(items: Any, before: str, alphabet: str) -> Any:
    """What leads to each part that may be repeated often, and what it repeats."""
    for kind, value in items:
        if kind in REPEATS:
            if value[1] >= MANY:
                yield from ((before, body) for body in bodies(value[2], alphabet))
            yield from pumps(value[2], before, alphabet)
        elif kind is kinds.BRANCH:
            for branch in value[1]:
                yield from pumps(branch, before, alphabet)
        elif kind in GROUPS:
            yield from pumps(value if GROUPS[kind] is None else value[GROUPS[kind]], before, alphabet)
        elif kind in {kinds.ASSERT, kinds.ASSERT_NOT}:
            yield from pumps(value[1], before, alphabet)
        before += sample_one(kind, value, alphabet)


def bodies(items: Any, alphabet: str) -> Any:
    """Texts that a part may match, one for each character that is special in the pattern."""
    seen: set[str] = set()
    for character in alphabet:
        text = sample(items, character + alphabet)
        if text and text not in seen and len(seen) < MAX_BODIES:
            seen.add(text)
            yield text


def attacks(text: str, flags: int) -> Any:
    """Texts for one pattern."""
    parsed = parser.parse(text, flags)
    special = "".join(dict.fromkeys(character for character in text if character not in "()[]{}?*+|^$\\"))[:12]
    alphabet = special + CHARACTERS
    places = {*pumps(parsed, "", alphabet)}
    units = {(before, body, ending) for before, body in places for ending in ENDINGS}
    units |= {("", before + body, "") for before, body in places} | {("", before, "") for before, _ in places if before}
    units |= {("", character, "") for character in CHARACTERS}
    for before, unit, ending in sorted(units):
        yield before + unit * (LENGTH // len(unit)) + ending


def report(what: object) -> None:
    """Writes a line before the system may end the program."""
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


def main() -> None:
    """Searches with every pattern in every text."""
    for pattern in json.load(sys.stdin):
        report(pattern)
        _, text, is_bytes, flags, method = pattern
        compiled = re.compile(text.encode("latin-1") if is_bytes else text, flags)
        replaced_by = b"" if is_bytes else ""
        for attack in attacks(text, flags):
            searched = attack.encode("latin-1", "replace") if is_bytes else attack
            signal.setitimer(signal.ITIMER_PROF, MAX_SEARCH_S)
            if method == "search":
                compiled.subn(replaced_by, searched)
            else:
                getattr(compiled, method)(searched)
    report("done")


if __name__ == "__main__":
    main()
