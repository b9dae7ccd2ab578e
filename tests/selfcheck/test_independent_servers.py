"""The suite against servers that know nothing of it: nothing fails on correct ones, every fault is caught.

The servers in tests/targets were written from the vendors' documents, over bare sockets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.cases import CHECKS
from conformance.contract import Contract
from conformance.core import event_loop
from conformance.profile import load
from conformance.run.execution import build_report, execute
from conformance.run.plan import build_plan
from conformance.settings import table
from tests.targets.application import Application
from tests.targets.behaviour import BEHAVIOURS, STANDARD
from tests.targets.dialects import DIALECTS
from tests.targets.faults import BrokenServer, broken_servers
from tests.targets.options import BEARER, KEY, Options, variants
from tests.targets.server import serve

if TYPE_CHECKING:
    from conformance.report.document import Report

UNANNOUNCED_END = "robustness.connection.announced"
"""The check that a server fails that ends connections without a word (RFC 9112, section 9.6)."""
SMALL = "segmentstream"
"""The dialect with one path, where a whole run takes half a second."""

UNDETECTABLE_FAULTS = ("padded-key-accepted",)
"""A fault against nothing that anybody promises: some servers trim the key, and a check only reports it."""

FURTHER_AREAS = {
    **dict.fromkeys(("path-fault-500", "method-fault-500", "encoding-fault-500"), "robustness"),
    **dict.fromkeys(("unknown-path-accepted", "wrong-method-accepted", "nul-500"), "robustness"),
    **dict.fromkeys(("gzip-refused", "batch-sent-at-refused"), "sdk"),
}
"""Faults with a further area that may name them."""

FAULTS_WITHOUT_BASELINE = ("basic-refused", "nested-object-refused")
"""Faults that leave nothing acceptable: the run says so, and judges nothing."""


def report_of_run(url: str, profile: str, select: str | None = None, *, deadline: str = "10") -> Report:
    """The report of a run; many requests in flight, for some servers take their time."""
    values = {"write_key": KEY, "bearer": BEARER, "gate": "should", "select": select, "deadline": deadline}
    values |= {"jobs": "32"} if select is None else {}
    plan = build_plan(table.resolve(values), url, Contract(load(profile)), CHECKS)
    return build_report(plan, event_loop.run(execute(plan, lambda *_: None)))


def correct_servers() -> list[tuple[str, str, str, str | None]]:
    """Dialect, variant and behaviour of correct servers, and what to select.

    All of the small dialect. Of the others, the behaviours that trip testers most, and every choice that
    their documents leave, the latter judged by the checks that look at it.
    """
    servers: list[tuple[str, str, str, str | None]] = []
    servers += [(SMALL, name, "plain", None) for name in variants(DIALECTS[SMALL])]
    servers += [(SMALL, "default", name, None) for name in BEHAVIOURS]
    for dialect in [name for name in DIALECTS if name != SMALL]:
        servers.append((dialect, "kilobyte-1000", "early-refusal", "size,json,auth.key.*"))
        servers.append((dialect, "kilobyte-1000", "idle-drop", "accept,auth,json,errors"))
        servers.append((dialect, "default", "http10", "size,auth,pixel,webhook"))
        chosen = [name for name in variants(DIALECTS[dialect]) if name not in variants(DIALECTS[SMALL])]
        servers += [
            (dialect, name, "plain", "auth.key.*,auth.credentials.*,batch,payload,errors.body.*") for name in chosen
        ]
    return servers


@pytest.mark.parametrize(("dialect", "variant", "behaviour", "select"), correct_servers())
def test_nothing_fails_on_a_correct_server(dialect: str, variant: str, behaviour: str, select: str | None) -> None:
    """Whatever choice the documents leave, and however the server speaks HTTP, no check complains.

    A connection that is closed after an answer that does not say so is legal, but HTTP asks for more.
    """
    target = Application(DIALECTS[dialect], variants(DIALECTS[dialect])[variant])
    with serve(target, BEHAVIOURS[behaviour]) as url:
        run_report = report_of_run(url, dialect, select)
    unannounced = set() if BEHAVIOURS[behaviour].announces(refused=False) else {UNANNOUNCED_END}
    assert [(item.name, item.message) for item in run_report.problems() if item.id not in unannounced] == []
    assert {item.id for item in run_report.problems()} == unannounced
    assert run_report.exit_code == len(unannounced)


def named(case: BrokenServer, names: tuple[str, ...]) -> bool:
    """Whether a fault is one of those named."""
    return case.name.removeprefix(f"{case.dialect.name}-") in names


def areas_of(case: BrokenServer) -> set[str]:
    """The areas that may name a fault; one on a pixel's or a webhook's path is theirs too."""
    areas = {*case.fault.areas, *(word for word in ("pixel", "webhook") if word in case.name)}
    areas |= {"webhook"} if case.name.endswith("-v1-w") else set()
    return areas | {area for name, area in FURTHER_AREAS.items() if named(case, (name,))}


def sampled_broken_servers() -> list[BrokenServer]:
    """A sample of the broken servers; what is only worth a report is left to the checks that observe."""
    judged = [
        case
        for case in broken_servers()
        if case.level != "may" and not named(case, UNDETECTABLE_FAULTS + FAULTS_WITHOUT_BASELINE)
    ]
    small = [case for case in judged if case.dialect.name == SMALL]
    others = [case for case in judged if case.dialect.name != SMALL]
    return small[::12] + others[::70]


@pytest.mark.parametrize("case", sampled_broken_servers(), ids=lambda case: case.name)
def test_a_broken_promise_is_named(case: BrokenServer) -> None:
    """A server that breaks one promise fails a check whose area names it."""
    areas = areas_of(case)
    with serve(case.application(Options()), STANDARD) as url:
        run_report = report_of_run(url, case.dialect.name, ",".join(sorted(areas)), deadline="2")
    assert run_report.exit_code == 1
    assert {item.area.value for item in run_report.problems()} & areas
