"""Pixels: GET requests with an event in the query, as base64 of its JSON."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.cases._steps import (
    describe_outcomes,
    expect_accepted,
    expect_all_accepted,
    expect_documented_refusal,
    expect_error_bodies,
    expect_no_server_error_for,
    expect_required_fields,
)
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import (
    ACCEPTED,
    ERROR_BODY,
    FACT_OF_PARAMETER,
    NO_SERVER_ERROR,
    PIXELS,
    REQUIRED_FIELDS,
    UNDOCUMENTED,
)
from conformance.core.model import Level, Parameter
from conformance.profile.facts import AuthScheme
from conformance.requests import send_on_one_connection
from conformance.requests.draft import encode_standard_base64
from conformance.requests.fields import free_form_pointer
from conformance.requests.invalid_credentials import INVALID_PIXEL
from conformance.requests.raw_writers import write_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.requests import Call, Draft
    from conformance.requests.invalid_cases import InvalidCase
    from conformance.requests.raw_writers import HeaderPairs
    from conformance.requests.steps import Steps


@check("pixel.event.minimal", "The smallest event is accepted as a pixel.",
       fact=ACCEPTED, kinds=PIXELS, ignores_preflight=True)  # fmt: skip
def minimal_event(call: Call) -> Steps:
    """Pixels are for places where only an image can be loaded, such as emails."""
    return (yield from expect_accepted(call, "the smallest event as a pixel", call.minimal_request(), is_usual=True))


@check("pixel.event.full", "An event with every documented field is accepted as a pixel.",
       fact=ACCEPTED, kinds=PIXELS)  # fmt: skip
def full_event(call: Call) -> Steps:
    """A pixel carries the same payload as a POST."""
    return (yield from expect_accepted(call, "a full event as a pixel", call.full_request()))


@check("pixel.event.example", "The documented pixel is accepted.", fact=ACCEPTED, kinds=PIXELS)
def documented_example(call: Call) -> Steps:
    """The example is the first request that most people try."""
    return (yield from expect_accepted(call, "the documented pixel", call.example_request()))


@check("pixel.event.as-printed", "The documented pixel is accepted as it is printed: indented, with unescaped padding.",
       fact=ACCEPTED, kinds=PIXELS)  # fmt: skip
def example_as_printed(call: Call) -> Steps:
    """People copy the address from the documents; its JSON has line breaks, and its base64 no escapes."""
    draft = call.example_request().with_json_bytes(lambda body: json.dumps(json.loads(body), indent=4).encode() + b"\n")
    expect.control((yield call.example_request()), "the documented pixel, compact and escaped")
    (exchange,) = yield from send_on_one_connection(
        draft.with_header("Connection", "close").with_raw_writer(_write_unescaped).allowing_no_answer()
    )
    expect.accepted(exchange, "the documented pixel as printed")
    return None


def _write_unescaped(start: str, headers: HeaderPairs, body: bytes) -> tuple[bytes, ...]:
    """A request whose query has the equals signs of base64 as they are."""
    return (write_request(start.replace("%3D", "="), headers, body),)


@check("pixel.required.missing", "A pixel without a required field is answered as documented.",
       fact=REQUIRED_FIELDS, kinds=PIXELS)  # fmt: skip
def required_missing(call: Call) -> Steps:
    """The same fields are required wherever an event comes from."""
    return (yield from expect_required_fields(call))


@check("pixel.errors.body", "The refusals of a pixel have the documented body and type.",
       fact=ERROR_BODY, kinds=PIXELS)  # fmt: skip
def error_bodies(call: Call) -> Steps:
    """The documents make no difference between the refusals of pixels and of posts."""
    return (yield from expect_error_bodies(call, INVALID_PIXEL))


@check(
    "pixel.{slug}",
    "{description} is answered as documented.",
    kinds=PIXELS,
    fact=FACT_OF_PARAMETER,
    parameters=INVALID_PIXEL,
)
def invalid_pixel(call: Call, invalid_case: InvalidCase) -> Steps:
    """Nobody sees the answer to a pixel, but its status lets the page's author find the mistake in the logs."""
    return (yield from expect_documented_refusal(call, invalid_case))


