"""Faults in pixels, and in what webhooks carry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.core.model import OperationKind
from conformance.refserver.faults.fault import Fault, requires_kinds
from conformance.refserver.faults.response_overrides import (
    IS_PIXEL,
    IS_WEBHOOK,
    accept_refused,
    change_refusal_status,
    crash_on,
    refuse_accepted,
)

if TYPE_CHECKING:
    from conformance.refserver.fault_change import RequestView

_MISSING, _INVALID, _IDENTITY = (
    f"answers.pixel-{word}" for word in ("data-missing", "data-invalid", "identity-missing")
)
_HAS_PIXELS, _HAS_WEBHOOKS = requires_kinds(OperationKind.PIXEL), requires_kinds(OperationKind.WEBHOOK)


def _pixel_data(sight: RequestView) -> str:
    """The data of a pixel, as it was written; empty elsewhere."""
    return sight.request.query.get(sight.contract.pixel_parameter, "") if IS_PIXEL(sight) else ""


def _field_count(sight: RequestView) -> int:
    return len(sight.document) if isinstance(sight.document, dict) else 0


def _has_many_fields(sight: RequestView) -> bool:
    """Whether an event has many fields."""
    return _field_count(sight) > 6


FAULTS = (
    Fault(
        "pixels-taken-unread",
        "Answers 200 to every pixel, whatever its data.",
        "an image is an image: nobody sees the answer",
        "pixel.data.not-base64 pixel.data.not-json pixel.data.truncated pixel.data.array",
        accept_refused(_INVALID),
        _HAS_PIXELS,
    ),
    Fault(
        "pixels-without-data-accepted",
        "Answers 200 to a pixel without data.",
        "the image is sent in any case",
        "pixel.data.missing pixel.data.empty",
        accept_refused(_MISSING),
        _HAS_PIXELS,
    ),
    Fault(
        "pixels-crash",
        "Fails on a pixel without data.",
        "a decoder gets nothing to decode",
        "pixel.data.missing pixel.data.empty pixel.status.bad",
        crash_on(_MISSING),
        _HAS_PIXELS,
    ),
    Fault(
        "pixel-base64-crash",
        "Fails on a pixel whose data is not base64.",
        "a decoder raises",
        "pixel.data.not-base64 pixel.status.bad",
        crash_on(_INVALID, when=lambda sight: "!" in _pixel_data(sight)),
        _HAS_PIXELS,
    ),
    Fault(
        "pixel-404",
        "Answers a bad pixel with 404.",
        "no image was found",
        "pixel.data.not-json pixel.data.array",
        change_refusal_status(404, _INVALID),
        _HAS_PIXELS,
    ),
    Fault(
        "pixel-lists-accepted",
        "Takes a list as a pixel's data.",
        "it is valid JSON",
        "pixel.data.array",
        accept_refused(_INVALID, when=lambda sight: isinstance(sight.document, list)),
        _HAS_PIXELS,
    ),
    Fault(
        "pixel-mended",
        "Mends the JSON of a pixel that breaks off.",
        "browsers cut long addresses",
        "pixel.data.truncated",
        accept_refused(_INVALID, when=lambda sight: sight.body_text[:1] == "{" and sight.body_text[-1:] != "}"),
        _HAS_PIXELS,
    ),
    Fault(
        "pixel-identity-unchecked",
        "Takes pixels of nobody.",
        "only posts are examined",
        "pixel.identity.missing",
        accept_refused(_IDENTITY),
        _HAS_PIXELS,
    ),
    Fault(
        "pixel-fields-refused",
        "Takes only small pixels.",
        "addresses are cut somewhere",
        "pixel.event.full",
        refuse_accepted(lambda sight: IS_PIXEL(sight) and _has_many_fields(sight)),
        _HAS_PIXELS,
    ),
    Fault(
        "pixel-needs-context",
        "Refuses a pixel without a context.",
        "the SDK's pixels have one",
        "pixel.event.minimal",
        refuse_accepted(lambda sight: IS_PIXEL(sight) and '"context"' not in sight.body_text),
        _HAS_PIXELS,
    ),
    Fault(
        "pixel-example-refused",
        "Refuses the documented pixel.",
        "message ids that are numbers",
        "pixel.event.example",
        refuse_accepted(lambda sight: IS_PIXEL(sight) and "1234567890" in sight.body_text),
        _HAS_PIXELS,
    ),
    Fault(
        "pixel-plus-as-space",
        "Reads a plus in base64 as a space.",
        "an address is decoded once too often",
        "pixel.encoding.standard",
        refuse_accepted(lambda sight: "+" in _pixel_data(sight)),
        _HAS_PIXELS,
    ),
    Fault(
        "pixel-padding-needed",
        "Refuses base64 without its padding.",
        "people want to know",
        "pixel.encoding.unpadded pixel.encoding.url-safe-unpadded",
        refuse_accepted(lambda sight: len(_pixel_data(sight)) % 4 > 0),
        _HAS_PIXELS,
    ),
    Fault(
        "pixel-url-safe-refused",
        "Refuses the variant of base64 for addresses.",
        "people want to know",
        "pixel.encoding.url-safe pixel.encoding.url-safe-unpadded",
        refuse_accepted(lambda sight: bool(re.search("[-_]", _pixel_data(sight)))),
        _HAS_PIXELS,
    ),
    Fault(
        "webhook-fields-refused",
        "Takes only small webhooks.",
        "a schema of its own",
        "webhook.event.full",
        refuse_accepted(lambda sight: IS_WEBHOOK(sight) and _has_many_fields(sight)),
        _HAS_WEBHOOKS,
    ),
    Fault(
        "webhook-needs-context",
        "Refuses a webhook without a context.",
        "other systems send none",
        "webhook.event.minimal",
        refuse_accepted(lambda sight: IS_WEBHOOK(sight) and '"context"' not in sight.body_text),
        _HAS_WEBHOOKS,
    ),
    Fault(
        "webhook-crash",
        "Fails on a webhook without a key.",
        "a parameter that is not there",
        "webhook.key.missing webhook.status.bad",
        crash_on("answers.webhook-key-missing"),
        _HAS_WEBHOOKS,
    ),
    Fault(
        "webhook-403",
        "Answers a wrong key in a webhook's address with 403.",
        "other systems know the documents",
        "webhook.key.unknown webhook.key.suffixed webhook.key.overridden",
        change_refusal_status(403, "answers.webhook-key-unknown"),
        _HAS_WEBHOOKS,
    ),
)
