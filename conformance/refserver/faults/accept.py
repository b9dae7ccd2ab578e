"""Faults in the answers to valid requests, and in where their key may be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.profile.body_format import BodyFormat
from conformance.profile.facts import AuthScheme, ResponseBody
from conformance.refserver.faults import credentials
from conformance.refserver.faults.fault import Fault, requires_facts
from conformance.refserver.faults.response_overrides import (
    IS_EVENT,
    IS_PIXEL,
    IS_WEBHOOK,
    is_not_options,
    refuse_accepted,
)

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.refserver.replies import ServerReply
    from conformance.refserver.server_change import RequestView, ResponseOverride


def _edit_success(
    status: int | None = None, media_type: str | None = None, body: bytes | None = None
) -> ResponseOverride:
    """Changes parts of the answer to single events and batches that are accepted."""

    def override(view: RequestView) -> ServerReply | None:
        if not view.is_accepted or not is_not_options(view) or IS_PIXEL(view) or IS_WEBHOOK(view):
            return None
        reply = view.correct_reply()
        return replace(
            reply,
            status=status or reply.status,
            media_type=media_type or reply.media_type,
            body=reply.body if body is None else body,
        )

    return override


def _has_key_header(view: RequestView) -> bool:
    """Whether the key is in the header that the documents name."""
    return view.contract.credential_carrier(AuthScheme.HEADER).lower() in view.request.headers


def _has_key_in_body_only(view: RequestView) -> bool:
    """Whether the key of a post is in its body alone."""
    return credentials.has_no_authorization(view) and view.request.method == "POST" and not IS_WEBHOOK(view)


def _has_success_without_content(contract: Contract) -> bool:
    """Fits where success has no content."""
    body = contract.profile.facts.get("bodies.accepted")
    return isinstance(body, ResponseBody) and body.body_format is BodyFormat.EMPTY


def _takes_source_id(view: RequestView) -> bool:
    """Whether the path takes the id of a source in place of a key."""
    operation = view.decision.operation
    return operation is not None and view.contract.for_operation(operation).default_scheme is AuthScheme.SOURCE_ID


FAULTS = (
    Fault(
        "created",
        "Answers 201 where another success is documented.",
        "frameworks answer 201 to a POST by themselves; an SDK that compares with 200 sends again",
        "accept.event.minimal accept.event.full accept.event.example accept.credentials.basic",
        _edit_success(status=201),
        key_words="201",
    ),
    Fault(
        "success-as-page",
        "Answers success with an HTML page.",
        "a proxy's page looks like success to clients that only read the status",
        "accept.answer.body accept.answer.text",
        _edit_success(media_type="text/html", body=b"<html><body>Thanks!</body></html>", status=200),
        requires_facts("bodies.accepted-text"),
        key_words="text/html",
    ),
    Fault(
        "success-with-words",
        "Answers 200 with a text where success has no content.",
        "a client that expects nothing leaves the bytes on the connection",
        "accept.answer.body accept.event.minimal accept.event.full",
        _edit_success(media_type="text/plain", body=b"OK", status=200),
        _has_success_without_content,
        key_words="200",
    ),
    Fault(
        "success-text-other",
        "Answers with another text than the documented one.",
        "clients compare the text",
        "accept.answer.text",
        _edit_success(body=b"accepted"),
        requires_facts("bodies.accepted-text"),
        key_words="body OK accepted",
    ),
    Fault(
        "basic-refused",
        "Takes the key from the body alone, not from HTTP Basic.",
        "servers that grew out of a browser's endpoint know no headers",
        "accept.credentials.basic",
        refuse_accepted(lambda view: credentials.auth_scheme(view) == "Basic" and IS_EVENT(view), 401),
        requires_facts("credentials.body"),
        key_words="Basic 401",
    ),
    Fault(
        "colon-needed",
        "Refuses a Basic token without the colon after the key.",
        "the documents' own example has none",
        "accept.credentials.without-colon",
        refuse_accepted(lambda view: ":" not in (credentials.basic_user_and_password(view) or ":"), 401),
        requires_facts("credentials.basic-without-colon"),
        key_words="without a colon",
    ),
    Fault(
        "body-key-refused",
        "Looks for the key in a header alone.",
        "older SDKs send no header at all",
        "accept.credentials.body accept.credentials.example sdk.*-python-2-3-*.accepted "
        "sdk.*-mobile.accepted sdk.*-android-*.accepted",
        refuse_accepted(_has_key_in_body_only, 401),
        requires_facts("credentials.body"),
        extra_operations=("batch",),
        key_words="key in the body",
    ),
    Fault(
        "source-id-later",
        "Answers 202 to the id of a source, which it looks up later.",
        "the path was made for batch jobs",
        "accept.credentials.source-id accept.event.minimal accept.event.full",
        lambda view: view.server.success_reply(202) if view.is_accepted and _takes_source_id(view) else None,
        requires_facts("credentials.source-id"),
        extra_operations=("internal",),
        key_words="202",
    ),
    Fault(
        "bearer-refused",
        "Does not accept access tokens.",
        "newer SDKs offer OAuth",
        "accept.credentials.bearer",
        refuse_accepted(lambda view: credentials.auth_scheme(view).lower() == "bearer", 401),
        requires_facts("credentials.bearer"),
        key_words="bearer refused",
    ),
    Fault(
        "header-refused",
        "Ignores the key's own header.",
        "it is the documented way",
        "accept.credentials.header",
        refuse_accepted(_has_key_header, 401),
        requires_facts("credentials.header", "credentials.body"),
        key_words="key header refused",
    ),
    Fault(
        "scheme-case-sensitive",
        "Accepts the scheme Basic with a capital letter only.",
        "some clients write it in lower case",
        "accept.credentials.scheme-case",
        refuse_accepted(lambda view: credentials.auth_scheme(view) == "basic", 401),
        key_words="scheme basic refused",
    ),
)
