"""Pixels: an event in the query of a GET, as base64 of its JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import expect
from conformance.cases._steps import accepted, spoilt
from conformance.catalogue import OF_FORM, PIXELS, check
from conformance.payloads.spoils import BAD_PIXEL

if TYPE_CHECKING:
    from conformance.engine import Steps
    from conformance.payloads import Call
    from conformance.payloads.spoils import Spoil


@check(
    "pixel.event.minimal",
    "The smallest event is accepted as a pixel.",
    fact="answers.accepted",
    kinds=PIXELS,
    opens=True,
)
def minimal(call: Call) -> Steps:
    """Every single call has a pixel, for places where only an image can be loaded."""
    return (yield from accepted([("the smallest event as a pixel", call.minimal())]))


@check("pixel.event.full", "An event with every documented field is accepted as a pixel.",
       fact="answers.accepted", kinds=PIXELS)  # fmt: skip
def full(call: Call) -> Steps:
    """A pixel carries the same payload as a POST."""
    return (yield from accepted([("a full event as a pixel", call.full())]))


@check("pixel.event.example", "The documented pixel is accepted.", fact="answers.accepted", kinds=PIXELS)
def example(call: Call) -> Steps:
    """The example is what everybody tries first."""
    return (yield from accepted([("the documented pixel", call.example())]))


@check("pixel.{slug}", "{words} is answered as documented.", kinds=PIXELS, fact=OF_FORM, forms=BAD_PIXEL)
def bad(call: Call, spoil: Spoil) -> Steps:
    """Nobody sees the answer to a pixel; the logs of the page's author should still tell good from bad."""
    return (yield from spoilt(call, spoil))


@check("pixel.status.bad", "No bad pixel is answered as the server's own failure.",
       fact="rules.no-server-error", kinds=PIXELS)  # fmt: skip
def status(call: Call) -> Steps:
    """Anybody can call a pixel with anything."""
    expect.control((yield call.control()))
    for spoil in BAD_PIXEL:
        expect.no_server_error((yield spoil.make(call).unanswered()), spoil.words)
    return None
