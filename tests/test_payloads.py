"""Payloads: exact sizes, acceptable events, message ids that are nobody else's, and JSON pointers."""

from __future__ import annotations

import base64
import copy
import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance import pointers
from conformance.contract import Contract, Operation
from conformance.errors import Silent
from conformance.model import Json, JsonObject, Kind
from conformance.payloads import Call, Keys
from conformance.payloads.credentials import NOBODY
from conformance.profile import load
from conformance.profile.facts import Ceiling, MessageId, Scheme
from conformance.resources import profile_names

SETTINGS = settings(derandomize=True, deadline=None, max_examples=60, database=None)
KEYS = Keys(write_key="Key-12345", bearer="token-67890")
UNITS = st.sampled_from(["a", "é", "日", "😀", '"', "\\", "\n"])


@cache
def contract(profile: str) -> Contract:
    """A vendor's contract with all its optional routes."""
    found = load(profile)
    return Contract(found, {route.include for route in found.routes if route.include})


CASES = [
    (profile, operation)
    for profile in profile_names()
    for operation in contract(profile).operations
    if operation.kind in {Kind.EVENT, Kind.BATCH}
]
TYPES = [(profile, name) for profile in profile_names() for name in contract(profile).profile.events]
ANY_CASE = st.sampled_from(CASES)


def call_to(profile: str, operation: Operation | None = None, label: str = "test") -> Call:
    """A call to an operation, or to the vendor's first."""
    asked = contract(profile)
    return Call(contract=asked, operation=operation or asked.operations[0], keys=KEYS, label=label)


def batch_call(profile: str = "segment") -> Call:
    """A call to the first batch of a vendor."""
    operation = next(item for item in contract(profile).operations if item.kind is Kind.BATCH)
    return call_to(profile, operation)


def events_of(call: Call, body: bytes) -> list[Any]:
    """The events in a body."""
    value = json.loads(body)
    found = pointers.get(value, call.contract.profile.batch.pointer) if call.is_batch else [value]
    assert isinstance(found, list)
    return found


def compact(value: Json, *, ascii_only: bool) -> bytes:
    """JSON without white space, as sizes are counted in."""
    return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":")).encode()


@SETTINGS
@given(case=ANY_CASE, unit=UNITS, ascii_only=st.booleans(), share=st.floats(0.02, 1))
def test_a_sized_body_is_exact(
    case: tuple[str, Operation], unit: str, ascii_only: bool, share: float  # noqa: FBT001
) -> None:  # fmt: skip
    """Any size up to the limit and a byte over it, on any path, in any character, escaped or not."""
    call = call_to(*case)
    limit = call.contract.body_limit(call.operation)
    for size in (int(limit.at_least * share), limit.at_least, limit.at_most + 1):
        draft = call.roomy(size).sized(size, unit)
        body = (draft.escaped() if ascii_only else draft).request().body
        assert len(body) == size
        assert body.isascii() or not ascii_only
        assert unit in "".join(map(str, texts(json.loads(body))))


def texts(value: Json) -> list[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in inner for text in texts(item)]


@settings(SETTINGS, max_examples=20)
@given(
    profile=st.sampled_from([name for name, operation in CASES if operation.kind is Kind.BATCH]),
    unit=UNITS,
    ascii_only=st.booleans(),
    share=st.floats(0, 1),
)
def test_no_event_of_a_sized_batch_is_over_its_own_limit(
    profile: str, unit: str, ascii_only: bool, share: float  # noqa: FBT001
) -> None:  # fmt: skip
    """A batch is refused for its own size only if each of its events is within theirs."""
    call = batch_call(profile)
    if not call.contract.states(f"limits.{Ceiling.BATCH_EVENT}"):
        return
    most = call.contract.limit(Ceiling.BATCH_EVENT).at_least
    limit = call.contract.limit(Ceiling.BATCH)
    for size in (int(limit.at_least * share), limit.at_least, limit.at_most + 1):
        draft = call.roomy(size).sized(max(size, 1000), unit)
        body = (draft.escaped() if ascii_only else draft).request().body
        assert all(len(compact(event, ascii_only=ascii_only)) <= most for event in events_of(call, body))


@pytest.mark.parametrize(("profile", "operation"), CASES, ids=str)
def test_the_smallest_size_is_the_draft_s_own(profile: str, operation: Operation) -> None:
    """From the size of the empty filler on, every size can be had; below, a check is Silent."""
    draft = call_to(profile, operation).event()
    smallest = len(draft.filled("").request().body)
    for size in range(smallest, smallest + 9):
        assert len(draft.sized(size, "日").request().body) == size
    with pytest.raises(Silent, match=f"can't be as small as {smallest - 1} bytes"):
        draft.sized(smallest - 1).request()


