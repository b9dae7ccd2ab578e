"""Sessions that pytest-xdist splits: one worker gets all checks, so that one run judges the target.

Checks that need the target to themselves would not have it if each worker judged its share. All the time of
a run is spent waiting for the target, so nothing is lost.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pytest

from conformance.core.errors import UsageError

if TYPE_CHECKING:
    from conformance.plugin.session import CheckSession

_OUTPUT_KEY = "conformance"
_INPUT_KEY = "conformance_is_nothing_named"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """What is to be told of a run: its verdict, what went wrong, and the exit code for that (0: none)."""

    verdict_lines: str = ""
    problem: str = ""
    exit_code: int = 0


def is_worker(config: pytest.Config) -> bool:
    """Whether this session is a worker's, which has no terminal and no exit code."""
    return hasattr(config, "workerinput")


def has_no_path_arguments(config: pytest.Config) -> bool:
    """Whether the command line names no file: then the checks come along with the tests."""
    if is_worker(config):
        return bool(config.workerinput[_INPUT_KEY])  # type: ignore[attr-defined] # pytest-xdist's
    return config.args_source is not pytest.Config.ArgsSource.ARGS


def reject_dist_each(config: pytest.Config) -> None:
    """Raises UsageError for the one mode of pytest-xdist in which every worker runs everything."""
    if config.getoption("dist", "no") == "each":
        raise UsageError("--dist each would judge the target several times at once; choose another mode")


def send_to_controller(config: pytest.Config, summary: RunSummary) -> None:
    """Hands what is to be told to the session that started this worker, if it is one."""
    if is_worker(config):
        config.workeroutput[_OUTPUT_KEY] = asdict(summary)  # type: ignore[attr-defined] # pytest-xdist's


class XdistController:
    """The hooks of the session that starts workers."""

    def __init__(self, session: CheckSession) -> None:
        self._session = session

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - pytest-xdist's
        """Tells a worker what its own command line does not say."""
        node.workerinput[_INPUT_KEY] = has_no_path_arguments(node.config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - likewise
        """Takes over what a worker has to tell."""
        summary = RunSummary(**getattr(node, "workeroutput", {}).get(_OUTPUT_KEY, {}))
        if summary != RunSummary():
            self._session.summary = summary

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:  # noqa: ANN401 - likewise
        """The scheduler of the mode that was asked for, but for the checks."""
        from conformance.plugin.scheduling import SCHEDULERS

        return SCHEDULERS[config.getoption("dist")](config, log)
