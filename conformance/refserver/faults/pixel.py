"""Faults in pixels, and in what webhooks carry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.model import Kind
from conformance.refserver.faults.fault import Fault, has
from conformance.refserver.faults.twists import (
    PIXEL,
    WEBHOOK,
    accepting,
    answering,
    crashing,
    refusing,
)

if TYPE_CHECKING:
    from conformance.refserver.change import Sight

_MISSING, _INVALID, _IDENTITY = (
    f"answers.pixel-{word}" for word in ("data-missing", "data-invalid", "identity-missing")
)
_PIXELS, _WEBHOOKS = has(Kind.PIXEL), has(Kind.WEBHOOK)


def _data(sight: Sight) -> str:
    """The data of a pixel, as it was written; empty elsewhere."""
    return sight.incoming.query.get(sight.contract.pixel_parameter, "") if PIXEL(sight) else ""


def _size(sight: Sight) -> int:
    return len(sight.document) if isinstance(sight.document, dict) else 0


def _is_full(sight: Sight) -> bool:
    """Whether an event has many fields."""
    return _size(sight) > 6


FAULTS = (
    Fault("pixels-taken-unread", "Answers 200 to every pixel, whatever its data.",
          "an image is an image: nobody sees the answer",
          "pixel.data.not-base64 pixel.data.not-json pixel.data.truncated pixel.data.array",
          accepting(_INVALID), _PIXELS),
    Fault("pixels-without-data-accepted", "Answers 200 to a pixel without data.",
          "the image is sent in any case", "pixel.data.missing pixel.data.empty", accepting(_MISSING),
          _PIXELS),
    Fault("pixels-crash", "Fails on a pixel without data.", "a decoder gets nothing to decode",
          "pixel.data.missing pixel.data.empty pixel.status.bad", crashing(_MISSING), _PIXELS),
    Fault("pixel-base64-crash", "Fails on a pixel whose data is not base64.", "a decoder raises",
          "pixel.data.not-base64 pixel.status.bad",
          crashing(_INVALID, when=lambda sight: "!" in _data(sight)), _PIXELS),
    Fault("pixel-404", "Answers a bad pixel with 404.", "no image was found",
          "pixel.data.not-json pixel.data.array", answering(404, _INVALID), _PIXELS),
    Fault("pixel-lists-accepted", "Takes a list as a pixel's data.", "it is valid JSON", "pixel.data.array",
          accepting(_INVALID, when=lambda sight: isinstance(sight.document, list)), _PIXELS),
    Fault("pixel-mended", "Mends the JSON of a pixel that breaks off.", "browsers cut long addresses",
          "pixel.data.truncated",
          accepting(_INVALID, when=lambda sight: sight.text[:1] == "{" and sight.text[-1:] != "}"), _PIXELS),
    Fault("pixel-identity-unchecked", "Takes pixels of nobody.", "only posts are examined",
          "pixel.identity.missing", accepting(_IDENTITY), _PIXELS),
    Fault("pixel-fields-refused", "Takes only small pixels.", "addresses are cut somewhere",
          "pixel.event.full", refusing(lambda sight: PIXEL(sight) and _is_full(sight)), _PIXELS),
    Fault("pixel-needs-context", "Refuses a pixel without a context.", "the SDK's pixels have one",
          "pixel.event.minimal", refusing(lambda sight: PIXEL(sight) and '"context"' not in sight.text),
          _PIXELS),
    Fault("pixel-example-refused", "Refuses the documented pixel.", "message ids that are numbers",
          "pixel.event.example", refusing(lambda sight: PIXEL(sight) and "1234567890" in sight.text),
          _PIXELS),
    Fault("pixel-plus-as-space", "Reads a plus in base64 as a space.", "an address is decoded once too often",
          "pixel.encoding.standard", refusing(lambda sight: "+" in _data(sight)), _PIXELS),
    Fault("pixel-padding-needed", "Refuses base64 without its padding.", "people want to know",
          "pixel.encoding.unpadded pixel.encoding.url-safe-unpadded",
          refusing(lambda sight: len(_data(sight)) % 4 > 0), _PIXELS),
    Fault("pixel-url-safe-refused", "Refuses the variant of base64 for addresses.", "people want to know",
          "pixel.encoding.url-safe pixel.encoding.url-safe-unpadded",
          refusing(lambda sight: bool(re.search("[-_]", _data(sight)))), _PIXELS),
    Fault("webhook-fields-refused", "Takes only small webhooks.", "a schema of its own", "webhook.event.full",
          refusing(lambda sight: WEBHOOK(sight) and _is_full(sight)), _WEBHOOKS),
    Fault("webhook-needs-context", "Refuses a webhook without a context.", "other systems send none",
          "webhook.event.minimal", refusing(lambda sight: WEBHOOK(sight) and '"context"' not in sight.text),
          _WEBHOOKS),
    Fault("webhook-crash", "Fails on a webhook without a key.", "a parameter that is not there",
          "webhook.key.missing webhook.status.bad", crashing("answers.webhook-key-missing"), _WEBHOOKS),
    Fault("webhook-403", "Answers a wrong key in a webhook's address with 403.",
          "other systems know the documents",
          "webhook.key.unknown webhook.key.suffixed webhook.key.overridden",
          answering(403, "answers.webhook-key-unknown"), _WEBHOOKS),
)  # fmt: skip
