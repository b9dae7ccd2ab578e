"""Corpora: the same for the same seed, generated once, and without any key."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from conformance.cases import CHECKS
from conformance.cli import main
from conformance.contract import Contract
from conformance.core.resources import cache_dir, profile_names, stored_requests_path
from conformance.fuzz import corpus as corpora
from conformance.fuzz.case import case_to_line
from conformance.fuzz.corpus import shipped_path
from conformance.fuzz.facts_digest import facts_digest
from conformance.fuzz.oracle import Oracle
from conformance.profile import load
from conformance.profile.facts import AuthScheme
from conformance.requests import Keys
from tests.regenerate import hint
from tests.support.campaigns import crashing_on_any, labelled_cases, run_campaign
from tests.support.scripted_server import OK, ReceivedRequest, answer_always, scripted_server
from tests.targets.application import Application
from tests.targets.dialects import DIALECTS
from tests.targets.options import KEY
from tests.targets.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.fuzz.case import Case

SMALL = "segmentstream"
SHIPPED_CASES = 10_000
CANARY = "Canary-Key-7f3a91"


def test_a_corpus_is_generated_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The second run reads the corpus of the first; another seed, more cases or --refresh generate a new one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(corpora, "MIN_STORED_CASES", 1_000)
    contract = Contract(load(SMALL))
    first = corpora.load_or_generate(contract, 3, 900)
    assert first.is_fresh
    assert first.path is not None
    text = first.path.read_bytes()
    again = corpora.load_or_generate(contract, 3, 900)
    assert not again.is_fresh
    assert list(again.cases(500)) == list(first.cases(900))[:500]
    assert {item.origin.value for item in first.cases(900)} == {
        "coverage", "positive", "negative", "strategy", "mutator",
    }  # fmt: skip
    assert corpora.load_or_generate(contract, 3, 900, refresh=True).is_fresh
    assert first.path.read_bytes() == text
    assert corpora.load_or_generate(contract, 4, 300).is_fresh
    assert not corpora.load_or_generate(contract, 3, 1_000).is_fresh
    assert corpora.load_or_generate(contract, 3, 1_100).is_fresh


def without_header(content: bytes) -> bytes:
    """The lines of the cases."""
    return content[content.index(b"\n") + 1 :]


def flip(content: bytes, position: int) -> bytes:
    """The content with one bit changed."""
    place = position % len(content)
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "header only": lambda content: content[: content.index(b"\n") + 1],
    "three lines": lambda content: b"\n".join(content.split(b"\n")[:3]) + b"\n",
    "a cut line": lambda content: content[:-40],
    "no last line break": lambda content: content[:-1],
    "one line less": lambda content: content[: content.rindex(b"\n", 0, -1) + 1],
    "a line twice": lambda content: content + content.split(b"\n")[-2] + b"\n",
    "a flipped bit": lambda content: flip(content, -1_000),
    "a flipped bit in the header": lambda content: flip(content, 10),
    "no header": without_header,
    "another number": lambda content: content.replace(b'"cases": 300', b'"cases": 900', 1),
    "deep": lambda content: b"[" * 100_000 + content,
    "binary": lambda _: bytes(range(256)) * 10,
}


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file of a corpus of 300 cases, which take no time to be generated again."""
    contract = Contract(load(SMALL))
    cases = tuple(corpora.load_or_generate(contract, 3, 300).cases(300))  # may be stored for other tests
    monkeypatch.setattr(corpora, "generate_cases", lambda *_: iter(cases))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = corpora.load_or_generate(contract, 3, 300).path
    assert path is not None
    return path


def test_a_damaged_corpus_is_made_again(stored: Path) -> None:
    """Whatever is wrong with it: a run must not pass for requests that nobody sent."""
    contract, sound = Contract(load(SMALL)), stored.read_bytes()
    for name, damage in DAMAGES.items():
        stored.write_bytes(damage(sound))
        assert stored.read_bytes() != sound, name
        messages: list[str] = []
        again = corpora.load_or_generate(contract, 3, 300, on_generate=messages.append)
        assert again.is_fresh, name
        assert messages == [again.damage] != [""], name
        assert stored.read_bytes() == sound, name
        assert len(list(again.cases(1_000))) == 300, name
    assert not corpora.load_or_generate(contract, 3, 300).is_fresh


def test_what_is_no_file_is_not_read_as_a_corpus(stored: Path, tmp_path: Path) -> None:
    """A link to something endless is replaced, and a directory leaves the corpus unstored."""
    contract, sound = Contract(load(SMALL)), stored.read_bytes()
    stored.unlink()
    os.mkfifo(stored)
    assert corpora.load_or_generate(contract, 3, 300).damage == "it is no regular file"
    for target in ("/dev/zero", str(tmp_path / "missing")):
        stored.unlink()
        stored.symlink_to(target)
        assert corpora.load_or_generate(contract, 3, 300).damage, target
        assert not stored.is_symlink()
    assert stored.read_bytes() == sound
    stored.unlink()
    stored.mkdir()
    unstored = corpora.load_or_generate(contract, 3, 300)
    assert unstored.path is None
    assert len(list(unstored.cases(300))) == 300


