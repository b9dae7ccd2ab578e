"""Faults in pixels, and in what webhooks carry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.refserver.faults.fault import HAS_PIXELS, HAS_WEBHOOKS, Fault
from conformance.refserver.faults.response_overrides import (
    IS_PIXEL,
    IS_WEBHOOK,
    accept_refused,
    change_refusal_status,
    crash_on,
    refuse_accepted,
)

if TYPE_CHECKING:
    from conformance.refserver.server_change import RequestView

_MISSING, _INVALID, _IDENTITY = (
    f"answers.pixel-{word}" for word in ("data-missing", "data-invalid", "identity-missing")
)


def _pixel_data(view: RequestView) -> str:
    """The data of a pixel, as it was written; empty elsewhere."""
    return view.request.query.get(view.contract.pixel_parameter, "") if IS_PIXEL(view) else ""


def _field_count(view: RequestView) -> int:
    return len(view.document) if isinstance(view.document, dict) else 0


def _has_many_fields(view: RequestView) -> bool:
    """Whether an event has many fields."""
    return _field_count(view) > 6


FAULTS = (
    Fault(
        "pixels-taken-unread",
        "Answers 200 to every pixel, whatever its data.",
        "an image is an image: nobody sees the answer",
        "pixel.data.not-base64 pixel.data.not-json pixel.data.truncated pixel.data.array",
        accept_refused(_INVALID),
        HAS_PIXELS,
        key_words="pixel data accepted",
    ),
    Fault(
        "pixels-without-data-accepted",
        "Answers 200 to a pixel without data.",
        "the image is sent in any case",
        "pixel.data.missing pixel.data.empty",
        accept_refused(_MISSING),
        HAS_PIXELS,
        key_words="pixel without data accepted",
    ),
    Fault(
        "pixels-crash",
        "Fails on a pixel without data.",
        "a decoder gets nothing to decode",
        "pixel.data.missing pixel.data.empty pixel.status.bad",
        crash_on(_MISSING),
        HAS_PIXELS,
        key_words="pixel without data 500",
    ),
    Fault(
        "pixel-base64-crash",
        "Fails on a pixel whose data is not base64.",
        "a decoder raises",
        "pixel.data.not-base64 pixel.status.bad",
        crash_on(_INVALID, when=lambda view: "!" in _pixel_data(view)),
        HAS_PIXELS,
        key_words="pixel base64 500",
    ),
    Fault(
        "pixel-404",
        "Answers a bad pixel with 404.",
        "no image was found",
        "pixel.data.not-json pixel.data.array",
        change_refusal_status(404, _INVALID),
        HAS_PIXELS,
        key_words="pixel 404",
    ),
    Fault(
        "pixel-lists-accepted",
        "Takes a list as a pixel's data.",
        "it is valid JSON",
        "pixel.data.array",
        accept_refused(_INVALID, when=lambda view: isinstance(view.document, list)),
        HAS_PIXELS,
        key_words="pixel array",
    ),
    Fault(
        "pixel-mended",
        "Repairs the JSON of a pixel that is cut off.",
        "browsers cut long addresses",
        "pixel.data.truncated",
        accept_refused(_INVALID, when=lambda view: view.body_text[:1] == "{" and view.body_text[-1:] != "}"),
        HAS_PIXELS,
        key_words="pixel last byte accepted",
    ),
    Fault(
        "pixel-identity-unchecked",
        "Accepts pixels without a user.",
        "only posts are examined",
        "pixel.identity.missing",
        accept_refused(_IDENTITY),
        HAS_PIXELS,
        key_words="pixel no user accepted",
    ),
    Fault(
        "pixel-fields-refused",
        "Takes only small pixels.",
        "addresses are cut somewhere",
        "pixel.event.full",
        refuse_accepted(lambda view: IS_PIXEL(view) and _has_many_fields(view)),
        HAS_PIXELS,
        key_words="pixel refused",
    ),
    Fault(
        "pixel-needs-context",
        "Refuses a pixel without a context.",
        "the SDK's pixels have one",
        "pixel.event.minimal",
        refuse_accepted(lambda view: IS_PIXEL(view) and '"context"' not in view.body_text),
        HAS_PIXELS,
        key_words="pixel context",
    ),
    Fault(
        "pixel-example-refused",
        "Refuses the documented pixel.",
        "message ids that are numbers",
        "pixel.event.example",
        refuse_accepted(lambda view: IS_PIXEL(view) and "1234567890" in view.body_text),
        HAS_PIXELS,
        key_words="documented pixel",
    ),
    Fault(
        "pixel-plus-as-space",
        "Reads a plus in base64 as a space.",
        "an address is decoded once too often",
        "pixel.encoding.standard",
        refuse_accepted(lambda view: "+" in _pixel_data(view)),
        HAS_PIXELS,
        key_words="pixel base64",
    ),
    Fault(
        "pixel-padding-needed",
        "Refuses base64 without its padding.",
        "not documented, but users want to know",
        "pixel.encoding.unpadded pixel.encoding.url-safe-unpadded",
        refuse_accepted(lambda view: len(_pixel_data(view)) % 4 > 0),
        HAS_PIXELS,
        key_words="pixel padding",
    ),
    Fault(
        "pixel-url-safe-refused",
        "Refuses the variant of base64 for addresses.",
        "not documented, but users want to know",
        "pixel.encoding.url-safe pixel.encoding.url-safe-unpadded",
        refuse_accepted(lambda view: bool(re.search("[-_]", _pixel_data(view)))),
        HAS_PIXELS,
        key_words="pixel base64",
    ),
    Fault(
        "webhook-fields-refused",
        "Takes only small webhooks.",
        "a schema of its own",
        "webhook.event.full",
        refuse_accepted(lambda view: IS_WEBHOOK(view) and _has_many_fields(view)),
        HAS_WEBHOOKS,
        key_words="full event",
    ),
    Fault(
        "webhook-needs-context",
        "Refuses a webhook without a context.",
        "other systems send none",
        "webhook.event.minimal",
        refuse_accepted(lambda view: IS_WEBHOOK(view) and '"context"' not in view.body_text),
        HAS_WEBHOOKS,
        key_words="context refused",
    ),
    Fault(
        "webhook-crash",
        "Fails on a webhook without a key.",
        "a parameter that is not there",
        "webhook.key.missing webhook.status.bad",
        crash_on("answers.webhook-key-missing"),
        HAS_WEBHOOKS,
        key_words="webhook without a key 500",
    ),
    Fault(
        "webhook-403",
        "Answers a wrong key in a webhook's address with 403.",
        "other systems know the documents",
        "webhook.key.unknown webhook.key.suffixed webhook.key.overridden",
        change_refusal_status(403, "answers.webhook-key-unknown"),
        HAS_WEBHOOKS,
        key_words="webhook key 403",
    ),
)
