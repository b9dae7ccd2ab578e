"""What tests of exports share: contracts, broken servers, and what a run itself makes of them."""

from __future__ import annotations

import asyncio
import functools
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from conformance.cases import CHECKS
from conformance.contract import Contract
from conformance.core.model import Level, Outcome
from conformance.export import Export, build_export, render_export
from conformance.profile import load
from conformance.refserver.reduced_contract import reduced_contract
from conformance.refserver.servers import SERVERS
from conformance.refserver.threaded_server import ThreadedServer, uvicorn_config
from conformance.run.execution import execute
from conformance.run.plan import build_plan
from conformance.settings import table
from tests.support import paths

if TYPE_CHECKING:
    from collections.abc import Iterator

ACME = str(paths.ACME)
SMALL, MANY = "segmentstream", "metarouter"
SELECTIONS = {
    ACME: "accept.answer*,accept.credentials*,auth,batch,errors.body*,payload.identity*,size",
    MANY: "auth.key*,auth.b*,batch.list*,errors.body*,errors.trace.k*,pixel,robustness.gzip.c*,size,webhook",
}
"""What is selected of profiles with many operations; of the small one, everything."""
KEY = "Exported-Key-7b1d"
VERSION = "1.2.3"
_FAILED_OUTCOMES = frozenset({Outcome.FAIL, Outcome.UNTESTABLE})


@functools.cache
def contract(profile: str) -> Contract:
    """The contract of a profile with few operations, one of each kind; of a file's the whole."""
    return Contract(load(profile)) if profile == ACME else reduced_contract(profile)


def export_of(profile: str, select: str = "", gate: Level = Level.MUST) -> Export:
    """An export of the checks that are selected, or of those that are chosen for a profile."""
    return _cached_export(profile, select, gate)


@functools.cache
def _cached_export(profile: str, select: str, gate: Level) -> Export:
    words = select or SELECTIONS.get(profile)
    return build_export(contract(profile), CHECKS, gate, [words] if words else [])


def export_text(profile: str, form: str, select: str = "", gate: Level = Level.MUST) -> str:
    """An export of some checks, in a format."""
    return render_export(export_of(profile, select, gate), form, VERSION)[0]


def export_lines(profile: str, select: str = "", gate: Level = Level.MUST) -> list[dict[str, Any]]:
    """An export of some checks as lines of JSON, read again."""
    return [json.loads(line) for line in export_text(profile, "jsonl", select, gate).splitlines()]


@contextmanager
def reference_server(profile: str, server_name: str = "correct", key: str = KEY) -> Iterator[str]:
    """The reference server, or one of those that differ from it, by name; gives its address."""
    change = SERVERS[server_name].change
    app = change.create_application(contract(profile), key, None)
    with ThreadedServer(uvicorn_config(app, change.protocol), server_name) as server:
        yield server.url


def names_of_failed_checks(url: str, profile: str, select: str = "", gate: Level = Level.MUST) -> set[str]:
    """The names of the checks that fail in a run, or can't be tested, at a gate."""
    values = {"write_key": KEY, "select": select or SELECTIONS.get(profile), "fuzz": "0", "tier": "standard"}
    plan = build_plan(table.resolve(values), url, contract(profile), CHECKS)
    verdicts = asyncio.run(execute(plan, lambda *_: None)).verdicts
    return {item.name for item in verdicts if item.outcome in _FAILED_OUTCOMES and item.level.is_at_least(gate)}
