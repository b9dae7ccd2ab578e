"""Faults in the answers to requests of official SDKs, which make them drop, lose or repeat events."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from conformance import sdks
from conformance.refserver.faults.fault import Fault, requires_sdk
from conformance.refserver.faults.response_overrides import is_not_options, refuse_accepted
from conformance.refserver.replies import ServerReply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.core.model import Json
    from conformance.refserver.server_change import RequestView


def _libraries_in(value: Json) -> Iterator[tuple[str, str]]:
    """Name and version of every `library` in a body."""
    if isinstance(value, list):
        for item in value:
            yield from _libraries_in(item)
    elif isinstance(value, dict):
        library = value.get("library")
        if isinstance(library, dict):
            yield str(library.get("name")), str(library.get("version"))
        for item in value.values():
            yield from _libraries_in(item)


@cache
def _known_libraries() -> frozenset[tuple[str, str]]:
    """Name and version by which official SDKs call themselves."""
    return frozenset(
        library for sdk in sdks.load_all() for request in sdk.requests for library in _libraries_in(request.body)
    )


def _is_of_library(view: RequestView) -> bool:
    """Whether an official SDK sent it, by the library in its events."""
    return any(library in _known_libraries() for library in _libraries_in(view.document))


def _send_to_login(view: RequestView) -> ServerReply | None:
    """A redirect to a page for people, in place of a success."""
    if not view.is_accepted or not is_not_options(view) or not _is_of_library(view):
        return None
    return ServerReply(status=302, media_type="text/plain", body=b"", headers={"Location": "/login"})


def _answer_with_text(view: RequestView) -> ServerReply | None:
    """A success with text, where JSON is documented."""
    reply = view.correct_reply()
    if not view.is_accepted or not reply.body.startswith(b"{"):
        return None
    return replace(reply, media_type="text/plain", body=b"OK")


_SDK_PATHS = tuple(sorted(frozenset[str]().union(*(sdk.paths for sdk in sdks.load_all()))))
FAULTS = (
    Fault(
        "libraries-refused",
        "Refuses events that name a library of the vendor's.",
        "a list of libraries that are let in was written before the newest ones",
        "sdk.*.accepted sdk.*.reaction sdk.*-java-3-5-*.reactions sdk.*-ruby-2-5-*.reactions sdk.*-net-3-8-*.reactions",
        refuse_accepted(_is_of_library),
        requires_sdk("*"),
        extra_operations=_SDK_PATHS,
        key_words="library",
    ),
    Fault(
        "libraries-sent-to-login",
        "Sends whoever names a library to a page for people, with 302.",
        "SDKs follow the redirect without the events, and take the page for their delivery",
        "sdk.*.accepted sdk.*.reaction",
        _send_to_login,
        requires_sdk("*"),
        extra_operations=_SDK_PATHS,
        key_words="library",
    ),
    Fault(
        "success-as-text",
        "Answers a success with text on a path where the SDK reads JSON.",
        "an SDK that can't read the body of a success sends the same events again",
        "accept.answer.body sdk.*-java-3-5-*.reaction sdk.*-ruby-2-5-*.reaction",
        _answer_with_text,
        requires_sdk("*-java-3-5-*"),
        extra_operations=("/v1/import", "/v1/import/"),
        key_words="body",
    ),
)
