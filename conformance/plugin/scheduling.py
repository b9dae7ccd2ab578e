"""How pytest-xdist hands out tests: as it was asked to, but all checks to one worker."""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadFileScheduling, LoadGroupScheduling, LoadScopeScheduling

from conformance.plugin.items import NODE_ID_PREFIX


class PerTestScheduling(LoadScopeScheduling):  # type: ignore[misc] # pytest-xdist has no types
    """Each test goes wherever there is time for it."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid


def _with_checks_as_one_scope(base: Any) -> Any:  # noqa: ANN401 - likewise
    """A scheduler that hands out whole scopes, and to which all checks are one."""

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
"""By the mode that `--dist` names."""
