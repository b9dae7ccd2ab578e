"""How pytest-xdist hands out tests: as it was asked to, but all checks to one worker."""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadFileScheduling, LoadGroupScheduling, LoadScopeScheduling

from conformance.plugin.items import PLACE


class ByTest(LoadScopeScheduling):  # type: ignore[misc] # pytest-xdist has no types
    """Each test goes wherever there is time for it."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid


def _together(base: Any) -> Any:  # noqa: ANN401 - likewise
    """A scheduler that hands out whole scopes, and to which all checks are one."""

    class Together(base):  # type: ignore[misc] # likewise
        def _split_scope(self, nodeid: str) -> str:
            scope: str = "conformance" if nodeid.startswith(PLACE) else super()._split_scope(nodeid)
            return scope

    return Together


SCHEDULERS = {
    "load": _together(ByTest),
    "worksteal": _together(ByTest),
    "loadscope": _together(LoadScopeScheduling),
    "loadfile": _together(LoadFileScheduling),
    "loadgroup": _together(LoadGroupScheduling),
}
"""By the mode that `--dist` names."""