@SETTINGS
@given(unit=UNITS, size=st.integers(1000, 40_000), count=st.integers(1, 5))
def test_a_sized_event_in_a_batch_is_exact(unit: str, size: int, count: int) -> None:
    """The first event has the size asked for, the others keep theirs; reversed, it comes last."""
    call = batch_call()
    draft = call.repeated(count).event_sized(size, unit)
    sizes = [len(compact(event, ascii_only=False)) for event in events_of(call, draft.request().body)]
    assert sizes[0] == size
    assert all(other < 1000 for other in sizes[1:])
    last = events_of(call, draft.reversed().request().body)[-1]
    assert len(compact(last, ascii_only=False)) == size


def test_a_sized_body_keeps_the_key_in_it() -> None:
    """The key in the body counts into its size."""
    call = call_to("segment")
    draft = call.event().by(call.credentials(Scheme.BODY)).sized(5000)
    assert len(draft.request().body) == 5000
    assert json.loads(draft.request().body)["writeKey"] == KEYS.write_key


@pytest.mark.parametrize(("profile", "name"), TYPES)
def test_the_smallest_event_is_acceptable(profile: str, name: str) -> None:
    """It names its user, and has every field that it can't do without."""
    call = call_to(profile)
    event = call.smallest(name)
    assert call.contract.identified(name, event)
    needed = (*call.contract.event(name).required, *call.contract.profile.always)
    assert all(pointers.has(event, pointer) for pointer in needed)


@pytest.mark.parametrize(("profile", "name"), TYPES)
def test_the_largest_event_has_every_property(profile: str, name: str) -> None:
    """Whatever the schema names, however deep, is there, and so is all of the smallest event."""
    call = call_to(profile)
    event = call.largest(name)
    assert missing(call.contract.event_schema(name), event) == []
    assert set(call.smallest(name)) <= set(event)
    assert call.contract.identified(name, event)


def missing(schema: Any, value: Any, place: str = "") -> list[str]:  # noqa: ANN401 - a schema is any JSON
    """The properties of a schema that a value lacks; an example of an object counts as a whole."""
    if any(key in schema for key in ("examples", "example", "const", "default")):
        return []
    found = []
    for key, inner in schema.get("properties", {}).items():
        where = f"{place}/{key}"
        found += missing(inner, value[key], where) if key in value else [where]
    return found


@pytest.mark.parametrize(("profile", "operation"), CASES, ids=str)
def test_full_requests_are_as_documented(profile: str, operation: Operation) -> None:
    """The full event goes out with the vendor's method, path and type of content."""
    call = call_to(profile, operation)
    request = call.full().request()
    assert (request.method, request.path) == (operation.method, operation.path)
    assert ("Content-Type", "application/json") in request.headers
    expected = call_to(profile, operation).largest(operation.type)
    (event,) = events_of(call, request.body)
    assert event == {**expected, **({"type": operation.type} if "type" in expected else {})}


@pytest.mark.parametrize("profile", profile_names())
def test_optional_fields_can_be_done_without(profile: str) -> None:
    """What is called optional is neither required nor what names the user."""
    call = call_to(profile)
    name = call.operation.type
    event = pointers.drop(call.largest(name), "/nothing")
    for pointer in call.optional():
        event = pointers.drop(event, pointer)
    assert call.optional()
    assert call.contract.identified(name, event)
    assert all(pointers.has(event, pointer) for pointer in call.contract.event(name).required)


def ids_of(call: Call, count: int) -> list[Json]:
    """The message ids of so many drafts of full events."""
    where = call.contract.profile.pointers.message_id
    assert where is not None
    return [pointers.get(call.largest(call.operation.type), where) for _ in range(count)]


@pytest.mark.parametrize(
    "profile", [name for name in profile_names() if contract(name).profile.pointers.message_id]
)
def test_message_ids_are_unique_and_repeatable(profile: str) -> None:
    """Unique within a call, the same in the next run, and different under another label."""
    first, again = (ids_of(call_to(profile, label="one"), 20) for _ in range(2))
    other = ids_of(call_to(profile, label="two"), 20)
    assert first == again
    assert len({*first, *other}) == 40


def test_message_ids_are_short() -> None:
    """They fit into the tightest documented limit."""
    limits = [
        found.max_length
        for name in profile_names()
        if isinstance(found := contract(name).profile.facts.get("message_id"), MessageId)
    ]
    assert all(len(str(item)) <= min(limits) for item in ids_of(call_to("segment"), 3))


def test_a_batch_has_an_event_of_each_type_named() -> None:
    """Each names its type, where the dialect has a place for it."""
    call = batch_call()
    body = call.event("identify", "page").request().body
    assert [event["type"] for event in events_of(call, body)] == ["identify", "page"]


def test_a_draft_is_never_changed() -> None:
    """Each step makes a copy: a control and its spoilt twin share no state."""
    draft = call_to("segment").event()
    before = draft.request()
    draft.put("/a/b", 1).drop("/userId").typed(None).by(NOBODY).chunked().sized(5000).escaped()
    assert draft.request() == before


def test_a_batch_s_list_can_be_replaced_or_left_out() -> None:
    """By anything, null included, or by nothing at all."""
    draft = batch_call().event()
    assert json.loads(draft.listing(None).request().body) == {"batch": None}
    assert json.loads(draft.listing({}).request().body) == {"batch": {}}
    assert json.loads(draft.listing().request().body) == {}
    assert json.loads(draft.carrying(1, "x").request().body) == {"batch": [1, "x"]}


