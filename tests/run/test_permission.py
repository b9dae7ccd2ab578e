"""Permissions: nobody else's server is tested by mistake, and none harder than was allowed."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from conformance.cases import CHECKS
from conformance.checks.check import Tier
from conformance.cli import main
from conformance.contract import Contract
from conformance.core import event_loop, resources
from conformance.core.errors import UsageError
from conformance.core.model import Request
from conformance.profile import load
from conformance.run.plan import build_plan
from conformance.settings import table
from conformance.wire import parse_target
from conformance.wire.addresses import AddressScope, widest_scope
from tests.support.scripted_server import answer_always, scripted_server

if TYPE_CHECKING:
    from conformance.run.plan import Plan

PUBLIC = "http://93.184.215.14:8080/prefix"
HEAVIER_OPTIONS: tuple[dict[str, Any], ...] = (
    {}, {"tier": ["standard"]}, {"allow": ["burst"]}, {"tier": ["gentle", "volume"]},
)  # fmt: skip


def make_plan(url: str, profile: str = "segmentstream", **given: Any) -> Plan:  # noqa: ANN401 - as settings are
    """A plan for a URL."""
    values = table.resolve({"write_key": "Permission-Key", "fuzz": "0", **given})
    return build_plan(values, url, Contract(load(profile)), CHECKS)


@pytest.mark.parametrize(
    ("addresses", "way"),
    [
        (("127.0.0.1", "::1"), AddressScope.LOOPBACK),
        (("127.0.0.1", "10.0.0.1"), AddressScope.PRIVATE),
        (("169.254.1.1",), AddressScope.PRIVATE),
        (("fe80::1", "192.168.7.7"), AddressScope.PRIVATE),
        (("10.0.0.1", "8.8.8.8"), AddressScope.PUBLIC),
        (("::ffff:127.0.0.1",), AddressScope.LOOPBACK),
        (("::ffff:8.8.8.8",), AddressScope.PUBLIC),
        (("2002:0808:0808::1",), AddressScope.PUBLIC),
        (("2002:7f00:1::",), AddressScope.PUBLIC),
        (("2002:a00:1::",), AddressScope.PUBLIC),
        (("2001:0:7f00:1::80ff:fffe",), AddressScope.PUBLIC),
        (("64:ff9b::7f00:1",), AddressScope.PUBLIC),
        (("169.254.169.254",), AddressScope.METADATA),
        (("fd00:ec2::254", "127.0.0.1"), AddressScope.METADATA),
        (("::ffff:169.254.169.254",), AddressScope.METADATA),
        (("64:ff9b::a9fe:a9fe",), AddressScope.METADATA),
        (("fe80::a9fe:a9fe%2",), AddressScope.METADATA),
        (("fe80::1%2",), AddressScope.PRIVATE),
        (("2606:4700::1111",), AddressScope.PUBLIC),
        ((), AddressScope.UNRESOLVED),
    ],
)
def test_the_farthest_address_counts(addresses: tuple[str, ...], way: AddressScope) -> None:
    """One address beyond private networks is enough, whatever it is wrapped in."""
    assert widest_scope(addresses) is way


@pytest.mark.parametrize("given", [[], ["example.com"], ["93.184.215.1"], ["93.184.215.14:8080"], ["*"]])
def test_a_stranger_needs_your_word(given: list[str]) -> None:
    """The sentence says what to type; a word for another host is no word for this one."""
    with pytest.raises(UsageError, match=r"--i-may-test 93\.184\.215\.14$"):
        make_plan(PUBLIC, i_may_test=given)


def test_a_word_is_for_the_host_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another port and another path are the same host; the environment may say it, among others."""
    assert make_plan(PUBLIC, i_may_test=["93.184.215.14"]).tiers == {Tier.GENTLE, Tier.STANDARD}
    monkeypatch.setenv("CONFORMANCE_I_MAY_TEST", "EXAMPLE.com, 93.184.215.14")
    assert make_plan("https://93.184.215.14").tiers == {Tier.GENTLE, Tier.STANDARD}


