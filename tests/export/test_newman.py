"""The exported collection, run by the real newman: the verdict of a run, and the bytes of a run."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

import pytest

from conformance.cases import CHECKS
from conformance.checks.trial import make_trials
from conformance.core.model import Level
from conformance.export import render_export
from conformance.export.dry_run import dry_run, status_sequence
from conformance.requests import Draft, Keys
from conformance.wire import Redactor, Wire, parse_target
from tests.recorder.recording_server import MAX_REQUESTS, StubAnswer, recording_server
from tests.support.exports import (
    ACME,
    KEY,
    MANY,
    SMALL,
    VERSION,
    contract,
    export_of,
    export_text,
    names_of_failed_checks,
    reference_server,
)
from tests.support.newman import CollectionRun, Newman

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.export import ExportedCheck
    from tests.recorder.recording_server import ReceivedRequest
    from tests.support.newman import CollectionResult

TEXT_PROFILE = "rudderstack"
"""A profile whose answers are words."""


class Peer(NamedTuple):
    """A reference server, correct or broken, and what is exported for it at which gate."""

    profile: str
    server: str
    select: str
    gate: Level = Level.MUST


PEERS = (
    Peer(SMALL, "correct", "accept.event.*,accept.answer.*,auth.key.*,json.syntax.n*,size.event.o*"),
    Peer(ACME, "correct", "accept.credentials.*,auth.body-key.*,batch.partly-bad.*,size.batch-event.*"),
    Peer(MANY, "correct", "batch.list.*,errors.body.*,errors.trace.key,pixel.data.*,webhook.key.*"),
    Peer(SMALL, "truncated-key-accepted", "auth.key.*"),
    Peer(SMALL, "event-limit-absent", "size.event.over,size.event.within,size.event.within-wide"),
    Peer(SMALL, "json-422", "json.syntax.t*"),
    Peer(SMALL, "json-crash", "errors.status.json,json.syntax.half"),
    Peer(MANY, "batch-event-limit-absent", "size.batch-event.*"),
    Peer(MANY, "traces-in-key-errors", "errors.trace.json,errors.trace.key", Level.SHOULD),
    Peer(MANY, "errors-of-a-framework", "errors.body.*"),
    Peer(MANY, "pixel-key-unchecked", "pixel.data.empty,pixel.key.*"),
    Peer(TEXT_PROFILE, "errors-as-pages", "errors.body.json"),
    Peer(TEXT_PROFILE, "errors-without-words", "errors.body.json"),
    Peer(TEXT_PROFILE, "success-as-page", "accept.answer.*"),
    Peer(SMALL, "success-with-words", "accept.answer.*"),
    Peer(SMALL, "markup-reflected", "errors.html.*", Level.SHOULD),
)
SELECTION_SENT = "accept.text.c*,auth.key.o*,auth.key.t*,pixel.[ek]*,size.event.within-wide,webhook.key.overr*"
"""What shows how requests are written: every script, keys in all places and spellings, and long bodies."""
LIMITED, TAKEN = StubAnswer(status=429, headers=(("Retry-After", "0"),)), StubAnswer(status=204)
IGNORED_HEADERS = {"cache-control", "connection", "host", "postman-token"}
"""Headers that are a client's own."""


@pytest.fixture(scope="module")
def newman(tmp_path_factory: pytest.TempPathFactory) -> Newman:
    """newman, installed once."""
    runner = Newman(tmp_path_factory.mktemp("newman"))
    runner.install()
    return runner


@pytest.fixture(scope="module")
def outcomes(newman: Newman) -> dict[Peer, tuple[CollectionResult, set[str]]]:
    """What newman makes of each peer, and the names of the checks that fail in a run."""
    with ExitStack() as stack:
        urls = [stack.enter_context(reference_server(peer.profile, peer.server)) for peer in PEERS]
        jobs = [
            CollectionRun(collection=export_text(peer.profile, "postman", peer.select, peer.gate), url=url, key=KEY)
            for url, peer in zip(urls, PEERS, strict=True)
        ]
        results = newman.run(jobs)
        judged = [
            names_of_failed_checks(url, peer.profile, peer.select, peer.gate)
            for url, peer in zip(urls, PEERS, strict=True)
        ]
    return dict(zip(PEERS, zip(results, judged, strict=True), strict=True))


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: f"{peer.profile.rpartition('/')[2]}-{peer.server}")
def test_newman_comes_to_the_verdict_of_a_run(
    peer: Peer, outcomes: dict[Peer, tuple[CollectionResult, set[str]]]
) -> None:
    """The same checks fail, by name: none on a correct server, and on a broken one those that notice it."""
    outcome, judged = outcomes[peer]
    fitting = render_export(export_of(peer.profile, peer.select, peer.gate), "postman", VERSION)[1]
    assert outcome.failed_checks == judged & {script.name for script in fitting.checks}, outcome.messages
    if peer.server == "correct":
        assert not outcome.failed
        assert outcome.assertions == outcome.requests == fitting.request_count
    else:
        assert outcome.failed


