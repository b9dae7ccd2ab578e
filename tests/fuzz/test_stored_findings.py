"""Stored findings: whatever is in such a file, `replay` takes it for what it is, or refuses it with a sentence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from conformance.cli import main
from conformance.core.errors import UsageError
from conformance.core.model import Level
from conformance.core.resources import read_json_spec
from conformance.fuzz.case import Auth, Case, Origin
from conformance.fuzz.finding import Certainty, Finding, load_finding, save_finding
from conformance.fuzz.judge import FailureKind
from tests.support.mutations import WRONG_VALUES, places, put, without

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FINDING = Finding(
    failure_kind=FailureKind.SERVER_ERROR, dedup_key="500", reason="null", message="m", expected="e", received="500",
    level=Level.MUST, certainty=Certainty.CONFIRMED, calls=("POST /track",), profile="segmentstream", url="http://x",
    case=Case(
        call="POST /track", origin=Origin.MUTATOR, about="a", body=b'{"a":[1]}', expected_facts=("answers.accepted",)
    ),
    preceding=(
        Case(call="POST /track", origin=Origin.COVERAGE, about="long", body=b"x" * 5_000, auth=Auth.NONE),
        Case(call="POST /track", origin=Origin.COVERAGE, about="raw", body=b"\xff\x00", coding="gzip"),
        Case(call="POST /track", origin=Origin.COVERAGE, about="text", body=b"a\r\nb", content_type="text/plain"),
    ),
)  # fmt: skip


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file of a finding, in a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = save_finding(FINDING)
    assert path is not None
    return path


def variations(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON
    """A value with each part replaced by each wrong value, and without each part."""
    for place in places(value):
        for wrong in WRONG_VALUES:
            yield f"{place} {wrong!r:.20}", put(value, place, wrong)
        if place and isinstance(place[-1], str):
            yield f"{place} left out", without(value, place)


def test_a_finding_with_anything_else_in_it_is_refused(stored: Path) -> None:
    """With one short sentence; no key, and no type of any key, is taken on trust. Only a body may be any JSON."""
    original = json.loads(stored.read_text())
    assert load_finding(FINDING.id) == FINDING
    messages = []
    for name, changed in variations(original):
        stored.write_text(json.dumps(changed))
        try:
            loaded = load_finding(FINDING.id)
        except UsageError as error:
            messages.append(str(error))
            continue
        assert loaded.id == FINDING.id, name
        assert loaded.as_json().keys() == original.keys(), name
    assert len(messages) > 500
    assert max(map(len, messages)) < 1_300


BOMBS: dict[str, Any] = {
    "a long run": {"pieces": [["a", 10**12]]},
    "many runs": {"pieces": [["a", 10**8]] * 3},
    "depth": None,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused(name: str, stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is unpacked."""
    document = json.loads(stored.read_text())
    if BOMBS[name] is None:
        stored.write_text('{"id":' * 100_000)
    else:
        del document["request"]["json"]
        stored.write_text(json.dumps({**document, "request": {**document["request"], **BOMBS[name]}}))
    assert main(["replay", FINDING.id]) == 2
    message = capsys.readouterr().err
    assert message.startswith("conformance: ")
    assert "is not a finding" in message
    assert message.count("\n") == 1


@pytest.mark.parametrize("finding_id", ["a" * 5_000, "../x", "", "\0", "\ud800", "A" * 10])
def test_an_id_that_is_none_is_refused(finding_id: str, stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It becomes a path only if it looks like one of ours."""
    del stored
    assert main(["replay", finding_id]) == 2
    message = capsys.readouterr().err
    assert "no finding has the id" in message
    assert len(message) < 1_000


def test_the_schema_names_every_word() -> None:
    """A new kind of failure can be stored."""
    schema = read_json_spec("finding.schema.json")
    request = schema["$defs"]["request"]["properties"]
    assert schema["properties"].keys() == FINDING.as_json().keys()
    assert set(schema["properties"]["fault"]["enum"]) == {str(item) for item in FailureKind}
    assert set(schema["properties"]["level"]["enum"]) == {str(item) for item in Level}
    assert set(schema["properties"]["certainty"]["enum"]) == {str(item) for item in Certainty}
    assert set(request["from"]["enum"]) == {str(item) for item in Origin}
    assert set(request["auth"]["enum"]) == {str(item) for item in Auth}
