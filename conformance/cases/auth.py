"""Who may send: no key, a wrong key, and a key in the wrong clothes, on every path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._steps import spoilt
from conformance.catalogue import OF_FORM, check
from conformance.payloads.spoils import BAD_HEADER, WRONG_BODY_KEY, WRONG_KEY

if TYPE_CHECKING:
    from conformance.engine import Steps
    from conformance.payloads import Call
    from conformance.payloads.spoils import Spoil


@check("auth.{slug}", "{words} is answered as documented.", fact=OF_FORM, forms=(*BAD_HEADER, *WRONG_KEY))
def header(call: Call, spoil: Spoil) -> Steps:
    """A path that forgets to look at the key takes events from anybody."""
    return (yield from spoilt(call, spoil))


@check(
    "auth.{slug}",
    "{words} is answered as documented.",
    fact=OF_FORM,
    needs="credentials.body",
    forms=WRONG_BODY_KEY,
)
def body_key(call: Call, spoil: Spoil) -> Steps:
    """Where the body may carry the key, the key in it is looked at too."""
    return (yield from spoilt(call, spoil))
