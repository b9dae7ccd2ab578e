"""The hooks of a pytest-xdist controller: what workers need to know, and the summary that one of them sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conformance.plugin import workers

if TYPE_CHECKING:
    from conformance.plugin.session import CheckSession


class XdistController:
    """The hooks of the session that starts workers."""

    def __init__(self, session: CheckSession) -> None:
        self._session = session

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - pytest-xdist's
        """Tells a worker whether the command line names a path, which its own does not say."""
        workers.prepare_worker(node.config, node.workerinput)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - likewise
        """Takes over the summary of the worker that had the checks."""
        summary = workers.received_summary(getattr(node, "workeroutput", {}))
        if summary != workers.RunSummary():
            self._session.summary = summary

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:  # noqa: ANN401 - likewise
        """The scheduler of the mode that `--dist` names, with all checks on one worker."""
        from conformance.plugin.scheduling import SCHEDULERS

        return SCHEDULERS[config.getoption("dist")](config, log)