def fake_resolver(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Names that resolve to one address the first time, and to another one later; what was asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, *rest: Any, **more: Any) -> Any:  # noqa: ANN401 - the standard library's
        if host.endswith(".test") or "." not in host.strip("0123456789."):
            asked.append(host)
        if not host.rstrip(".").endswith((".test", ".io", ".com")):
            return real(host, *rest, **more)
        return real(answers[min(len(asked), len(answers)) - 1], *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_a_name_is_resolved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was judged is what is connected to, though the name means something else by then."""
    asked = fake_resolver(monkeypatch, "127.0.0.1", "192.0.2.1")
    with scripted_server(answer_always()) as server:
        plan = make_plan(f"http://rebinding.test:{server.port}")

        async def send() -> int:
            async with plan.build_wire() as wire:
                return (await wire.exchange(Request(method="POST", path="/track"))).status

        assert event_loop.run(send()) == 200
    assert asked.count("rebinding.test") == 1


@pytest.mark.parametrize("profile", resources.profile_names())
def test_a_vendors_own_host_is_only_treated_gently(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By any profile, in any spelling, with your word or without; generated requests never."""
    fake_resolver(monkeypatch, "93.184.215.14")
    host = load(profile).hosts[0]
    for url in (f"https://{host}", f"http://{host.upper()}.:8080/prefix"):
        for more in HEAVIER_OPTIONS:
            with pytest.raises(UsageError, match="production host"):
                make_plan(url, i_may_test=[host], **more)
        gentle = make_plan(url, i_may_test=[host], tier=["gentle"])
        assert gentle.jobs == 1
        assert {trial.check.tier for trial in gentle.trials if trial.is_allowed} == {Tier.GENTLE}
        with pytest.raises(UsageError, match="generated requests"):
            make_plan(url, i_may_test=[host], tier=["gentle"], fuzz="10")


@pytest.mark.parametrize(
    ("given", "tiers"),
    [
        ({}, set(Tier)),
        ({"allow": ["burst"]}, set(Tier)),
        ({"tier": ["gentle"]}, {Tier.GENTLE}),
        ({"tier": ["standard"]}, {Tier.GENTLE, Tier.STANDARD}),
        ({"tier": ["burst"]}, {Tier.GENTLE, Tier.STANDARD, Tier.BURST}),
        ({"tier": ["standard"], "allow": ["volume"]}, {Tier.GENTLE, Tier.STANDARD, Tier.VOLUME}),
        ({"tier": ["burst", "volume"]}, set(Tier)),
    ],
)
def test_tiers_compose(given: dict[str, Any], tiers: set[Tier]) -> None:
    """Gentle is a part of standard; burst and volume are two permissions on top of it."""
    assert make_plan("http://127.0.0.1:9", **given).tiers == tiers


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"tier": ["gentel"]},
            r"--tier gentel: expected gentle or standard or burst or volume; did you mean",
        ),
        ({"allow": ["gentle"]}, "--allow gentle: expected burst or volume"),
        ({"tier": ["gentle"], "allow": ["burst"]}, "contradict"),
        ({"tier": ["gentle"], "jobs": "4"}, "one request at a time"),
        ({"tier": ["standard"], "fuzz": "10"}, "generated requests are of the tier burst"),
        ({"run_id": "a b"}, "--run-id a b: expected 1 to 64 letters"),
        ({"max_events": "0"}, "--max-events 0: expected a whole number from 1"),
    ],
)
def test_what_does_not_fit_is_said(given: dict[str, Any], said: str) -> None:
    """One clear sentence."""
    with pytest.raises(UsageError, match=said):
        make_plan("http://127.0.0.1:9", **given)


def test_every_command_asks_for_permission(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever sends something needs the word."""
    for command in (["run"], ["fuzz"], ["run", "--dry-run"]):
        arguments = [*command, PUBLIC, "--profile", "segmentstream", "--write-key", "Permission-Key"]
        assert main([*arguments, "--allow", "burst", "--fuzz", "10"]) == 2
        assert "--i-may-test 93.184.215.14" in capsys.readouterr().err


def test_a_dry_run_sends_nothing_and_judges_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0 means that something was judged; so a dry run ends with 3."""
    with scripted_server(answer_always()) as server:
        assert main(["run", server.url, "--profile", "segment", "--dry-run", "--max-events", "70"]) == 3
        assert server.connections == 0
    shown = capsys.readouterr().out
    assert "and 70 events, in at most 900 s; budget: 70 events" in shown
    assert "nothing was sent, and nothing was judged" in shown


def test_localhost_is_this_machine() -> None:
    """Its names need no resolver that knows them."""
    assert parse_target("http://deep.name.localhost:9").is_loopback


@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]", "100.100.100.200"])
def test_a_metadata_service_needs_a_word_of_its_own(host: str) -> None:
    """The word for a host of the internet is not enough; the sentence says what to type."""
    name = host.strip("[]")
    for given in ([], [name]):
        with pytest.raises(UsageError) as caught:
            make_plan(f"http://{host}", i_may_test=given)
        assert str(caught.value).endswith(f"--i-may-test metadata:{name}")
    assert make_plan(f"http://{host}", i_may_test=[f"metadata:{name}"]).tiers == {Tier.GENTLE, Tier.STANDARD}


@pytest.mark.parametrize(
    ("value", "asked_for"),
    [
        ("collector.example.com", "collector.example.com"),
        ("Collector.Example.com:8443", "collector.example.com"),
        ("8.8.8.8", "8.8.8.8"),
        ("[2606:4700::1111]:443", "2606:4700::1111"),
        ("169.254.169.254", "metadata:169.254.169.254"),
    ],
)
def test_a_host_header_is_judged_like_the_target(value: str, asked_for: str) -> None:
    """A proxy on this machine passes the requests on to whom they name."""
    with pytest.raises(UsageError) as caught:
        make_plan("http://127.0.0.1:9", header=[f"hOST: {value}"])
    assert str(caught.value).endswith(f"--i-may-test {asked_for}")
    allowed = make_plan("http://127.0.0.1:9", header=[f"Host: {value}"], i_may_test=[asked_for])
    assert allowed.tiers == {Tier.GENTLE, Tier.STANDARD}


@pytest.mark.parametrize("value", ["localhost", "localhost:8080", "127.0.0.1", "[::1]:80", "api.localhost"])
def test_a_host_header_may_name_this_machine(value: str) -> None:
    """Then the run is one on this machine."""
    assert make_plan("http://127.0.0.1:9", header=[f"Host: {value}"]).tiers == set(Tier)


@pytest.mark.parametrize("profile", resources.profile_names())
def test_a_host_header_can_name_a_vendors_own_host(profile: str) -> None:
    """It is treated as gently as that host."""
    host = next(host for host in load(profile).hosts if not host.startswith("*"))
    with pytest.raises(UsageError, match="production host"):
        make_plan("http://127.0.0.1:9", header=[f"Host: {host}"], i_may_test=[host])


def test_a_zone_is_kept() -> None:
    """A link-local address means nothing without its interface; the Host header has none (RFC 6874, section 4)."""
    target = parse_target("http://[fe80::1%25lo]:8080/v1")
    assert (target.host, target.authority) == ("fe80::1%lo", "[fe80::1]:8080")
    assert [address.startswith("fe80::1%") for address in target.addresses] == [True]
    assert target.scope is AddressScope.PRIVATE
