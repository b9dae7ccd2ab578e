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

from conformance.contract import Contract, Operation
from conformance.core import pointers
from conformance.core.errors import NotApplicable
from conformance.core.model import Json, JsonObject, OperationKind
from conformance.core.resources import profile_names
from conformance.profile import load
from conformance.profile.facts import AuthScheme, LimitKind, MessageIdLimit
from conformance.requests import Call, Keys
from conformance.requests.credentials import NO_CREDENTIALS

SETTINGS = settings(derandomize=True, deadline=None, max_examples=60, database=None)
KEYS = Keys(write_key="Key-12345", bearer="token-67890")
UNITS = st.sampled_from(["a", "é", "日", "😀", '"', "\\", "\n"])


@cache
def contract(profile: str) -> Contract:
    """A vendor's contract with all its optional routes."""
    document = load(profile)
    return Contract(document, {route.group for route in document.routes if route.group})


CASES = [
    (profile, operation)
    for profile in profile_names()
    for operation in contract(profile).operations
    if operation.kind in {OperationKind.EVENT, OperationKind.BATCH}
]
LIMITED_CASES = [
    (profile, operation)
    for profile, operation in CASES
    if contract(profile).for_operation(operation).has_fact(f"limits.{operation.kind}")
]
"""Without the internal paths on which no document limits a batch."""
TYPES = [(profile, name) for profile in profile_names() for name in contract(profile).profile.events]
ANY_CASE = st.sampled_from(CASES)


def call_to(profile: str, operation: Operation | None = None, label: str = "test") -> Call:
    """A call to an operation, or to the vendor's first."""
    asked = contract(profile)
    return Call(contract=asked, operation=operation or asked.operations[0], keys=KEYS, label=label)


def batch_call(profile: str = "segment") -> Call:
    """A call to the first batch of a vendor."""
    operation = next(item for item in contract(profile).operations if item.kind is OperationKind.BATCH)
    return call_to(profile, operation)


def events_of(call: Call, body: bytes) -> list[Any]:
    """The events in a body."""
    value = json.loads(body)
    events = pointers.get(value, call.contract.profile.batch.pointer) if call.is_batch else [value]
    assert isinstance(events, list)
    return events


def compact(value: Json, *, ascii_only: bool) -> bytes:
    """JSON without white space, as sizes are counted in."""
    return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":")).encode()


@SETTINGS
@given(case=st.sampled_from(LIMITED_CASES), unit=UNITS, ascii_only=st.booleans(), share=st.floats(0.02, 1))
def test_a_sized_body_is_exact(
    case: tuple[str, Operation], unit: str, ascii_only: bool, share: float  # noqa: FBT001
) -> None:  # fmt: skip
    """Any size up to the limit and a byte over it, on any path, in any character, escaped or not."""
    call = call_to(*case)
    limit = call.contract.body_size_limit(call.operation)
    for size in (int(limit.at_least * share), limit.at_least, limit.at_most + 1):
        draft = call.request_with_room_for(size).with_body_size(size, unit)
        body = (draft.with_ascii_escapes() if ascii_only else draft).build_request().body
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
    profile=st.sampled_from([name for name, operation in CASES if operation.kind is OperationKind.BATCH]),
    unit=UNITS,
    ascii_only=st.booleans(),
    share=st.floats(0, 1),
)
def test_no_event_of_a_sized_batch_is_over_its_own_limit(
    profile: str, unit: str, ascii_only: bool, share: float  # noqa: FBT001
) -> None:  # fmt: skip
    """A batch is refused for its own size only if each of its events is within theirs."""
    call = batch_call(profile)
    if not call.contract.has_fact(f"limits.{LimitKind.BATCH_EVENT}"):
        return
    most = call.contract.size_limit(LimitKind.BATCH_EVENT).at_least
    limit = call.contract.size_limit(LimitKind.BATCH)
    for size in (int(limit.at_least * share), limit.at_least, limit.at_most + 1):
        draft = call.request_with_room_for(size).with_body_size(max(size, 1000), unit)
        body = (draft.with_ascii_escapes() if ascii_only else draft).build_request().body
        assert all(len(compact(event, ascii_only=ascii_only)) <= most for event in events_of(call, body))