@dataclass(frozen=True, slots=True)
class PixelEncoding(Parameter):
    """A way to write an event into a query."""

    encode: Callable[[bytes], str]


def _url_safe(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).decode()


STANDARD_ENCODINGS = (PixelEncoding("standard", "standard base64", encode_standard_base64),)
OTHER_ENCODINGS = (
    PixelEncoding("unpadded", "base64 without its padding", lambda body: encode_standard_base64(body).rstrip("=")),
    PixelEncoding("url-safe", "url-safe base64", _url_safe),
    PixelEncoding("url-safe-unpadded", "url-safe base64 without its padding",
                  lambda body: _url_safe(body).rstrip("=")),
)  # fmt: skip
_REVEALING_TEXT = "~~~???>>>"
"""A text whose base64 has a + or a / at any offset."""


def _encoded_pixels(call: Call, encoding: PixelEncoding) -> Iterator[tuple[str, Draft]]:
    """Pixels in an encoding, with three lengths of padding and with the characters that tell encodings apart."""
    pointer = free_form_pointer(call, "conformance_text")
    for extra in range(3):
        draft = call.acceptable_request().with_field(pointer, _REVEALING_TEXT + "a" * extra)
        yield f"a pixel in {encoding.description}", draft.with_pixel_encoding(encoding.encode)


@check("pixel.encoding.{slug}", "A pixel in {description} is accepted.", fact=ACCEPTED, kinds=PIXELS,
       parameters=STANDARD_ENCODINGS)  # fmt: skip
def standard_encoding(call: Call, encoding: PixelEncoding) -> Steps:
    """Base64 has characters (+, / and =) that must be escaped in a query."""
    return (yield from expect_all_accepted(call, _encoded_pixels(call, encoding)))


@check(
    "pixel.encoding.{slug}",
    "The answer to a pixel in {description} is reported.",
    fact=UNDOCUMENTED,
    kinds=PIXELS,
    max_level=Level.MAY,
    observes=True,
    parameters=OTHER_ENCODINGS,
)
def other_encoding(call: Call, encoding: PixelEncoding) -> Steps:
    """Some libraries write url-safe base64, or leave out the padding."""
    expect.control((yield call.control_request()))
    return (yield from describe_outcomes(_encoded_pixels(call, encoding)))


@check("pixel.key.basic", "A pixel with its key in HTTP Basic is accepted.", fact="credentials.basic",
       kinds=PIXELS, max_level=Level.SHOULD)  # fmt: skip
def key_by_basic(call: Call) -> Steps:
    """The documents ask for the key in a header of every request, and a script that loads a pixel can send one."""
    expect.control((yield call.control_request()))
    draft = call.acceptable_request().with_credentials(call.credentials(AuthScheme.BASIC))
    return (yield from expect_accepted(call, "a pixel with the right key in HTTP Basic", draft))


@check("pixel.key.elsewhere", "The answer to a pixel with its key in a header or the query is reported.",
       fact=UNDOCUMENTED, kinds=PIXELS, max_level=Level.MAY, observes=True)  # fmt: skip
def key_elsewhere(call: Call) -> Steps:
    """The documented pixel has the key inside its data; other paths of the same vendor expect it elsewhere."""
    expect.control((yield call.control_request()))
    schemes = [item for item in (AuthScheme.BASIC, AuthScheme.QUERY) if call.contract.has_fact(f"credentials.{item}")]
    drafts = [
        (f"the key by {item}", call.acceptable_request().with_credentials(call.credentials(item))) for item in schemes
    ]
    return (yield from describe_outcomes(drafts))


@check("pixel.status.bad", "An invalid pixel causes no server error.",
       fact=NO_SERVER_ERROR, kinds=PIXELS)  # fmt: skip
def invalid_pixel_status(call: Call) -> Steps:
    """Crawlers and old emails request pixels with arbitrary data."""
    return (yield from expect_no_server_error_for(call, INVALID_PIXEL))
