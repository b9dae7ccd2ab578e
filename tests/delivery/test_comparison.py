"""What a server may set itself in an event that it stores, and what it may not."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.core.arrivals import Arrival
from conformance.core.written_json import read_written_json, repeats_names
from conformance.delivery.comparison import Tolerance, compare_events
from conformance.delivery.ledger import Ledger
from conformance.delivery.sent_events import SentEvent

_TOLERANCE = Tolerance(times=frozenset({"/timestamp"}), defaulted=frozenset({"/timestamp", "/messageId"}))
_T1, _T2 = '"2026-01-02T03:04:05Z"', '"2026-01-02T03:04:09Z"'


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (f'{{"timestamp":{_T1}}}', f'{{"timestamp":{_T2},"originalTimestamp":{_T1}}}'),
        (f'{{"timestamp":{_T1},"originalTimestamp":{_T2}}}', f'{{"timestamp":{_T2},"originalTimestamp":{_T1}}}'),
        ('{"timestamp":null}', f'{{"timestamp":{_T2},"originalTimestamp":{_T2}}}'),
        ('{"originalTimestamp":7}', f'{{"timestamp":{_T2},"originalTimestamp":{_T2}}}'),
        ('{"messageId":null}', '{"messageId":"a"}'),
        ('{"messageId":""}', '{"messageId":"a"}'),
    ],
)
def test_what_a_server_may_set(sent: str, stored: str) -> None:
    """Times that are corrected, with the original kept; an id or a time that the sender left empty."""
    assert not compare_events(read_written_json(sent), read_written_json(stored), _TOLERANCE)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("1", "1.0"),
        ("-0", "0"),
        ("1e400", "null"),
        ("1e-400", "0"),
        ('"a\\u0000b"', '"ab"'),
        ('"a\\ud800b"', '"a\\ufffdb"'),
        ('""', "null"),
        ('{"a":null,"b":[]}', "{}"),
    ],
)
def test_what_no_document_forbids(sent: str, stored: str) -> None:
    """It is reported, and no verdict: RFC 8259 leaves these to whoever stores them."""
    changes = compare_events(read_written_json(f'{{"p":{sent}}}'), read_written_json(f'{{"p":{stored}}}'), _TOLERANCE)
    assert changes
    assert all(change.is_harmless for change in changes)


@pytest.mark.parametrize(
    ("sent", "stored", "kind"),
    [
        (f'{{"timestamp":{_T1}}}', f'{{"timestamp":{_T2}}}', "another point in time"),
        (f'{{"timestamp":{_T1}}}', f'{{"timestamp":{_T2},"originalTimestamp":{_T2}}}', "another point in time"),
        (f'{{"originalTimestamp":{_T1}}}', f'{{"originalTimestamp":{_T2}}}', "another point in time"),
        (f'{{"timestamp":{_T1},"originalTimestamp":{_T2}}}', f'{{"timestamp":{_T1}}}', "a field that is lost"),
        ('{"messageId":7}', '{"messageId":"a"}', "a value of another type"),
        ('{"userId":null}', '{"userId":"a"}', "a value of another type"),
        ('{"p":9007199254740993}', '{"p":9007199254740992}', "a number of another value"),
        ('{"p":"2026-01-02T03:04:05+02:00"}', '{"p":"2026-01-02T03:04:05"}', "a time without its zone"),
        ('{"p":"a?b"}', '{"p":"ab"}', "another text"),
        ('{"p":"abc"}', '{"p":"ab"}', "a text cut after 2 characters"),
        ('{"p":"a\\u0000b"}', '{"p":"a"}', "a text cut after 1 characters"),
    ],
)
def test_what_a_server_may_not_set(sent: str, stored: str, kind: str) -> None:
    """A time that is changed without a trace, an id that was sent, other fields."""
    changes = compare_events(read_written_json(sent), read_written_json(stored), _TOLERANCE)
    assert [change.kind for change in changes] == [kind]


@pytest.mark.parametrize(
    ("text", "is_repeated"),
    [('{"a":1,"b":{"a":1}}', False), ('{"a":1,"a":1}', True), ('[{"b":{"c":1,"c":2}}]', True), ("{", True)],
)
def test_repeated_names(text: str, is_repeated: bool) -> None:  # noqa: FBT001
    """An event with a name twice is not judged: either value may be kept."""
    assert repeats_names(text) is is_repeated


def test_a_swapped_value_is_an_alteration() -> None:
    """The message id says which event it is; a user of another event in it is named so, and nothing is lost."""
    first, second = (f"conformance-0000abcd-0000-4000-8000-00000000000{number}" for number in range(2))
    ledger = Ledger("0000abcd", message_id="/messageId")
    for number, mark in enumerate((first, second)):
        event: Any = {"userId": f"{mark[:-2]}{number}0", "messageId": mark}
        ledger.add_request("POST /", "a", [SentEvent(event=event, is_good=True)])
    stored: Any = {"userId": f"{first[:-2]}00", "messageId": second}
    ledger.add_arrivals([Arrival(event=stored, position=1, seen_s=0.0, record="row 1")])
    assert [len(ledger.arrivals_of(mark)) for mark in (first, second)] == [0, 1]
    sent: Any = {"userId": f"{second[:-2]}10", "messageId": second}
    assert [change.kind for change in compare_events(sent, stored, _TOLERANCE)] == ["a value of another event"]
    ledger.close()
