"""Signals at named points: none is lost, and none breaks off what has to be finished."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import pytest

from conformance.core import event_loop, interruption

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Each test leaves the handlers of this process as they were."""
    before = {number: signal.getsignal(number) for number in (*NUMBERS, signal.SIGALRM)}
    yield
    assert {number: signal.getsignal(number) for number in before} == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_is_noted_until_it_may_interrupt(number: signal.Signals) -> None:
    """It raises nothing where reports are written, and at once where nothing is lost, also if it came before."""
    reached = []
    with interruption.watching():
        assert not interruption.has_come()
        signal.raise_signal(number)
        signal.raise_signal(number)
        reached.append("noted")
        assert interruption.has_come()
        with pytest.raises(KeyboardInterrupt), interruption.interruptible():
            reached.append("never")
        signal.raise_signal(number)
        reached.append("noted again")
    assert reached == ["noted", "noted again"]


def break_off(then: Callable[[], object]) -> None:
    """What a signal breaks off, and what comes of it."""
    with interruption.interruptible():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            then()


def fail() -> None:
    """An error on the way out."""
    raise ValueError("the server is gone: it got the signal, too")


@pytest.mark.parametrize("then", [list, fail])
def test_an_error_after_a_signal_is_an_interruption(then: Callable[[], object]) -> None:
    """Whatever breaks, because of it or around it, nobody else is blamed."""
    with interruption.watching():
        with pytest.raises(KeyboardInterrupt):
            break_off(then)
        assert interruption.has_come()


@pytest.mark.parametrize(
    ("name", "number"), [("WRITING_GRACE_S", signal.SIGALRM), ("INSISTING_S", signal.SIGINT)], ids=["time", "insisting"]
)
def test_what_is_stuck_while_a_signal_is_noted_is_broken_off_in_the_end(
    name: str, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report that goes to a pipe which nobody reads does not hold the command for ever."""
    monkeypatch.setattr(interruption, name, 0.0)
    with interruption.watching():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


async def end_with(number: signal.Signals, seen: list[str]) -> str:
    """A task that is asked to end in its last step."""
    await asyncio.sleep(0)
    signal.raise_signal(number)
    seen.append("the end")
    return "a result"


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_in_the_last_step_of_a_task_is_not_lost(number: signal.Signals) -> None:
    """The task has come to its end, and the caller still learns of the signal."""
    seen: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        event_loop.run(end_with(number, seen))
    assert seen == ["the end"]


async def wait_for_ever(seen: list[str]) -> None:
    """A task that is cancelled while it waits."""
    asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGHUP)
    try:
        await asyncio.Event().wait()
    finally:
        seen.append("cancelled")


def test_a_signal_cancels_a_task_that_waits() -> None:
    """It can clean up."""
    seen: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        event_loop.run(wait_for_ever(seen))
    assert seen == ["cancelled"]


def test_after_a_signal_no_loop_is_begun() -> None:
    """Not one request is sent for somebody who has gone."""
    seen: list[str] = []
    with interruption.watching():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            event_loop.run(wait_for_ever(seen))
    assert seen == []


def test_a_hangup_that_is_ignored_stays_so() -> None:
    """`nohup conformance run` goes on when its terminal is closed."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruption.watching():
            signal.raise_signal(signal.SIGHUP)
            assert not interruption.has_come()
    finally:
        signal.signal(signal.SIGHUP, before)