@pytest.mark.parametrize(("profile", "operation"), CASES, ids=str)
def test_the_smallest_size_is_the_draft_s_own(profile: str, operation: Operation) -> None:
    """From the size of the empty filler on, every size can be had; below, a check is Silent."""
    draft = call_to(profile, operation).acceptable_request()
    smallest = len(draft.with_filler("").build_request().body)
    for size in range(smallest, smallest + 9):
        assert len(draft.with_body_size(size, "日").build_request().body) == size
    with pytest.raises(NotApplicable, match=f"can't be as small as {smallest - 1} bytes"):
        draft.with_body_size(smallest - 1).build_request()


@SETTINGS
@given(unit=UNITS, size=st.integers(1000, 40_000), count=st.integers(1, 5))
def test_a_sized_event_in_a_batch_is_exact(unit: str, size: int, count: int) -> None:
    """The first event has the size asked for, the others keep theirs; reversed, it comes last."""
    call = batch_call()
    draft = call.batch_of(count).with_event_size(size, unit)
    sizes = [len(compact(event, ascii_only=False)) for event in events_of(call, draft.build_request().body)]
    assert sizes[0] == size
    assert all(other < 1000 for other in sizes[1:])
    last = events_of(call, draft.with_events_reversed().build_request().body)[-1]
    assert len(compact(last, ascii_only=False)) == size


def test_a_sized_body_keeps_the_key_in_it() -> None:
    """The key in the body counts into its size."""
    call = call_to("segment")
    draft = call.acceptable_request().with_credentials(call.credentials(AuthScheme.BODY)).with_body_size(5000)
    assert len(draft.build_request().body) == 5000
    assert json.loads(draft.build_request().body)["writeKey"] == KEYS.write_key


@pytest.mark.parametrize(("profile", "name"), TYPES)
def test_the_smallest_event_is_acceptable(profile: str, name: str) -> None:
    """It names its user, and has every field that it can't do without."""
    call = call_to(profile)
    event = call.minimal_event(name)
    assert call.contract.has_identity(name, event)
    needed = (*call.contract.event_type(name).required, *call.contract.profile.always_required)
    assert all(pointers.has(event, pointer) for pointer in needed)


@pytest.mark.parametrize(("profile", "name"), TYPES)
def test_the_largest_event_has_every_property(profile: str, name: str) -> None:
    """Whatever the documents name, however deep, is there, and so is all of the smallest event."""
    call = call_to(profile)
    event = call.full_event(name)
    assert missing_required_fields(call.contract.documented_schema(name), event) == []
    assert set(call.minimal_event(name)) <= set(event)
    assert call.contract.has_identity(name, event)


def missing_required_fields(schema: Any, value: Any, place: str = "") -> list[str]:  # noqa: ANN401 - a schema is any JSON
    """The properties of a schema that a value lacks; an example of an object counts as a whole."""
    if any(key in schema for key in ("examples", "example", "const", "default")):
        return []
    missing_paths = []
    for key, inner in schema.get("properties", {}).items():
        where = f"{place}/{key}"
        missing_paths += missing_required_fields(inner, value[key], where) if key in value else [where]
    return missing_paths


@pytest.mark.parametrize(("profile", "operation"), CASES, ids=str)
def test_full_requests_are_as_documented(profile: str, operation: Operation) -> None:
    """The full event goes out with the vendor's method, path and type of content."""
    call = call_to(profile, operation)
    request = call.full_request().build_request()
    assert (request.method, request.path) == (operation.method, operation.path)
    assert ("Content-Type", "application/json") in request.headers
    expected = call_to(profile, operation).full_event(operation.event_type)
    (event,) = events_of(call, request.body)
    assert event == {**expected, **({"type": operation.event_type} if "type" in expected else {})}


