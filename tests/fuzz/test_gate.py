"""Findings below the gate are shown by both commands, and do not change the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.cli import main
from tests.support.broken_servers import broken_application
from tests.targets.options import BEARER, KEY
from tests.targets.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOULD_FAULT, DIALECT = "trace-in-text", "rudderstack"
TITLE = "response leaks server internals"


@pytest.fixture(scope="module")
def leaking_url() -> Iterator[str]:
    """A target that breaks a SHOULD, and no MUST."""
    with serve(broken_application(DIALECT, SHOULD_FAULT)) as url:
        yield url


@pytest.mark.parametrize(("gate", "exit_code"), [("must", 0), ("should", 1), ("may", 1)])
@pytest.mark.parametrize("command", [["fuzz"], ["run", "--select", "fuzz"]], ids=["fuzz", "run"])
def test_a_finding_is_shown_at_every_gate(
    command: list[str], gate: str, exit_code: int, leaking_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """At a stricter gate it fails the command as well."""
    name, *selection = command
    code = main([name, leaking_url, "--profile", DIALECT, "--write-key", KEY, "--bearer", BEARER,
                 *selection, "--fuzz", "600", "--gate", gate])  # fmt: skip
    assert TITLE in " ".join(capsys.readouterr().out.split())
    assert code == exit_code
