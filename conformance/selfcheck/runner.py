"""Runs the checks of a self-check against every planned server, several servers at a time."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from conformance.cases import CHECKS
from conformance.causes.evidence import Evidence
from conformance.causes.finder import find_causes
from conformance.core import event_loop
from conformance.core.child_process import follow_parent
from conformance.core.errors import InconclusiveError
from conformance.fuzz import fuzz_plan
from conformance.fuzz.corpus import load_or_generate
from conformance.refserver.faults import FAULTS
from conformance.refserver.reduced_contract import reduced_contract
from conformance.refserver.variants import VARIANTS
from conformance.run.execution import RunResult, execute
from conformance.run.plan import build_plan
from conformance.selfcheck.answers import RecordedAnswers
from conformance.selfcheck.detection import ServerResult
from conformance.selfcheck.pairs import DEFAULT_PAIRS, THOROUGH_PAIRS, choose_pairs, plan_pair_job
from conformance.selfcheck.plan import DEFAULT_PROFILES_PER_FAULT, SELF_CHECK_KEYS, plan_jobs, plan_selection
from conformance.selfcheck.score import Score
from conformance.selfcheck.server_pool import ServerPool
from conformance.settings import table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from conformance.refserver.faults import Fault
    from conformance.refserver.variant import Variant
    from conformance.selfcheck.plan import Selection, SelfCheckJob

_DEADLINE_S = 5.0
_FUZZ_SEED = 1
_WORKERS = (os.cpu_count() or 1) + 1
_MAX_REPEATED = 8
"""Up to so many servers that were judged wrongly are asked again, alone: a machine under load loses bytes' timing."""
_MAX_JOBS_IN_PROCESS = 16
"""Up to so many jobs are run in this process: starting others would take longer."""


class ProgressCallback(Protocol):
    """Called after each server with the progress of a self-check."""

    def __call__(self, done: int, total: int) -> None:
        """Takes the number of servers that are done, and of all."""


async def run_self_check(
    profiles: Sequence[str],
    on_progress: ProgressCallback,
    faults: Sequence[Fault] = FAULTS,
    variants: Sequence[Variant] = VARIANTS,
    profiles_per_fault: int = DEFAULT_PROFILES_PER_FAULT,
) -> Score:
    """The score of the checks. Raises InconclusiveError if a server does not start or can't be judged."""
    is_thorough = profiles_per_fault > DEFAULT_PROFILES_PER_FAULT
    pairs = choose_pairs(profiles, faults, THOROUGH_PAIRS if is_thorough else DEFAULT_PAIRS)
    planned = [
        *plan_jobs(profiles, faults, variants, profiles_per_fault),
        *(plan_pair_job(profile, pair) for profile, pair in pairs),
    ]
    results = await run_jobs(planned, on_progress)
    score = Score.of(profiles, results, faults, variants).with_pairs(results, pairs)
    misjudged = score.misjudged_servers
    doubtful = [job for job in planned if (job.profile, job.server) in misjudged]
    if not 0 < len(doubtful) <= _MAX_REPEATED:
        return score
    again = await run_jobs(doubtful, lambda *_: None)
    repeated = {(result.profile, result.server) for result in again}
    kept = [result for result in results if (result.profile, result.server) not in repeated]
    return Score.of(profiles, [*kept, *again], faults, variants).with_pairs(results, pairs)


async def run_selection(profiles: Sequence[str], on_progress: ProgressCallback, selection: Selection) -> Score:
    """The score of some faults and checks. Raises UsageError if nothing fits, and InconclusiveError as above."""
    planned = plan_selection(profiles, selection)
    results = await run_jobs(planned, on_progress)
    return Score.of(profiles, results, selection.faults, (), scored_ids=selection.scored_ids)


async def run_jobs(planned: Sequence[SelfCheckJob], on_progress: ProgressCallback) -> list[ServerResult]:
    """The results of jobs, in the order in which they end. Raises InconclusiveError as `run_self_check`."""
    queue, results = iter(planned), list[ServerResult]()
    _store_corpora(planned)

    async def worker(servers: ServerPool, run: Callable[[str, SelfCheckJob], Awaitable[ServerResult]]) -> None:
        for job in queue:
            url = await servers.open(job.profile, job.server, job.selectors)
            results.append(await run(url, job))
            servers.close(url)
            on_progress(len(results), len(planned))

    with ExitStack() as stack:
        run = run_job
        if len(planned) > _MAX_JOBS_IN_PROCESS:
            spawn_context = multiprocessing.get_context("spawn")
            processes = stack.enter_context(
                ProcessPoolExecutor(_WORKERS, mp_context=spawn_context, initializer=follow_parent)
            )
            loop = asyncio.get_running_loop()

            async def run(url: str, job: SelfCheckJob) -> ServerResult:
                return await loop.run_in_executor(processes, run_job_in_process, url, job)

        async with ServerPool(SELF_CHECK_KEYS) as servers:
            await asyncio.gather(*(worker(servers, run) for _ in range(_WORKERS)))
    return results


def _store_corpora(planned: Sequence[SelfCheckJob]) -> None:
    """Generates what jobs will send, once for all jobs with the same contract, and by each reading of the documents."""
    counts = {(job.profile, job.selectors): job.fuzz_requests for job in planned if job.fuzz_requests}
    for (profile, selectors), count in counts.items():
        for contract in (first := reduced_contract(profile, selectors), *first.readings):
            load_or_generate(contract, _FUZZ_SEED, count, spare=False)


def run_job_in_process(url: str, job: SelfCheckJob) -> ServerResult:
    """`run_job` in an event loop of its own, for a pool of processes."""
    return event_loop.run(run_job(url, job))


async def run_job(url: str, job: SelfCheckJob) -> ServerResult:
    """Runs the checks of a job against its server. Raises InconclusiveError if nothing valid is accepted."""
    options = {
        "write_key": SELF_CHECK_KEYS.write_key,
        "bearer": SELF_CHECK_KEYS.bearer,
        "expired_bearer": SELF_CHECK_KEYS.expired_bearer,
        "source_id": SELF_CHECK_KEYS.source_id,
        "disabled_write_key": SELF_CHECK_KEYS.disabled,
        "deadline": str(_DEADLINE_S),
        "fuzz": str(job.fuzz_requests),
        "fuzz_seed": str(_FUZZ_SEED),
    }
    selected_checks = [check for check in CHECKS if check.id in job.check_ids]
    answers = RecordedAnswers()
    plan = build_plan(table.resolve(options), url, reduced_contract(job.profile, job.selectors), selected_checks)
    plan, evidence = replace(plan, wire_type=answers.wire_type()), Evidence()
    try:
        result = await execute(plan, lambda *_: None, fuzz=fuzz_plan, result=RunResult(evidence=evidence))
        causes = (await find_causes(plan, evidence)).causes
    except InconclusiveError as error:
        if job.is_pair:
            return ServerResult(profile=job.profile, server=job.server, verdicts={})
        raise InconclusiveError(f"{job.server} under {job.profile}: {error}") from None
    verdicts = {verdict.name: verdict for verdict in result.verdicts}
    return ServerResult(profile=job.profile, server=job.server, verdicts=verdicts, causes=causes, answers=answers)
