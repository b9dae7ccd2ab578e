"""Corpora: the same for the same seed, generated once, and without any key."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from conformance.cases import CHECKS
from conformance.cli import main
from conformance.contract import Contract
from conformance.fuzz import corpus as corpora
from conformance.fuzz.case import case_to_line
from conformance.profile import load
from conformance.profile.facts import AuthScheme
from conformance.requests import Keys
from tests.support.campaigns import crashing_on_any, labelled_cases, run_campaign
from tests.support.scripted_server import OK, ReceivedRequest, answer_always, scripted_server
from tests.targets.dialects import DIALECTS
from tests.targets.options import KEY
from tests.targets.server import serve

if TYPE_CHECKING:
    from pathlib import Path

SMALL = "segmentstream"
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


def test_a_corpus_does_not_depend_on_the_process(tmp_path: Path) -> None:
    """Neither the hash seed nor imported modules change a byte, not even a key in the user's code."""
    program = (
        "from conformance.contract import Contract; from conformance.profile import load\n"
        "from conformance.fuzz import corpus\n"
        "corpus.MIN_STORED_CASES = 600\n"
        f"print(corpus.load_or_generate(Contract(load('{SMALL}')), 5, 600).path)"
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
        with open(completed.stdout.strip(), "rb") as file:  # noqa: PTH123 - a path that was printed
            texts.append(file.read())
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
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in written} == {".json", ".jsonl", ".xml"}
    assert KEY not in output
    assert not any(KEY.encode() in path.read_bytes() for path in written)
    with serve(crashing_on_any()(DIALECTS[SMALL])) as url:
        assert main(["replay", document["id"], url]) == 0
        assert main(["fuzz", url, *arguments]) == 0
        assert main(["run", url, *arguments, "--select", "fuzz"]) == 0
    assert main(["replay", "nosuchfinding"]) == 2
    assert main(["fuzz", "--profile", SMALL, "--fuzz", "0"]) == 2


def test_a_run_without_fuzzing_does_not_import_the_generators() -> None:
    """The checks of fuzzing are registered without them."""
    assert len([item for item in CHECKS if item.area == "fuzz"]) == 9
    names = "'schemathesis' in sys.modules, 'hypothesis' in sys.modules"
    program = f"import conformance.cases, conformance.run.execution, sys; print({names})"
    completed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert completed.stdout.split() == ["False", "False"]
