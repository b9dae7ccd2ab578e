"""A probe of correct servers, and a run by what it wrote: green, with nothing to announce."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.probe_runs import check_notes, probe_and_run
from tests.targets.application import Application
from tests.targets.behaviour import BEHAVIOURS
from tests.targets.dialects import DIALECTS
from tests.targets.options import KEY, Options
from tests.targets.server import serve

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("dialect", "behaviour"),
    [
        ("segmentstream", "all-at-once"), ("rudderstack", "strict-http"), ("segmentstream", "close-refused"),
        ("segmentstream", "http10"),
    ],
)  # fmt: skip
def test_correct_servers_of_another_hand_are_green(
    dialect: str, behaviour: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """However they speak HTTP: nothing fails at SHOULD but what HTTP asks for, and there is nothing to announce."""
    with serve(Application(DIALECTS[dialect], Options()), BEHAVIOURS[behaviour]) as url:
        run = probe_and_run(url, KEY, tmp_path, capsys)
    check_notes(run)
    is_announced = BEHAVIOURS[behaviour].announces(refused=False)
    assert run.reds == (set() if is_announced else {"robustness.connection.announced"})
