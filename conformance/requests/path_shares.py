"""Which of many forms of a request are sent on a path: each on two paths of a kind, or with --thorough on all."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.requests.call import Call

ItemT = TypeVar("ItemT")


def share_of_path(call: Call, items: Sequence[ItemT]) -> list[ItemT]:
    """The forms that are sent on the path of a call; neighbours are not always sent on the same two paths."""
    paths = [operation for operation in call.contract.operations if operation.kind is call.operation.kind]
    if call.is_thorough or call.operation not in paths or len(paths) <= 2:
        return list(items)
    count, own = len(paths), paths.index(call.operation)
    return [
        item
        for number, item in enumerate(items)
        if own in {number % count, (number + 1 + number // count % (count - 1)) % count}
    ]
