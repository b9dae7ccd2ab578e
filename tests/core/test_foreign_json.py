"""Foreign JSON: no text raises, and every value is safe to walk, compare, print and write."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from conformance.core.foreign_json import (
    MAX_DEPTH,
    MAX_VALUES,
    Unreadable,
    UnreadableReason,
    read_body,
    read_json,
)
from conformance.core.model import Response
from tests.hostile.json_bodies import HOSTILE_BODIES


@pytest.mark.parametrize("body", HOSTILE_BODIES.values(), ids=HOSTILE_BODIES)
def test_no_text_raises(body: bytes) -> None:
    """Any text is a harmless value or an Unreadable, and quickly."""
    text = body.decode(errors="replace")
    start = time.process_time()
    for value in (read_json(text), read_json(text, max_values=None, cuts_depth=False)):
        if not isinstance(value, Unreadable):
            written = json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
            assert json.loads(written) == value
            assert len(repr(value)) >= len(str(value))
        assert str(value).encode() is not None
    assert time.process_time() - start < 5


def depth_of(value: Any) -> int:  # noqa: ANN401 - any JSON
    """The containers inside one another."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if items is None else 1 + max(map(depth_of, items), default=0)


@pytest.mark.parametrize("levels", [1, MAX_DEPTH, MAX_DEPTH + 1, MAX_DEPTH + 2, 1_200])
def test_what_is_too_deep_is_read_as_empty(levels: int) -> None:
    """Depth is cut, and what stands beside the deep value is kept."""
    text = '{"before": 1, "deep": ' + '[{"a": ' * levels + '"]}"' + "}, 2]" * levels + ', "after": 3}'
    value: Any = read_json(text)
    assert (value["before"], value["after"]) == (1, 3)
    assert depth_of(value) == min(2 * levels + 1, MAX_DEPTH + 1)
    if 2 * levels + 1 > MAX_DEPTH:
        assert read_json(text, cuts_depth=False) == Unreadable(UnreadableReason.TOO_DEEP)
    else:
        assert read_json(text, cuts_depth=False) == json.loads(text)


def test_ordinary_texts_are_read_exactly() -> None:
    """Brackets and escapes inside texts change nothing."""
    value = {"a": ['[[{{\\"\\', 1.5, -3, True, None, {"": "é\U0001f600"}] * 70, "b": 10**299}
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=4)):
        assert read_json(text) == value


def test_numbers_and_texts_that_nothing_else_can_carry() -> None:
    """Numbers stay numbers of their kind; a lone surrogate becomes a character that can be written."""
    value: Any = read_json('{"a": -1e999999, "b": ' + "9" * 5_000 + r', "c": "x\ud800y", "d": "\ud83d\ude00"}')
    assert isinstance(value["b"], int)
    assert value["a"] < -1e308
    assert (value["c"], value["d"]) == ("x\ufffdy", "\U0001f600")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no JSON", UnreadableReason.NOT_JSON),
        ('{"a": NaN}', UnreadableReason.NOT_JSON),
        ("[" * 1_200, UnreadableReason.NOT_JSON),
        ("[" * 1_200 + "]" * 1_199, UnreadableReason.NOT_JSON),
        ("a, b, c\n" * MAX_VALUES, UnreadableReason.NOT_JSON),
        ("[" + "0," * MAX_VALUES + "0]", UnreadableReason.TOO_MANY_VALUES),
    ],
)
def test_the_reason_is_named(text: str, reason: UnreadableReason) -> None:
    """A text that is no JSON is told apart from one that is too much."""
    value = read_json(text)
    assert isinstance(value, Unreadable)
    assert value.reason is reason


def test_a_body_that_was_cut_is_not_called_no_json() -> None:
    """The wire reads so many bytes, and what is longer is not judged as if that were all."""
    response = Response(status=400, body=b'{"error": "', truncated=True)
    assert read_body(response) == Unreadable(UnreadableReason.TOO_LONG)
    assert read_body(Response(status=400, body=b'{"error": 1}')) == {"error": 1}


def test_the_limit_counts_values_and_not_commas_in_texts() -> None:
    """A long message is one value."""
    assert read_json(json.dumps([re.escape(",") * MAX_VALUES])) == [re.escape(",") * MAX_VALUES]
