"""Pixels: an event in the query of a GET, as base64 of its JSON."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.cases._steps import describe_outcomes, expect_all_accepted, expect_documented_refusal
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import FACT_OF_PARAMETER, PIXELS
from conformance.core.model import Level
from conformance.profile.facts import AuthScheme
from conformance.requests.draft import encode_standard_base64
from conformance.requests.invalid_cases import INVALID_PIXEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.requests import Call, Draft
    from conformance.requests.invalid_cases import InvalidCase
    from conformance.requests.steps import Steps

ACCEPTED = "answers.accepted"


@check(
    "pixel.event.minimal",
    "The smallest event is accepted as a pixel.",
    fact=ACCEPTED,
    kinds=PIXELS,
    ignores_preflight=True,
)
def minimal_event(call: Call) -> Steps:
    """Every single call has a pixel, for places where only an image can be loaded."""
    return (yield from expect_all_accepted([("the smallest event as a pixel", call.minimal_request())]))


@check("pixel.event.full", "An event with every documented field is accepted as a pixel.",
       fact=ACCEPTED, kinds=PIXELS)  # fmt: skip
def full_event(call: Call) -> Steps:
    """A pixel carries the same payload as a POST."""
    return (yield from expect_all_accepted([("a full event as a pixel", call.full_request())]))


@check("pixel.event.example", "The documented pixel is accepted.", fact=ACCEPTED, kinds=PIXELS)
def documented_example(call: Call) -> Steps:
    """The example is what everybody tries first."""
    return (yield from expect_all_accepted([("the documented pixel", call.example_request())]))


@check(
    "pixel.{slug}",
    "{description} is answered as documented.",
    kinds=PIXELS,
    fact=FACT_OF_PARAMETER,
    parameters=INVALID_PIXEL,
)
def invalid_pixel(call: Call, invalid_case: InvalidCase) -> Steps:
    """Nobody sees the answer to a pixel; the logs of the page's author should still tell good from bad."""
    return (yield from expect_documented_refusal(call, invalid_case))


@dataclass(frozen=True, slots=True)
class PixelEncoding:
    """A way to write an event into an address."""

    slug: str
    description: str
    encode: Callable[[bytes], str]


def _url_safe(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).decode()


STANDARD_ENCODINGS = (PixelEncoding("standard", "standard base64, with + and / in it", encode_standard_base64),)
OTHER_ENCODINGS = (
    PixelEncoding("unpadded", "base64 without its padding", lambda body: encode_standard_base64(body).rstrip("=")),
    PixelEncoding("url-safe", "url-safe base64", _url_safe),
    PixelEncoding("url-safe-unpadded", "url-safe base64 without its padding",
             lambda body: _url_safe(body).rstrip("=")),
)  # fmt: skip
_REVEALING_TEXTS = ("~~~???>>>",) * 3
"""A text that is written with + or / in base64 wherever it stands; each time one letter longer."""


def _encoded_pixels(call: Call, encoding_variant: PixelEncoding) -> Iterator[tuple[str, Draft]]:
    """Pixels in an encoding, of several lengths, with the characters that tell encodings apart."""
    text_pointer = f"{call.event_type.open_object or ''}/conformance_text"
    for number, revealing_text in enumerate(_REVEALING_TEXTS):
        draft = (
            call.acceptable_request()
            .with_field(text_pointer, revealing_text + "a" * number)
            .with_pixel_encoding(encoding_variant.encode)
        )
        yield f"a pixel in {encoding_variant.description}", draft


@check("pixel.encoding.{slug}", "A pixel in {description} is accepted.", fact=ACCEPTED, kinds=PIXELS,
       parameters=STANDARD_ENCODINGS)  # fmt: skip
def standard_encoding(call: Call, encoding_variant: PixelEncoding) -> Steps:
    """The documents say base64, which has characters that mean something else in an address."""
    return (yield from expect_all_accepted(_encoded_pixels(call, encoding_variant)))


@check(
    "pixel.encoding.{slug}",
    "Whether a pixel in {description} is accepted is reported.",
    fact="rules.undocumented",
    kinds=PIXELS,
    max_level=Level.MAY,
    observes=True,
    parameters=OTHER_ENCODINGS,
)
def other_encoding(call: Call, encoding_variant: PixelEncoding) -> Steps:
    """Some libraries write base64's variant for addresses, or leave the padding out."""
    expect.control((yield call.control_request()))
    return (yield from describe_outcomes(_encoded_pixels(call, encoding_variant)))


@check("pixel.key.elsewhere", "Whether a pixel takes its key from a header or the query is reported.",
       fact="rules.undocumented", kinds=PIXELS, max_level=Level.MAY, observes=True)  # fmt: skip
def key_elsewhere(call: Call) -> Steps:
    """The example has the key inside the data; other routes of the same vendor take it elsewhere."""
    expect.control((yield call.control_request()))
    schemes = [item for item in (AuthScheme.BASIC, AuthScheme.QUERY) if call.contract.has_fact(f"credentials.{item}")]
    drafts = [
        (f"the key by {item}", call.acceptable_request().with_credentials(call.credentials(item))) for item in schemes
    ]
    return (yield from describe_outcomes(drafts))


@check("pixel.status.bad", "No bad pixel is answered as the server's own failure.",
       fact="rules.no-server-error", kinds=PIXELS)  # fmt: skip
def invalid_pixel_status(call: Call) -> Steps:
    """Anybody can call a pixel with anything."""
    expect.control((yield call.control_request()))
    for invalid_case in INVALID_PIXEL:
        expect.no_server_error((yield invalid_case.make_draft(call).allowing_no_answer()), invalid_case.description)
    return None
