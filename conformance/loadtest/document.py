"""The JSON document of a load (`specs/load.schema.json`), from which its other reports are made."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from conformance import __version__
from conformance.core.model import Level
from conformance.loadtest.fates import CAUSES
from conformance.loadtest.observer import Tally, to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conformance.loadtest.execution import LoadResult
    from conformance.loadtest.fates import Fates
    from conformance.loadtest.shapes import Step

_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_DRIFT_FACTOR, _DRIFT_S, _MEMORY_FACTOR, _MEMORY_BYTES = 1.4, 0.002, 1.2, 8_000_000
_RECOVERED_FACTOR, _RECOVERED_S, _MIN_SERIES = 2.0, 0.05, 12


def build_document(result: LoadResult, profile: Mapping[str, str], url: str, recover_s: float) -> dict[str, Any]:
    """The document of a load. `recover_s` is how long a target may take to recover from a burst."""
    observer = result.observer
    levels = [*_judge_levels(result), *_judge_drift(result), *_judge_recovery(result, recover_s)]
    unknown = observer.unknown_count
    document: dict[str, Any] = {
        "suite": {"name": "ingest-conformance", "version": __version__, "kind": "load", "format": 1},
        "target": {"url": url},
        "profile": dict(profile),
        "load": {
            "shape": result.plan.shape_name,
            "gate": result.plan.gate.value,
            "workers": result.plan.workers,
            "clients": result.plan.users,
            "complete": not result.stopped,
            "stopped": result.stopped,
            "limit_requests_per_s": round(result.limit, 2) if result.limit else None,
            "client_limited": result.client_limited,
            "worker_restarts": result.restarts,
            "highest_worker_cpu_percent": round(result.watch.highest_cpu),
        },
        "totals": {"sent": observer.sent_count, "unknown": unknown, **_counts(observer.total)},
        "steps": [_step(result, *step) for step in result.steps],
        "promises": sorted(_promises(result), key=lambda item: (-item["count"], item["check"], item["cause"])),
        "service_levels": levels,
        "seconds": [
            _second(result, second, observer.seconds[second]) for second in sorted(observer.seconds)
        ],
        "memory": [{"at_s": round(at - result.start_s, 1), "bytes": size} for at, size in result.watch.memory],
    }  # fmt: skip
    if result.fates is not None:
        document["delivery"] = _delivery(result, result.fates)
    document["load"]["exit_code"] = _exit_code(result, document)
    return document


def _exit_code(result: LoadResult, document: Mapping[str, Any]) -> int:
    """1 for a broken promise at the gate or a service level that was not held; 3 if nothing can be said."""
    if result.stopped == "interrupted":
        return 130
    gate = result.plan.gate
    is_search = result.plan.shape_name == "find-limit"
    broken = [
        item for item in document["promises"]
        if item["level"] != "client" and Level(item["level"]).is_at_least(gate)
    ]  # fmt: skip
    is_lost = any(item["check"].startswith("delivery.") for item in broken)
    if (
        is_lost
        or (broken and not (is_search and result.limit))
        or any(item["is_held"] is False for item in document["service_levels"])
    ):
        return 1
    if is_search:
        return 0 if result.limit and not result.stopped else 3
    return 3 if result.stopped or result.client_limited or not result.observer.total.accepted else 0


def _delivery(result: LoadResult, fates: Fates) -> dict[str, Any]:
    """What became of events in the sink, by step."""
    names = ("accepted", "missing", "doubled", "refused")
    return {
        **{name: fates.total(name) for name in names},
        "unfollowed": fates.unfollowed,
        "unreadable": fates.skipped,
        "steps": [
            {"name": step.name, "rate": round(step.rate, 3), **{name: getattr(fate, name) for name in names},
             **_latency(fate.delays)}
            for (step, *_), fate in zip(result.steps, fates.steps, strict=False)
        ],
    }  # fmt: skip


def _counts(tally: Tally) -> dict[str, int]:
    return {
        "answered": tally.answered,
        "accepted": tally.accepted,
        "events": tally.events,
        "limited": tally.limited,
        "dropped": tally.dropped,
        "failed": tally.failures.total(),
        "late": tally.late,
    }


def _latency(tally: Tally) -> dict[str, float]:
    return {f"{name}_ms": round(tally.quantile(share) * 1000, 3) for name, share in _QUANTILES.items()}


def _step(result: LoadResult, step: Step, start: float, stop: float, tally: Tally) -> dict[str, Any]:
    return {
        "name": step.name,
        "rate": round(step.rate, 3),
        "start_s": round(start - result.start_s, 2),
        "duration_s": round(stop - start, 2),
        **_counts(tally),
        **_latency(tally),
    }


def _second(result: LoadResult, second: int, tally: Tally) -> dict[str, Any]:
    return {
        "at_s": second - int(result.start_s),
        "rate": round(result.observer.rates.get(second, 0.0), 3),
        **_counts(tally),
        **_latency(tally),
        "latency_ms": [[round(to_seconds(key) * 1000, 3), count] for key, count in sorted(tally.latencies.items())],
    }


def _promises(result: LoadResult) -> Iterator[dict[str, Any]]:
    """The broken promises, with when and at which rate each was broken first."""
    alone = set(result.steps[0][3].failures) if result.steps else set()
    if result.fates is not None and result.steps:
        alone |= {cause for name, cause in CAUSES.items() if getattr(result.fates.steps[0], name)}
    for cause, broken in result.observer.broken.items():
        if broken.count:
            yield {
                "check": broken.check,
                "cause": broken.cause,
                "level": broken.level,
                "count": broken.count,
                "first_at_s": round(broken.first_s - result.start_s, 2),
                "first_rate": round(broken.first_rate, 3),
                "first_in_flight": broken.first_in_flight,
                "is_broken_alone": cause in alone,
                "example": broken.example,
            }


def _judge_levels(result: LoadResult) -> Iterator[dict[str, Any]]:
    """Whether each service level of the user's was held, over all steps but the first."""
    steps = result.steps[1:]
    if result.plan.shape_name == "find-limit":
        steps = [item for item in steps if item[0].name == "confirm"][-1:]
    if not steps:
        return
    tally = Tally().merge(tally for *_, tally in steps)
    for name, limit in result.plan.service_levels.items():
        if name == "error_rate":
            value = tally.failures.total() / max(1, tally.answered)
            yield {"name": "error rate", "limit": limit, "value": round(value, 6), "is_held": value <= limit}
        else:
            value = tally.quantile(int(name[1:]) / 100)
            yield {"name": f"{name} in seconds", "limit": limit, "value": round(value, 6), "is_held": value <= limit}


