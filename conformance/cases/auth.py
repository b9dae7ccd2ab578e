"""Who may send: no key, a wrong key, and a key in the wrong clothes, on every path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import expect
from conformance.cases._steps import reports, spoilt
from conformance.catalogue import OF_FORM, check
from conformance.errors import Silent
from conformance.model import Level
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


@check("auth.key.padded", "Whether white space around the key is ignored is reported.",
       fact="rules.undocumented", cap=Level.MAY, observes=True)  # fmt: skip
def padded(call: Call) -> Steps:
    """Keys are pasted with a line break at their end; some servers trim, and no document decides."""
    if any(value.endswith(call.keys.write_key) for _, value in call.credentials().headers):
        raise Silent("the key is the end of a header's value, and white space around that is no part of it")
    expect.control((yield call.control()))
    drafts = [(f"the key {words}", call.event().by(call.credentials(key=key)))
              for words, key in ((r"with a line break after it", f"{call.keys.write_key}\n"),
                                 ("between spaces", f" {call.keys.write_key} "))]  # fmt: skip
    return (yield from reports(drafts))
