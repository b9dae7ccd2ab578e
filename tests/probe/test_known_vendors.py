"""Probing servers of the known vendors: nothing differs from their own profile, and a run is green."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from conformance.cli import main
from conformance.contract import Contract
from conformance.core import resources
from conformance.profile import load
from conformance.profile.facts import LimitKind, SizeLimit
from conformance.refserver import Server
from tests.targets.application import Application
from tests.targets.dialects import DIALECTS
from tests.targets.options import KEY, Options
from tests.targets.server import serve

if TYPE_CHECKING:
    from pathlib import Path

NAMES = resources.profile_names()
SELECTION = "accept.event.*,auth.key.unknown,json.syntax.truncated,size.event.*,payload.required.*"
"""Checks that tell most, in few requests."""

UNVERIFIED = 290
"""So many requests leave none for checks of the catalogue, which the servers of another hand get."""


def probe_report(url: str, place: Path, *options: str) -> dict[str, Any]:
    """What a probe reports; the profile is in the same place."""
    report = place / "probe.json"
    out = str(place / "probed.yaml")
    asked = ["probe", url, "--write-key", KEY, "--out", out, "--json", str(report), "--quiet", *options]
    assert main(asked) == 0
    document: dict[str, Any] = json.loads(report.read_text("utf-8"))
    assert document["requests"] - document["verification"]["requests"] <= 400
    assert document["bytes"] - document["verification"]["bytes"] <= 64 * 1024 * 1024
    return document


def exit_code_of_run(url: str, place: Path) -> int:
    """What a run by the profile that was written ends with, at the checks that tell most."""
    profile = str(place / "probed.yaml")
    return main(["run", url, "--write-key", KEY, "--profile", profile, "--quiet", "--select", SELECTION])


def limits(profile: str) -> dict[str, tuple[int, int]]:
    """The limits that a profile states."""
    facts = load(profile).facts
    names = [f"limits.{ceiling}" for ceiling in LimitKind]
    return {name: (fact.at_least, fact.at_most) for name in names if isinstance(fact := facts.get(name), SizeLimit)}


@pytest.mark.parametrize("name", ["metarouter", "segmentstream"])
def test_reference_servers_are_what_they_are(name: str, tmp_path: Path) -> None:
    """The nearest profile is the one that is served, and nothing differs from it."""
    with Server(Contract(load(name)), KEY) as server:
        probe_result = probe_report(server.url, tmp_path, "--max-requests", str(UNVERIFIED))
    nearest = probe_result["distances"][0]
    assert (nearest["profile"], nearest["differ"]) == (name, [])


@pytest.mark.parametrize(("name", "kilobyte"), [(name, (1000, 1024)[n % 2]) for n, name in enumerate(NAMES)])
def test_servers_of_another_hand_are_told_to_the_byte(name: str, kilobyte: int, tmp_path: Path) -> None:
    """Whichever reading of KB a server has, the profile has that one alone."""
    dialect = DIALECTS[name]
    with serve(Application(dialect, Options(kilobyte=kilobyte))) as url:
        probe_result = probe_report(url, tmp_path)
        assert exit_code_of_run(url, tmp_path) == 0
    nearest = probe_result["distances"][0]
    assert (nearest["profile"], nearest["differ"]) == (name, [])
    words = {"event": "event", "batch": "batch", "item": "batch-event"}
    sizes = {f"limits.{words[scope]}": size.in_bytes(kilobyte) for scope, size in dialect.sizes.items()}
    assert limits(str(tmp_path / "probed.yaml")) == {name: (size, size) for name, size in sizes.items()}
