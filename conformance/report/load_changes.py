"""What changed between two loads: latencies and failures, with intervals of a bootstrap over seconds."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core.errors import UsageError
from conformance.core.foreign_json import Unreadable, read_file_json
from conformance.core.text import to_json_text
from conformance.core.user_files import REPORT_FILE_BYTES, UnreadableFile, read_text
from conformance.report.rank_test import mann_whitney

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROUNDS, MIN_SECONDS, TOLERANCE = 400, 5, 1.1
"""Resamplings, the fewest seconds of a rate that can be compared, and the factor from which a change counts."""
_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def read_load(path: str) -> dict[str, Any] | None:
    """The report of a load; None if a file is anything else."""
    if not Path(path).is_file():
        return None  # a pipe can be read once
    try:
        value: Any = read_file_json(read_text(path, max_bytes=REPORT_FILE_BYTES))
    except UnreadableFile:
        return None
    is_load = not isinstance(value, Unreadable) and isinstance(value, dict) and isinstance(value.get("suite"), dict)
    return value if is_load and value["suite"].get("kind") == "load" else None


def compare_loads(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The changes at each rate that both loads have, and the promises that are newly broken.

    Raises UsageError if no rate of both can be compared.
    """
    rates = sorted(_seconds_by_rate(old).keys() & _seconds_by_rate(new).keys())
    rows = [
        row for rate in rates for row in _compare_rate(rate, _seconds_by_rate(old)[rate], _seconds_by_rate(new)[rate])
    ]
    if not rows:
        raise UsageError(f"the two loads have no rate in common for {MIN_SECONDS} seconds")
    known = {(item["check"], item["cause"]) for item in old["promises"]}
    broken = [
        {"check": item["check"], "cause": item["cause"], "first_rate": item["first_rate"]}
        for item in new["promises"]
        if (item["check"], item["cause"]) not in known and item["level"] == "must"
    ]
    is_worse = bool(broken) or any(row["verdict"] == "slower" for row in rows)
    return {"suite": {"kind": "load-changes"}, "changes": rows, "newly_broken": broken, "is_worse": is_worse}


def change_lines(changes: Mapping[str, Any]) -> Iterator[str]:
    """The changes in lines of text."""
    for row in changes["changes"]:
        low, high = row["interval"]
        yield (
            f"{row['rate']:g}/s {row['name']}: {row['old_ms']:g} ms to {row['new_ms']:g} ms, "
            f"{low:.2f} to {high:.2f} times (p = {row['p_value']:.2g}): {row['verdict']}"
        )
    for item in changes["newly_broken"]:
        yield f"newly broken: {item['check']}: {item['cause']} (first at {item['first_rate']:g}/s)"


def render_changes(name: str, changes: Mapping[str, Any]) -> str:
    """The changes as JSON or as Markdown."""
    if name == "json":
        return to_json_text(changes, 2) + "\n"
    return "\n".join(["# Changes under load", "", *(f"- {line}" for line in change_lines(changes)), ""])


def _seconds_by_rate(document: Mapping[str, Any]) -> dict[float, list[Mapping[str, Any]]]:
    """The seconds of a load, by the rate; each change of the rate leaves out the second that it is in."""
    by_rate: dict[float, list[Mapping[str, Any]]] = {}
    previous = None
    for second in document["seconds"]:
        if second["latency_ms"] and second["rate"] == previous:
            by_rate.setdefault(second["rate"], []).append(second)
        previous = second["rate"]
    return {rate: seconds for rate, seconds in by_rate.items() if rate and len(seconds) >= MIN_SECONDS}


def _compare_rate(
    rate: float, old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The change of each quantile: the ratio of resampled loads lies in the interval 99 times of 100."""
    chance = random.Random(1)  # noqa: S311 - the same intervals each time
    for name, share in _QUANTILES.items():
        ratios = sorted(
            _quantile(chance.choices(new, k=len(new)), share) / _quantile(chance.choices(old, k=len(old)), share)
            for _ in range(ROUNDS)
        )
        low, high = ratios[ROUNDS // 200], ratios[-1 - ROUNDS // 200]
        verdict = "slower" if low > TOLERANCE else "faster" if high < 1 / TOLERANCE else "as before"
        yield {"rate": rate, "name": name, "old_ms": _quantile(old, share), "new_ms": _quantile(new, share),
               "interval": [round(low, 4), round(high, 4)],
               "p_value": round(mann_whitney(*([_quantile([second], share) for second in seconds]
                                               for seconds in (old, new))), 6), "verdict": verdict}  # fmt: skip


def _quantile(seconds: Sequence[Mapping[str, Any]], share: float) -> float:
    """The latency in ms that a share of the answers does not exceed."""
    counts: dict[float, int] = {}
    for second in seconds:
        for latency, count in second["latency_ms"]:
            counts[latency] = counts.get(latency, 0) + count
    wanted, total = share * sum(counts.values()), 0
    for latency in sorted(counts):
        total += counts[latency]
        if total >= wanted:
            return latency
    return 0.001
