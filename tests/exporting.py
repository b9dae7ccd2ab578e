"""What tests of exports share: contracts, broken servers, and what a run itself makes of them."""

from __future__ import annotations

import asyncio
import functools
import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance import settings
from conformance.cases import CHECKS
from conformance.contract import Contract
from conformance.export import Export, collect, rendered
from conformance.model import Level, Outcome
from conformance.profile import load
from conformance.refserver.peers import PEERS
from conformance.refserver.reduction import reduced
from conformance.refserver.serving import Serving, configuration
from conformance.run import execute, prepare

if TYPE_CHECKING:
    from collections.abc import Iterator

ACME = str(Path(__file__).with_name("acme.yaml"))
SMALL, MANY = "segmentstream", "metarouter"
CHOSEN = {
    ACME: "accept.answer*,accept.credentials*,auth,batch,errors.body*,payload.identity*,size",
    MANY: "auth.key*,auth.b*,batch.list*,errors.body*,errors.trace.k*,pixel,robustness.gzip.c*,size,webhook",
}
"""What is selected of profiles with many operations; of the small one, everything."""
KEY = "Exported-Key-7b1d"
VERSION = "1.2.3"
_BROKEN = frozenset({Outcome.FAIL, Outcome.UNTESTABLE})


@functools.cache
def contract(profile: str) -> Contract:
    """The contract of a profile with few operations, one of each kind; of a file's the whole."""
    return Contract(load(profile)) if profile == ACME else reduced(profile)


def exported(profile: str, select: str = "", gate: Level = Level.MUST) -> Export:
    """An export of the checks that are selected, or of those that are chosen for a profile."""
    return _exported(profile, select, gate)


@functools.cache
def _exported(profile: str, select: str, gate: Level) -> Export:
    words = select or CHOSEN.get(profile)
    return collect(contract(profile), CHECKS, gate, [words] if words else [])


def text(profile: str, form: str, select: str = "", gate: Level = Level.MUST) -> str:
    """An export of some checks, in a format."""
    return rendered(exported(profile, select, gate), form, VERSION)[0]


def lines(profile: str, select: str = "", gate: Level = Level.MUST) -> list[dict[str, Any]]:
    """An export of some checks as lines of JSON, read again."""
    return [json.loads(line) for line in text(profile, "jsonl", select, gate).splitlines()]


@contextmanager
def serving(profile: str, peer: str = "correct", key: str = KEY) -> Iterator[str]:
    """The reference server, or one of those that differ from it, by name; gives its address."""
    change = PEERS[peer].change
    app = change.application(contract(profile), key, None)
    with Serving(configuration(app, change.protocol), peer) as server:
        yield server.url


def broken(url: str, profile: str, select: str = "", gate: Level = Level.MUST) -> set[str]:
    """The names of the checks that fail in a run, or can't be tested, at a gate."""
    values = {"write_key": KEY, "select": select or CHOSEN.get(profile), "fuzz": "0", "tier": "standard"}
    plan = prepare(settings.resolve(values), url, contract(profile), CHECKS)
    found = asyncio.run(execute(plan, lambda *_: None)).verdicts
    return {item.name for item in found if item.outcome in _BROKEN and item.level.reaches(gate)}
