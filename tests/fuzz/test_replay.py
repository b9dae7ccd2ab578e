"""Replaying a finding fails closed: only a target that accepts ordinary requests is said not to fail."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from conformance.cli import main
from conformance.core.model import Level
from conformance.fuzz.finding import Finding, load_finding, save_finding
from conformance.fuzz.judge import FailureKind
from tests.support.campaigns import crashing_on_any, labelled_cases, run_campaign
from tests.support.scripted_server import answer_always, scripted_server
from tests.targets.behaviour import STANDARD
from tests.targets.dialects import DIALECTS
from tests.targets.options import KEY
from tests.targets.server import serve

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = "segmentstream"
ANSWERS = {
    "closes": b"",
    "no HTTP": b"220 mail ready\r\n",
    "401": b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
    "302": b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
    "404": b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
    "500": b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
    "429": b"HTTP/1.1 429 No\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n",
}
_CRASHING = crashing_on_any(lambda call: isinstance(call.value, dict) and isinstance(call.value.get("context"), str))


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CONFORMANCE_WRITE_KEY", KEY)


def _saved_finding(url: str) -> Finding:
    """The finding of a target that crashes on a text as context."""
    (finding,) = run_campaign(url, PROFILE, labelled_cases(PROFILE, 700)).findings
    save_finding(finding)
    return finding


def test_a_target_that_accepts_nothing_is_not_said_to_be_mended(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever it answers to everything; one that accepts the ordinary requests is judged."""
    with serve(_CRASHING(DIALECTS[PROFILE])) as url:
        finding = _saved_finding(url)
        assert main(["replay", finding.id]) == 1
    codes = {}
    for name, answer in ANSWERS.items():
        with scripted_server(answer_always(answer)) as server:
            codes[name] = main(["replay", finding.id, server.url, "--deadline", "2"])
    assert codes == dict.fromkeys(ANSWERS, 3)
    assert "does not fail" not in capsys.readouterr().out
    with serve(crashing_on_any()(DIALECTS[PROFILE])) as url:
        assert main(["replay", finding.id, url]) == 0


def test_a_finding_is_of_its_target() -> None:
    """A second target with the same defect has a finding of its own, and each is replayed where it was found."""
    with contextlib.ExitStack() as stack:
        first = _saved_finding(stack.enter_context(serve(_CRASHING(DIALECTS[PROFILE]))))
        with serve(_CRASHING(DIALECTS[PROFILE])) as url:
            second = _saved_finding(url)
        assert first.id != second.id
        assert json.loads(first.case.body) == json.loads(second.case.body)
        assert main(["replay", first.id]) == 1
        assert main(["replay", second.id]) == 3


def test_a_defect_below_the_gate_is_shown_and_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    """With its requests as they are sent, and without the key."""
    with serve(_CRASHING(DIALECTS[PROFILE])) as url:
        (finding,) = run_campaign(url, PROFILE, labelled_cases(PROFILE, 700)).findings
        weaker = replace(finding, level=Level.SHOULD, failure_kind=FailureKind.BREAKS_LATER_REQUESTS)
        save_finding(weaker)
        capsys.readouterr()
        codes = [main(["replay", weaker.id, "--gate", gate]) for gate in ("must", "should")]
    shown = capsys.readouterr().out
    assert codes == [0, 1]
    assert "POST /track HTTP/1.1\n" in re.sub(" +\n", "\n", shown)
    assert "Authorization: Basic base64($CONFORMANCE_WRITE_KEY:)" in shown
    assert "below the gate" in shown


def test_a_key_in_the_url_is_neither_stored_nor_lost() -> None:
    """The stored URL has a placeholder, and replay puts the key in its place."""
    with serve(_CRASHING(DIALECTS[PROFILE]), replace(STANDARD, prefix=f"/{KEY}")) as url:
        finding = _saved_finding(url)
        assert main(["replay", finding.id]) == 1
    stored = json.dumps(load_finding(finding.id).as_json())
    assert KEY not in stored
    assert finding.url.endswith("/$CONFORMANCE_WRITE_KEY")
