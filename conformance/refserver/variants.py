"""Correct servers that differ: legal choices that trip naive testers. No check fails on one of them."""

from __future__ import annotations

import codecs
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance import sdks
from conformance.contract import Contract
from conformance.profile.facts import Answer, Limit
from conformance.refserver.application import Manner
from conformance.refserver.change import Change
from conformance.refserver.faults import keys, lines
from conformance.refserver.faults.fault import always, states
from conformance.refserver.faults.twists import WEBHOOK, accepting, refuse, refusing
from conformance.refserver.protocol import Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.profile.facts import Fact
    from conformance.refserver.change import Sight, Twist
    from conformance.refserver.faults.fault import Fit
    from conformance.refserver.replies import Reply

_BURST = 150
"""How many requests a throttled server takes in a second."""
_LONGEST = 99
_REFUSED = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A correct server. `does` says in what it differs from the reference server.

    Where it `is_pressed`, it is sent bursts and large volumes, too.
    """

    name: str
    does: str
    change: Change
    fits: Fit = field(default=always)
    is_pressed: bool = False


CORRECT = Variant(name="correct", does="is the reference server as it is", change=Change(), is_pressed=True)


def _restating(edit: Callable[[Answer], Answer]) -> Change:
    """A change of every answer that a contract states."""

    def fact(found: Fact) -> Fact:
        return edit(found) if isinstance(found, Answer) else found

    def restate(contract: Contract) -> Contract:
        profile = contract.profile
        events = {
            name: replace(event, required={key: edit(answer) for key, answer in event.required.items()})
            for name, event in profile.events.items()
        }
        facts = {name: fact(found) for name, found in profile.facts.items()}
        return Contract(replace(profile, events=events, facts=facts))

    return Change(restate=restate)


def _tolerating(number: int) -> Change:
    """Each answer that has so many tolerated statuses is given with that one."""

    def edit(answer: Answer) -> Answer:
        has_it = len(answer.tolerate) > number
        return replace(answer, expect=(answer.tolerate[number].status,)) if has_it else answer

    return _restating(edit)


def _answers(contract: Contract) -> list[Answer]:
    """Every answer that a contract states."""
    required = [answer for event in contract.profile.events.values() for answer in event.required.values()]
    return [*(fact for fact in contract.profile.facts.values() if isinstance(fact, Answer)), *required]


def _tolerates(count: int) -> Fit:
    return lambda contract: any(len(answer.tolerate) >= count for answer in _answers(contract))


def _thousands(answer: Answer) -> Answer:
    return replace(answer, at_most=answer.at_least) if isinstance(answer, Limit) else answer


def _throttled(sight: Sight) -> Reply | None:
    """Refuses more than so many requests within a second."""
    second = int(time.monotonic())
    sight.memory[f"second {second}"] += 1
    if sight.memory[f"second {second}"] <= _BURST:
        return None
    return refuse(sight, 429).headed(Retry_After="1", X_RateLimit_Reset="1")


def _coded(sight: Sight) -> bool:
    return "content-encoding" in sight.incoming.headers


def _blind(sight: Sight) -> Reply | None:
    """Reads what is packed as if it were not."""
    if not _coded(sight):
        return None
    headers = {name: value for name, value in sight.incoming.headers.items() if name != "content-encoding"}
    return sight.server.correct(sight.server.decide(replace(sight.incoming, headers=headers)))


def _without_cors(sight: Sight) -> Reply | None:
    """Knows nothing of OPTIONS and of other origins."""
    if sight.incoming.method == "OPTIONS":
        return refuse(sight, 405).headed(Allow="POST", Access_Control_Allow_Origin="")
    return sight.reply().headed(Access_Control_Allow_Origin="")


def _body_first(sight: Sight) -> bool:
    """Whether the right key is in the body, whatever the headers say."""
    return keys.inside(sight) == sight.server.admission.write_key and not WEBHOOK(sight)


def _long_id(sight: Sight) -> bool:
    where = sight.contract.profile.pointers.message_id
    return any(isinstance(value, str) and len(value) > _LONGEST for value in sight.each(where))


def _adorned(sight: Sight) -> Reply:
    """The correct answer with what proxies and frameworks add."""
    return sight.reply().headed(
        Set_Cookie="session=conformance; HttpOnly", X_Request_Id="conformance", Vary="Origin",
        Cache_Control="no-store", Strict_Transport_Security="max-age=31536000",
    )  # fmt: skip


def _in_lower_case(sight: Sight) -> Reply | None:
    """Success in lower case."""
    return replace(sight.reply(), body=sight.reply().body.lower()) if sight.is_accepted else None


def _without_mark(sight: Sight) -> Reply | None:
    """Reads on behind a byte order mark."""
    incoming = sight.incoming
    if not incoming.body.startswith(codecs.BOM_UTF8):
        return None
    bare = replace(incoming, body=incoming.body.removeprefix(codecs.BOM_UTF8))
    return sight.server.correct(sight.server.decide(bare))


def _without_packed_sdks(contract: Contract) -> bool:
    """Fits where no SDK of the vendor sends gzip."""
    packed = [sdk.name for sdk in sdks.load_all() if any(shape.is_gzipped for shape in sdk.shapes)]
    return not any(contract.states(f"sdks.{name}") for name in packed)


def _may_limit(contract: Contract) -> bool:
    return not contract.states("rate.unlimited")


class Abrupt(Protocol):
    """Hangs up after each refusal, and does not say so beforehand."""

    def on_response_complete(self) -> None:
        """Closes the connection where the answer was a refusal."""
        if self.session.last_status >= _REFUSED:
            self.transport.close()
        super().on_response_complete()


class Restless(Protocol):
    """Hangs up on clients that say nothing for 50 ms."""

    def on_response_complete(self) -> None:
        """Waits for the next request, but not for long."""
        self.timeout_keep_alive = 0.05  # type: ignore[assignment] # asyncio takes parts of a second
        super().on_response_complete()


def _changed(
    name: str, does: str, change: Change | Twist | Manner | type[Protocol], fits: Fit = always
) -> Variant:
    """A variant that is not pressed."""
    if isinstance(change, Manner):
        change = Change(manner=change)
    elif isinstance(change, type):
        change = Change(protocol=change)
    elif not isinstance(change, Change):
        change = Change(twist=change)
    return Variant(name=name, does=does, change=change, fits=fits)


_OLD = Change(protocol=lines.saying(lambda data: data.replace(b"HTTP/1.1 ", b"HTTP/1.0 ", 1)),
              manner=Manner(is_closing=True))  # fmt: skip

VARIANTS = (
    _changed("slow", "takes 30 ms for each answer", Manner(delay_s=0.03)),
    _changed("closing", "hangs up after each answer, and says so", Manner(is_closing=True)),
    _changed("abrupt", "hangs up after each refusal, and does not say so", Abrupt),
    _changed("restless", "hangs up on idle connections at once", Restless),
    _changed("in-chunks", "answers in chunks, without a length", Manner(is_chunked=True)),
    _changed("old", "answers as HTTP/1.0 did, and hangs up", _OLD),
    _changed("eager", "answers what is too large before it has read it, then hangs up",
             Manner(is_eager=True)),
    _changed("in-lower-case", "writes the names of headers in lower case", Manner(is_lower=True)),
    _changed("adorned", "adds headers of proxies and frameworks", _adorned),
    replace(_changed("throttled", f"takes {_BURST} requests a second, and says when to come back", _throttled,
                     _may_limit), is_pressed=True),
    replace(_changed("gzip-unsupported", "refuses gzip with 415",
                     lambda sight: refuse(sight, 415) if _coded(sight) else None, _without_packed_sdks),
            is_pressed=True),
    replace(_changed("gzip-unnoticed", "reads gzip as if it were plain", _blind, _without_packed_sdks),
            is_pressed=True),
    _changed("cors-unknown", "knows nothing of OPTIONS and of other origins", _without_cors),
    _changed("older-statuses", "answers with the first status that is tolerated", _tolerating(0),
             _tolerates(1)),
    _changed("other-statuses", "answers with the second status that is tolerated", _tolerating(1),
             _tolerates(2)),
    _changed("last-statuses", "answers with the last status that is documented",
             _restating(lambda answer: replace(answer, expect=answer.expect[-1:])),
             lambda contract: any(len(answer.expect) > 1 for answer in _answers(contract))),
    _changed("decimal", "reads KB as 1000 bytes", _restating(_thousands)),
    _changed("body-first", "prefers the key in the body to that in the headers",
             accepting("answers.credentials-*", when=_body_first), states("credentials.body")),
    _changed("short-ids", "refuses message ids that are longer than documented", refusing(_long_id)),
    _changed("quiet", "writes the text of success in lower case", _in_lower_case,
             states("bodies.accepted-text")),
    _changed("nul-refused", "refuses NULs", refusing(lambda sight: "\\u0000" in sight.text)),
    _changed("mark-ignored", "ignores a byte order mark", _without_mark),
)  # fmt: skip