@pytest.mark.parametrize("profile", profile_names())
def test_optional_fields_can_be_done_without(profile: str) -> None:
    """What is called optional is neither required nor what names the user."""
    call = call_to(profile)
    name = call.operation.event_type
    event = pointers.remove(call.full_event(name), "/nothing")
    for pointer in call.optional_fields():
        event = pointers.remove(event, pointer)
    assert call.optional_fields()
    assert call.contract.has_identity(name, event)
    assert all(pointers.has(event, pointer) for pointer in call.contract.event_type(name).required)


def ids_of(call: Call, count: int) -> list[Json]:
    """The message ids of so many drafts of full events."""
    where = call.contract.profile.pointers.message_id
    assert where is not None
    return [pointers.get(call.full_event(call.operation.event_type), where) for _ in range(count)]


@pytest.mark.parametrize("profile", [name for name in profile_names() if contract(name).profile.pointers.message_id])
def test_message_ids_are_unique_and_repeatable(profile: str) -> None:
    """Unique within a call, the same in the next run, and different under another label."""
    first, again = (ids_of(call_to(profile, label="one"), 20) for _ in range(2))
    other = ids_of(call_to(profile, label="two"), 20)
    assert first == again
    assert len({*first, *other}) == 40


def test_message_ids_are_short() -> None:
    """They fit into the tightest documented limit."""
    limits = [
        fact.max_length
        for name in profile_names()
        if isinstance(fact := contract(name).profile.facts.get("message_id"), MessageIdLimit)
    ]
    assert all(len(str(item)) <= min(limits) for item in ids_of(call_to("segment"), 3))


def test_a_batch_has_an_event_of_each_type_named() -> None:
    """Each names its type, where the dialect has a place for it."""
    call = batch_call()
    body = call.acceptable_request("identify", "page").build_request().body
    assert [event["type"] for event in events_of(call, body)] == ["identify", "page"]


def test_a_draft_is_never_changed() -> None:
    """Each step makes a copy: a control and its spoilt twin share no state."""
    draft = call_to("segment").acceptable_request()
    before = draft.build_request()
    draft.with_field("/a/b", 1).without_fields("/userId").with_content_type(None).with_credentials(
        NO_CREDENTIALS
    ).with_chunked_encoding().with_body_size(5000).with_ascii_escapes()
    assert draft.build_request() == before


def test_a_batch_s_list_can_be_replaced_or_left_out() -> None:
    """By anything, null included, or by nothing at all."""
    draft = batch_call().acceptable_request()
    assert json.loads(draft.with_batch_list(None).build_request().body) == {"batch": None}
    assert json.loads(draft.with_batch_list({}).build_request().body) == {"batch": {}}
    assert json.loads(draft.with_batch_list().build_request().body) == {}
    assert json.loads(draft.with_events(1, "x").build_request().body) == {"batch": [1, "x"]}


def test_a_pixel_carries_its_event_in_the_query() -> None:
    """As base64 of JSON, with the key in it, and no body."""
    operation = next(item for item in contract("metarouter").operations if item.kind is OperationKind.PIXEL)
    request = call_to("metarouter", operation).acceptable_request().build_request()
    ((name, data),) = request.query
    assert (request.method, name, request.body) == ("GET", "data", b"")
    assert json.loads(base64.b64decode(data))["writeKey"] == KEYS.write_key
    assert "Content-Type" not in dict(request.headers)


def test_an_example_carries_the_right_key() -> None:
    """The documents' stand-in for a key is replaced."""
    body = call_to("segment").example_request().build_request().body
    assert json.loads(body)["writeKey"] == KEYS.write_key
    assert b"$WRITE_KEY" not in body


