"""The plan of a self-check: which checks run on which server, under which profiles."""

from __future__ import annotations

import fnmatch
import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.cases import CHECKS
from conformance.checks.check import Tier
from conformance.checks.trial import make_trials
from conformance.core.errors import UsageError
from conformance.core.model import Area, OperationKind
from conformance.core.text import nearest_hint
from conformance.refserver.faults import FAULTS
from conformance.refserver.reduced_contract import reduced_contract
from conformance.refserver.variant import CORRECT_SERVER
from conformance.refserver.variants import VARIANTS
from conformance.requests import Keys
from conformance.selfcheck.detection import expected_checks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.checks.check import Check
    from conformance.refserver.faults import Fault
    from conformance.refserver.variant import Variant

SELF_CHECK_KEYS = Keys(
    write_key="conformance-Self-check-key",
    bearer="conformance-self-check-token",
    expired_bearer="conformance-self-check-expired-token",
    source_id="conformance-self-check-source",
    disabled="conformance-self-check-disabled-key",
)
DEFAULT_PROFILES_PER_FAULT, ALL_PROFILES_PER_FAULT = 1, 99
"""The number of profiles under which each fault is tested, of those that it fits. A few are tested under more."""
AREAS_OF_MANY_REQUESTS = frozenset({Area.ROBUSTNESS, Area.SAME, Area.VALUES, Area.COMBINED})
_SHARE_OF_OTHER_AREAS = 2
"""Unless asked to be thorough, each fault meets one in so many of the areas that have nothing to do with it."""
VARIANT_FUZZ_REQUESTS = 150
"""How many generated requests each correct variant has to answer, as in a user's run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfCheckJob:
    """A server under a profile, with its operations, the checks to run, and the number of generated requests.

    `is_pair`: whether it has two faults, one of which may hide the other by refusing everything.
    """

    profile: str
    server: str
    selectors: tuple[str, ...]
    check_ids: frozenset[str]
    fuzz_requests: int = 0
    is_pair: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The faults and checks that an author asks for. `check_ids` is None for every check."""

    faults: tuple[Fault, ...]
    check_ids: frozenset[str] | None

    @property
    def scored_ids(self) -> frozenset[str]:
        """The ids of the checks of which each must notice a fault."""
        expected = frozenset(check_id for fault in self.faults for check_id in _expected_ids(fault))
        return expected if self.check_ids is None else self.check_ids

    @classmethod
    def matching(cls, fault_globs: Sequence[str], check_globs: Sequence[str]) -> Selection:
        """The selection of some globs. Without globs for faults it has those that the checks must notice.

        Raises UsageError, with the nearest name, for a glob that matches nothing.
        """
        fault_names = _matching_names("--fault", fault_globs, [fault.name for fault in FAULTS])
        check_ids = _matching_names("--check", check_globs, [check.id for check in CHECKS])
        return cls(
            faults=tuple(
                fault
                for fault in FAULTS
                if (fault.name in fault_names if fault_globs else check_ids & _expected_ids(fault))
            ),
            check_ids=check_ids if check_globs else None,
        )


def _matching_names(option: str, globs: Sequence[str], names: Sequence[str]) -> frozenset[str]:
    matching = {glob: fnmatch.filter(names, glob) for glob in globs}
    for glob, matches in matching.items():
        if not matches:
            raise UsageError(f"{option} {glob}: no such name{nearest_hint(glob, names)}")
    return frozenset(itertools.chain(*matching.values()))


def _expected_ids(fault: Fault) -> frozenset[str]:
    return frozenset(check.id for check in expected_checks(fault, CHECKS))


def plan_fault_job(profile: str, fault: Fault, skipped_areas: frozenset[Area] = frozenset()) -> SelfCheckJob:
    """The job that shows a fault: an operation for each check that must notice it, and all cheap checks.

    Checks that only observe, or that send bursts or large volumes, run only if they must notice the fault, and those
    of `skipped_areas` only if one of their area must.
    """
    expected = expected_checks(fault, CHECKS)
    kinds = {kind for check in expected for kind in ({OperationKind.EVENT} & check.kinds or check.kinds)}
    expected_ids = {check.id for check in expected}
    skipped_areas -= {check.area for check in expected}
    return SelfCheckJob(
        profile=profile,
        server=fault.name,
        selectors=(*sorted(kinds), *fault.extra_operations),
        check_ids=frozenset(
            check.id
            for check in CHECKS
            if check.id in expected_ids or not (_is_costly(check) or check.area in skipped_areas)
        ),
    )


def _skipped_areas(fault: Fault) -> frozenset[Area]:
    """The areas with the most requests, and half of the others, in turn."""
    turn = sum(fault.name.encode())
    return AREAS_OF_MANY_REQUESTS | {
        area for number, area in enumerate(Area, start=turn) if number % _SHARE_OF_OTHER_AREAS
    }


def _is_costly(check: Check) -> bool:
    return check.observes or (check.tier in {Tier.BURST, Tier.VOLUME} and check.area is not Area.FUZZ)


def _applicable_ids(profile: str, selectors: tuple[str, ...], checks: Iterable[Check]) -> set[str]:
    """The ids of the checks for which the contract states a fact."""
    trials = make_trials(reduced_contract(profile, selectors), SELF_CHECK_KEYS, list(checks))
    return {trial.check.id for trial in trials if trial.operation and trial.facts}


