"""Time: what a server takes for a body grows about in proportion to it, whatever is in it."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import BATCHES, EVENTS, EVENTS_AND_BATCHES, FirstPer, Tier
from conformance.core.errors import Deviation
from conformance.core.model import TransportFailure
from conformance.profile.facts import Rule
from conformance.requests import content_codings
from conformance.requests.growth import GROWTHS, filler_draft, large_batch, many_events

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from conformance.checks.check import CheckOptions
    from conformance.core.model import Exchange
    from conformance.requests import Call, Draft, Step
    from conformance.requests.growth import Growth
    from conformance.requests.steps import Steps

_SLOW_S = 0.2
"""An answer that comes sooner is not looked at: it could be late for any reason."""
_SLOW_BOMB_S = 1.0
"""Ten megabytes take a tenth of it to unpack."""
_TIMES_CONTROL, _TIMES_HALF = 5.0, 2.5
"""How many times as long as for a control of its size, and as for half of it, is out of proportion."""
_FEWEST_ROUNDS, _ROUNDS = 3, 6
"""How often each is sent before its times are compared, and before they are held against the target."""
_PROPORTION = f"rules.{Rule.PROPORTIONATE_TIME}"
_OPTIONS: CheckOptions = {"exclusive": True, "first_per": FirstPer.KIND}
_BOMB_OPTIONS: CheckOptions = {**_OPTIONS, "tier": Tier.VOLUME}


@check("robustness.time.{slug}", "Twice as many {description} take about twice the time.",
       fact=_PROPORTION, kinds=EVENTS, parameters=GROWTHS, **_OPTIONS)  # fmt: skip
def grown_event(call: Call, growth: Growth) -> Steps:
    """A small body that costs seconds stops a server, and a client that waits for the answer in vain sends it again."""
    return (
        yield from _expect_proportion(
            call,
            growth.description,
            lambda percent: growth.make_draft(call, percent),
            lambda percent: filler_draft(call, percent),
        )
    )


@check("robustness.time.events", "Twice as many events take about twice the time.",
       fact=_PROPORTION, kinds=BATCHES, **_OPTIONS)  # fmt: skip
def grown_batch(call: Call) -> Steps:
    """A batch within its limits that costs seconds stops a server for all its clients."""
    return (
        yield from _expect_proportion(
            call,
            "small events in a batch",
            lambda percent: many_events(call, percent),
            lambda percent: large_batch(call, percent),
        )
    )


@check("robustness.gzip.bomb-time", "A small body that unpacks to ten megabytes is answered about as soon as any.",
       fact=_PROPORTION, kinds=EVENTS_AND_BATCHES, **_BOMB_OPTIONS)  # fmt: skip
def gzip_bomb_time(call: Call) -> Steps:
    """A server that unpacks all of it before it counts works for seconds on what takes a client nothing."""
    expect.require_supported((yield content_codings.with_gzip(call.acceptable_request())), "a body in gzip")
    rounds: list[tuple[Exchange, Exchange]] = []
    for _ in range(_ROUNDS):
        bomb = yield from _timed(content_codings.gzip_bomb(call))
        if bomb.failure is not TransportFailure.TIMEOUT and bomb.elapsed_s < _SLOW_BOMB_S:
            return None
        rounds.append((bomb, (yield from _timed(content_codings.with_gzip(call.acceptable_request())))))
    bomb, usual = (min(column, key=attrgetter("elapsed_s")) for column in zip(*rounds, strict=True))
    if bomb.elapsed_s > _TIMES_CONTROL * usual.elapsed_s:
        raise Deviation(
            "a small body that unpacks to ten megabytes must be answered about as soon as any in gzip",
            f"took {bomb.elapsed_s:.2f} s, another one {usual.elapsed_s:.2f} s, the shortest of {_ROUNDS} times each",
            exchange=bomb,
            expected="an answer once the body is over its limit",
            received=f"{bomb.summary} after {bomb.elapsed_s:.2f} s",
            is_server_error=expect.is_server_error(bomb),
        )
    return None


def _expect_proportion(
    call: Call, subject: str, make: Callable[[int], Draft], make_control: Callable[[int], Draft]
) -> Steps:
    """What is asked takes about as long as a control of its size, or about twice as long as half of it.

    Raises Deviation only if it is slow in each of some rounds, and its shortest time out of proportion to theirs: on a
    busy machine any one of them may be late. Any answer will do.
    """
    expect.control((yield call.control_request()))
    rounds: list[tuple[Exchange, Exchange, Exchange]] = []
    while True:
        full = yield from _timed(make(100))
        if full.failure is not TransportFailure.TIMEOUT and full.elapsed_s < _SLOW_S:
            return None
        rounds.append((full, (yield from _timed(make_control(100))), (yield from _timed(make(50)))))
        fastest = [min(column, key=attrgetter("elapsed_s")) for column in zip(*rounds, strict=True)]
        is_late = _is_out_of_proportion(*(exchange.elapsed_s for exchange in fastest))
        if not is_late and len(rounds) >= _FEWEST_ROUNDS:
            return None
        if is_late and len(rounds) == _ROUNDS:
            raise _deviation(subject, *fastest)


def _is_out_of_proportion(full_s: float, control_s: float, half_s: float) -> bool:
    """Whether a time is long for its size, and for that of half of it, without what any body of this size takes."""
    own_s, own_half_s = full_s - control_s, max(0.0, half_s - control_s)
    return full_s > _TIMES_CONTROL * control_s and own_s > _TIMES_HALF * own_half_s


def _deviation(subject: str, full: Exchange, control: Exchange, half: Exchange) -> Deviation:
    return Deviation(
        f"the time for many {subject} must not grow faster than their number",
        f"was {full.elapsed_s:.2f} s, {half.elapsed_s:.2f} s for half of them and {control.elapsed_s:.2f} s for "
        f"another body of this size, the shortest of {_ROUNDS} times each",
        exchange=full,
        expected="about twice the time for twice as many",
        received=f"{full.summary} after {full.elapsed_s:.2f} s",
        is_server_error=expect.is_server_error(full),
    )


def _timed(draft: Draft) -> Generator[Step, Exchange, Exchange]:
    """The exchange of a draft that may be answered in any way, or not in time."""
    exchange = yield draft.allowing_no_answer(may_time_out=True)
    return exchange
