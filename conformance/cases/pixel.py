"""Pixels: an event in the query of a GET, as base64 of its JSON."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import expect
from conformance.cases._steps import accepted, reports, spoilt
from conformance.catalogue import OF_FORM, PIXELS, check
from conformance.model import Level
from conformance.payloads.draft import standard
from conformance.payloads.spoils import BAD_PIXEL
from conformance.profile.facts import Scheme

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.engine import Steps
    from conformance.payloads import Call, Draft
    from conformance.payloads.spoils import Spoil

ACCEPTED = "answers.accepted"


@check(
    "pixel.event.minimal",
    "The smallest event is accepted as a pixel.",
    fact=ACCEPTED,
    kinds=PIXELS,
    opens=True,
)
def minimal(call: Call) -> Steps:
    """Every single call has a pixel, for places where only an image can be loaded."""
    return (yield from accepted([("the smallest event as a pixel", call.minimal())]))


@check("pixel.event.full", "An event with every documented field is accepted as a pixel.",
       fact=ACCEPTED, kinds=PIXELS)  # fmt: skip
def full(call: Call) -> Steps:
    """A pixel carries the same payload as a POST."""
    return (yield from accepted([("a full event as a pixel", call.full())]))


@check("pixel.event.example", "The documented pixel is accepted.", fact=ACCEPTED, kinds=PIXELS)
def example(call: Call) -> Steps:
    """The example is what everybody tries first."""
    return (yield from accepted([("the documented pixel", call.example())]))


@check("pixel.{slug}", "{words} is answered as documented.", kinds=PIXELS, fact=OF_FORM, forms=BAD_PIXEL)
def bad(call: Call, spoil: Spoil) -> Steps:
    """Nobody sees the answer to a pixel; the logs of the page's author should still tell good from bad."""
    return (yield from spoilt(call, spoil))


@dataclass(frozen=True, slots=True)
class Encoding:
    """A way to write an event into an address."""

    slug: str
    words: str
    encode: Callable[[bytes], str]


def _url_safe(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).decode()


STANDARD = (Encoding("standard", "standard base64, with + and / in it", standard),)
OTHERS = (
    Encoding("unpadded", "base64 without its padding", lambda body: standard(body).rstrip("=")),
    Encoding("url-safe", "url-safe base64", _url_safe),
    Encoding("url-safe-unpadded", "url-safe base64 without its padding",
             lambda body: _url_safe(body).rstrip("=")),
)  # fmt: skip
_TELLING = ("~~~???>>>",) * 3
"""A text that is written with + or / in base64 wherever it stands; each time one letter longer."""


def _in(call: Call, form: Encoding) -> Iterator[tuple[str, Draft]]:
    """Pixels in an encoding, of several lengths, with the characters that tell encodings apart."""
    where = f"{call.type.open or ''}/conformance_text"
    for number, telling in enumerate(_TELLING):
        draft = call.event().put(where, telling + "a" * number).encoded(form.encode)
        yield f"a pixel in {form.words}", draft


@check("pixel.encoding.{slug}", "A pixel in {words} is accepted.", fact=ACCEPTED, kinds=PIXELS,
       forms=STANDARD)  # fmt: skip
def encoding(call: Call, form: Encoding) -> Steps:
    """The documents say base64, which has characters that mean something else in an address."""
    return (yield from accepted(_in(call, form)))


@check("pixel.encoding.{slug}", "Whether a pixel in {words} is accepted is reported.",
       fact="rules.undocumented", kinds=PIXELS, cap=Level.MAY, observes=True, forms=OTHERS)  # fmt: skip
def other_encoding(call: Call, form: Encoding) -> Steps:
    """Some libraries write base64's variant for addresses, or leave the padding out."""
    expect.control((yield call.control()))
    return (yield from reports(_in(call, form)))


@check("pixel.key.elsewhere", "Whether a pixel takes its key from a header or the query is reported.",
       fact="rules.undocumented", kinds=PIXELS, cap=Level.MAY, observes=True)  # fmt: skip
def key_elsewhere(call: Call) -> Steps:
    """The example has the key inside the data; other routes of the same vendor take it elsewhere."""
    expect.control((yield call.control()))
    schemes = [item for item in (Scheme.BASIC, Scheme.QUERY) if call.contract.states(f"credentials.{item}")]
    drafts = [(f"the key by {item}", call.event().by(call.credentials(item))) for item in schemes]
    return (yield from reports(drafts))


@check("pixel.status.bad", "No bad pixel is answered as the server's own failure.",
       fact="rules.no-server-error", kinds=PIXELS)  # fmt: skip
def status(call: Call) -> Steps:
    """Anybody can call a pixel with anything."""
    expect.control((yield call.control()))
    for spoil in BAD_PIXEL:
        expect.no_server_error((yield spoil.make(call).unanswered()), spoil.words)
    return None
