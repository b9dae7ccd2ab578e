"""Without the extra `load`, the command says what to install."""

from __future__ import annotations

import sys

import pytest

from conformance.cli import main


@pytest.mark.parametrize("name", ["locust", "psutil"])
@pytest.mark.parametrize("options", [["http://127.0.0.1:9", "--profile", "segmentstream"], ["--locustfile"]])
def test_what_is_missing_is_named(
    name: str, options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, and exit code 3: nothing can be said of a target."""
    monkeypatch.setitem(sys.modules, name, None)
    assert main(["load", *options]) == 3
    assert "pip install 'ingest-conformance[load]'" in capsys.readouterr().err
