"""The exported collection, run by the real newman: the verdict of a run, and the bytes of a run."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from conformance.cases import CHECKS
from conformance.catalogue import trials
from conformance.export import rendered
from conformance.export.rehearsal import rehearse, scripted
from conformance.payloads import Draft, Keys
from conformance.wire import Redactor, Wire, parse
from tests.exporting import ACME, KEY, MANY, SMALL, VERSION, broken, contract, exported, serving, text
from tests.newman import Job, Newman
from tests.recorder.server import MOST_REQUESTS, Said, listening

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.export import Script
    from tests.newman import Outcome
    from tests.recorder.server import Heard

TEXTS = "rudderstack"
"""A profile whose answers are words."""
PAIRS = (
    (SMALL, "correct", "accept.event.*,accept.answer.*,auth.key.*,json.syntax.n*,size.event.o*"),
    (ACME, "correct", "accept.credentials.*,auth.body-key.*,batch.partly-bad.*,size.batch-event.*"),
    (MANY, "correct", "batch.list.*,errors.body.*,errors.trace.key,pixel.data.*,webhook.key.*"),
    (SMALL, "truncated-key-accepted", "auth.key.*"),
    (SMALL, "event-limit-absent", "size.event.over,size.event.over-wide,size.event.within"),
    (SMALL, "json-422", "json.syntax.t*"),
    (SMALL, "json-crash", "errors.status.json,json.syntax.half"),
    (MANY, "batch-event-limit-absent", "size.batch-event.*"),
    (MANY, "traces-in-key-errors", "errors.trace.json,errors.trace.key"),
    (MANY, "errors-of-a-framework", "errors.body.*"),
    (MANY, "pixel-key-unchecked", "pixel.data.empty,pixel.key.*"),
    (TEXTS, "errors-as-pages", "errors.body.json"),
    (TEXTS, "errors-without-words", "errors.body.json"),
    (TEXTS, "success-as-page", "accept.answer.*"),
    (SMALL, "success-with-words", "accept.answer.*"),
    (SMALL, "markup-reflected", "errors.html.*"),
)
SENT = "accept.text.c*,auth.key.o*,auth.key.t*,pixel.[ek]*,size.event.over-wide,webhook.key.overr*"
"""What shows how requests are written: every script, keys in all places and spellings, and long bodies."""
LIMITED, TAKEN = Said(status=429, headers=(("Retry-After", "0"),)), Said(status=204)
UNHEARD = {"cache-control", "connection", "host", "postman-token"}
"""Headers that are a client's own."""


@pytest.fixture(scope="module")
def newman(tmp_path_factory: pytest.TempPathFactory) -> Newman:
    """newman, installed once."""
    found = Newman(tmp_path_factory.mktemp("newman"))
    found.install()
    return found


@pytest.fixture(scope="module")
def outcomes(newman: Newman) -> dict[tuple[str, str, str], tuple[Outcome, set[str]]]:
    """What newman makes of each pair, and the names of the checks that fail in a run."""
    with ExitStack() as stack:
        urls = [stack.enter_context(serving(profile, peer)) for profile, peer, _ in PAIRS]
        jobs = [
            Job(collection=text(profile, "postman", select), url=url, key=KEY)
            for url, (profile, _, select) in zip(urls, PAIRS, strict=True)
        ]
        found = newman.run(jobs)
        judged = [broken(url, profile, select) for url, (profile, _, select) in zip(urls, PAIRS, strict=True)]
    return dict(zip(PAIRS, zip(found, judged, strict=True), strict=True))


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0].rpartition('/')[2]}-{pair[1]}")
def test_newman_comes_to_the_verdict_of_a_run(
    pair: tuple[str, str, str], outcomes: dict[tuple[str, str, str], tuple[Outcome, set[str]]]
) -> None:
    """The same checks fail, by name: none on a correct server, and on a broken one those that notice it."""
    profile, peer, select = pair
    outcome, judged = outcomes[pair]
    fitting = rendered(exported(profile, select), "postman", VERSION)[1]
    assert outcome.checks == judged & {script.name for script in fitting.scripts}, outcome.messages
    if peer == "correct":
        assert not outcome.failed
        assert outcome.assertions == outcome.requests == fitting.requests
    else:
        assert outcome.failed