def test_a_pixel_carries_its_event_in_the_query() -> None:
    """As base64 of JSON, with the key in it, and no body."""
    operation = next(item for item in contract("metarouter").operations if item.kind is Kind.PIXEL)
    request = call_to("metarouter", operation).event().request()
    ((name, data),) = request.query
    assert (request.method, name, request.body) == ("GET", "data", b"")
    assert json.loads(base64.b64decode(data))["writeKey"] == KEYS.write_key
    assert "Content-Type" not in dict(request.headers)


def test_an_example_carries_the_right_key() -> None:
    """The documents' stand-in for a key is replaced."""
    body = call_to("segment").example().request().body
    assert json.loads(body)["writeKey"] == KEYS.write_key
    assert b"$WRITE_KEY" not in body


@pytest.mark.parametrize(
    ("scheme", "headers", "in_body"),
    [
        (Scheme.BASIC, [("Authorization", "Basic S2V5LTEyMzQ1Og==")], False),
        (Scheme.BASIC_WITHOUT_COLON, [("Authorization", "Basic S2V5LTEyMzQ1")], False),
        (Scheme.BEARER, [("Authorization", "Bearer token-67890")], True),
        (Scheme.BODY, [], True),
    ],
)
def test_each_scheme_has_its_place(scheme: Scheme, headers: list[tuple[str, str]], in_body: bool) -> None:  # noqa: FBT001
    """Header, body, or both."""
    call = call_to("segment")
    request = call.event().by(call.credentials(scheme)).request()
    assert [pair for pair in request.headers if pair[0] != "Content-Type"] == headers
    assert ("writeKey" in json.loads(request.body)) is in_body


def test_wrong_keys_are_nearly_right() -> None:
    """One character more, one less, or the other case."""
    assert (KEYS.suffixed, KEYS.prefixed) == ("Key-12345x", "xKey-12345")
    assert (KEYS.truncated, KEYS.other_case) == ("Key-1234", "kEY-12345")


def test_a_wrong_key_that_can_t_be_made_is_silent() -> None:
    """A key of one character can't be shortened, one without letters has no other case."""
    with pytest.raises(Silent, match="nothing is left"):
        _ = Keys(write_key="a").truncated
    with pytest.raises(Silent, match="no letters"):
        _ = Keys(write_key="123").other_case


def test_a_bearer_that_was_not_given_is_silent() -> None:
    """The message says how to give one."""
    asked = contract("segment")
    call = Call(contract=asked, operation=asked.operations[0], keys=Keys(write_key="k"))
    with pytest.raises(Silent, match="--bearer"):
        call.credentials(Scheme.BEARER)


NAMES = st.sampled_from(["a", "b", "c", "a/b", "~", "", "é"])
WAYS = st.lists(NAMES, min_size=1, max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=4)


def pointer_to(way: list[str]) -> str:
    """A JSON pointer that walks a way."""
    return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in way)


@SETTINGS
@given(document=OBJECTS, way=WAYS, value=VALUES)
def test_what_is_put_is_there(document: JsonObject, way: list[str], value: Json) -> None:
    """What put has put, get finds, and the original is as it was."""
    before = copy.deepcopy(document)
    found = pointers.put(document, pointer_to(way), value)
    assert pointers.steps(pointer_to(way)) == way
    assert pointers.get(found, pointer_to(way)) == value
    assert document == before


@SETTINGS
@given(document=OBJECTS, way=WAYS, first=VALUES, second=VALUES)
def test_the_last_put_counts(document: JsonObject, way: list[str], first: Json, second: Json) -> None:
    """Putting twice is putting the second."""
    pointer = pointer_to(way)
    assert pointers.put(pointers.put(document, pointer, first), pointer, second) == pointers.put(
        document, pointer, second
    )


@SETTINGS
@given(document=OBJECTS, way=WAYS, value=VALUES)
def test_a_put_touches_nothing_else(document: JsonObject, way: list[str], value: Json) -> None:
    """What stands beside the way stays, and so it is at every depth."""
    pointer = pointer_to(way)
    found = pointers.put(document, pointer, value)
    assert pointers.drop(found, pointer_to(way[:1])) == pointers.drop(document, pointer_to(way[:1]))
    assert pointers.put({"x": document, "y": 1}, f"/x{pointer}", value) == {"x": found, "y": 1}


@SETTINGS
@given(document=OBJECTS, way=WAYS, value=VALUES)
def test_what_is_dropped_is_gone(document: JsonObject, way: list[str], value: Json) -> None:
    """Dropping takes away what was put, changes nothing where nothing is, and spares the original."""
    pointer, before = pointer_to(way), copy.deepcopy(document)
    assert not pointers.has(pointers.drop(pointers.put(document, pointer, value), pointer), pointer)
    if not pointers.has(document, pointer):
        assert pointers.drop(document, pointer) == document
        with pytest.raises(pointers.Missing):
            pointers.get(document, pointer)
    assert document == before
