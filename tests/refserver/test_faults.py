"""Faults and variants as a list: what they are called, which checks they name, and that they are enough."""

from __future__ import annotations

import fnmatch
import re

import pytest

from conformance.cases import CHECKS
from conformance.contract import Contract
from conformance.core import resources
from conformance.core.model import Area
from conformance.profile import load
from conformance.refserver.faults import FAULTS, Fault
from conformance.refserver.reduced_contract import reduced_contract
from conformance.refserver.servers import SERVERS
from conformance.refserver.variant import CORRECT_SERVER
from conformance.refserver.variants import VARIANTS
from conformance.selfcheck.detection import expected_checks
from conformance.selfcheck.plan import ALL_PROFILES_PER_FAULT, DEFAULT_PROFILES_PER_FAULT, plan_jobs
from tests.support import paths

ACME = str(paths.ACME)
NAMES = resources.profile_names()
CONTRACTS = [*(Contract(load(name)) for name in (*NAMES, ACME)), *(reduced_contract(name) for name in NAMES)]
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def test_names_are_slugs_and_nobody_shares_one() -> None:
    """A server is opened by its name, so one name is one server."""
    assert len(SERVERS) == 1 + len(FAULTS) + len(VARIANTS)
    assert CORRECT_SERVER.name in SERVERS
    assert all(SLUG.fullmatch(name) for name in SERVERS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_told_in_a_sentence_and_names_its_checks(fault: Fault) -> None:
    """Every glob matches a check, and some profile promises what is broken."""
    assert fault.description[0].isupper()
    assert fault.description.endswith(".")
    assert fault.rationale
    assert not fault.rationale.endswith(".")
    assert expected_checks(fault, CHECKS)
    assert any(fault.applies_to(contract) for contract in CONTRACTS)


def test_a_glob_that_matches_nothing_is_an_error() -> None:
    """A check that was renamed leaves no fault behind that names nobody."""
    wrong = Fault(
        "wrong",
        "Does nothing.",
        "it is a test",
        "auth.key.unknown auth.nothing.*",
        FAULTS[0].implementation,
        key_words="it",
    )
    with pytest.raises(ValueError, match=r"the fault wrong names auth\.nothing\.\*"):
        expected_checks(wrong, CHECKS)


def test_every_check_is_named_by_a_fault() -> None:
    """A check that nobody expects to notice anything is not proved.

    Generated requests are proved by their own tests: a self-check does not send them.
    """
    globs = [glob for fault in FAULTS for glob in fault.check_globs]
    idle = [item for item in CHECKS if not any(fnmatch.fnmatchcase(item.id, glob) for glob in globs)]
    assert {item.area for item in idle} == {Area.FUZZ}


def test_there_are_enough_of_them() -> None:
    """Every fault under a profile, in every area, and far more pairs where it is thorough."""
    every = [
        item
        for item in plan_jobs(NAMES, profiles_per_fault=ALL_PROFILES_PER_FAULT)
        if item.server in {fault.name for fault in FAULTS}
    ]
    usual = [
        item
        for item in plan_jobs(NAMES, profiles_per_fault=DEFAULT_PROFILES_PER_FAULT)
        if item.server in {fault.name for fault in FAULTS}
    ]
    assert len(every) > 2 * len(usual) > 500
    assert {item.server for item in usual} == {item.server for item in every}
    areas = {item.area for fault in FAULTS for item in expected_checks(fault, CHECKS)}
    assert areas == {item.area for item in CHECKS} - {Area.FUZZ}
    for name in NAMES:
        assert sum(variant.applies_to(reduced_contract(name)) for variant in VARIANTS) >= 15


def test_few_spill_over() -> None:
    """A fault that may make checks of other areas fail says why, and is a rare one."""
    spilling = [fault for fault in FAULTS if fault.collateral_reason]
    assert len(spilling) <= 5
    assert all(len(fault.collateral_reason.split()) > 5 for fault in spilling)


@pytest.mark.parametrize("name", NAMES)
def test_a_small_contract_asks_for_one_operation_of_each_kind(name: str) -> None:
    """And for those that are named, in the order of the profile."""
    whole, small = Contract(load(name)), reduced_contract(name)
    assert {item.kind for item in small.operations} == {item.kind for item in whole.operations}
    assert len(small.operations) == len({item.kind for item in whole.operations})
    last = whole.operations[-1]
    assert reduced_contract(name, (last.path,)).operations == (last,)