def test_the_command_of_newman_ends_as_a_run_does(newman: Newman, tmp_path: Path) -> None:
    """Exit code 0 for a correct server, 1 for a broken one, with what was expected and received."""
    place = tmp_path / "checks.json"
    place.write_text(export_text(SMALL, "postman", "auth.key.truncated"), encoding="utf-8")
    for peer, code in (("correct", 0), ("truncated-key-accepted", 1)):
        with reference_server(SMALL, peer) as url:
            variables = ("--env-var", f"baseUrl={url}", "--env-var", f"writeKey={KEY}")
            completed = newman.command("run", str(place), *variables, "--color", "off")
        assert completed.returncode == code, completed.stdout
        assert ("expected 401, received 204" in completed.stdout) is bool(code)


def test_without_a_key_nothing_passes(newman: Newman) -> None:
    """Who forgets the variable is told so by every request, in place of a verdict."""
    with reference_server(SMALL) as url:
        (outcome,) = newman.run(
            [CollectionRun(collection=export_text(SMALL, "postman", "auth.key.truncated"), url=url, key="")]
        )
    assert outcome.requests == 0 or outcome.failed
    assert any("writeKey" in message for message in outcome.messages)


def test_a_429_is_waited_out(newman: Newman) -> None:
    """The request is sent again after the time that it names; a server that never stops fails in the end."""
    collection = export_text(SMALL, "postman", "accept.credentials.basic")
    with recording_server(LIMITED, TAKEN) as once, recording_server(LIMITED) as always:
        jobs = [CollectionRun(collection=collection, url=ear.url, key=KEY) for ear in (once, always)]
        kept, refused = newman.run(jobs)
    assert [len(ear.requests) for ear in (once, always)] == [2, 5]
    assert (kept.assertions, refused.assertions) == (1, 1)
    assert not kept.failed
    assert refused.failed


def test_a_key_without_letters_has_no_other_case(newman: Newman) -> None:
    """The request with the other case is skipped, for the check does not apply; addresses may end in /."""
    key = "1234567890"
    with reference_server(SMALL, key=key) as url:
        collection = export_text(SMALL, "postman", "auth.key.*")
        (outcome,) = newman.run([CollectionRun(collection=collection, url=f"{url}/", key=key)])
    assert not outcome.failed
    assert outcome.assertions == export_of(SMALL, "auth.key.*").request_count - 1


def normalised_request(request: ReceivedRequest) -> tuple[object, ...]:
    """A request as far as it is the suite's."""
    headers = sorted((name.lower(), value) for name, value in request.headers if name.lower() not in IGNORED_HEADERS)
    return request.method, request.path, headers, request.body


def test_newman_sends_the_bytes_of_a_run(newman: Newman) -> None:
    """Addresses, headers and bodies are those of the suite itself, byte by byte, for another key as well."""
    scripts = {script.name: script for script in export_of(MANY, SELECTION_SENT).checks}
    with reference_server(MANY) as url:
        with recording_server(upstream_url=url) as ear:
            newman.run([CollectionRun(collection=export_text(MANY, "postman", SELECTION_SENT), url=ear.url, key=KEY)])
        with recording_server(upstream_url=url) as other:
            asyncio.run(send_scripts(other.url, list(scripts.values())))
    assert len(ear.requests) == sum(len(script.requests) for script in scripts.values()) < MAX_REQUESTS
    assert [normalised_request(item) for item in ear.requests] == [normalised_request(item) for item in other.requests]


async def send_scripts(url: str, scripts: list[ExportedCheck]) -> None:
    """Sends what the checks behind scripts yield, in their order, over the wire of a run."""
    keys = Keys(write_key=KEY)
    known = {trial.name: trial for trial in make_trials(contract(MANY), keys, CHECKS)}
    async with Wire(target=parse_target(url), redactor=Redactor({})) as wire:
        for script in scripts:
            rehearsal = dry_run(
                known[script.name], status_sequence([step.reference_status for step in script.requests])
            )
            for turn in rehearsal.steps:
                assert isinstance(turn.step, Draft)
                await wire.exchange(turn.step.build_request())
