"""The numbers of the self-check that the README and the documentation state."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FILES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "README.md": {
        r"catch\s+(\d+)\s+of\s+(\d+)\s+broken\s+servers": ("caught", "broken"),
        r"(\d+)\s+false\s+alarms\s+on\s+(\d+)\s+correct\s+servers": ("false_alarms", "correct"),
        r"none\s+of\s+the\s+(\d+)\s+checks\s+is\s+without\s+a\s+fault": ("checks",),
    },
    "docs/self-check.md": {
        r"caught by [^|]*\| (\d+) of (\d+) \((\d+) faults\) \|": ("caught", "broken", "faults"),
        r"right area [^|]*\| (\d+) of (\d+) \|": ("right_area", "broken"),
        r"false alarms [^|]*\| (\d+) on (\d+) \|": ("false_alarms", "correct"),
        r"no fault [^|]*\| (\d+) of (\d+) \|": ("checks_without_a_fault", "checks"),
    },
}
"""By file and by sentence: the totals that its numbers are, in their order."""


def with_totals(name: str, text: str, totals: Mapping[str, int]) -> str:
    """The text of a file with the numbers of a self-check. Raises ValueError if a sentence is missing."""
    for pattern, keys in FILES[name].items():
        match = re.search(pattern, text)
        if match is None:
            raise ValueError(
                f"{name}: nothing matches {pattern}; say it so, or change tests/support/self_check_numbers.py"
            )
        for group, key in reversed(list(enumerate(keys, 1))):
            text = f"{text[: match.start(group)]}{totals[key]}{text[match.end(group) :]}"
    return text