def _choose_profiles(
    faults: Sequence[Fault], profiles: Sequence[str], profiles_per_fault: int
) -> dict[Fault, set[str]]:
    """`profiles_per_fault` profiles for each fault, in turn; more where a check would not meet any fault otherwise."""
    selectors = tuple(
        dict.fromkeys((*OperationKind, *(selector for fault in faults for selector in fault.extra_operations)))
    )
    applicable_by_profile = {profile: _applicable_ids(profile, selectors, CHECKS) for profile in profiles}
    profiles_by_fault: dict[Fault, set[str]] = {}
    covered_checks: set[str] = set()
    expected_by_fault = {fault: _expected_ids(fault) for fault in faults}
    for number, fault in enumerate(faults):
        fitting_profiles = [profile for profile in profiles if fault.applies_to(reduced_contract(profile))]
        start = number % max(1, len(fitting_profiles))
        profiles_by_fault[fault] = {*(fitting_profiles[start:] + fitting_profiles[:start])[:profiles_per_fault]}
        covered_checks.update(
            *(expected_by_fault[fault] & applicable_by_profile[profile] for profile in profiles_by_fault[fault])
        )
    for fault, profile in itertools.product(faults, profiles):
        if (
            fault.applies_to(reduced_contract(profile))
            and not expected_by_fault[fault] & applicable_by_profile[profile] <= covered_checks
        ):
            profiles_by_fault[fault].add(profile)
            covered_checks |= expected_by_fault[fault] & applicable_by_profile[profile]
    return profiles_by_fault


def plan_jobs(
    profiles: Sequence[str],
    faults: Sequence[Fault] = FAULTS,
    variants: Sequence[Variant] = VARIANTS,
    profiles_per_fault: int = DEFAULT_PROFILES_PER_FAULT,
) -> list[SelfCheckJob]:
    """The jobs for each profile: the correct server, the faults and the variants that fit it.

    The correct server has every operation that a fault of the profile needs, so that answers can be compared.
    A fault is tested under `profiles_per_fault` profiles, a variant under all: by all checks under one of them, and
    under the others, if that is not more than the default, without the areas with the most requests.
    """
    all_check_ids = frozenset(check.id for check in CHECKS)
    profiles_by_fault = _choose_profiles(faults, profiles, profiles_per_fault)
    whole_profile_by_variant = _whole_profiles(variants, profiles)
    thorough = profiles_per_fault > DEFAULT_PROFILES_PER_FAULT
    planned = []
    for profile in profiles:
        fault_jobs = [
            plan_fault_job(profile, fault, frozenset() if thorough else _skipped_areas(fault))
            for fault in faults
            if profile in profiles_by_fault[fault]
        ]
        planned.append(_plan_correct_job(profile, fault_jobs, all_check_ids))
        planned += fault_jobs
        planned += [
            _plan_variant_job(profile, variant, is_whole=thorough or profile == whole_profile_by_variant[variant.name])
            for variant in variants
            if variant.applies_to(reduced_contract(profile))
        ]
    return planned


def _whole_profiles(variants: Sequence[Variant], profiles: Sequence[str]) -> dict[str, str]:
    """For each variant that fits a profile, the one under which all checks judge it: they take turns."""
    fitting = {
        variant.name: [profile for profile in profiles if variant.applies_to(reduced_contract(profile))]
        for variant in variants
    }
    return {name: names[number % len(names)] for number, (name, names) in enumerate(fitting.items()) if names}


def _plan_variant_job(profile: str, variant: Variant, *, is_whole: bool) -> SelfCheckJob:
    """The job of a correct server: all checks and generated requests, or those of areas with fewer requests."""
    return SelfCheckJob(
        profile=profile,
        server=variant.name,
        selectors=tuple(OperationKind),
        check_ids=frozenset(
            check.id
            for check in CHECKS
            if (variant.is_sent_bursts or not _is_costly(check))
            and (is_whole or check.area not in {*AREAS_OF_MANY_REQUESTS, Area.FUZZ})
        ),
        fuzz_requests=VARIANT_FUZZ_REQUESTS if is_whole else 0,
    )


def _plan_correct_job(profile: str, fault_jobs: Sequence[SelfCheckJob], check_ids: frozenset[str]) -> SelfCheckJob:
    """The job of the correct server, with every operation that the others have."""
    selectors = dict.fromkeys((*OperationKind, *(selector for item in fault_jobs for selector in item.selectors)))
    return SelfCheckJob(profile=profile, server=CORRECT_SERVER.name, selectors=tuple(selectors), check_ids=check_ids)


def plan_selection(profiles: Sequence[str], selection: Selection) -> list[SelfCheckJob]:
    """The jobs of a selection: each fault under every profile that it fits, and the correct servers.

    A correct server runs only the checks that are expected to notice one of the faults, or that are selected.
    Raises UsageError if the profiles leave nothing to run.
    """
    planned = []
    for profile in profiles:
        fault_jobs = [
            job if selection.check_ids is None else replace(job, check_ids=selection.check_ids)
            for fault in selection.faults
            if fault.applies_to(reduced_contract(profile))
            for job in [plan_fault_job(profile, fault, AREAS_OF_MANY_REQUESTS)]
            if selection.check_ids is None or selection.check_ids & _applicable_ids(profile, job.selectors, CHECKS)
        ]
        correct = _plan_correct_job(profile, fault_jobs, selection.scored_ids)
        if fault_jobs or (
            not selection.faults and correct.check_ids & _applicable_ids(profile, correct.selectors, CHECKS)
        ):
            planned += [correct, *fault_jobs]
    if not planned:
        names = [fault.name for fault in selection.faults] or sorted(selection.check_ids or ())
        raise UsageError(f"{', '.join(names)}: nothing to run under {', '.join(profiles)}")
    return planned
