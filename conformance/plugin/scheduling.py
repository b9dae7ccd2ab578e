"""Schedulers for pytest-xdist: the mode of the user, but with all checks on one worker."""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadFileScheduling, LoadGroupScheduling, LoadScopeScheduling

from conformance.plugin.items import NODE_ID_PREFIX


class PerTestScheduling(LoadScopeScheduling):  # type: ignore[misc] # pytest-xdist has no types
    """Each test goes to the next free worker."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid


def _with_checks_as_one_scope(base: Any) -> Any:  # noqa: ANN401 - likewise
    """The scheduler `base`, in which all checks are one scope."""

    class ChecksTogetherScheduling(base):  # type: ignore[misc] # likewise
        def _split_scope(self, nodeid: str) -> str:
            scope: str = "conformance" if nodeid.startswith(NODE_ID_PREFIX) else super()._split_scope(nodeid)
            return scope

    return ChecksTogetherScheduling


SCHEDULERS = {
    "load": _with_checks_as_one_scope(PerTestScheduling),
    "worksteal": _with_checks_as_one_scope(PerTestScheduling),
    "loadscope": _with_checks_as_one_scope(LoadScopeScheduling),
    "loadfile": _with_checks_as_one_scope(LoadFileScheduling),
    "loadgroup": _with_checks_as_one_scope(LoadGroupScheduling),
}
"""The scheduler for each mode of `--dist`."""
