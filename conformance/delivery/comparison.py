"""Deep comparison of an event as it was sent and as it is stored: each difference with its kind."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from conformance.core.arrivals import Change
from conformance.core.model import ID_PREFIX
from conformance.core.written_json import WrittenNumber, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)?")
_MAX_SHOWN = 60
_MAX_CHANGES = 20
_MISSING = object()
_MARK = re.compile(rf"{ID_PREFIX}-[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}")
_EMPTY: tuple[Any, ...] = ({}, [], "")
_UNSTORED = re.compile("[\0\ud800-\udfff]")
_UNSTORABLE = re.compile("[\0\ud800-\udfff\ufffd?]")
"""NUL and lone surrogates, which some databases can't hold, and what stands for them (RFC 8259, sections 8.2 and 9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """What may differ: pointers that are not compared, fields that the server sets, and declared normalisations.

    `normalised` takes the pointer of a field, the value sent and the value stored, and says whether they are one.
    `times` are the pointers of points in time that a server may correct, if it keeps the original; it may set
    the original itself. `defaulted` are those of fields that a server sets where they are null or empty.
    """

    ignored: frozenset[str] = frozenset()
    set_by_server: frozenset[str] = frozenset()
    normalised: Callable[[str, Any, Any], bool] = field(default=lambda *_: False)
    times: frozenset[str] = frozenset()
    defaulted: frozenset[str] = frozenset()
    original_time: str = "/originalTimestamp"


def compare_events(sent: Any, stored: Any, tolerance: Tolerance) -> list[Change]:  # noqa: ANN401 - JSON without loss
    """The differences, but for what is added, and for what the tolerance allows; 20 at most."""
    changes: list[Change] = []
    for change in _differences("", sent, stored, tolerance):
        if change.pointer in tolerance.times and _has_original(change.pointer, sent, stored, tolerance):
            continue
        if change.pointer == tolerance.original_time and _is_set_by_server(sent, stored, tolerance):
            continue
        changes.append(change)
        if len(changes) == _MAX_CHANGES:
            break
    return changes


def _has_original(pointer: str, sent: Any, stored: Any, tolerance: Tolerance) -> bool:  # noqa: ANN401 - as above
    """Whether a server that corrected a time keeps the one that was sent as the original (as vendors document)."""
    name = pointer.removeprefix("/")
    original = stored.get(tolerance.original_time.removeprefix("/")) if isinstance(stored, dict) else None
    value = sent.get(name) if isinstance(sent, dict) else None
    one, other = instant_of(value), instant_of(original)
    return original == value or (one is not None and one == other)


def _is_set_by_server(sent: Any, stored: Any, tolerance: Tolerance) -> bool:  # noqa: ANN401 - as above
    """Whether a server has set the original time: to the time that was sent, or in place of what is no time."""
    if not tolerance.times or not isinstance(sent, dict) or not isinstance(stored, dict):
        return False
    name = tolerance.original_time.removeprefix("/")
    original = instant_of(stored.get(name))
    if original is None:
        return False
    return instant_of(sent.get(name)) is None or any(
        original == instant_of(sent.get(pointer.removeprefix("/"))) for pointer in tolerance.times
    )


def _differences(pointer: str, sent: Any, stored: Any, tolerance: Tolerance) -> Iterator[Change]:  # noqa: ANN401 - as above
    if pointer in tolerance.ignored:
        return
    if isinstance(sent, dict) and isinstance(stored, dict):
        yield from _object_differences(pointer, sent, stored, tolerance)
    elif isinstance(sent, list) and isinstance(stored, list):
        yield from _list_differences(pointer, sent, stored, tolerance)
    elif type(sent) is not type(stored) or sent != stored:
        is_defaulted = pointer in tolerance.defaulted and (sent is None or sent == "")
        if is_defaulted or pointer in tolerance.set_by_server or tolerance.normalised(pointer, sent, stored):
            return
        yield _change(pointer, sent, stored)


def _object_differences(pointer: str, sent: Any, stored: Any, tolerance: Tolerance) -> Iterator[Change]:  # noqa: ANN401 - as above
    folded = {name.casefold(): name for name in stored if name not in sent}
    for name, value in sent.items():
        here = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        if name in stored:
            yield from _differences(here, value, stored[name], tolerance)
        elif here in tolerance.ignored or tolerance.normalised(here, value, _MISSING):
            continue
        elif (other := folded.get(name.casefold())) is not None:
            yield Change(kind="a name in another case", pointer=here, sent=repr(name), stored=repr(other))
        else:
            yield _lost(here, value)


def _lost(pointer: str, value: Any) -> Change:  # noqa: ANN401 - as above
    if value is None:
        return Change(kind="a null that is left out", pointer=pointer, sent="null", stored="nothing", is_harmless=True)
    if value in _EMPTY:
        kind = "an empty value that is left out"
        return Change(kind=kind, pointer=pointer, sent=_show(value), stored="nothing", is_harmless=True)
    return Change(kind="a field that is lost", pointer=pointer, sent=_show(value), stored="nothing")


def _list_differences(pointer: str, sent: Any, stored: Any, tolerance: Tolerance) -> Iterator[Change]:  # noqa: ANN401 - as above
    if len(sent) != len(stored):
        yield Change(kind="a list of another length", pointer=pointer, sent=_show(sent), stored=_show(stored))
        return
    if sent != stored and sorted(map(write_json, sent)) == sorted(map(write_json, stored)):
        yield Change(kind="a list in another order", pointer=pointer, sent=_show(sent), stored=_show(stored))
        return
    for number, (one, other) in enumerate(zip(sent, stored, strict=True)):
        yield from _differences(f"{pointer}/{number}", one, other, tolerance)


def _change(pointer: str, sent: Any, stored: Any) -> Change:  # noqa: ANN401 - as above
    kind, is_harmless = _kind(sent, stored)
    return Change(kind=kind, pointer=pointer, sent=_show(sent), stored=_show(stored), is_harmless=is_harmless)


def _kind(sent: Any, stored: Any) -> tuple[str, bool]:  # noqa: ANN401 - as above
    """What kind of change it is, and whether the value is the same in another spelling."""
    if isinstance(sent, WrittenNumber):
        if isinstance(stored, WrittenNumber) and sent.value == stored.value:
            return "a number in another spelling", True
        if _is_beyond_double(sent):
            return "a number beyond the range of a double", True
        if isinstance(stored, WrittenNumber):
            return "a number of another value", False
    if isinstance(sent, str) and isinstance(stored, str):
        return _text_kind(sent, stored)
    if stored is None:
        return ("an empty value that became null", True) if sent in _EMPTY else ("a value that became null", False)
    return "a value of another type", False


def _is_beyond_double(number: WrittenNumber) -> bool:
    """Whether a double makes infinity of a number, or zero of one that is not zero (RFC 8259, section 6)."""
    try:
        value = float(number.text)
    except ValueError:
        return True
    return math.isinf(value) or math.isnan(value) or (value == 0 and number.value[1] != "0")


def _text_kind(sent: str, stored: str) -> tuple[str, bool]:
    one, other = instant_of(sent), instant_of(stored)
    if one is not None and other is not None:
        return _time_kind(one, other)
    if _MARK.search(sent) and _MARK.search(stored) and _MARK.findall(sent) != _MARK.findall(stored):
        return "a value of another event", False
    if _UNSTORED.search(sent) and _UNSTORABLE.sub("", sent) == _UNSTORABLE.sub("", stored):
        return "a text without its NUL or its lone surrogates", True
    if stored and sent.startswith(stored):
        return f"a text cut after {len(stored):,} characters", False
    if sent.casefold() == stored.casefold():
        return "a text in another case", False
    return "a text with other spaces around it" if sent.strip() == stored.strip() else "another text", False


def _time_kind(one: tuple[bool, datetime], other: tuple[bool, datetime]) -> tuple[str, bool]:
    if one == other:
        return "a time in another spelling", True
    return "a time without its zone" if one[0] and not other[0] else "another point in time", False


def instant_of(value: object) -> tuple[bool, datetime] | None:
    """The point in time of a text; without a zone it is a different kind of time. None if it is none."""
    if not isinstance(value, str) or len(value) > 40 or not _ISO.fullmatch(value):
        return None
    try:
        moment = datetime.fromisoformat(value.upper())
    except ValueError:
        return None
    has_zone = moment.tzinfo is not None
    exact = moment.astimezone(UTC) if has_zone else moment.replace(tzinfo=UTC)
    return has_zone, exact.replace(microsecond=exact.microsecond // 1000 * 1000)


def _show(value: Any) -> str:  # noqa: ANN401 - as above
    text = write_json(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}... ({len(text):,} characters)"
