"""The ways to break a step: small makers of twists, each for one kind of wrong answer."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from conformance.model import Kind
from conformance.profile.facts import Condition
from conformance.refserver.change import Sight
from conformance.refserver.replies import Reply

if TYPE_CHECKING:
    from conformance.refserver.change import Twist

When: TypeAlias = Callable[[Sight], bool]
Edit: TypeAlias = Callable[[Reply], Reply]

CRASH = Reply(status=500, media_type="text/plain", body=b"Internal Server Error")
TRACE = b"""Traceback (most recent call last):
  File "/app/ingest.py", line 42, in take
    event = json.loads(body)
ValueError: Expecting value: line 1 column 1 (char 0)
"""


def always(_: Sight) -> bool:
    """Holds for every request."""
    return True


def on(*kinds: Kind) -> When:
    """Holds for requests to operations of these kinds."""
    return lambda sight: sight.kind in kinds


EVENT, BATCH, PIXEL, WEBHOOK = (on(kind) for kind in (Kind.EVENT, Kind.BATCH, Kind.PIXEL, Kind.WEBHOOK))


def refused(*facts: str, when: When = always) -> When:
    """Holds for requests that are refused by one of these facts, given as globs."""
    return lambda sight: any(fnmatch.fnmatchcase(sight.refusal, fact) for fact in facts) and when(sight)


def posted(sight: Sight) -> bool:
    """Holds for anything but a question by OPTIONS."""
    return sight.incoming.method != "OPTIONS"


def accept(sight: Sight) -> Reply:
    """The answer to what is accepted."""
    return sight.server.success(sight.contract.answer(Condition.ACCEPTED).expect[0])


def refuse(sight: Sight, status: int, reason: str = "the request is refused") -> Reply:
    """A refusal of the documented shape, with any status."""
    return sight.server.error(sight.decision.operation, status, reason)


def accepting(*facts: str, when: When = always) -> Twist:
    """Accepts what is to be refused by one of these facts."""
    holds = refused(*facts, when=when)
    return lambda sight: accept(sight) if posted(sight) and holds(sight) else None


def answering(status: int, *facts: str, when: When = always) -> Twist:
    """Answers what is to be refused by one of these facts with another status."""
    holds = refused(*facts, when=when)
    return lambda sight: refuse(sight, status) if posted(sight) and holds(sight) else None


def refusing(when: When, status: int = 400) -> Twist:
    """Refuses what is to be accepted."""
    return lambda sight: (
        refuse(sight, status) if sight.is_accepted and posted(sight) and when(sight) else None
    )


def crashing(*facts: str, when: When = always) -> Twist:
    """Fails on what is to be refused by one of these facts; without facts, on any request."""
    holds = refused(*facts, when=when) if facts else when
    return lambda sight: CRASH if posted(sight) and holds(sight) else None


def tracing(*facts: str, when: When = always) -> Twist:
    """Shows its inside in the refusal by one of these facts."""
    return editing(lambda reply: replace(reply, media_type="text/plain", body=TRACE), *facts, when=when)


def editing(edit: Edit, *facts: str, when: When = always) -> Twist:
    """Changes the correct answer to what is refused by one of these facts; without facts, any answer."""
    holds = refused(*facts, when=when) if facts else when
    return lambda sight: edit(sight.reply()) if holds(sight) else None
