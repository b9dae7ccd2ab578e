"""Data that pytest-xdist workers and their controller exchange.

One worker gets all checks, so that one run judges the target: checks that need the target to themselves would
not have it if each worker judged a share. Nothing is lost by that, for a run spends its time waiting.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pytest

from conformance.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

UNJUDGED_EXIT_CODE = 6
"""The exit code of a session in which nothing could be judged: none of pytest's own, which end with 5."""
_OUTPUT_KEY = "conformance"
_INPUT_KEY = "conformance_has_no_path_arguments"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """The result of a run: lines to print, what went wrong, and the exit code for that (0: nothing)."""

    verdict_lines: str = ""
    problem: str = ""
    exit_code: int = 0


def is_worker(config: pytest.Config) -> bool:
    """Whether this session is a worker's, which has no terminal and no exit code."""
    return hasattr(config, "workerinput")


def has_no_path_arguments(config: pytest.Config) -> bool:
    """Whether the command line names no path: then the checks are collected along with the tests."""
    if is_worker(config):
        return bool(config.workerinput[_INPUT_KEY])  # type: ignore[attr-defined] # pytest-xdist's
    return config.args_source is not pytest.Config.ArgsSource.ARGS


def reject_dist_each(config: pytest.Config) -> None:
    """Raises UsageError for the one mode of pytest-xdist in which every worker runs everything."""
    if config.getoption("dist", "no") == "each":
        raise UsageError("--dist each would judge the target several times at once; choose another mode")


def prepare_worker(config: pytest.Config, worker_input: dict[str, Any]) -> None:
    """Adds to a worker's input what its own command line does not say."""
    worker_input[_INPUT_KEY] = has_no_path_arguments(config)


def send_to_controller(config: pytest.Config, summary: RunSummary) -> None:
    """Sends the summary to the controller, if this session is a worker's."""
    if is_worker(config):
        config.workeroutput[_OUTPUT_KEY] = asdict(summary)  # type: ignore[attr-defined] # pytest-xdist's


def received_summary(worker_output: Mapping[str, Any]) -> RunSummary:
    """The summary in the output of a worker; an empty one if it had no checks."""
    return RunSummary(**worker_output.get(_OUTPUT_KEY, {}))
