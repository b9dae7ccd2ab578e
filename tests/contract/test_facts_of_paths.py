"""Facts that hold on some paths only: a key that is accepted on one call, a limit that another path does not have."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from conformance.cases import CHECKS
from conformance.checks.trial import make_trials
from conformance.cli import main
from conformance.contract import Contract
from conformance.core.errors import NotApplicable, ProfileError
from conformance.profile import load, parse
from conformance.profile.facts import AuthScheme, LimitKind
from conformance.refserver import Server
from conformance.requests import Keys

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.contract import Operation

KEYS = Keys(write_key="paths-key-31", bearer=None)
SOURCES = [{"document": "doc", "section": "One"}]


def answer(*statuses: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - data
    """An answer as data."""
    return {"expect": [*statuses], "level": "must", "sources": SOURCES, **more}


def profile_data() -> dict[str, Any]:
    """Basic on single events alone, the key in the body on batches alone; wrong JSON is 422 on one path."""
    return {
        "format": 1,
        "name": "by-path",
        "title": "By path",
        "documents": {"doc": {"title": "A document"}},
        "identity": {"user": "/userId"},
        "pointers": {"type": "/type"},
        "events": {"track": {"schema": "Track", "required": {"/event": answer(400)}}},
        "routes": [
            {"kind": "event", "level": "must", "sources": SOURCES, "paths": [{"type": "track", "path": "/v1/track"}]},
            {"kind": "batch", "level": "must", "sources": SOURCES, "paths": [{"type": "track", "path": "/v1/batch"}]},
        ],
        "credentials": {
            "basic": {"level": "must", "sources": SOURCES, "paths": ["/v1/track"]},
            "body": {"name": "/writeKey", "level": "must", "sources": SOURCES, "paths": ["/v1/batch"]},
        },
        "answers": {
            "accepted": answer(200),
            "credentials-missing": answer(401),
            "credentials-unknown": answer(401),
            "json-invalid": answer(422, paths=["/v1/track"]),
        },
        "limits": {"event": {"size": 9000, **answer(413)}, "batch": {"size": 20000, **answer(413)}},
    }


@pytest.fixture(name="contract")
def contract_by_path(tmp_path: Path) -> Contract:
    """The contract of the profile above."""
    data = profile_data()
    place = tmp_path / "by-path.yaml"
    place.write_text(yaml.safe_dump(data, sort_keys=False), "utf-8")
    return Contract(load(str(place)))


def operations(contract: Contract) -> dict[str, Operation]:
    """The operations by path."""
    return {item.path: item for item in contract.operations}


def test_a_fact_of_some_paths_is_none_on_others(contract: Contract) -> None:
    """Each path has the credentials and the answers that are stated for it; what names no path holds on all."""
    by_path = operations(contract)
    track, batch = (contract.for_operation(by_path[path]) for path in ("/v1/track", "/v1/batch"))
    assert (track.default_scheme, batch.default_scheme) == (AuthScheme.BASIC, AuthScheme.BODY)
    assert track.has_fact("answers.json-invalid")
    assert not batch.has_fact("answers.json-invalid")
    assert batch.size_limit(LimitKind.BATCH).at_most == 20_000
    assert batch.for_operation(by_path["/v1/batch"]) is batch


def test_a_contract_without_such_facts_is_the_same_everywhere() -> None:
    """Nothing is copied for a profile of which each fact holds on all paths."""
    whole = Contract(load("segmentstream"))
    assert all(whole.for_operation(item) is whole for item in whole.operations)


def test_checks_of_other_paths_do_not_apply(contract: Contract) -> None:
    """The reason says that the profile is silent on this path."""
    trials = {trial.name: trial for trial in make_trials(contract, KEYS, CHECKS)}
    assert trials["accept.credentials.basic[POST /v1/track]"].is_runnable
    there = trials["accept.credentials.basic[POST /v1/batch]"]
    assert not there.is_runnable
    with pytest.raises(NotApplicable, match=r"does not state credentials\.basic for this path"):
        there.steps()


def test_the_reference_server_keeps_them_by_path(contract: Contract) -> None:
    """A run against it passes, generated requests included, and each path takes its own key alone."""
    with Server(contract, KEYS.write_key) as server:
        run = ["run", server.url, "--write-key", KEYS.write_key, "--profile", contract.profile.file, "--quiet"]
        assert main([*run, "--gate", "should", "--fuzz", "600"]) == 0


@pytest.mark.parametrize(
    ("section", "key", "paths", "problem"),
    [
        ("credentials", "basic", ["/v1/trakc"], "no route is /v1/trakc; did you mean '/v1/track'?"),
        ("answers", "accepted", ["/v1/track"], "it holds on all of them"),
    ],
)
def test_mistakes_are_named(section: str, key: str, paths: list[str], problem: str) -> None:
    """A path that is no route, and a success that would not hold everywhere."""
    data = copy.deepcopy(profile_data())
    data[section][key]["paths"] = paths
    with pytest.raises(ProfileError) as caught:
        parse(yaml.safe_dump(data), "by-path.yaml")
    assert problem in str(caught.value)
