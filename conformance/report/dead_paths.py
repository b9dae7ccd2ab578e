"""Checks that can't be asked because their call accepts nothing: one entry of a report stands for all of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.core.model import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def one_for_each_dead_path(checks: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The checks, of those on a call that accepts nothing only the strongest, which says how many there are."""
    groups: dict[tuple[str, str, bool], list[Mapping[str, Any]]] = {}
    kept: list[Mapping[str, Any]] = []
    for item in checks:
        if item.get("path_state"):
            groups.setdefault((item["operation"], item["outcome"], bool(item.get("known"))), []).append(item)
        else:
            kept.append(item)
    for group in groups.values():
        strongest = min(group, key=lambda item: Level(item["level"]).rank)
        number = f"{len(group)} checks can't be tested here: " if len(group) > 1 else ""
        kept.append({**strongest, "message": f"{number}{strongest['message']}"})
    return sorted(kept, key=lambda item: (item["id"], item["operation"]))
