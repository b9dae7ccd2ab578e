"""Faults in how a Content-Type is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.refserver.faults.fault import (
    Fault,
    requires_sdk,
)
from conformance.refserver.faults.response_overrides import (
    HAS_JSON_BODY,
    crash_on,
    refuse_accepted,
)

if TYPE_CHECKING:
    from conformance.refserver.faults.response_overrides import RequestPredicate
    from conformance.refserver.server_change import RequestView


def _content_type(view: RequestView) -> str:
    return view.request.headers.get("content-type", "")


def _has_content_type_with(*words: str) -> RequestPredicate:
    """Holds where JSON comes under a type that has one of these words in it; none for no type at all."""
    return lambda view: (
        HAS_JSON_BODY(view)
        and (any(word in _content_type(view) for word in words) if words else not _content_type(view))
    )


FAULTS = (
    Fault(
        "charset-refused",
        "Compares the Content-Type letter by letter.",
        "most clients add a charset",
        "content-type.json.charset",
        refuse_accepted(lambda view: HAS_JSON_BODY(view) and ";" in _content_type(view), 415),
        key_words="charset",
    ),
    Fault(
        "text-refused",
        "Refuses JSON under text/plain.",
        "allowed, but users want to know",
        "content-type.other.text-plain",
        refuse_accepted(_has_content_type_with("text/plain"), 415),
        key_words="text/plain",
    ),
    Fault(
        "xml-crash",
        "Fails on JSON under the type of XML.",
        "a parser is chosen by the type, and raises",
        "content-type.other.status",
        crash_on(when=_has_content_type_with("xml")),
        extra_operations=("identify", "page", "group"),
    ),
    Fault(
        "browser-text-refused",
        "Refuses what browsers send as text/plain.",
        "it spares them a preflight",
        "content-type.other.text-plain sdk.*-next-*.accepted",
        refuse_accepted(_has_content_type_with("text/plain"), 415),
        requires_sdk("*-next-*"),
        extra_operations=("/v1/t", "/v1/b"),
        key_words="analytics-next refused",
    ),
    Fault(
        "forms-refused",
        "Refuses JSON labelled as a form.",
        "allowed, but users want to know",
        "content-type.other.form",
        refuse_accepted(_has_content_type_with("x-www-form-urlencoded"), 415),
        key_words="form",
    ),
    Fault(
        "packed-forms-refused",
        "Refuses packed JSON labelled as a form.",
        "an official Node SDK sends it so",
        "sdk.*-node-3-0-*.accepted",
        refuse_accepted(
            lambda view: (
                "content-encoding" in view.request.headers and _has_content_type_with("x-www-form-urlencoded")(view)
            ),
            415,
        ),
        requires_sdk("*-node-3-0-*"),
        extra_operations=("batch",),
        key_words="415",
    ),
    Fault(
        "xml-refused",
        "Refuses JSON labelled as XML.",
        "allowed, but users want to know",
        "content-type.other.xml",
        refuse_accepted(_has_content_type_with("xml"), 415),
        key_words="xml",
    ),
    Fault(
        "untyped-refused",
        "Refuses JSON without a Content-Type.",
        "allowed, but users want to know",
        "content-type.other.missing",
        refuse_accepted(_has_content_type_with(), 415),
        key_words="without Content-Type",
    ),
)
