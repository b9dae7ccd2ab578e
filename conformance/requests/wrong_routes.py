"""Wrong routes: methods that an operation does not have, and unknown paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.model import OperationKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.contract import Operation
    from conformance.requests.call import Call
    from conformance.requests.draft import Draft

UNKNOWN_PATH = "/conformance-unknown"
"""A path that is not documented."""
_TRIED_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")
_METHODS_WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
"""Methods with which a server may refuse any body (RFC 9110, section 9.3)."""


METHODS_OF_EVENTS = frozenset({"GET", "POST"})
"""Methods that a path may have for other events, documented or not, such as pixels."""


def wrong_methods(operation: Operation, operations: Iterable[Operation]) -> Iterator[str]:
    """The methods that none of the operations has at the path of one."""
    documented = {item.method for item in (operation, *operations) if item.path == operation.path}
    return (name for name in _TRIED_METHODS if name not in documented)


def request_with_method(call: Call, method: str) -> Draft:
    """An acceptable request with another method, without a body where the method has none."""
    draft = call.acceptable_request().with_method(method)
    if call.operation.kind is OperationKind.PIXEL:
        return draft
    return draft.with_body_bytes(b"").with_content_type(None) if method in _METHODS_WITHOUT_BODY else draft


def unknown_paths(path: str) -> tuple[str, ...]:
    """Paths that no document knows: far from a path, beside it and under it, each once."""
    parent = path.rpartition("/")[0]
    return tuple(dict.fromkeys((UNKNOWN_PATH, f"{parent}{UNKNOWN_PATH}", f"{path}-unknown", f"{path}/unknown")))
