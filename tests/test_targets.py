"""The suite against servers that know nothing of it: nothing fails on correct ones, every fault is caught.

The servers in tests/targets were written from the vendors' documents, over bare sockets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance import loop, settings
from conformance.cases import CHECKS
from conformance.contract import Contract
from conformance.profile import load
from conformance.run import execute, prepare, report
from tests.targets.behaviour import BEHAVIOURS, PLAIN
from tests.targets.dialects import DIALECTS
from tests.targets.faults import Case, cases
from tests.targets.judge import Judge
from tests.targets.options import BEARER, KEY, Options, variants
from tests.targets.server import serve

if TYPE_CHECKING:
    from conformance.report.document import Report

SMALL = "segmentstream"
"""The dialect with one path, where a whole run takes half a second."""

UNSEEN = ("padded-key-accepted",)
"""A fault against nothing that anybody promises: some servers trim the key, and a check only reports it."""

ALSO = {
    **dict.fromkeys(("path-fault-500", "method-fault-500", "encoding-fault-500"), "robustness"),
    **dict.fromkeys(("unknown-path-accepted", "wrong-method-accepted", "nul-500"), "robustness"),
    **dict.fromkeys(("gzip-refused", "batch-sent-at-refused"), "sdk"),
}
"""Faults with a further area that may name them."""

UNJUDGED = ("basic-refused", "nested-object-refused")
"""Faults that leave nothing acceptable: the run says so, and judges nothing."""


def judge(url: str, profile: str, select: str | None = None, *, deadline: str = "10") -> Report:
    """The report of a run; many requests in flight, for some servers take their time."""
    values = {"write_key": KEY, "bearer": BEARER, "gate": "should", "select": select, "deadline": deadline}
    values |= {"jobs": "32"} if select is None else {}
    plan = prepare(settings.resolve(values), url, Contract(load(profile)), CHECKS)
    return report(plan, loop.run(execute(plan, lambda *_: None)))


def correct() -> list[tuple[str, str, str, str | None]]:
    """Dialect, variant and behaviour of correct servers, and what to select.

    All of the small dialect. Of the others, the behaviours that trip testers most, and every choice that
    their documents leave, the latter judged by the checks that look at it.
    """
    found: list[tuple[str, str, str, str | None]] = []
    found += [(SMALL, name, "plain", None) for name in variants(DIALECTS[SMALL])]
    found += [(SMALL, "default", name, None) for name in BEHAVIOURS]
    for dialect in [name for name in DIALECTS if name != SMALL]:
        found.append((dialect, "kilobyte-1000", "early-refusal", "size,json,auth.key.*"))
        found.append((dialect, "kilobyte-1000", "idle-drop", "accept,auth,json,errors"))
        found.append((dialect, "default", "http10", "size,auth,pixel,webhook"))
        chosen = [name for name in variants(DIALECTS[dialect]) if name not in variants(DIALECTS[SMALL])]
        found += [
            (dialect, name, "plain", "auth.key.*,auth.credentials.*,batch,payload,errors.body.*")
            for name in chosen
        ]
    return found


@pytest.mark.parametrize(("dialect", "variant", "behaviour", "select"), correct())
def test_nothing_fails_on_a_correct_server(
    dialect: str, variant: str, behaviour: str, select: str | None
) -> None:
    """Whatever choice the documents leave, and however the server speaks HTTP, no check complains."""
    target = Judge(DIALECTS[dialect], variants(DIALECTS[dialect])[variant])
    with serve(target, BEHAVIOURS[behaviour]) as url:
        found = judge(url, dialect, select)
    assert [(item.name, item.message) for item in found.troubles()] == []
    assert found.exit_code == 0


def named(case: Case, names: tuple[str, ...]) -> bool:
    """Whether a fault is one of those named."""
    return case.name.removeprefix(f"{case.dialect.name}-") in names


def areas_of(case: Case) -> set[str]:
    """The areas that may name a fault; one on a pixel's or a webhook's path is theirs too."""
    found = {*case.fault.areas, *(word for word in ("pixel", "webhook") if word in case.name)}
    found |= {"webhook"} if case.name.endswith("-v1-w") else set()
    return found | {area for name, area in ALSO.items() if named(case, (name,))}


def broken() -> list[Case]:
    """A sample of the broken servers; what is only worth a report is left to the checks that observe."""
    judged = [case for case in cases() if case.level != "may" and not named(case, UNSEEN + UNJUDGED)]
    small = [case for case in judged if case.dialect.name == SMALL]
    others = [case for case in judged if case.dialect.name != SMALL]
    return small[::6] + others[::35]


@pytest.mark.parametrize("case", broken(), ids=lambda case: case.name)
def test_a_broken_promise_is_named(case: Case) -> None:
    """A server that breaks one promise fails a check whose area names it."""
    areas = areas_of(case)
    with serve(case.judge(Options()), PLAIN) as url:
        found = judge(url, case.dialect.name, ",".join(sorted(areas)), deadline="2")
    assert found.exit_code == 1
    assert {item.area.value for item in found.troubles()} & areas
