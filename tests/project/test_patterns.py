"""Every pattern takes time in proportion to what it searches, whatever that is."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.support import pattern_pumps
from tests.support.patterns import Pattern, all_patterns

LIMIT_S = 300
QUADRATIC = (
    Pattern("a run in a run", r"^(a+)+$", 0, "search"),
    Pattern("a look ahead from each bracket", r"\[(?=[^\]]*\]\()", 0, "search"),
    Pattern("spaces and line breaks", r"(?m)^\s*at ", 0, "search"),
)
"""Patterns that take time with the square of the text, or worse."""


def search_in_the_worst_texts(*patterns: Pattern) -> str:
    """The place of the pattern that did not end; empty if all did."""
    rows = [
        [item.place, item.text if isinstance(item.text, str) else item.text.decode("latin-1"),
         isinstance(item.text, bytes), item.flags, item.method]
        for item in patterns
    ]  # fmt: skip
    ended = subprocess.run(
        [sys.executable, pattern_pumps.__file__],
        input=json.dumps(rows), capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert ended.stderr == ""
    *_, last = ended.stdout.splitlines()
    assert (last == '"done"') is (ended.returncode == 0)
    return "" if ended.returncode == 0 else str(json.loads(last)[0])


def test_every_pattern_is_linear() -> None:
    """Those of the package, of its data and of its scripts: texts of 128 KiB, made of the parts of each."""
    assert len(all_patterns()) > 80
    assert search_in_the_worst_texts(*all_patterns()) == ""


def test_one_that_is_not_is_found() -> None:
    """The texts are bad enough."""
    found = [search_in_the_worst_texts(pattern) for pattern in QUADRATIC]
    assert found == [pattern.place for pattern in QUADRATIC]