def test_the_command_of_newman_ends_as_a_run_does(newman: Newman, tmp_path: Path) -> None:
    """Exit code 0 for a correct server, 1 for a broken one, with what was expected and received."""
    place = tmp_path / "checks.json"
    place.write_text(text(SMALL, "postman", "auth.key.truncated"), encoding="utf-8")
    for peer, code in (("correct", 0), ("truncated-key-accepted", 1)):
        with serving(SMALL, peer) as url:
            variables = ("--env-var", f"baseUrl={url}", "--env-var", f"writeKey={KEY}")
            done = newman.command("run", str(place), *variables, "--color", "off")
        assert done.returncode == code, done.stdout
        assert ("expected 401, received 204" in done.stdout) is bool(code)


def test_without_a_key_nothing_passes(newman: Newman) -> None:
    """Who forgets the variable is told so by every request, in place of a verdict."""
    with serving(SMALL) as url:
        (outcome,) = newman.run(
            [Job(collection=text(SMALL, "postman", "auth.key.truncated"), url=url, key="")]
        )
    assert outcome.requests == 0 or outcome.failed
    assert any("writeKey" in message for message in outcome.messages)


def test_a_429_is_waited_out(newman: Newman) -> None:
    """The request is sent again after the time that it names; a server that never stops fails in the end."""
    collection = text(SMALL, "postman", "accept.credentials.basic")
    with listening(LIMITED, TAKEN) as once, listening(LIMITED) as always:
        jobs = [Job(collection=collection, url=ear.url, key=KEY) for ear in (once, always)]
        kept, refused = newman.run(jobs)
    assert [len(ear.heard) for ear in (once, always)] == [2, 5]
    assert (kept.assertions, refused.assertions) == (1, 1)
    assert not kept.failed
    assert refused.failed


def test_a_key_without_letters_has_no_other_case(newman: Newman) -> None:
    """The request with the other case is skipped, for the check does not apply; addresses may end in /."""
    key = "1234567890"
    with serving(SMALL, key=key) as url:
        collection = text(SMALL, "postman", "auth.key.*")
        (outcome,) = newman.run([Job(collection=collection, url=f"{url}/", key=key)])
    assert not outcome.failed
    assert outcome.assertions == exported(SMALL, "auth.key.*").requests - 1


def written(heard: Heard) -> tuple[object, ...]:
    """A request as far as it is the suite's."""
    headers = sorted((name.lower(), value) for name, value in heard.headers if name.lower() not in UNHEARD)
    return heard.method, heard.path, headers, heard.body


def test_newman_sends_the_bytes_of_a_run(newman: Newman) -> None:
    """Addresses, headers and bodies are those of the suite itself, byte by byte, for another key as well."""
    scripts = {script.name: script for script in exported(MANY, SENT).scripts}
    with serving(MANY) as url:
        with listening(beyond=url) as ear:
            newman.run([Job(collection=text(MANY, "postman", SENT), url=ear.url, key=KEY)])
        with listening(beyond=url) as other:
            asyncio.run(sent(other.url, list(scripts.values())))
    assert len(ear.heard) == sum(len(script.steps) for script in scripts.values()) < MOST_REQUESTS
    assert [written(item) for item in ear.heard] == [written(item) for item in other.heard]


async def sent(url: str, scripts: list[Script]) -> None:
    """Sends what the checks behind scripts yield, in their order, over the wire of a run."""
    keys = Keys(write_key=KEY)
    known = {trial.name: trial for trial in trials(contract(MANY), keys, CHECKS)}
    async with Wire(target=parse(url), redactor=Redactor({})) as wire:
        for script in scripts:
            found = rehearse(known[script.name], scripted([step.answered for step in script.steps]))
            for turn in found.turns:
                assert isinstance(turn.message, Draft)
                await wire.exchange(turn.message.request())
