"""No answer makes the suite fail, whatever is in its body: not as a success, and not as an error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from conformance.cli import main
from tests.hostile.json_bodies import HostileBodies
from tests.targets.behaviour import STANDARD
from tests.targets.dialects import DIALECTS
from tests.targets.options import BEARER, KEY, Options
from tests.targets.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIALECT = "metarouter"
"""The one whose profile promises JSON, with schemas."""
COMMANDS = {
    "run": ("run", "{url}", "--profile", DIALECT, "--select", "accept.event.*,accept.answer.*,batch,errors,sdk"),
    "fuzz": ("fuzz", "{url}", "--profile", DIALECT, "--fuzz", "400", "--max-time", "20"),
    "probe": ("probe", "{url}", "--out", "{place}/probed.yaml", "--max-requests", "400"),
    "diff": ("diff", "{url}", "{url}", "--profile", DIALECT, "--fuzz", "0", "--select", "accept.event.*,errors.body.*"),
}


@pytest.fixture(scope="module")
def hostile() -> Iterator[str]:
    """The address of the server."""
    with serve(HostileBodies(DIALECTS[DIALECT], Options()), STANDARD) as url:
        yield url


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_ends_with_a_result(
    name: str, hostile: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each judges the server, and every report of it can be written and read again."""
    kinds = ("html", "markdown", "junit", "sarif", "ndjson") if name == "run" else ()
    reports = [word for kind in kinds for word in (f"--{kind}", str(tmp_path / kind))]
    arguments = [word.format(url=hostile, place=tmp_path) for word in COMMANDS[name]]
    code = main([*arguments, "--write-key", KEY, "--bearer", BEARER, "--json", str(tmp_path / "r.json"), *reports])
    captured = capsys.readouterr()
    written = "".join(path.read_text(encoding="utf-8") for path in tmp_path.iterdir())
    assert code in {0, 1}, captured.err
    assert "fault of the suite" not in captured.out + captured.err + written
    if name == "run":
        checks = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["checks"]
        assert [(item["id"], item["message"]) for item in checks if item["outcome"] == "error"] == []
        assert main(["report", str(tmp_path / "r.json"), "--html", str(tmp_path / "again.html")]) == 0
        assert main(["compare", str(tmp_path / "r.json"), str(tmp_path / "r.json")]) == 0
