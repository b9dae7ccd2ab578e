"""Sessions that pytest-xdist splits: one worker gets all checks, so that one run judges the target.

Checks that need the target to themselves would not have it if each worker judged its share. All the time of
a run is spent waiting for the target, so nothing is lost.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pytest

from conformance.errors import UsageError

if TYPE_CHECKING:
    from conformance.plugin.session import Session

_OUTPUT = "conformance"
_INPUT = "conformance_is_nothing_named"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is to be told of a run: its verdict, what went wrong, and the exit code for that (0: none)."""

    judged: str = ""
    complaint: str = ""
    code: int = 0


def is_worker(config: pytest.Config) -> bool:
    """Whether this session is a worker's, which has no terminal and no exit code."""
    return hasattr(config, "workerinput")


def is_nothing_named(config: pytest.Config) -> bool:
    """Whether the command line names no file: then the checks come along with the tests."""
    if is_worker(config):
        return bool(config.workerinput[_INPUT])  # type: ignore[attr-defined] # pytest-xdist's
    return config.args_source is not pytest.Config.ArgsSource.ARGS


def refuse_each(config: pytest.Config) -> None:
    """Raises UsageError for the one mode of pytest-xdist in which every worker runs everything."""
    if config.getoption("dist", "no") == "each":
        raise UsageError("--dist each would judge the target several times at once; choose another mode")


def hand_over(config: pytest.Config, told: Told) -> None:
    """Hands what is to be told to the session that started this worker, if it is one."""
    if is_worker(config):
        config.workeroutput[_OUTPUT] = asdict(told)  # type: ignore[attr-defined] # pytest-xdist's


class Controller:
    """The hooks of the session that starts workers."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - pytest-xdist's
        """Tells a worker what its own command line does not say."""
        node.workerinput[_INPUT] = is_nothing_named(node.config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - likewise
        """Takes over what a worker has to tell."""
        told = Told(**getattr(node, "workeroutput", {}).get(_OUTPUT, {}))
        if told != Told():
            self._session.told = told

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:  # noqa: ANN401 - likewise
        """The scheduler of the mode that was asked for, but for the checks."""
        from conformance.plugin.scheduling import SCHEDULERS

        return SCHEDULERS[config.getoption("dist")](config, log)
