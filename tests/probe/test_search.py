"""Probing without a network: searches, shapes, the profile that is written, and units."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from conformance.cli import main
from conformance.core import resources
from conformance.core.errors import ProfileError
from conformance.probe.body_shapes import infer_schema
from conformance.probe.limit_search import (
    COMMON_EVENT_COUNTS,
    COMMON_SIZES,
    Bounds,
    SearchSteps,
    round_numbers,
    search_limit,
)
from conformance.profile import load, parse
from conformance.profile.facts import SizeLimit
from conformance.profile.size_unit import SizeUnit
from conformance.profile.yaml_writer import to_yaml
from conformance.refserver.body_size import measure_size

ROUND_LIMITS = {15_000, 15_360, 32_000, 32_768, 64_000, 65_536, 500_000, 512_000, 4_000_000, 4_194_304}
LARGEST = 5_242_880


def run_search(steps: SearchSteps, limit: int | None) -> tuple[Bounds, list[int]]:
    """What a search comes to on a server with a limit, and the sizes that it tried."""
    tried: list[int] = []
    try:
        size = next(steps)
        while True:
            tried.append(size)
            size = steps.send(limit is None or size <= limit)
    except StopIteration as end:
        bounds: Bounds = end.value
        return bounds, tried


def search_size(limit: int | None) -> tuple[Bounds, list[int]]:
    """A search for a limit of size, with all that is known of such limits."""
    return run_search(search_limit(100, {*ROUND_LIMITS, *COMMON_SIZES}, LARGEST), limit)


@pytest.mark.parametrize("limit", sorted({*ROUND_LIMITS, *COMMON_SIZES} - {LARGEST}))
def test_a_documented_limit_takes_a_dozen_requests(limit: int) -> None:
    """A limit that is known somewhere is found exactly, within 12 requests."""
    bounds, tried = search_size(limit)
    assert bounds == Bounds(accepted=limit, refused=limit + 1)
    assert len(tried) <= 12


@pytest.mark.parametrize(
    "limit", [101, 1_500, 12_345, 33_000, 32_767, 70_001, 99_999, 123_456, 777_777, 3_000_001, 4_321_987]
)
def test_any_limit_takes_forty(limit: int) -> None:
    """Any other limit is found exactly, within 40 requests, and no size is tried twice."""
    bounds, tried = search_size(limit)
    assert bounds == Bounds(accepted=limit, refused=limit + 1)
    assert len(tried) == len(set(tried)) <= 40


def test_no_limit_is_no_limit() -> None:
    """What takes everything has no limit up to the largest size that is tried."""
    bounds, tried = search_size(None)
    assert bounds == Bounds(accepted=LARGEST, refused=None)
    assert len(tried) <= 7


@pytest.mark.parametrize("count", [1, 2, 3, 10, 99, 100, 999])
def test_numbers_of_events_are_found_alike(count: int) -> None:
    """The number of events in a batch is searched for in the same way."""
    assert run_search(search_limit(1, COMMON_EVENT_COUNTS, 1_000), count)[0] == Bounds(
        accepted=count, refused=count + 1
    )


def test_round_numbers_are_few_and_within() -> None:
    """Between two sizes there are decimal and binary round numbers, and not many."""
    candidates = round_numbers(65_536, 100_000)
    assert {70_000, 90_000, 81_920} <= set(candidates)
    assert all(65_536 < number < 100_000 for number in candidates)
    assert len(candidates) < 30


@pytest.mark.parametrize(
    ("values", "schema"),
    [
        ([{"ok": True}, {"ok": True}],
         {"type": "object", "required": ["ok"], "properties": {"ok": {"const": True}}}),
        ([{"ok": True}, {"ok": False}],
         {"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}),
        ([{"a": 1, "b": "x"}, {"a": 2}],
         {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}),
        ([{"a": 1}, {"a": "x"}],
         {"type": "object", "required": ["a"], "properties": {"a": {"type": ["integer", "string"]}}}),
        ([[1], [2, 3]], {"type": "array", "items": {"type": "integer"}, "minItems": 1}),
        ([[], [1]], {"type": "array", "items": {"type": "integer"}}),
        ([{}], {"type": "object"}),
    ],
)  # fmt: skip
def test_a_shape_is_what_answers_have_in_common(values: list[Any], schema: dict[str, Any]) -> None:
    """Types, and keys that are always there; a value only where it is a flag that never changes."""
    inferred_schema = infer_schema(values)
    assert inferred_schema == schema
    assert all(Draft202012Validator(inferred_schema).is_valid(value) for value in values)


def _data(**limits: Any) -> dict[str, Any]:  # noqa: ANN401 - data of a profile
    """A small profile as data."""
    source = {
        "level": "must",
        "sources": [{"document": "d", "section": "s", "says": "yes: no, # 'quoted'\n日"}],
    }
    return {
        "format": 1, "name": "small", "title": "on", "documents": {"d": {"title": "0x1F"}},
        "identity": {"user": "/userId"},
        "events": {"track": {"schema": "Track", "open": "/properties"}},
        "routes": [{"kind": "event", **source, "paths": [{"type": "track", "path": "/t"}]}],
        "credentials": {"basic": source},
        "answers": {"accepted": {"expect": [200], **source}},
        "limits": {name: {**value, "expect": [413], **source} for name, value in limits.items()},
    }  # fmt: skip


def test_what_is_written_is_read_again() -> None:
    """Texts that YAML would take for something else, or break lines at, survive."""
    text = to_yaml(_data(event={"size": 5}), ["a comment"])
    profile = parse(text, "small.yaml")
    assert text.splitlines()[1] == "# a comment"
    assert profile.title == "on"
    assert profile.routes[0].sources[0].says == "yes: no, # 'quoted'\n日"
    assert profile.routes[0].sources[0].document == "0x1F"


def test_limits_say_what_they_count() -> None:
    """A unit, a band, chunks and a number of events are facts like others."""
    band = {"size": {"at_least": 7, "at_most": 9}, "unit": "decoded-characters", "chunked": False}
    profile = parse(to_yaml(_data(**{"event": band, "batch-events": {"count": 10}})), "small.yaml")
    limit = profile.facts["limits.event"]
    assert isinstance(limit, SizeLimit)
    assert (limit.at_least, limit.at_most, limit.unit) == (7, 9, SizeUnit.DECODED_CHARACTERS)
    assert not limit.applies_to_chunked


@pytest.mark.parametrize(
    ("limits", "key"),
    [
        ({"event": {"size": {"at_least": 9, "at_most": 7}}}, "limits.event.size"),
        ({"event": {"size": {"at_least": 9}}}, "limits.event.size"),
        ({"event": {"size": 9, "unit": "letters"}}, "limits.event.unit"),
        ({"batch-events": {"count": 0}}, "limits.batch-events.count"),
        ({"batch-events": {"size": 10}}, "limits.batch-events"),
    ],
)
def test_wrong_limits_are_explained(limits: dict[str, Any], key: str) -> None:
    """A band that is upside down, an unknown unit, a batch of no event: each is named."""
    with pytest.raises(ProfileError) as caught:
        parse(to_yaml(_data(**limits)), "small.yaml")
    assert any(problem.key.startswith(key) for problem in caught.value.problems)


def test_the_reference_server_counts_in_every_unit() -> None:
    """The same body has a size in each unit: escapes and white space count as sent, or not at all."""
    body = '{"a": "日\\u65e5😀"}'.encode()
    sizes = {unit: measure_size(body, unit) for unit in SizeUnit}
    assert sizes == {
        SizeUnit.BYTES: 22,
        SizeUnit.CHARACTERS: 17,
        SizeUnit.UTF_16_UNITS: 18,
        SizeUnit.DECODED_BYTES: 18,
        SizeUnit.DECODED_CHARACTERS: 11,
        SizeUnit.DECODED_UTF_16_UNITS: 12,
    }


@pytest.mark.parametrize("name", resources.profile_names())
def test_known_profiles_state_bytes(name: str) -> None:
    """What the documents say of sizes is in bytes as sent, as it always was."""
    limits = [fact for fact in load(name).facts.values() if isinstance(fact, SizeLimit)]
    assert limits
    assert {limit.unit for limit in limits} == {SizeUnit.BYTES}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "a URL is needed"),
        (("http://127.0.0.1:9", "--write-key", "k", "--name", "Not A Name"), "--name Not A Name"),
        (("http://127.0.0.1:9", "--write-key", "k", "--tier", "gentle"), "which the gentle tier does not permit"),
        (("http://127.0.0.1:9",), "a write key is needed"),
        (("http://127.0.0.1:9", "--write-key", "k", "--profile", "nobody"), "no such profile"),
        (("http://127.0.0.1:9", "--write-key", "k", "--out", "-", "--json", "-"), "standard output"),
    ],
)
def test_wrong_usage_is_explained(
    arguments: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong usage ends with 2 and one sentence."""
    assert main(["probe", *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_nobody_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    """An address where nothing listens ends with 3."""
    assert main(["probe", "http://127.0.0.1:9", "--write-key", "probe-key"]) == 3
    assert "can't be probed" in capsys.readouterr().err