def test_half_a_corpus_is_never_stored(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interruption leaves what was there before, and what a killed process left is deleted after a day."""
    sound, contract = stored.read_bytes(), Contract(load(SMALL))
    abandoned, recent = stored.with_name(".conformance-1-a.part"), stored.with_name(".conformance-2-b.part")
    abandoned.write_bytes(b"")
    recent.write_bytes(b"")
    os.utime(abandoned, (0, 0))

    def interrupted(*_: object) -> Iterator[Case]:
        yield from corpora.Corpus(stored, contract, 3).cases(10)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(corpora, "generate_cases", interrupted)
        with pytest.raises(KeyboardInterrupt):
            corpora.load_or_generate(contract, 3, 300, refresh=True)
    assert stored.read_bytes() == sound
    assert {*stored.parent.iterdir()} == {stored, abandoned, recent}
    corpora.load_or_generate(contract, 3, 300, refresh=True)
    assert {*stored.parent.iterdir()} == {stored, recent}


@pytest.mark.parametrize("command", ["run", "fuzz"])
def test_the_command_says_that_a_corpus_was_damaged(
    command: str, stored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The verdicts are those of a whole one."""
    del stored
    words = ["--select", "fuzz"] if command == "run" else []
    arguments = [command, "--profile", SMALL, "--fuzz", "300", "--fuzz-seed", "3", *words]
    with serve(Application(DIALECTS[SMALL])) as url:
        assert main([*arguments[:1], url, "--write-key", KEY, *arguments[1:]]) == 0
        assert "damaged" not in capsys.readouterr().err
        for path in (cache_dir() / "corpora").iterdir():
            path.write_bytes(path.read_bytes()[:3_000])
        assert main([*arguments[:1], url, "--write-key", KEY, *arguments[1:]]) == 0
    message = "the stored requests are damaged, and made again: its requests are not those that were written\n"
    assert message in capsys.readouterr().err


def test_a_corpus_does_not_depend_on_the_process(tmp_path: Path) -> None:
    """Neither the hash seed nor imported modules change a byte, not even a key in the user's code.

    Nor does it leave anything in the user's directory, or need much memory, whatever is cached.
    """
    program = (
        "import sys; from conformance.contract import Contract; from conformance.profile import load\n"
        "from conformance.fuzz import corpus\n"
        "corpus.MIN_STORED_CASES = 600\n"
        f"print(corpus.load_or_generate(Contract(load('{SMALL}')), 5, 600).path)\n"
        "import resource\n"
        "status = open('/proc/self/status', encoding='ascii').read()\n"
        "print(int(status.partition('VmHWM:')[2].split()[0]) // 1024)"
    )
    texts = []
    for number in ("1", "2"):
        home = tmp_path / number
        (home / "code").mkdir(parents=True)
        (home / "code" / "module_with_key.py").write_text(f"KEY = {CANARY * 2!r}\nNUMBER = {number}77123\n")
        completed = subprocess.run(
            [sys.executable, "-c", f"import module_with_key\n{program}"],
            cwd=home / "code", capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": number, "XDG_CACHE_HOME": str(home), "CONFORMANCE_WRITE_KEY": CANARY},
        )  # fmt: skip
        path, most_mib = completed.stdout.split()
        texts.append(Path(path).read_bytes())
        assert int(most_mib) < 180
        assert {item.name for item in (home / "code").iterdir()} <= {"module_with_key.py", "__pycache__"}
    assert texts[0] == texts[1]
    assert CANARY.encode() not in texts[0]


def request_without_key(received: ReceivedRequest, contract: Contract) -> bytes:
    """The bytes of a request without its credentials."""
    lines = [f"{name}: {value}" for name, value in received.headers if name.lower() != "authorization"]
    body = received.body
    parts = urlsplit(received.target)
    query = parse_qs(parts.query, keep_blank_values=True)
    for name, (value, *_) in query.items():
        if contract.has_fact(f"credentials.{AuthScheme.QUERY}") and name == contract.credential_carrier(
            AuthScheme.QUERY
        ):
            continue
        body += base64.b64decode(value)
    if contract.has_fact(f"credentials.{AuthScheme.BODY}"):
        body = body.replace(json.dumps({"writeKey": CANARY}, separators=(",", ":")).encode()[1:-1], b"", 1)
    return "\n".join([parts.path, *lines]).encode() + body


@pytest.mark.parametrize("profile", ["rudderstack", "metarouter"])
def test_the_key_is_where_credentials_belong_and_nowhere_else(profile: str) -> None:
    """Not in any case, not in any other byte that is sent, not in a stored finding."""
    contract, cases = Contract(load(profile)), labelled_cases(profile, 900)
    keys = Keys(write_key=CANARY, bearer=f"{CANARY}-token")
    with scripted_server(answer_always(OK.replace(b"ok", b"no"))) as server:
        result = run_campaign(server.url, profile, cases, keys=keys)
        received = list(server.received)
    assert len(received) >= 800
    forms = {CANARY.encode(), base64.b64encode(f"{CANARY}:".encode())}
    leaking = [item for item in received if any(form in request_without_key(item, contract) for form in forms)]
    assert leaking == []
    assert any(form in f"{item.headers}{item.target}".encode() + item.body for item in received for form in forms)
    kept = "".join(case_to_line(item) for item in cases) + json.dumps([item.as_json() for item in result.findings])
    assert result.findings
    assert not any(form.decode() in kept for form in forms)


def test_the_command_finds_stores_and_replays(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A finding is printed with its id, and its request can be replayed against the same or another target."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CONFORMANCE_WRITE_KEY", KEY)
    report = tmp_path / "findings.json"
    target = crashing_on_any(lambda call: isinstance(call.value, dict) and isinstance(call.value.get("context"), str))
    arguments = ["--profile", SMALL, "--fuzz", "700", "--quiet"]
    with serve(target(DIALECTS[SMALL])) as url:
        assert main(["fuzz", url, *arguments, "--json", str(report)]) == 1
        (document,) = json.loads(report.read_text())["findings"]
        assert main(["replay", document["id"]]) == 1
        reports = ["--json", str(tmp_path / "run.json"), "--junit", str(tmp_path / "run.xml")]
        assert main(["run", url, *arguments, "--select", "fuzz", *reports]) == 1
    output = capsys.readouterr().out
    assert "a text as /context" in output
    assert f"conformance replay {document['id']}" in output
    written = [path for path in tmp_path.rglob("*") if path.is_file() and "hypothesis" not in path.parts]
    assert {path.suffix for path in written} == {".json", ".xml"}
    assert KEY not in output
    assert not any(KEY.encode() in path.read_bytes() for path in written)
    with serve(crashing_on_any()(DIALECTS[SMALL])) as url:
        assert main(["replay", document["id"], url]) == 0
        assert main(["fuzz", url, *arguments]) == 0
        assert main(["run", url, *arguments, "--select", "fuzz"]) == 0
    assert main(["replay", "nosuchfinding"]) == 2
    assert main(["fuzz", "--profile", SMALL, "--fuzz", "0"]) == 2


def test_stored_requests_are_sent_without_the_generators() -> None:
    """The checks of fuzzing are registered without them, and what comes with the suite is read without them."""
    assert len([item for item in CHECKS if item.area == "fuzz"]) == 9
    program = (
        "import conformance.cases, conformance.cli.run, conformance.fuzz.check_results, sys\n"
        "from conformance.contract import Contract; from conformance.profile import load\n"
        "from conformance.fuzz.corpus import load_or_generate\n"
        f"print(len([*load_or_generate(Contract(load('{SMALL}')), 1, 10).cases(10)]))\n"
        "print('schemathesis' in sys.modules, 'hypothesis' in sys.modules, 'jsonschema' in sys.modules)"
    )
    completed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert completed.stdout.split() == ["10", "False", "False", "False"]


WHOLE = [Contract(load(name)) for name in profile_names()]
CONTRACTS = [item for whole in WHOLE for item in (whole, *whole.readings)]
"""The profiles of the suite, by each reading of their documents."""


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda item: shipped_path(item).name.partition(".jsonl")[0])
def test_the_requests_that_come_with_the_suite_are_those_of_the_profile(
    contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are found for the profile as it is, whole, and have the labels that the oracle gives them today."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    corpus = corpora.load_or_generate(contract, 1, SHIPPED_CASES, on_generate=lambda _: pytest.fail(hint("requests")))
    assert corpus.path == shipped_path(contract)
    assert corpus.path.stat().st_size < 250_000
    oracle = Oracle(contract)
    cases = [*corpus.cases(SHIPPED_CASES)]
    assert len(cases) == SHIPPED_CASES
    stale = [item for item in cases[::40] if item.expected_facts != oracle.expected_facts(item)]
    assert not stale, f"{stale[0]}: {hint('requests')}"


def test_a_changed_profile_has_no_shipped_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor has a damaged file; a profile whose sources alone differ has them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    profile = load(SMALL)
    assert facts_digest(Contract(replace(profile, title="Another title"))) == facts_digest(Contract(profile))
    assert facts_digest(Contract(replace(profile, always_required=("/x",)))) != facts_digest(Contract(profile))
    copy = tmp_path / "requests.jsonl.xz"
    sound = stored_requests_path(SMALL).read_bytes()
    monkeypatch.setattr(corpora, "stored_requests_path", lambda _: copy)
    monkeypatch.setattr(corpora, "generate_cases", lambda *_: iter(labelled_cases(SMALL, 50)))
    for content, problem in ((sound[:-2_000], "ended before"), (flip(sound, 5_000), "orrupt"), (b"", "ended before")):
        copy.write_bytes(content)
        corpus = corpora.load_or_generate(Contract(profile), 1, 40, refresh=False)
        assert problem in corpus.damage
        assert corpus.path is not None
        corpus.path.unlink()
