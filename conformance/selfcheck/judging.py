"""Judging the judge: every pair of a server and a profile, several of them side by side."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from conformance import loop, run, settings
from conformance.cases import CHECKS
from conformance.catalogue import Tier, trials
from conformance.errors import CannotJudge
from conformance.model import Area, Kind
from conformance.payloads import Keys
from conformance.refserver.faults import FAULTS
from conformance.refserver.reduction import reduced
from conformance.refserver.variants import CORRECT, VARIANTS
from conformance.selfcheck.hall import Hall
from conformance.selfcheck.pair import Pair, named
from conformance.selfcheck.score import Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.catalogue import Check
    from conformance.model import Verdict
    from conformance.refserver.faults import Fault
    from conformance.refserver.variants import Variant

KEYS = Keys(write_key="conformance-Self-check-key", bearer="conformance-self-check-token")
USUAL, EVERY = 1, 99
"""A fault is told under so many of the profiles that it fits, or a few more."""
_DEADLINE_S = 5.0
_WORKERS = (os.cpu_count() or 1) + 1


class Watch(Protocol):
    """Somebody who is told how far a self-check is."""

    def __call__(self, done: int, total: int) -> None:
        """Takes the number of pairs that are judged, and of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A server under a profile that is still to be judged: the operations that it has, and the checks."""

    profile: str
    peer: str
    words: tuple[str, ...]
    checks: frozenset[str]


def job(profile: str, fault: Fault, *, thorough: bool = True) -> Job:
    """What shows a fault: an operation for each check that must notice it, and the whole catalogue.

    What only observes, and what presses hard, is left out where no such check is named: it could notice
    nothing, at some length. One that is not thorough does the same with the area that asks most.
    """
    must = named(fault, CHECKS)
    kinds = {kind for check in must for kind in ({Kind.EVENT} & check.kinds or check.kinds)}
    due = {check.id for check in must}
    spared = set() if thorough else {Area.ROBUSTNESS} - {check.area for check in must}
    return Job(
        profile=profile,
        peer=fault.name,
        words=(*sorted(kinds), *fault.also),
        checks=frozenset(
            check.id for check in CHECKS if check.id in due or not (_is_costly(check) or check.area in spared)
        ),
    )


def _is_costly(check: Check) -> bool:
    return check.observes or (check.tier in {Tier.BURST, Tier.VOLUME} and check.area is not Area.FUZZ)


def _chosen(faults: Sequence[Fault], profiles: Sequence[str], each: int) -> dict[Fault, set[str]]:
    """So many profiles for each fault, going round; and one more where a check would see no fault else."""
    words = tuple(dict.fromkeys((*Kind, *(word for fault in faults for word in fault.also))))
    asked = {
        profile: {
            item.check.id
            for item in trials(reduced(profile, words), KEYS, CHECKS)
            if item.operation and item.facts
        }
        for profile in profiles
    }
    found: dict[Fault, set[str]] = {}
    seen: set[str] = set()
    musts = {fault: {check.id for check in named(fault, CHECKS)} for fault in faults}
    for number, fault in enumerate(faults):
        fitting = [profile for profile in profiles if fault.fits(reduced(profile))]
        start = number % max(1, len(fitting))
        found[fault] = {*(fitting[start:] + fitting[:start])[:each]}
        seen.update(*(musts[fault] & asked[profile] for profile in found[fault]))
    for fault, profile in itertools.product(faults, profiles):
        if fault.fits(reduced(profile)) and not musts[fault] & asked[profile] <= seen:
            found[fault].add(profile)
            seen |= musts[fault] & asked[profile]
    return found


def jobs(
    profiles: Sequence[str],
    faults: Sequence[Fault] = FAULTS,
    variants: Sequence[Variant] = VARIANTS,
    each: int = USUAL,
) -> list[Job]:
    """The correct server of each profile, with all operations that any fault needs; then what fits.

    Every variant goes with each profile, every fault with as many of them as `each` says.
    """
    everything = frozenset(check.id for check in CHECKS)
    chosen = _chosen(faults, profiles, each)
    gentle = frozenset(check.id for check in CHECKS if not _is_costly(check))
    found = []
    for profile in profiles:
        broken = [job(profile, fault, thorough=each > USUAL) for fault in faults if profile in chosen[fault]]
        words = tuple(dict.fromkeys((*Kind, *(word for item in broken for word in item.words))))
        found.append(Job(profile=profile, peer=CORRECT.name, words=words, checks=everything))
        found += broken
        found += [
            Job(
                profile=profile,
                peer=variant.name,
                words=tuple(Kind),
                checks=everything if variant.is_pressed else gentle,
            )
            for variant in variants
            if variant.fits(reduced(profile))
        ]
    return found


async def judge(
    profiles: Sequence[str],
    watch: Watch,
    faults: Sequence[Fault] = FAULTS,
    variants: Sequence[Variant] = VARIANTS,
    each: int = USUAL,
) -> Score:
    """Judges pairs, and the checks by them. Raises CannotJudge if the servers can't be started."""
    waiting = jobs(profiles, faults, variants, each)
    queue, pairs = iter(waiting), list[Pair]()
    running = asyncio.get_running_loop()

    async def worker(hall: Hall, pool: ProcessPoolExecutor) -> None:
        for item in queue:
            url = await hall.open(item.profile, item.peer, item.words)
            verdicts = await running.run_in_executor(pool, verdicts_on, url, item)
            hall.close(url)
            pairs.append(Pair(profile=item.profile, peer=item.peer, verdicts=verdicts))
            watch(len(pairs), len(waiting))

    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_WORKERS, mp_context=spawning) as pool:
        async with Hall(KEYS) as hall:
            await asyncio.gather(*(worker(hall, pool) for _ in range(_WORKERS)))
    return Score.of(profiles, pairs, faults, variants)


def verdicts_on(url: str, item: Job) -> dict[str, Verdict]:
    """What the checks make of one server, by name."""
    options = {
        "write_key": KEYS.write_key, "bearer": KEYS.bearer, "deadline": str(_DEADLINE_S), "fuzz": "0",
    }  # fmt: skip
    chosen = [check for check in CHECKS if check.id in item.checks]
    plan = run.prepare(settings.resolve(options), url, reduced(item.profile, item.words), chosen)
    try:
        result = loop.run(run.execute(plan, lambda *_: None))
    except CannotJudge as error:
        raise CannotJudge(f"{item.peer} under {item.profile}: {error}") from None
    return {verdict.name: verdict for verdict in result.verdicts}