def _judge_drift(result: LoadResult) -> Iterator[dict[str, Any]]:
    """Whether latency and memory stay where they are at a steady rate."""
    if result.plan.shape_name not in {"steady", "soak"} or len(result.steps) < 2:
        return
    _, start, stop, _ = result.steps[1]
    series = [
        tally.quantile(0.5) for second in range(int(start) + 2, int(stop))
        if (tally := result.observer.seconds.get(second)) is not None and tally.latencies
    ]  # fmt: skip
    if len(series) >= _MIN_SERIES:
        first, last, is_growing = _trend(series)
        drifts = is_growing and last > first * _DRIFT_FACTOR and last - first > _DRIFT_S
        yield {"name": "drift of latency (last third over first)", "limit": _DRIFT_FACTOR,
               "value": round(last / max(first, 1e-9), 3), "is_held": not drifts}  # fmt: skip
    memory = [float(size) for at, size in result.watch.memory if start + 2 <= at <= stop]
    if len(memory) >= _MIN_SERIES:
        first, last, is_growing = _trend(memory)
        leaks = is_growing and last > first * _MEMORY_FACTOR and last - first > _MEMORY_BYTES
        yield {"name": "growth of memory (last third over first)", "limit": _MEMORY_FACTOR,
               "value": round(last / max(first, 1.0), 3), "is_held": not leaks}  # fmt: skip


def _trend(series: Sequence[float]) -> tuple[float, float, bool]:
    """The medians of the first and last third, and whether each third is above the one before, nearly everywhere."""
    third = len(series) // 3
    parts = [sorted(series[:third]), sorted(series[third : 2 * third]), sorted(series[-third:])]
    first, middle, last = (median(part) for part in parts)
    is_apart = parts[2][third // 4] > parts[0][-1 - third // 4]
    return first, last, first < middle < last and is_apart


def _judge_recovery(result: LoadResult, recover_s: float) -> Iterator[dict[str, Any]]:
    """How many seconds after a burst, or the beginning of a restart, latency and answers are as before."""
    steps = {step.name: (start, stop) for step, start, stop, _ in result.steps}
    for event, disturbed in (("burst", "after the burst"), ("restart", "restart")):
        if disturbed not in steps:
            continue
        before = result.observer.between(int(steps[f"before the {event}"][0]) + 1, int(steps[f"before the {event}"][1]))
        start, stop = steps[disturbed][0], max(stop for _, stop in steps.values())
        wanted = before.quantile(0.95) * _RECOVERED_FACTOR + _RECOVERED_S
        bad = [
            second for second in range(int(start) + 1, int(stop))
            if (tally := result.observer.seconds.get(second)) is None or tally.failures or tally.limited
            or (event == "restart" and tally.dropped) or tally.quantile(0.95) > wanted
        ]  # fmt: skip
        took = max(bad) + 1 - start if bad else 0.0
        yield {"name": f"seconds to recover from the {event}", "limit": recover_s, "value": round(took, 1),
               "is_held": took <= recover_s}  # fmt: skip
