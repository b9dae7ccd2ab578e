"""The watchdog: a run ends when its time is up, when nothing comes any more, or when it could never end in time."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import TYPE_CHECKING

import pytest

from conformance.cli import main
from conformance.core.errors import Stopped
from conformance.run import watchdog
from conformance.run.rate_limit_waits import RateLimitWaits
from conformance.run.watchdog import TimeLimits, Watchdog
from tests.hostile.targets import answer, ending_on_bad_request, good_until
from tests.support.scripted_server import ClientConnection, answer_always, scripted_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.scripted_server import ConnectionScript

KEY = "Watchdog-Key"
ALWAYS_429 = answer_always(answer("429 Too Many Requests", b""))


def endless_refusal(peer: ClientConnection) -> None:
    """Refuses without a length, and never ends the body."""
    peer.read_request()
    peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    while True:
        peer.send(b"no ")
        time.sleep(0.05)


def discerning_until(after: int, then: ConnectionScript) -> ConnectionScript:
    """A target that knows its path, its key and JSON, until it has answered so many requests; then another one."""
    token = b"Basic " + base64.b64encode(f"{KEY}:".encode())

    def script(peer: ClientConnection) -> None:
        while peer.requests_read() < after:
            request = peer.read_request()
            is_known = request.target == "/v1/track" and request.values("authorization") == [token.decode()]
            is_json = request.body.startswith(b"{") and request.body.endswith(b"}")
            peer.send(answer("200 OK" if is_known and is_json else "400 Bad Request", b"so"))
        then(peer)

    return ending_on_bad_request(script)


def slow_answer(peer: ClientConnection) -> None:
    """Takes a second for each answer."""
    while True:
        peer.read_request()
        time.sleep(1)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def limit_idle_time(monkeypatch: pytest.MonkeyPatch, idle_s: float) -> None:
    """Makes the default time without progress shorter."""
    monkeypatch.setattr(watchdog, "_IDLE_S", idle_s)
    monkeypatch.setattr(watchdog, "_IDLE_DEADLINES", 0)
    monkeypatch.setattr(watchdog, "_MAX_WAITING_S", idle_s)


def run_against(script: ConnectionScript, command: str, *more: str) -> int:
    """The exit code of a command against a target whose connections follow a script."""
    with scripted_server(ending_on_bad_request(script)) as server:
        urls = [server.url, server.url] if command == "diff" else [server.url]
        return main([command, *urls, "--profile", "segmentstream", "--write-key", KEY, *more])


@pytest.mark.parametrize("command", ["run", "fuzz", "diff"])
@pytest.mark.parametrize("then", [ALWAYS_429, endless_refusal], ids=["429-for-ever", "endless-refusal"])
def test_a_target_that_stops_answering_well_ends_a_command(
    command: str, then: ConnectionScript, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever a target stalls with, the command ends without a verdict and names the option that gives more time."""
    limit_idle_time(monkeypatch, 1.5)
    code = run_against(good_until(12, then), command, "--fuzz", "200")
    shown = "".join(capsys.readouterr())
    assert code == 3
    assert "no progress for 2 s" in shown
    assert "--max-duration" in shown


@pytest.mark.parametrize("command", ["run", "fuzz", "diff"])
def test_a_duration_that_is_named_is_kept(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Waits for rate limits count towards it."""
    code = run_against(good_until(12, ALWAYS_429), command, "--fuzz", "200", "--max-duration", "1")
    assert code == 3
    assert "the time is up (1 s); to give it more, pass --max-duration SECONDS" in "".join(capsys.readouterr())


@pytest.mark.parametrize("duration", ["", "2"], ids=["by-default", "named"])
def test_a_probe_ends_with_what_it_has_learned(
    duration: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It writes the profile so far, with the reason, and asks for nothing more."""
    limit_idle_time(monkeypatch, 1.5)
    more = ["--max-duration", duration] if duration else []
    out = tmp_path / "probed.yaml"
    with scripted_server(discerning_until(60, ALWAYS_429)) as server:
        assert main(["probe", server.url, "--write-key", KEY, "--out", str(out), *more]) == 0
    assert "--max-duration" in capsys.readouterr().out
    assert out.exists()


def test_the_report_has_what_was_judged_until_then(tmp_path: Path) -> None:
    """The verdicts so far stay, and the reason stands beside them."""
    path = tmp_path / "r.json"
    code = run_against(good_until(60, ALWAYS_429), "run", "--max-duration", "1", "--quiet", "--json", str(path))
    document = json.loads(path.read_text(encoding="utf-8"))
    assert code == 3
    assert 0 < len(document["checks"]) < document["run"]["planned"]
    assert document["run"]["stopped"].startswith("the time is up (1 s)")
    assert document["complete"] is False


def test_a_duration_that_is_named_is_for_all_repetitions(capsys: pytest.CaptureFixture[str]) -> None:
    """A run that is repeated 256 times does not take 256 times as long."""
    more = ["--repeat", "256", "--select", "accept.event.minimal", "--max-duration", "0.4", "--quiet"]
    assert run_against(answer_always(), "run", *more) == 3
    assert "the time is up" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["run", "diff"])
