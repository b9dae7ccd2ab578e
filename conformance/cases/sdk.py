"""Official SDKs: whether their requests are accepted, and what the answers make them do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import expect, sdks
from conformance.catalogue import OF_FORM, Tier, check
from conformance.errors import Silent
from conformance.model import Level
from conformance.payloads.speech import Speech
from conformance.profile.facts import Condition
from conformance.sdks import consequence
from conformance.sdks.table import ACCEPTED, Experience, note

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.engine import Steps
    from conformance.payloads import Call, Draft
    from conformance.profile.facts import Answer
    from conformance.sdks import Sdk

_PARTLY, _REDIRECT = 207, 300


@dataclass(frozen=True, slots=True)
class Speaker:
    """An SDK, as the form of its checks."""

    sdk: Sdk

    @property
    def slug(self) -> str:
        """The word for ids."""
        return self.sdk.name

    @property
    def words(self) -> str:
        """What it is called."""
        return self.sdk.title

    @property
    def fact(self) -> str:
        """What says that the vendor's servers are made for it."""
        return f"sdks.{self.sdk.name}"

    @property
    def paths(self) -> frozenset[str]:
        """The paths that it sends to."""
        return self.sdk.paths

    def speeches(self, call: Call) -> list[Speech]:
        """What it sends to an operation; the longest last. Raises Silent if none of it is documented."""
        found = [Speech.of(call, shape) for shape in self.sdk.shapes_at(call.operation.path)]
        told = [speech for speech in found if speech.documented().events]
        if not told:
            raise Silent(f"{self.words} sends no event to {call.operation} that the documents know")
        return sorted(told, key=lambda speech: len(speech.events))


SPEAKERS = tuple(Speaker(sdk) for sdk in sdks.load_all())


@check("sdk.{slug}.accepted", "A request of {words} is accepted.", fact=OF_FORM, forms=SPEAKERS,
       tier=Tier.GENTLE)  # fmt: skip
def accepted(call: Call, speaker: Speaker) -> Steps:
    """A server that takes a vendor's place is spoken to by that vendor's SDKs, in their own way."""
    for speech in speaker.speeches(call):
        draft = speech.documented().draft()
        expect.accepted((yield draft), f"what {speaker.words} sends")
        if speech.shape.retry_headers:
            expect.accepted((yield speech.again(draft)), f"what {speaker.words} sends once more")
    return None


@dataclass(frozen=True, slots=True)
class Probe:
    """Something that an SDK may be made to send: how it is made, and what the documents answer to it."""

    slug: str
    words: str
    make: Callable[[Speech], Draft]
    answer: Callable[[Speech], Answer] | None = None
    is_for_batches: bool = False

    def draft(self, speech: Speech) -> Draft | None:
        """The request; None where there is nothing of the kind."""
        if self.is_for_batches and not speech.call.is_batch:
            return None
        try:
            return self.make(speech).unanswered()
        except Silent:
            return None

    def is_bad(self, speech: Speech) -> bool:
        """Whether the documents know of an answer to it that is not a plain success."""
        try:
            statuses = self.answer(speech).statuses if self.answer else ()
        except Silent:
            return False
        return any(status == _PARTLY or status >= _REDIRECT for status in statuses)


def _answer(condition: Condition) -> Callable[[Speech], Answer]:
    return lambda speech: speech.call.contract.answer(condition)


def _undocumented(speech: Speech) -> Draft:
    rest = speech.undocumented()
    if not rest.events:
        raise Silent("all that it sends is documented")
    return rest.draft()


PROBES = (
    Probe(ACCEPTED, "acceptable", lambda speech: speech.documented().draft()),
    Probe("undocumented", "not in the documents", _undocumented),
    Probe("unknown-key", "unknown key", lambda speech: speech.documented().by_stranger().draft(),
          _answer(Condition.CREDENTIALS_UNKNOWN)),
    Probe("no-identity", "no user", lambda speech: speech.documented().unnamed().draft(),
          _answer(Condition.IDENTITY_MISSING)),
    Probe("too-large", "too large", lambda speech: speech.documented().too_large().draft(),
          lambda speech: speech.limit),
    Probe("invalid-json", "invalid JSON", lambda speech: speech.documented().draft(is_cut=True),
          _answer(Condition.JSON_INVALID)),
    Probe("partly-bad", "partly bad", lambda speech: speech.documented().partly_bad().draft(),
          _answer(Condition.BATCH_PARTLY_BAD), is_for_batches=True),
)  # fmt: skip


@check(
    "sdk.{slug}.reactions",
    "What the answers make {words} do is reported.",
    fact="rules.sdk-reactions",
    cap=Level.MAY,
    observes=True,
    forms=SPEAKERS,
)
def reactions(call: Call, speaker: Speaker) -> Steps:
    """An answer that an SDK takes wrongly loses its user's events, or doubles them."""
    speech = speaker.speeches(call)[-1]
    experiences = []
    for probe in PROBES:
        draft = probe.draft(speech)
        if draft is not None:
            exchange = yield draft
            does = consequence(speaker.sdk, exchange, is_bad=probe.is_bad(speech))
            experiences.append(
                Experience(condition=probe.slug, words=probe.words, received=exchange.status, does=does)
            )
            if probe is PROBES[0] and not expect.is_accepted(exchange):
                break  # nothing follows from what else is refused
    return note(speaker.sdk, experiences, is_supported=call.contract.states(speaker.fact))
