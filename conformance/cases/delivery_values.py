"""Delivery: what a field of an event says is stored as it was sent. Only in runs with a sink."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.cases._delivery import SPELLING, UNCHANGED, changes_of, expect_taken, marked_event, value_at
from conformance.checks.catalogue import check
from conformance.checks.check import BATCHES, EVENTS, EVENTS_AND_BATCHES, FACT_OF_PARAMETER, FirstPer
from conformance.core import pointers
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import Parameter
from conformance.profile.facts import Rule
from conformance.requests.fields import require_pointer
from conformance.requests.steps import await_arrivals

if TYPE_CHECKING:
    from conformance.checks.check import CheckOptions
    from conformance.requests import Call
    from conformance.requests.steps import Steps

_OPTIONS: CheckOptions = {"needs_sink": True}
_OBJECT, _PLACEHOLDER = "conformance_values", "conformance-placeholder"
_MERGED = f"rules.{Rule.SHARED_MERGED}"


@dataclass(frozen=True, slots=True)
class _Values(Parameter):
    """Values of one kind, as JSON text; `fact` promises that they are kept."""

    text: str
    fact: str = UNCHANGED


_LONG_TEXT = json.dumps("conformance " * 700)
_VALUES = (
    _Values("integers", "integers beyond 2^53", '{"a":9007199254740993,"b":-9007199254740993,"c":123456789012345678}'),
    _Values("decimals", "decimal fractions", '{"a":0.1,"b":3.141592653589793,"c":-2.5,"d":1e3,"e":1.5e-7,"f":0}'),
    _Values("booleans", "booleans", '{"a":true,"b":false}'),
    _Values(
        "texts",
        "texts in several scripts",
        '{"a":"Stra\\u00dfe","b":"\\u4e2d\\u6587","c":"\\ud83d\\ude00","d":"\\u05e9\\u05dc","e":"e\\u0301"}',
    ),
    _Values("white-space", "texts with spaces and line breaks", '{"a":" x ","b":"a\\nb\\tc","c":"a  b"}'),
    _Values("long-text", "a text of 8,400 characters", f'{{"a":{_LONG_TEXT}}}'),
    _Values(
        "names",
        "names of fields in several cases and scripts",
        '{"camelCase":1,"UPPER":2,"snake_case":3,"with space":4,"with.dot":5,"\\u00fc":6}',
    ),
    _Values("nested", "objects and lists in one another", '{"a":{"b":{"c":[1,[2,3],{"d":"e"}]}},"f":[3,1,2]}'),
    _Values("number-like", "texts that look like other values", '{"a":"007","b":"1.0","c":"true","d":"null"}'),
    _Values("times", "points in time", '{"a":"2026-01-02T03:04:05.678+02:00","b":"2026-01-02T03:04:05Z"}'),
    _Values("empty", "nulls and empty values", '{"a":null,"b":"","c":[],"d":{}}', SPELLING),
    _Values("spelling", "numbers in unusual spellings", '{"a":1.0,"b":1e2,"c":-0,"d":100e-2,"e":1E+2}', SPELLING),
    _Values("huge", "numbers beyond the range of a double", '{"a":1e400,"b":-1e400,"c":1e-400}', SPELLING),
    _Values("unusual", "texts with NUL and lone surrogates", '{"a":"x\\u0000y","b":"\\ud800"}', SPELLING),
)


@check("delivery.values.{slug}", "{description} of an accepted event are stored as they were sent.",
       fact=FACT_OF_PARAMETER, kinds=EVENTS, parameters=_VALUES, first_per=FirstPer.RUN, needs_sink=True)  # fmt: skip
def values_kept(call: Call, values: _Values) -> Steps:
    """Ids, amounts and names are compared with those of other systems, where one wrong digit is another customer."""
    mark, event = marked_event(call)
    holder = f"{call.event_type.open_object or ''}/{_OBJECT}"
    event = pointers.put(event, holder, _PLACEHOLDER)
    placeholder, text = json.dumps(_PLACEHOLDER).encode(), values.text.encode()
    draft = call.acceptable_request().with_events(event)
    draft = draft.with_json_bytes(lambda body: body.replace(placeholder, text))
    expect_taken((exchange := (yield draft)), f"an event with {values.description}")
    arrivals = yield from await_arrivals(mark)
    if not arrivals.of(mark):
        raise NotApplicable("the event does not arrive: see delivery.event.arrives")
    sent = json.dumps(event).replace(json.dumps(_PLACEHOLDER), values.text)
    arrival = arrivals.of(mark)[0]
    changes = [
        item
        for item in arrivals.compare(sent, arrival.event)
        if f"{holder}/".startswith(f"{item.pointer}/") or item.pointer.startswith(f"{holder}/")
    ]
    if values.fact != UNCHANGED:
        shown = "; ".join(map(str, changes)) or "nothing is changed"
        return f"{values.description}: {shown}"
    changes = [item for item in changes if not item.is_harmless]
    if changes:
        raise Deviation(
            f"{values.description} must be stored as they were sent",
            f"altered: {changes[0]} ({arrival.record})",
            exchange=exchange,
            expected=changes[0].sent,
        )
    return None


@check("delivery.fields.kept", "Every documented field of an accepted event is stored as it was sent.",
       fact=UNCHANGED, kinds=EVENTS_AND_BATCHES, first_per=FirstPer.TYPE, needs_sink=True)  # fmt: skip
def fields_kept(call: Call) -> Steps:
    """Whoever sends a documented field expects to find it."""
    event = call.full_event(call.operation.event_type)
    mark, _ = marked_event(call)
    if pointer := call.contract.profile.pointers.message_id:
        event = pointers.put(event, pointer, mark)
    expect_taken((exchange := (yield call.acceptable_request().with_events(event))), "an event with all fields")
    arrivals = yield from await_arrivals(mark)
    if not arrivals.of(mark):
        raise NotApplicable("the event does not arrive: see delivery.event.arrives")
    arrival, changes = changes_of(arrivals, mark, event)
    changes = [item for item in changes if not item.is_harmless]
    if changes:
        raise Deviation(
            "every documented field must be stored as it was sent",
            f"altered: {'; '.join(map(str, changes[:3]))} ({arrival.record})",
            exchange=exchange,
            expected=changes[0].sent,
        )
    return None


@check("delivery.batch.shared", "What stands beside the list of a batch is stored with each of its events.",
       fact=_MERGED, kinds=BATCHES, **_OPTIONS)  # fmt: skip
def shared_merged(call: Call) -> Steps:
    """SDKs send what is the same for all events once; without it, the events have no context."""
    where = require_pointer(call.contract.profile.pointers.context, "a context")
    if where not in call.contract.profile.batch.shared:
        raise NotApplicable("no context may stand beside the list of a batch")
    (bare_mark, bare), (own_mark, own) = marked_event(call), marked_event(call)
    own = pointers.put(own, f"{where}/conformance_both", "of the event")
    shared = {"conformance_shared": "of the batch", "conformance_both": "of the batch"}
    draft = call.acceptable_request().with_events(bare, own).with_shared_field(where, dict(shared))
    expect_taken((exchange := (yield draft)), "a batch with a shared context")
    arrivals = yield from await_arrivals(bare_mark, own_mark)
    for mark, name, expected in (
        (bare_mark, "conformance_shared", "of the batch"),
        (own_mark, "conformance_both", "of the event"),
        (own_mark, "conformance_shared", "of the batch"),
    ):
        if not arrivals.of(mark):
            raise NotApplicable("the events do not arrive: see delivery.batch.arrives")
        arrival = arrivals.of(mark)[0]
        stored = value_at(arrival.event, f"{where}/{name}")
        if stored != expected:
            raise Deviation(
                "a shared context must be merged with that of each event, whose own values win",
                f"merged wrongly: {where}/{name} is stored as {stored!r} ({arrival.record})",
                exchange=exchange,
                expected=f"{expected!r} at {where}/{name}",
            )
    return None