def test_a_target_that_is_too_slow_is_told_soon(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It answers all the time; but at its pace the run would take longer than it may."""
    limit_idle_time(monkeypatch, 2.5)
    monkeypatch.setattr(TimeLimits, "of", lambda *_: TimeLimits(duration_s=20, idle_s=2.5))
    assert run_against(slow_answer, command, "--fuzz", "0", "--quiet") == 3
    shown = capsys.readouterr().out
    assert "the target is too slow: at the pace of the first" in shown
    assert "--max-duration" in shown


def test_time_that_this_process_is_busy_with_itself_is_not_held_against_the_target() -> None:
    """A client that stands still for long, and then is answered, has not waited in vain."""

    async def stand_still() -> str:
        async with Watchdog(limits=TimeLimits(duration_s=60, idle_s=1.5)).guard():
            await asyncio.sleep(0.05)
            time.sleep(1.7)  # noqa: ASYNC251 - the event loop stands still on purpose
            await asyncio.sleep(0.05)
            return "done"

    assert asyncio.run(stand_still()) == "done"


@pytest.mark.parametrize("idle_s", [60.0, None], ids=["by-default", "named"])
def test_waits_for_a_rate_limit_count_towards_the_duration(idle_s: float | None) -> None:
    """Whether it was named or not."""

    async def wait() -> None:
        limits, waits = TimeLimits(duration_s=0.2, idle_s=idle_s), RateLimitWaits(total_s=100.0)
        async with Watchdog(limits=limits, waits=waits).guard():
            await asyncio.sleep(30)

    with pytest.raises(Stopped, match=r"the time is up \(0.2 s\)"):
        asyncio.run(wait())


@pytest.mark.parametrize(("progress", "end"), [(0, "no progress for 1 s"), (1, "done")], ids=["nothing", "something"])
def test_a_minute_is_waited_only_where_the_limit_has_let_something_pass(progress: int, end: str) -> None:
    """A target that has refused everything so far is not given the time of a whole window."""

    async def wait() -> str:
        watchdog = Watchdog(limits=TimeLimits(idle_s=1.0), waits=RateLimitWaits(ends_s=time.monotonic() + 60))
        watchdog.signs.append(lambda: progress)
        try:
            async with watchdog.guard():
                await asyncio.sleep(1.6)
        except Stopped as stop:
            return str(stop)
        return "done"

    assert asyncio.run(wait()).startswith(end)


def test_the_time_without_progress_is_that_of_all_profiles_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A target that puts off everything is not asked by one profile after another for as long each."""
    limit_idle_time(monkeypatch, 0.5)
    path = tmp_path / "r.json"
    with scripted_server(ALWAYS_429) as server:
        assert main(["run", server.url, "--profile", "all", "--write-key", KEY, "--quiet", "--json", str(path)]) == 3
    reports = json.loads(path.read_text(encoding="utf-8"))["reports"]
    assert [item["run"]["requests"] > 0 for item in reports] == [True] + [False] * (len(reports) - 1)


def test_progress_keeps_a_run_alive() -> None:
    """As long as a count grows, only the whole duration ends it."""
    count = 0

    async def make_progress() -> None:
        nonlocal count
        async with Watchdog(limits=TimeLimits(duration_s=1.2, idle_s=0.4), signs=[lambda: count]).guard():
            while True:
                count += 1
                await asyncio.sleep(0.05)

    with pytest.raises(Stopped, match="the time is up"):
        asyncio.run(make_progress())


@pytest.mark.parametrize(
    ("max_duration_s", "deadline_s", "expected"),
    [
        (None, 10.0, TimeLimits(duration_s=900, idle_s=55)),
        (None, 60.0, TimeLimits(duration_s=900, idle_s=180)),
        (30.0, 10.0, TimeLimits(duration_s=30, idle_s=None)),
    ],
)
def test_the_limits_follow_what_was_asked_for(
    max_duration_s: float | None, deadline_s: float, expected: TimeLimits
) -> None:
    """Whoever names a duration has all of it; a longer deadline allows for longer silences."""
    assert TimeLimits.of(max_duration_s, deadline_s) == expected
