"""Two reasons to refuse a request at once, from one table: each pair of reasons of different kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.profile.facts import LimitKind
from conformance.requests import content_codings
from conformance.requests.credentials import NO_CREDENTIALS, UNKNOWN_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.requests.call import Call
    from conformance.requests.draft import Draft


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason to refuse a request: a change that makes an acceptable one unacceptable, or at least unusual.

    `is_ignorable`: a server may ignore it, and look at the rest of the request all the same.
    """

    description: str
    change: Callable[[Call, Draft], Draft]
    is_ignorable: bool = False

    def make_draft(self, call: Call) -> Draft:
        """A request with this reason alone."""
        return self.change(call, call.acceptable_request())


@dataclass(frozen=True, slots=True)
class ReasonPair:
    """Two reasons of different kinds."""

    first: Reason
    second: Reason

    @property
    def description(self) -> str:
        """Both, as in a sentence about a request."""
        return f"{self.first.description} and {self.second.description}"

    def make_draft(self, call: Call) -> Draft:
        """A request with both reasons."""
        return self.second.change(call, self.first.make_draft(call))


def _over_limit(call: Call, draft: Draft) -> Draft:
    """A body over its limit, by a field that is too long."""
    kind = LimitKind.BATCH if call.is_batch else LimitKind.EVENT
    return draft.with_field(draft.layout.filler_pointer, "a" * call.contract.size_limit(kind).smallest_refused)


_CREDENTIALS = (
    Reason("no credentials", lambda _, draft: draft.with_credentials(NO_CREDENTIALS)),
    Reason("an unknown key", lambda call, draft: draft.with_credentials(call.credentials(key=UNKNOWN_KEY))),
)
_BODIES = (
    Reason("JSON that lacks its end", lambda _, draft: draft.with_json_bytes(lambda body: body[:-1])),
    Reason("an array at the top level", lambda _, draft: draft.with_json_bytes(lambda body: b"[" + body + b"]")),
    Reason("an empty body", lambda _, draft: draft.with_json_bytes(lambda _: b"")),
    Reason("no user", lambda call, draft: draft.without_fields(
        *call.contract.identity_pointers(call.operation.event_type).values())),
)  # fmt: skip
_SIZES = (Reason("a body over the limit", _over_limit),)
_CODINGS = (
    Reason("corrupt gzip", lambda _, draft: content_codings.with_corrupt_gzip(draft)),
    Reason("an unknown coding", lambda _, draft: content_codings.with_unknown_coding(draft), is_ignorable=True),
)
_TYPES = (
    Reason("no type", lambda _, draft: draft.with_content_type(None), is_ignorable=True),
    Reason(
        "the type of forms",
        lambda _, draft: draft.with_content_type("application/x-www-form-urlencoded"),
        is_ignorable=True,
    ),
)
_METHODS = (
    Reason("the method HEAD", lambda _, draft: draft.with_method("HEAD")),
    Reason("the method PUT", lambda _, draft: draft.with_method("PUT")),
)


def _pairs(firsts: tuple[Reason, ...], *kinds: tuple[Reason, ...]) -> tuple[ReasonPair, ...]:
    """Each of some reasons beside each reason of other kinds."""
    return tuple(ReasonPair(first, second) for kind in kinds for first in firsts for second in kind)


CREDENTIAL_PAIRS = _pairs(_CREDENTIALS, _BODIES, _SIZES, _CODINGS, _TYPES, _METHODS)
"""Wrong credentials beside each other reason."""
OTHER_PAIRS = _pairs(_BODIES, _SIZES, _CODINGS, _TYPES, _METHODS) + _pairs(_CODINGS, _SIZES, _TYPES, _METHODS)
"""Reasons that are not about credentials; a type beside a method says nothing about a body."""