@pytest.mark.parametrize(
    ("scheme", "headers", "in_body"),
    [
        (AuthScheme.BASIC, [("Authorization", "Basic S2V5LTEyMzQ1Og==")], False),
        (AuthScheme.BASIC_WITHOUT_COLON, [("Authorization", "Basic S2V5LTEyMzQ1")], False),
        (AuthScheme.BEARER, [("Authorization", "Bearer token-67890")], True),
        (AuthScheme.BODY, [], True),
    ],
)
def test_each_scheme_has_its_place(scheme: AuthScheme, headers: list[tuple[str, str]], in_body: bool) -> None:  # noqa: FBT001
    """Header, body, or both."""
    call = call_to("segment")
    request = call.acceptable_request().with_credentials(call.credentials(scheme)).build_request()
    assert [pair for pair in request.headers if pair[0] != "Content-Type"] == headers
    assert ("writeKey" in json.loads(request.body)) is in_body


def test_wrong_keys_are_nearly_right() -> None:
    """One character more, one less, or the other case."""
    assert (KEYS.suffixed, KEYS.prefixed) == ("Key-12345x", "xKey-12345")
    assert (KEYS.truncated, KEYS.other_case) == ("Key-1234", "kEY-12345")


def test_a_wrong_key_that_can_t_be_made_is_silent() -> None:
    """A key of one character can't be shortened, one without letters has no other case."""
    with pytest.raises(NotApplicable, match="nothing is left"):
        _ = Keys(write_key="a").truncated
    with pytest.raises(NotApplicable, match="no letters"):
        _ = Keys(write_key="123").other_case


def test_a_bearer_that_was_not_given_is_silent() -> None:
    """The message says how to give one."""
    asked = contract("segment")
    call = Call(contract=asked, operation=asked.operations[0], keys=Keys(write_key="k"))
    with pytest.raises(NotApplicable, match="--bearer"):
        call.credentials(AuthScheme.BEARER)


NAMES = st.sampled_from(["a", "b", "c", "a/b", "~", "", "é"])
POINTER_PATHS = st.lists(NAMES, min_size=1, max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=4)


def as_pointer(way: list[str]) -> str:
    """A JSON pointer that walks a way."""
    return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in way)


@SETTINGS
@given(document=OBJECTS, way=POINTER_PATHS, value=VALUES)
def test_what_is_put_is_there(document: JsonObject, way: list[str], value: Json) -> None:
    """What put has put, get finds, and the original is as it was."""
    before = copy.deepcopy(document)
    changed = pointers.put(document, as_pointer(way), value)
    assert pointers.split(as_pointer(way)) == way
    assert pointers.get(changed, as_pointer(way)) == value
    assert document == before


@SETTINGS
@given(document=OBJECTS, way=POINTER_PATHS, first=VALUES, second=VALUES)
def test_the_last_put_counts(document: JsonObject, way: list[str], first: Json, second: Json) -> None:
    """Putting twice is putting the second."""
    pointer = as_pointer(way)
    assert pointers.put(pointers.put(document, pointer, first), pointer, second) == pointers.put(
        document, pointer, second
    )


@SETTINGS
@given(document=OBJECTS, way=POINTER_PATHS, value=VALUES)
def test_a_put_touches_nothing_else(document: JsonObject, way: list[str], value: Json) -> None:
    """What stands beside the way stays, and so it is at every depth."""
    pointer = as_pointer(way)
    changed = pointers.put(document, pointer, value)
    assert pointers.remove(changed, as_pointer(way[:1])) == pointers.remove(document, as_pointer(way[:1]))
    assert pointers.put({"x": document, "y": 1}, f"/x{pointer}", value) == {"x": changed, "y": 1}


@SETTINGS
@given(document=OBJECTS, way=POINTER_PATHS, value=VALUES)
def test_what_is_dropped_is_gone(document: JsonObject, way: list[str], value: Json) -> None:
    """Dropping takes away what was put, changes nothing where nothing is, and spares the original."""
    pointer, before = as_pointer(way), copy.deepcopy(document)
    assert not pointers.has(pointers.remove(pointers.put(document, pointer, value), pointer), pointer)
    if not pointers.has(document, pointer):
        assert pointers.remove(document, pointer) == document
        with pytest.raises(pointers.PointerNotFound):
            pointers.get(document, pointer)
    assert document == before
